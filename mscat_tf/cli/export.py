"""`mscat export`: a trained network for programs that know nothing of this package."""

from pathlib import Path

from mscat_tf.cli.console import out, quiet_start
from mscat_tf.cli.stages import find, start_tensorflow
from mscat_tf.errors import ConfigError
from mscat_tf.presets.library import load_preset
from mscat_tf.run_folder import load_run


def export(path: Path | None, preset: str | None, format: str, target: Path | None) -> None:
    """Write a trained network as a SavedModel or an ONNX file, and print what was found by checking it.

    Args:
        path: run folder, or None for a preset. preset: its name. format: see `mscat_tf.inference.export.FORMATS`.
        target: file or folder; default in the run folder, for a preset `NAME-model.onnx` or `NAME-saved_model/` here.

    Raises:
        ConfigError: no such format or preset, or not one network was named.
    """
    if (path is None) == (preset is None):
        raise ConfigError("mscat export: name the folder of a run or a preset (--preset NAME), not both")
    run = load_preset(preset) if preset is not None else load_run(str(path)).need_finished()
    start_tensorflow()
    formats = find("mscat_tf.inference.export", "train").FORMATS
    if format not in formats:
        raise ConfigError(f"--format {format}: networks cannot be written so; choose from {', '.join(formats)}")
    if preset is not None and target is None:
        target = Path(f"{preset}-{formats[format]}")
    with quiet_start():  # TensorFlow greets again when it converts
        written, difference = run.export(format, target)
    out.print(f"{written}: answers as Keras does, scores differ by at most {difference:.1g}", soft_wrap=True)
