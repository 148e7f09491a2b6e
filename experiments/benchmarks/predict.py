"""Scores of a hundred thousand events against a million: memory and speed must stay. Results: docs/inference.md.

    python experiments/benchmarks/predict.py                            # some ten minutes; JSON to runs/benchmarks/
    python experiments/benchmarks/predict.py --events 20000 100000      # a look
    python experiments/benchmarks/predict.py --backends onnx --batches 64 512 2048
    python experiments/benchmarks/predict.py --networks                 # export every network of the registry instead

Both samples are one mock shard of 2 x 50 constituents, repeated under new event numbers (1.8 kB an event, 1.8 GB for
the million, below --folder). The network has the width of `smoke` (16, one block in each encoder), so that the million
ends in minutes on two cores: memory is the question, and what a wider network adds does not grow with the events.
Each prediction is a process of its own, in turns. Memory is the peak of the resident memory above what the process held
once everything was imported and nothing of network or sample was touched; the rate is that of `predict` after the
network was compiled. `--batches` prints the rate of other batches, with and without XLA, in one process, in turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

from experiments.benchmarks.alone import alone  # noqa: E402
from experiments.benchmarks.out_of_core import CONSTITUENTS, make_sample  # noqa: E402
from mscat_tf.config import load_config  # noqa: E402
from mscat_tf.data import Sample  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402
from mscat_tf.inference.onnx_network import onnx_scorer  # noqa: E402
from mscat_tf.inference.predict import predict, scores  # noqa: E402
from mscat_tf.inference.scorer import BATCH_SIZE  # noqa: E402
from mscat_tf.memory import peak_memory_bytes, resident_memory_bytes  # noqa: E402

BACKENDS = ("keras", "onnx")
MOST_CHANGE = 0.10
ROUNDS = 5
Report = dict[str, Any]


def make_network(folder: str) -> None:
    """An untrained network with the width of `smoke`, as `model.keras` and `model.onnx`."""
    import keras

    from mscat_tf.inference.export import export
    from mscat_tf.models import registry
    from mscat_tf.models.inputs import InputSpecification

    config = load_config("smoke")
    keras.utils.set_random_seed(1)
    model = registry.build(config.model, InputSpecification(constituents=CONSTITUENTS))
    model.save(Path(folder, "model.keras"))
    export(model, config.data, {}, "onnx", Path(folder, "model.onnx"))


def scorer_of(folder: str, backend: str, batch_size: int, xla: bool = False) -> Any:
    """The network of `make_network`; only `keras` loads TensorFlow."""
    if backend == "onnx":
        return onnx_scorer(Path(folder, "model.onnx"), batch_size)
    import keras

    from mscat_tf.inference.keras_network import keras_scorer
    from mscat_tf.models import registry  # noqa: F401  registers the layers that the file names

    return keras_scorer(
        keras.models.load_model(Path(folder, "model.keras")), load_config("smoke").data, batch_size, xla
    )


def one_prediction(folder: str, backend: str, sample: str, out: str) -> Report:
    """Predict in this process; memory and rate."""
    if backend == "keras":
        import mscat_tf.inference.keras_network  # noqa: F401  TensorFlow is not what is measured
    baseline = resident_memory_bytes()
    scorer, data = scorer_of(folder, backend, BATCH_SIZE), load_config("smoke").data
    with Sample(sample) as opened:
        first = opened.blocks[0]
        scorer.logits(opened.read(first, scorer.data_sets))
        started = time.perf_counter(), time.process_time()
        events = predict(scorer, opened, Path(out), {}, data)
        wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    return {
        "baseline_bytes": baseline,
        "peak_bytes": peak_memory_bytes() - baseline,
        "events_per_second": events / wall,
        "events_per_cpu_second": events / cpu,
    }


def compare(backend: str, network: str, samples: dict[int, Path], repeats: int) -> Report:
    """Predict both samples in turns; medians, and how they change from the smaller to the larger."""
    found: dict[int, list[Report]] = {events: [] for events in samples}
    for _ in range(repeats):
        for events, sample in samples.items():
            found[events].append(alone("predict", "one_prediction", network, backend, sample, f"{network}/scores.h5"))
    medians = [{key: statistics.median(run[key] for run in own) for key in own[0]} for own in found.values()]
    for events, figures in zip(samples, medians, strict=True):
        print(
            f"  {backend:6}{events:9} events: peak {figures['peak_bytes'] / 2**20:6.1f} MiB above "
            f"{figures['baseline_bytes'] / 2**20:.0f} MiB, {figures['events_per_second']:7.0f} events/s, "
            f"{figures['events_per_cpu_second']:7.0f} per CPU second",
            flush=True,
        )
    small, large = medians
    change = {key: large[key] / small[key] - 1.0 for key in small}
    print(f"  {backend:6}peak {change['peak_bytes']:+.1%}, events/s {change['events_per_second']:+.1%}", flush=True)
    return {"runs": list(found.values()), "change": change, "passed": change["peak_bytes"] < MOST_CHANGE}


def rates(network: str, sample: str, batches: str) -> Report:
    """Events per second of every way at every batch size: medians of rounds in turns, reading included."""
    sizes = [int(size) for size in batches.split(",")]
    ways = {"Keras": ("keras", False), "Keras, XLA": ("keras", True), "onnxruntime": ("onnx", False)}
    scorers = {(name, size): scorer_of(network, way[0], size, way[1]) for name, way in ways.items() for size in sizes}
    seconds: dict[Any, list[float]] = {key: [] for key in scorers}
    with Sample(sample) as opened:
        events = {size: min(len(opened), 200 * size) for size in sizes}
        arrays = {size: opened.read(opened.runs[0], scorers["Keras", size].data_sets) for size in sizes}
        for _ in range(ROUNDS + 1):
            for key, scorer in scorers.items():
                some = {name: values[: events[key[1]]] for name, values in arrays[key[1]].items()}
                started = time.perf_counter()
                scores(scorer, some)
                seconds[key].append((time.perf_counter() - started) / len(some["kinematics"]))
    return {f"{name}, batch {size}": 1.0 / statistics.median(own[1:]) for (name, size), own in seconds.items()}


def export_all(names: str) -> Report:
    """Export networks at their default sizes, untrained, in both formats: greatest difference of a score or reason."""
    from mscat_tf.config import DataSettings, ModelSettings
    from mscat_tf.errors import InputError
    from mscat_tf.inference.export import FORMATS, export
    from mscat_tf.models import count, registry

    report: Report = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names.split(",") if names else registry.MODELS:
            model = count.model_at_default_size(ModelSettings(name=name))
            for format, file in FORMATS.items():
                started = time.perf_counter()
                try:
                    answer: Any = export(model, DataSettings(), {}, format, Path(folder, name, file))
                except InputError as error:
                    answer = str(error)
                report[f"{name}, {format}"] = answer
                seconds = time.perf_counter() - started
                print(f"  {name:24}{format:14}{answer!s:24} {seconds:6.1f} s", file=sys.stderr, flush=True)
    return report


def main() -> None:
    """Make samples and network, predict, print the verdict, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs=2, default=[100_000, 1_000_000])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--batches", type=int, nargs="*", default=[], help="also the rate of these batch sizes")
    parser.add_argument("--networks", nargs="*", help="export these, or all, and nothing else")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the samples are made; default: a temporary folder")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/predict.json"))
    options = parser.parse_args()
    report: Report = {"events": options.events, "load_before": os.getloadavg()[0]}
    if options.networks is not None:
        write_json(options.out, alone("predict", "export_all", ",".join(options.networks)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        samples = {events: make_sample(Path(folder, str(events)), events) for events in options.events}
        alone("predict", "make_network", folder)
        if options.batches:
            smaller, batches = samples[options.events[0]], ",".join(map(str, options.batches))
            report["rates"] = alone("predict", "rates", folder, smaller, batches)
            for name, rate in report["rates"].items():
                print(f"  {name:28}{rate:9.0f} events/s", flush=True)
        for backend in options.backends:
            report[backend] = compare(backend, folder, samples, options.repeats)
    report["load_after"] = os.getloadavg()[0]
    passed = all(report[backend]["passed"] for backend in options.backends)
    verdict = "ok" if passed else "MISSED"
    print(f"{verdict} (peak memory grows by less than {MOST_CHANGE:.0%}); load {report['load_before']:.1f}")
    write_json(options.out, report)


if __name__ == "__main__":
    main()
