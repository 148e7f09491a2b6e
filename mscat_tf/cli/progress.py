"""Progress of a training, as a Keras callback."""

from typing import Any, Self

import keras

from mscat_tf.cli.console import Reporter


class TrainingProgress(keras.callbacks.Callback):
    """Steps, rate, time left, and the last validation AUC.

    Args:
        title: name of the run. epochs: at most.
    """

    def __init__(self, title: str, epochs: int) -> None:
        super().__init__()
        self.title, self.epochs = title, epochs
        self._reporter: Reporter | None = None
        self._done, self._detail = 0, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reporter is not None:
            self._reporter.__exit__()

    @property
    def begun(self) -> bool:
        """Whether there was anything to train."""
        return self._reporter is not None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the bar where the training starts or resumes; its clock starts with the first step, after tracing."""
        self._done = int((logs or {}).get("step", 0))
        self._reporter = Reporter(f"training {self.title}", self.epochs * self.params["steps"], "steps").__enter__()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Some steps further."""
        self._done = int((logs or {}).get("step", self._done + 1))
        if self._reporter is not None:
            self._reporter.update(self._done, self._detail)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the validation AUC."""
        if logs:
            self._detail = f"epoch {epoch + 1}, validation AUC {logs['val_auc']:.4f}"
