"""`mscat train --profile`: where the time of a step goes, how near it comes to what the device can do, and memory."""

import logging
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.config import TrainSettings
from mscat_tf.errors import InputError
from mscat_tf.files import write_json
from mscat_tf.memory import peak_memory_bytes, resident_memory_bytes
from mscat_tf.models.count import cost_per_event, parameters
from mscat_tf.training.peak import matmul_peak
from mscat_tf.training.trace import operation_shares

log = logging.getLogger(__name__)

PROFILE = "profile.json"
INPUT_WAIT_PROMISE = 0.02
"""Greatest share of the time that a training may wait for its events."""
BACKWARD_AND_FORWARD = 3
"""A training step takes three times the products of a forward pass: each of them has two gradients."""


class TrainingProfile(keras.callbacks.Callback):
    """Measure some steps, then trace a few more for TensorBoard, write `profile.json`, and only look on from there.

    With `train.steps_per_execution: 1` the loop tells after every step how long it took and how much of that it waited
    for the batch, and has waited for the end of its work. Validation is no part of any step.

    Args:
        folder: `runs/<name>`; the trace goes to `tensorboard/plugins/profile` in it.
        settings: of the training. workers: processes that share each step, each on a machine of its own.
        warm: first steps, which trace the graph and fill caches, so are not measured. measured: steps after them.
        traced: steps after those, 0 for none.

    Attributes:
        report: what `profile.json` holds; empty until the last step of interest is over.
    """

    def __init__(
        self,
        folder: Path,
        settings: TrainSettings,
        workers: int = 1,
        warm: int = 10,
        measured: int = 50,
        traced: int = 10,
    ) -> None:
        super().__init__()
        self.folder, self.settings, self.workers = folder, settings, workers
        self.last_warm, self.last_measured = warm, warm + measured
        self.last = self.last_measured + traced
        self.report: dict[str, Any] = {}
        self._baseline, self._after_first = resident_memory_bytes(), 0
        self._mark = 0.0
        self._steps: list[tuple[float, float, float, float]] = []
        self._tracing = self._finished = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Time between epochs belongs to no step."""
        self._mark = time.perf_counter()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """A training shorter than the steps wanted is measured over all but its first one."""
        self._finish()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the step; `logs` hold `seconds`, `input_seconds` among them, and `events` of all replicas."""
        if self._finished or logs is None:
            return
        waited, events = logs["input_seconds"], logs["events"]
        self._steps.append((waited, logs["seconds"] - waited, time.perf_counter() - self._mark, events))
        done = len(self._steps)
        if done == 1:
            self._after_first = peak_memory_bytes()
        if done == self.last_measured < self.last:
            self._start_trace()
        if done == self.last:
            self._finish()
        self._mark = time.perf_counter()

    @property
    def _log_folder(self) -> Path:
        return self.folder / "tensorboard"

    def _start_trace(self) -> None:
        try:
            tf.profiler.experimental.start(
                str(self._log_folder), tf.profiler.experimental.ProfilerOptions(python_tracer_level=0)
            )
            self._tracing = True
        except (tf.errors.OpError, OSError) as error:
            log.warning("no trace for TensorBoard: %s", error)

    def _stop_trace(self) -> Path | None:
        """End the trace; the file that it made."""
        if not self._tracing:
            return None
        self._tracing = False
        try:
            tf.profiler.experimental.stop()
        except (tf.errors.OpError, OSError) as error:
            log.warning("no trace for TensorBoard: %s", error)
            return None
        made = self._log_folder.glob("plugins/profile/*/*.xplane.pb")
        return max(made, key=lambda path: path.stat().st_mtime, default=None)

    def _finish(self) -> None:
        if self._finished:
            return
        self._finished, started = True, time.perf_counter()
        memory = self._memory()
        trace = self._stop_trace()
        if len(self._steps) < 2:
            log.warning("profile: the training has %d steps, and the first is never measured", len(self._steps))
            return
        self.report = {
            **self._where(),
            **self._times(),
            **self._rates(),
            "memory": memory,
            "trace": str(trace.relative_to(self.folder)) if trace else None,
            "share_of_operations": operation_shares(trace) if trace else {},
        }
        self.report["seconds_for_the_profile"] = time.perf_counter() - started
        write_json(self.folder / PROFILE, self.report)

    def _where(self) -> dict[str, Any]:
        gpus = tf.config.list_physical_devices("GPU")
        return {
            "device": tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU",
            "devices": self._devices(),
            "precision": self.settings.precision,
            "batch_size": self.settings.batch_size,
            "parameters": parameters(self.model),
        }

    def _devices(self) -> int:
        """Logical parts of one CPU are not devices: its peak is measured for all its cores."""
        gpus = len(tf.config.list_logical_devices("GPU")) if self.settings.strategy != "one_device" else 1
        return max(1, gpus) * self.workers

    def _times(self) -> dict[str, Any]:
        """Seconds of the steps measured; the three shares add up to one."""
        waited, computed, whole, events = self._measured.T
        traced = [step[1] for step in self._steps[self.last_measured :]]
        return {
            "steps_measured": len(whole),
            "seconds_per_step": float(np.median(whole)),
            "events_per_second": float(events.sum() / whole.sum()),
            "input_wait_share": float(waited.sum() / whole.sum()),
            "input_wait_promised": INPUT_WAIT_PROMISE,
            "input_wait_ms_per_step": 1e3 * float(waited.mean()),
            "input_wait_ms_longest": 1e3 * float(waited.max()),
            "compute_share": float(computed.sum() / whole.sum()),
            "elsewhere_share": float(1.0 - (waited + computed).sum() / whole.sum()),
            "seconds_first_step": self._steps[0][1],
            "slowdown_while_tracing": float(np.median(traced) / np.median(computed)) if traced else None,
        }

    @property
    def _measured(self) -> Any:
        """`(steps, 4)`: seconds of waiting, of the step, of everything, and events."""
        warm = min(self.last_warm, max(1, len(self._steps) // 5))
        return np.array(self._steps[warm : self.last_measured])

    def _rates(self) -> dict[str, Any]:
        """Operations per second against the peak of all devices; nothing where they cannot be counted."""
        peak = matmul_peak(self.settings.precision) * self._devices()
        rates: dict[str, Any] = {"matmul_peak": peak, "flops_per_event": None, "flops_per_second": None}
        rates["share_of_peak"] = None
        if self.settings.length_buckets > 1:
            return rates  # the count is of the longest events
        try:
            flops = BACKWARD_AND_FORWARD * cost_per_event(self.model).flops
        except InputError as error:
            log.warning("%s", error)
            return rates
        _, _, whole, events = self._measured.T
        achieved = flops * float(events.sum() / whole.sum())
        return {**rates, "flops_per_event": flops, "flops_per_second": achieved, "share_of_peak": achieved / peak}

    def _memory(self) -> dict[str, int]:
        """Bytes of this process, above what it held when the profile was made; of the first GPU beside them."""
        found = {
            "baseline": self._baseline,
            "after_first_step": self._after_first - self._baseline,
            "peak": peak_memory_bytes() - self._baseline,
        }
        if tf.config.list_logical_devices("GPU"):
            found["gpu_peak"] = tf.config.experimental.get_memory_info("GPU:0")["peak"]
        return found
