"""A run folder for networks that were trained in another one: rows of a study with `trained_as` are evaluated here."""

import json
import shutil
from pathlib import Path

from mscat_tf.config import Config
from mscat_tf.data import Sample
from mscat_tf.files import atomic_path, make_folder, remove_leftovers, write_json, write_text
from mscat_tf.provenance import environment
from mscat_tf.run_folder import Run, member_names, sample_path


def borrowed_run(trained: Run, config: Config, folder: Path) -> Run:
    """Copies of what was trained, with the settings by which it is to be evaluated; renewed where they are older.

    Args:
        trained: finished. config: that of `trained` but for `name`, `data` and `sample`. folder: `runs/<name>`.

    Raises:
        InputError: the training is not finished, or there is no such sample. OutputError: `folder` cannot be written.
    """
    with Sample(sample_path(config)) as sample:
        data_digest = sample.digest
    trained.need_finished()
    for name in member_names(config):
        own = config.updated([f"name={config.name}-{name}", f"seed={name.rpartition('-')[2]}", "train.repeats=1"])
        _copy(Run(trained.path / name), own, folder / name, data_digest)
    _copy(trained, config, folder, data_digest)
    return Run(folder)


def _copy(trained: Run, config: Config, folder: Path, data_digest: str) -> None:
    make_folder(folder)
    remove_leftovers(folder)
    files = [trained.path / name for name in ("training.json", "repeats.json")] + [trained.model_file]
    changed = _described(config, folder, data_digest, trained)
    for source in (file for file in files if file.is_file()):
        copy = folder / source.name
        if not copy.is_file() or copy.stat().st_mtime != source.stat().st_mtime:
            changed = True
            with atomic_path(copy) as temporary:
                shutil.copy2(source, temporary)
    if changed:
        (folder / "metrics.json").unlink(missing_ok=True)


def _described(config: Config, folder: Path, data_digest: str, trained: Run) -> bool:
    """Write `config.yaml` and `environment.json` where they are not as they should be; whether they were not."""
    made, text = folder / "environment.json", config.to_yaml()
    wanted = {"data_digest": data_digest, "trained_as": str(trained.path)}
    if made.is_file() and (folder / "config.yaml").read_text() == text:
        before = json.loads(made.read_text())
        if {name: before[name] for name in wanted} == wanted:
            return False
    write_text(folder / "config.yaml", text)
    write_json(made, {**environment(), **wanted})
    return True
