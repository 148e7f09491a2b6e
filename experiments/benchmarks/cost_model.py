"""The constants of the cost model (`mscat_tf/training/cost.py`), and how well it predicts. Results: docs/scale.md.

    python experiments/benchmarks/cost_model.py            # some ten minutes; JSON to runs/benchmarks/

Times of a training step of networks of several sizes and batches, in turns, give share of the products, passes over
the memory and time of starting (least squares of the relative deviation, the share at most one). Each network is then
predicted from all others, and a training with `mscat train`, of a size that is not among them, from all of them.
Memory: trainings of the demonstration's network with two sizes of batch, each a process of its own. Input: one pass
over a mock sample.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from scipy.optimize import lsq_linear  # noqa: E402

from experiments.benchmarks.alone import alone  # noqa: E402
from mscat_tf.config import load_config  # noqa: E402
from mscat_tf.data import Sample  # noqa: E402
from mscat_tf.data.census import Census  # noqa: E402
from mscat_tf.data.mock import write_mock_sample  # noqa: E402
from mscat_tf.data.stream import EventStream  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402
from mscat_tf.models.count import cost_per_event, model_at_default_size, parameters  # noqa: E402
from mscat_tf.training.cost import BYTES_PER_WEIGHT, COPIES_OF_A_WEIGHT, Constants, Device, Plan, estimate, this_device  # noqa: E402
from mscat_tf.training.optimizer import make_optimizer  # noqa: E402
from mscat_tf.training.run import train  # noqa: E402
from mscat_tf.training.specification import input_specification, input_statistics  # noqa: E402
from mscat_tf.training.step import TrainingStep  # noqa: E402

SHALLOW = "model.constituent_blocks=1 model.kinematic_blocks=1 model.cross_blocks=1 "
NETWORKS = {
    "width 16": (SHALLOW + "model.width=16 model.key_dim=4", (32, 256)),
    "width 32": (SHALLOW + "model.width=32 model.key_dim=8", (128,)),
    "width 64": (SHALLOW + "model.width=64 model.key_dim=16", (32, 128)),
    "width 128": (SHALLOW + "model.width=128 model.key_dim=32", (64,)),
    "width 192": (SHALLOW + "model.width=192 model.key_dim=48", (32,)),
    "demonstration": ("", (128,)),
}
"""Settings of each, and the batches it is timed with."""
HELD_OUT = ["model.width=96", "model.key_dim=24", "model.kinematic_blocks=1", "train.batch_size=96"]
MEMORY_BATCHES = (128, 512)
ROUNDS, EPOCHS, STEPS = 7, 2, 80
SAMPLE_EVENTS = 20_000
Report = dict[str, Any]


class Timed:
    """One network with one batch, ready to be timed."""

    def __init__(self, name: str, settings: str, batch: int) -> None:
        self.name = f"{name}, {batch} events"
        config = load_config("demo", [*settings.split(), f"train.batch_size={batch}"])
        strategy = tf.distribute.OneDeviceStrategy("GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0")
        with strategy.scope():
            model = model_at_default_size(config.model)
            optimizer = make_optimizer(config.train)
        self.step = TrainingStep(strategy, model, optimizer, config.train)
        self.batch = _some_batch(model, batch)
        self.plan = Plan.of(config, parameters(model), cost_per_event(model))
        self.step(self.batch)
        self.seconds: list[float] = []

    def again(self) -> None:
        """One more step, timed."""
        started = time.perf_counter()
        self.step(self.batch)
        self.seconds.append(time.perf_counter() - started)

    @property
    def median(self) -> float:
        """Seconds of a step."""
        return statistics.median(self.seconds)


def _some_batch(model: Any, batch: int) -> Any:
    rng = np.random.default_rng(1)
    inputs = {
        x.name: tf.ones((batch, *x.shape[1:]), tf.bool)
        if x.dtype == "bool"
        else tf.constant(rng.normal(1.0, 0.1, (batch, *x.shape[1:])), x.dtype)
        for x in model.inputs
    }
    label = tf.constant(np.arange(batch) % 2, tf.float32)
    return inputs, label, tf.fill((batch,), 1.0 / batch), tf.range(batch, dtype=tf.int64)


def fit(timed: list[Timed], device: Device) -> Constants:
    """Share of the products, passes over the memory, and time of starting that fit best."""
    unit = Constants(product_share=1.0, memory_passes=1.0, step_seconds=1.0, input_rate=np.inf)
    parts = [estimate(each.plan, device, unit) for each in timed]
    matrix = np.array([[part.products, part.memory, part.starting] for part in parts])
    measured = np.array([each.median for each in timed])
    bounds = ([1.0, 0.0, 0.0], np.inf)  # no product is faster than the peak
    found = lsq_linear(matrix / measured[:, np.newaxis], np.ones(len(timed)), bounds).x
    return Constants(float(1.0 / found[0]), float(found[1]), float(found[2]), input_rate=np.inf)


def times() -> tuple[Report, Device, Constants]:
    """Steps of all networks in turns; the constants, and each network predicted from the others."""
    timed = [Timed(name, settings, batch) for name, (settings, sizes) in NETWORKS.items() for batch in sizes]
    for _ in range(ROUNDS):
        for each in timed:
            each.again()
    device = this_device()
    constants, rows = fit(timed, device), []
    for number, each in enumerate(timed):
        others = fit(timed[:number] + timed[number + 1 :], device)
        predicted = estimate(each.plan, device, others).step
        achieved = 3 * each.plan.cost.flops * each.plan.batch_size / each.median / device.products["float32"]
        rows.append(
            {
                "network": each.name, "parameters": each.plan.parameters, **asdict(each.plan.cost),
                "measured_ms": 1e3 * each.median, "predicted_ms": 1e3 * predicted,
                "ratio": predicted / each.median, "share_of_peak": achieved,
            }
        )  # fmt: skip
        print(
            f"  {each.name:28} {each.plan.cost.flops / 1e6:7.1f} MFLOP {each.plan.cost.activation_bytes / 1e6:6.2f} MB"
            f"{1e3 * each.median:9.1f} ms, from the others {1e3 * predicted:9.1f} ms: {predicted / each.median:5.2f}; "
            f"share of the peak {achieved:.1%}"
        )
    return {"device": asdict(device), "rows": rows}, device, constants


def memory(folder: Path) -> tuple[Report, float, float]:
    """Bytes kept for each counted byte of activations, and bytes of a process besides them and the weights."""
    small, large = sorted(MEMORY_BATCHES)
    peaks = {batch: alone("cost_model", "training_of", folder, f"train.batch_size={batch}") for batch in (small, large)}
    counted = peaks[small]["activation_bytes"]
    per_event = (peaks[large]["memory"]["peak"] - peaks[small]["memory"]["peak"]) / (large - small)
    weights = COPIES_OF_A_WEIGHT * BYTES_PER_WEIGHT * peaks[small]["parameters"]
    fixed = peaks[small]["memory"]["peak"] - small * per_event - weights
    print(f"  {per_event / 1e6:.2f} MB an event, {per_event / counted:.2f} of the {counted / 1e6:.2f} MB counted")
    print(f"  {fixed / 1e6:.0f} MB of a process besides them")
    return {"peaks": peaks, "bytes_per_event": per_event}, per_event / counted, fixed


def rates(folder: Path) -> tuple[float, float]:
    """Events per CPU second that a process hands over, and that it goes through before the first step."""
    config = load_config("demo", [f"data.path={folder}"])
    with Sample(folder) as sample:
        started = time.process_time()
        census = Census(sample, config.data, config.seed, config.train)
        specification = input_specification(config, sample)
        input_statistics(config, sample, census, specification)
        first = SAMPLE_EVENTS / (time.process_time() - started)
        names = tuple(x.name for x in model_at_default_size(config.model).inputs)
        train_settings = config.train.model_copy(update={"batch_size": 1024})
        stream = EventStream(sample, census, config.data, "train", names, 1024, config.seed, train_settings)
        started = time.process_time()
        seen = sum(int((row >= 0).sum()) for *_, row in stream.batches())
        rate = seen / (time.process_time() - started)
    print(f"  input: {rate:.0f} events per CPU second; before the first step {first:.0f}")
    return rate, first


def check(folder: Path, device: Device, constants: Constants) -> Report:
    """A training of another size against its prediction."""
    found = alone("cost_model", "training_of", folder, *HELD_OUT)
    config = load_config("demo", HELD_OUT)
    model = model_at_default_size(config.model)
    batch = config.train.batch_size
    plan = replace(Plan.of(config, parameters(model), cost_per_event(model)), events=SAMPLE_EVENTS, epochs=EPOCHS)
    predicted = estimate(plan, device, constants)
    whole = predicted.first_pass + EPOCHS * STEPS * predicted.step + predicted.validation
    lines = {
        f"step of {batch} events [s]": (predicted.step, found["seconds_per_step"]),
        "memory above the start [MB]": (
            (predicted.device_bytes + predicted.process_bytes) / 1e6, found["memory"]["peak"] / 1e6
        ),
        f"all, {EPOCHS * STEPS} steps, without start and profile [s]": (
            whole, found["seconds"] - found["seconds_first_step"] - found["seconds_for_the_profile"]
        ),
    }  # fmt: skip
    for name, (ours, theirs) in lines.items():
        print(f"  {name:48} predicted {ours:8.3f}, measured {theirs:8.3f}: {ours / theirs:.2f}")
    return {name: {"predicted": ours, "measured": theirs} for name, (ours, theirs) in lines.items()}


def training_of(folder: str, *settings: str) -> Report:
    """Train in this process, profiled."""
    from mscat_tf.training.profile import TrainingProfile

    plain = [f"data.path={folder}", f"train.epochs={EPOCHS}", f"train.steps_per_epoch={STEPS}"]
    config = load_config("demo", [*plain, "train.tensorboard=false", *settings])
    with tempfile.TemporaryDirectory() as place:
        profile = TrainingProfile(Path(place), config.train, warm=2, measured=EPOCHS * STEPS - 2, traced=0)
        started = time.perf_counter()
        train(config, Path(place), [profile])
        seconds = time.perf_counter() - started
    counted = cost_per_event(model_at_default_size(config.model)).activation_bytes
    return {**profile.report, "seconds": seconds, "activation_bytes": counted}


def main() -> None:
    """Measure the constants, print predicted against measured, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/cost_model.json"))
    options = parser.parse_args()
    load = os.getloadavg()[0]
    tf.get_logger().setLevel("ERROR")
    with tempfile.TemporaryDirectory() as place:
        folder = write_mock_sample(Path(place) / "sample", SAMPLE_EVENTS, 4, 50)
        print("one step:", flush=True)
        report, device, constants = times()
        print("memory:", flush=True)
        report["memory"], kept, fixed = memory(folder)
        print("events:", flush=True)
        rate, first = rates(folder)
        constants = replace(
            constants, kept_activations=kept, process_bytes=fixed, input_rate=rate, first_pass_rate=first
        )
        print("a training:", flush=True)
        report["check"] = check(folder, device, constants)
    report |= {"constants": asdict(constants), "load_before_and_after": (load, os.getloadavg()[0])}
    print(f"{constants}; {device}; load {load:.1f}")
    write_json(options.out, report)


if __name__ == "__main__":
    main()
