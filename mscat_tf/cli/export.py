"""`mscat export`: a trained network for programs that know nothing of this package."""

from pathlib import Path

from mscat_tf.cli.console import out, quiet_start
from mscat_tf.cli.stages import find, start_tensorflow
from mscat_tf.errors import ConfigError
from mscat_tf.run_folder import load_run


def export(path: Path, format: str, target: Path | None) -> None:
    """Write the network of a finished run as a SavedModel or an ONNX file, and print what was found by checking it.

    Raises:
        ConfigError: no such format.
    """
    run = load_run(path).need_finished()
    start_tensorflow()
    formats = find("mscat_tf.inference.export", "train").FORMATS
    if format not in formats:
        raise ConfigError(f"--format {format}: networks cannot be written so; choose from {', '.join(formats)}")
    with quiet_start():  # TensorFlow greets again when it converts
        written, difference = run.export(format, target)
    out.print(f"{written}: answers as Keras does, scores differ by at most {difference:.1g}", soft_wrap=True)
