"""Settings of a batch system. They decide where a sample is made and never what is in it, so no sample records them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, ValidationError

from mscat_tf.config.base import Settings, as_config_error, parse_yaml
from mscat_tf.errors import ConfigError

Kind = Literal["slurm", "htcondor"]
KINDS: tuple[Kind, ...] = ("slurm", "htcondor")


class ClusterSettings(Settings):
    """One batch system, reached through dask-jobqueue. What is left out comes from dask's own configuration.

    Attributes:
        kind: of the batch system.
        cores: of one batch job; each runs one worker.
        memory: of one batch job, shared equally by its workers, e.g. `16GiB`.
        walltime: of one batch job, `HH:MM:SS` (SLURM). Jobs that end are submitted again while there is work.
        queue, account: of the batch system (SLURM: partition and account).
        disk: of one batch job (HTCondor asks for it).
        interface: network interface that workers reach this machine through, e.g. `ib0`.
        directives: further lines of the submit file: SLURM `--constraint=haswell`, HTCondor `+MaxRuntime = 3600`.
        prologue: shell lines before a worker starts, e.g. `module load python`.
        log_folder: where the batch system puts the output of its jobs.
    """

    kind: Kind
    cores: PositiveInt = 1
    memory: Annotated[str, Field(pattern=r"^[0-9.]+ ?[kMGT]i?B$")] = "2GiB"
    walltime: Annotated[str, Field(pattern=r"^([0-9]+-)?[0-9]{1,3}:[0-9]{2}:[0-9]{2}$")] | None = None
    queue: str | None = None
    account: str | None = None
    disk: str = "1GiB"
    interface: str | None = None
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    log_folder: str | None = None


def load_cluster(source: str) -> ClusterSettings:
    """Settings from a YAML file, or those that need none where `source` is a kind.

    Raises:
        ConfigError: neither a kind nor a readable YAML file, or a setting is wrong.
    """
    if source in KINDS:
        return ClusterSettings(kind=source)
    try:
        text = Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--cluster {source}: neither {' nor '.join(KINDS)} nor a YAML file that can be read "
            f"({error.__class__.__name__}); see docs/scale_events.md"
        ) from error
    try:
        return ClusterSettings.model_validate(parse_yaml(text, source))
    except ValidationError as error:
        raise as_config_error(error, source) from error
