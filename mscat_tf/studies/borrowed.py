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
    origin = {"data_digest": data_digest, "trained_as": str(trained.path)}
    files = [trained.path / name for name in ("training.json", "repeats.json")] + [trained.model_file]
    newer = [file for file in files if file.is_file() and not _same(file, folder / file.name)]
    described = _described(config, folder, origin)
    if newer or not described:
        (folder / "metrics.json").unlink(missing_ok=True)  # first: who is interrupted leaves none of another network
    for file in newer:
        with atomic_path(folder / file.name) as temporary:
            shutil.copy2(file, temporary)
    if not described:
        write_text(folder / "config.yaml", config.to_yaml())
        write_json(folder / "environment.json", {**environment(), **origin})


def _same(source: Path, copy: Path) -> bool:
    return copy.is_file() and copy.stat().st_mtime == source.stat().st_mtime


def _described(config: Config, folder: Path, origin: dict[str, str]) -> bool:
    """Whether `config.yaml` and `environment.json` are there and as they should be."""
    made = folder / "environment.json"
    if not made.is_file() or (folder / "config.yaml").read_text() != config.to_yaml():
        return False
    before = json.loads(made.read_text())
    return {name: before[name] for name in origin} == origin
