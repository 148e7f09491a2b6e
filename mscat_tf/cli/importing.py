"""`mscat import`: samples of others into the schema of this project."""

from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, duration, out
from mscat_tf.cli.stages import find
from mscat_tf.config.cluster import load_cluster
from mscat_tf.config.importing import ImportSettings, load_import
from mscat_tf.errors import ConfigError
from mscat_tf.run_folder import DATA

YAML = (".yaml", ".yml")


def settings_of(
    format: str, files: list[str], config: Path | None, name: str | None, process: dict[str, Any], overrides: list[str]
) -> ImportSettings:
    """Settings from the command line, from a YAML file, or from both.

    Args:
        format, files: what to import; a single YAML file is taken for the configuration.
        config: YAML of `ImportSettings`. name: of the sample, where the YAML gives none.
        process: `name` and settings of `ImportedProcess`, each None where not given.
        overrides: `section.key=value`.
    """
    if config is None and len(files) == 1 and Path(files[0]).suffix in YAML:
        config, files = Path(files[0]), []
    where, given = f"mscat import {format}", {key: value for key, value in process.items() if value is not None}
    if not files and config is None:
        raise ConfigError(f"{where}: nothing to import; name files, or a YAML file that lists them")
    if given and "name" not in given:
        raise ConfigError(
            f"{where}: --label, --cross-section and --k-factor are settings of a process; name it with --process NAME"
        )
    if given and not files:
        raise ConfigError(f"{where}: --process goes with files, but {config} lists its own; leave --process out")
    if name is None and config is None:
        raise ConfigError(f"{where}: the folder of the sample is not given; add --out data/NAME")
    return load_import(format, config, files, given or None, name, overrides)


def import_files(
    settings: ImportSettings,
    folder: Path | None,
    workers: int | None,
    scheduler: str | None,
    cluster: str | None,
    memory: str | None,
) -> None:
    """Import into a folder, by default `data/NAME`; print notes and a summary.

    Args:
        settings, folder: what, and where to. workers, scheduler, cluster, memory: as for `generate`.
    """
    importer = find("data_prep.importers.run", "generate")
    folder = folder or DATA / settings.name
    batch_system = load_cluster(cluster) if cluster else None
    where = {"workers": workers, "scheduler": scheduler, "cluster": batch_system, "memory": memory}
    with Reporter("importing", 0, "entries") as reporter:

        def show(progress: Any) -> None:
            reporter.total = progress.total
            reporter.update(progress.entries, f"{progress.events} selected")

        summary = importer.import_sample(settings, folder, progress=show, **where)
    for note in summary.notes:
        out.print(f"note: {note}", soft_wrap=True)
    out.print(
        f"sample: {folder}, {summary.events} selected events; {summary.entries} entries named, {summary.made} shards "
        f"read now, {summary.kept} were there; {duration(summary.seconds)} with {summary.workers} worker(s)",
        soft_wrap=True,
    )
