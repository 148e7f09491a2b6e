"""The folder of a run as a training finds or makes it: never that of other settings or other events."""

from pathlib import Path
from typing import Any

import yaml

from mscat_tf.config import Config
from mscat_tf.errors import OutputError
from mscat_tf.files import make_folder, read_json, remove_leftovers, write_json, write_text
from mscat_tf.provenance import environment
from mscat_tf.run_folder import Run, has_run


def start_run(config: Config, folder: Path, data_digest: str) -> Run:
    """Make or re-open the folder of a run; a folder that another configuration made is never touched.

    Args:
        config: resolved. folder: `runs/<name>`. data_digest: identifies the events.

    Raises:
        OutputError: the folder belongs to other settings or other events, or cannot be written.
    """
    make_folder(folder)
    remove_leftovers(folder)
    if has_run(folder):
        _refuse_other(folder, config, data_digest)
        return Run(folder)
    write_json(folder / "environment.json", {**environment(), "data_digest": data_digest})
    write_text(folder / "config.yaml", yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    return Run(folder)


def _refuse_other(folder: Path, config: Config, data_digest: str) -> None:
    old, new = (each.decisive() for each in (Run(folder).config, config))
    for settings in (old, new):
        del settings["sample"]  # what it made has a digest, below
    advice = "choose another `name`, or delete the folder"
    if old != new:
        was, now = first_difference(old, new)
        raise OutputError(f"{folder}: made with other settings ({was}, now {now}); {advice}")
    recorded = read_json(folder / "environment.json").get("data_digest")
    if recorded != data_digest:
        raise OutputError(f"{folder}: was trained on other events (sample {recorded}, now {data_digest}); {advice}")


def first_difference(before: Any, now: Any, place: str = "") -> tuple[str, Any]:
    """Of two settings that differ: `a.b was X` of the first place where they do, and what stands there now.

    >>> first_difference({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}})
    ('a.c was 2', None)
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            if before.get(key) != now.get(key):
                return first_difference(before.get(key), now.get(key), f"{place}.{key}" if place else key)
    return f"{place} was {before}", now
