"""Commands about what trained networks answer, and those that ship. Signatures alone; each imports its work."""

from pathlib import Path
from typing import Annotated

import typer

from mscat_tf.cli.options import Configuration, Preset, Set


def presets(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show the model card of this one.")] = None,
    copy: Annotated[Path | None, typer.Option(help="Instead: copy it to this folder, as a run of your own.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Instead: compare its answers with those recorded.")] = False,
) -> None:
    """Networks that ship trained, for `mscat predict --preset NAME`; their model cards (docs/presets.md)."""
    from mscat_tf.cli import presets as command

    command.show(name, copy, check)


def make_preset(
    config: Configuration,
    settings: Set = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Gets the folder NAME with the preset.")] = Path(
        "presets"
    ),
) -> None:
    """Train and evaluate a network, and keep what answering needs, with a model card -> presets/NAME/. Resumes."""
    from mscat_tf.cli import presets as command

    command.make(config, settings or [], out)


def predict(
    network: Annotated[
        Path | None,
        typer.Argument(metavar="RUN|FILE.onnx", help="Run folder, or exported network; not with --preset."),
    ] = None,
    events: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE|FOLDER", help="Sample file or folder; files of Delphes; others with --import."),
    ] = None,
    preset: Preset = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write: .h5, .parquet or .root; default: scores-NAME.h5 beside the network."),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="keras (default of a run), or onnx: onnxruntime, without TensorFlow for FILE.onnx."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Events at a time.")] = 512,
    format: Annotated[
        str | None, typer.Option("--import", metavar="FORMAT", help="Import first: a FORMAT of `mscat import`.")
    ] = None,
    mass_hypothesis: Annotated[
        float | None, typer.Option(min=0.0, help="m_H [GeV] of all events, for a network that reads it.")
    ] = None,
    friend_of: Annotated[
        Path | None, typer.Option(metavar="FILE.root", help="Imported file: write a friend of its tree.")
    ] = None,
) -> None:
    """Scores of any sample, streaming -> HDF5, Parquet or ROOT."""
    from mscat_tf.cli import predict as command

    chosen, files = command.chosen(preset, network, events or [])
    command.predict(chosen, files, out, backend, batch, format, mass_hypothesis, friend_of)


def export(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run; not with --preset.")] = None,
    preset: Preset = None,
    format: Annotated[str, typer.Option(help="onnx or saved_model.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="File or folder; default: model.onnx or saved_model/ in RUN.")
    ] = None,
) -> None:
    """Write a network for other programs, normalisation inside, checked against Keras."""
    from mscat_tf.cli import export as command

    command.export(run, preset, format, out)
