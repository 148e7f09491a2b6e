"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Configuration = Annotated[
    str, typer.Argument(metavar="CONFIG", help="YAML file, or the name of a shipped one: demo, smoke.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, e.g. runs/demo-mscat.")]
Preset = Annotated[
    str | None, typer.Option(metavar="NAME", help="Instead of a run: a network that ships, see `mscat presets`.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, e.g. --set train.epochs=5; may be repeated."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved configuration and stop.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: all cores.")]
Scheduler = Annotated[str | None, typer.Option(help="Address of a running dask scheduler, instead of local workers.")]
Cluster = Annotated[
    str | None, typer.Option(metavar="slurm|htcondor|FILE", help="Batch system: its kind, or a YAML file about it.")
]
Memory = Annotated[str | None, typer.Option(help="Most memory of one worker, e.g. 2GiB.")]
LogicalDevices = Annotated[
    int | None, typer.Option(min=1, help="Split the first device into this many, to exercise replication.")
]
Events = Annotated[int | None, typer.Option(min=1, help="Selected events of the sample (also names it).")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs at most (also names the runs).")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of sample and training (also names them).")]
