"""Scalars of every epoch for TensorBoard; resuming continues the same curves."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from mscat_tf.errors import OutputError


class TensorBoardScalars(keras.callbacks.Callback):
    """Write each number in `logs` after every epoch.

    Keras' own TensorBoard callback expects to live inside `fit` (step counters of the trainer); this one does not.

    Args:
        folder: `runs/<name>/tensorboard`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._writer: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open the event file; raise OutputError where the folder cannot be written."""
        with self._own_errors():
            self._writer = tf.summary.create_file_writer(str(self.folder))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write one point per scalar; raise OutputError where the disk is full."""
        with self._own_errors():
            with self._writer.as_default(step=epoch + 1):
                for name, value in (logs or {}).items():
                    if name != "epoch":
                        tf.summary.scalar(name, value)
            self._writer.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Close the event file."""
        self._writer.close()

    @contextlib.contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            what = error.message.partition("}}")[2].strip() or error.message
            raise OutputError(
                f"{self.folder}: cannot be written ({what}); free space and repeat the command, which resumes"
            ) from error
