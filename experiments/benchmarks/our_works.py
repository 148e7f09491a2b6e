"""What `training.py` measures of ours: training steps and forward passes of one network, each by the product's code."""

import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarks.interleaved import Turn, timed
from mscat_tf.config import DataSettings, ModelSettings, TrainSettings
from mscat_tf.inference.export import export
from mscat_tf.inference.keras_network import forward
from mscat_tf.models import registry
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.precision import precision
from mscat_tf.training.optimizer import make_optimizer
from mscat_tf.training.step import TrainingStep
from mscat_tf.training.strategy import make_strategy

Work = Callable[[], Any]
Arrays = dict[str, Any]


def made_up_events(number: int, constituents: int) -> Arrays:
    """Inputs by name, `label` and `share`, of events as full as ours: 57 +- 18 constituents a jet, the hardest kept."""
    rng = np.random.default_rng(1)
    found: Arrays = {"kinematics": rng.lognormal(3.0, 1.0, (number, 3, 6))}
    for jet in (1, 2):
        counts = np.clip(rng.normal(57.0, 18.0, (number, 1)).astype(int), 1, constituents)
        found[f"mask_{jet}"] = mask = np.arange(constituents) < counts
        found[f"constituents_{jet}"] = np.where(mask[..., None], rng.normal(size=(*mask.shape, 4)), 0.0)
    found |= {"label": rng.integers(0, 2, number), "share": np.full(number, 1.0)}
    return {name: values if values.dtype == bool else values.astype("float32") for name, values in found.items()}


class OurWorks:
    """One network, its events in memory, and what can be done with them.

    Args:
        settings: of the network. events: of `made_up_events`. batch: events of each call. train: of the training.
        threads: of onnxruntime; 0 leaves it the choice.

    Attributes:
        prepared: by work, the seconds that its first call took, compilation included.
    """

    def __init__(self, settings: ModelSettings, events: Arrays, batch: int, train: TrainSettings, threads: int) -> None:
        self.settings, self.batch, self.train, self.threads = settings, batch, train, threads
        self.events = {**events, "share": events["share"] / np.float32(batch)}
        self.strategy = make_strategy(train)
        self.model = self.build("float32")
        self.prepared: dict[str, float] = {}
        self._turns: dict[str, Turn] = {}

    @property
    def inputs(self) -> Arrays:
        """Inputs by name, all events."""
        return {name: values for name, values in self.events.items() if name not in ("label", "share")}

    def logits(self) -> Any:
        """Of all events, `(events,)`."""
        whole = forward(self.model, self.batch)
        return np.concatenate([whole(self._batch(np.asarray, first)[0]) for first in self._firsts()])

    def build(self, kind: str) -> keras.Model:
        """A network with the same weights every time: random ones, also where training begins with 0 or 1."""
        keras.utils.set_random_seed(1)
        with self.strategy.scope(), precision(kind):
            sizes = InputSpecification(constituents=self.events["mask_1"].shape[1])
            model = registry.build(self.settings, sizes)
        rng = np.random.default_rng(2)
        for weight in model.trainable_variables:
            size = 0.05 if len(weight.shape) == 1 else 0.3 / np.sqrt(weight.shape[0])
            weight.assign(weight + size * rng.normal(size=weight.shape))
        return model

    def training(self, xla: bool = False, kind: str = "float32") -> Work:
        """One step of `TrainingStep`, as `mscat train` takes it; waits for its loss."""
        train = self.train.model_copy(update={"xla": xla})
        with self.strategy.scope():
            model, optimizer = self.build(kind), make_optimizer(train)
        step = TrainingStep(self.strategy, model, optimizer, train)
        batches = cycle([self._batch(tf.constant, first) for first in self._firsts()])

        def work() -> None:
            if not step(next(batches), train.learning_rate).sound:
                raise ValueError("our loss is not finite")

        return work

    def traced(self, xla: bool = False, kind: str = "float32", batch: int = 0) -> Work:
        """Logits by a traced function, as `mscat predict` takes them, from arrays to arrays."""
        model = self.model if kind == "float32" else self.build(kind)
        return self._of_arrays(forward(model, batch or self.batch, xla), batch)

    def keras_call(self, batch: int = 0) -> Work:
        """The model as a function, operation by operation."""
        return self._of_arrays(lambda inputs: np.asarray(self.model(inputs, training=False)), batch)

    def keras_predict(self, batch: int = 0) -> Work:
        """`model.predict`."""
        size = batch or self.batch
        return self._of_arrays(lambda inputs: self.model.predict(inputs, batch_size=size, verbose=0), batch)

    def onnx(self, batch: int = 0) -> Work:
        """Logits by onnxruntime, of the file that `mscat export` writes."""
        return self._of_arrays(lambda inputs: self._session.run(["logit"], inputs)[0], batch)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # an extra, and the other works do without it

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.onnx"
            export(self.model, DataSettings(), {}, "onnx", file)
            options = onnxruntime.SessionOptions()  # that of `mscat predict` leaves the threads to onnxruntime
            options.intra_op_num_threads = self.threads
            return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def turn(self, name: str, make: Callable[..., Work], **options: Any) -> Turn:
        """The turn of a work, made once and kept for other parts; says how long it took until it was ready."""
        if name not in self._turns:
            started = time.perf_counter()
            work = make(**options)
            work()
            self.prepared[name] = time.perf_counter() - started
            print(f"  {name}: ready after {self.prepared[name]:.1f} s", flush=True)
            self._turns[name] = timed(work)
        return self._turns[name]

    def _of_arrays(self, function: Callable[[Arrays], Any], size: int) -> Work:
        batches = cycle([self._batch(np.asarray, first, size)[0] for first in self._firsts(size)])
        return lambda: function(next(batches))

    def _firsts(self, size: int = 0) -> range:
        size = size or self.batch
        return range(0, len(self.events["label"]) - size + 1, size)

    def _batch(self, make: Any, first: int, size: int = 0) -> tuple[Any, ...]:
        rows = slice(first, first + (size or self.batch))
        inputs = {name: make(values[rows]) for name, values in self.inputs.items()}
        more = [*(self.events[name] for name in ("label", "share")), np.arange(len(self.events["label"]))]
        return inputs, *(make(values[rows]) for values in more)
