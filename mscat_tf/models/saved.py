"""Networks as Keras stored them, loaded without running code that the file may hold."""

import zipfile
from pathlib import Path

import keras

from mscat_tf.errors import InputError
from mscat_tf.models import registry  # noqa: F401  registers the layers that the file names
from mscat_tf.plausible_size import archive_problem


def load_network(path: Path, advice: str) -> keras.Model:
    """The network of a `.keras` file, not compiled.

    Raises:
        InputError: the file is missing, damaged, unpacks to an absurd size, or holds code; `advice` ends the sentence.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            problem = archive_problem(archive)
    except (OSError, zipfile.BadZipFile) as error:
        problem = str(error)
    if problem is None:
        try:
            return keras.models.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises nearly every class there is, some with many lines
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0]
    raise InputError(f"{path}: cannot be loaded ({problem}); {advice}")
