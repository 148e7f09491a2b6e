"""Attention maps and attributions against a training step, and memory against the number of events.

    python experiments/benchmarks/explain.py                         # some ten minutes; JSON to runs/benchmarks/
    python experiments/benchmarks/explain.py --only rates --rounds 9
    python experiments/benchmarks/explain.py --only memory --events 2000 8000   # a look

Results: docs/attributions.md. `rates`: one batch of made-up events, the network of `demo`; every work takes its turn in
one process, round after round, on the same processors. Grad-CAM is that of `mscat explain`, both jets of every event;
"the library alone" is tf-keras-vis called on the whole network, layer by layer, as its documentation has it. Ratios are
medians over the rounds of two neighbouring turns. `memory`: attention maps and Grad-CAM of the first events of one mock
sample, written to a file as `mscat explain` does, each number of events in a process of its own; the peak is that of
the resident memory above what the process held once everything was imported.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PARTS = ("rates", "memory")
MOST_STEPS = 4.0
"""Training steps on the same batch that Grad-CAM may cost."""
MOST_CHANGE = 0.10
CONSTITUENTS = 50
Report = dict[str, Any]


def rates(rounds: int, batch: int) -> Report:
    """Milliseconds of every work, and its cost in training steps."""
    from experiments.benchmarks.interleaved import interleave, show, timed
    from experiments.benchmarks.our_works import OurWorks, made_up_events
    from mscat_tf.config import load_config

    config = load_config("demo")
    works = OurWorks(config.model, made_up_events(batch, CONSTITUENTS), batch, config.train, 0)
    inputs = works.inputs
    made = {"training step": works.training(), **explanations(works.model, inputs)}
    turns = {name: timed(work) for name, work in made.items()}
    found = interleave(turns, rounds, 1)
    show(found, batch)
    steps = {name: found.gain(name, "training step") for name in turns if name != "training step"}
    of_cpu = {name: found.gain(name, "training step", 1) for name in steps}
    for name, value in steps.items():
        print(f"  {name}: {value:.2f} training steps ({of_cpu[name]:.2f} by CPU time)", flush=True)
    passed = steps["Grad-CAM"] < MOST_STEPS
    return {"seconds": found.to_json(), "steps": steps, "steps_of_cpu": of_cpu, "batch": batch, "passed": passed}


def explanations(model: Any, inputs: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Works by name."""
    import numpy as np
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear

    from mscat_tf.config import ExplanationSettings
    from mscat_tf.interpretation.attention_part import AttentionPart
    from mscat_tf.interpretation.grad_cam import GradCam, gradcam_layers
    from mscat_tf.interpretation.integrated_gradients import IntegratedGradients, coordinates_of
    from mscat_tf.interpretation.part import Context
    from mscat_tf.models.inputs import InputSpecification, Statistics

    inputs = {tensor.name: inputs[tensor.name] for tensor in model.inputs}
    settings, layers = ExplanationSettings(), gradcam_layers(model)
    masks = {jet: inputs[f"mask_{jet}"] for jet in layers}
    attention = AttentionPart(model, settings, Context(("signal", "background"), (1, 0)))
    batch = whole_batch(inputs)
    ours, plain = GradCam(model, layers), Gradcam(model, ReplaceToLinear(), clone=True)
    options = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}
    sizes = InputSpecification(constituents=CONSTITUENTS)
    coordinates = coordinates_of(sizes, Statistics.identity(sizes), log_features=True)
    integrated = IntegratedGradients(model, coordinates, settings.integration_steps, complete=False)

    def library() -> list[Any]:
        return [
            np.asarray(plain(lambda logit: logit[:, 0], list(inputs.values()), penultimate_layer=layer, **options))
            for layer in layers.values()
        ]

    return {
        "attention scores": lambda: attention.scores(inputs),
        "attention maps": lambda: attention.add(batch),
        "Grad-CAM": lambda: ours(inputs, masks),
        "Grad-CAM, the library alone": library,
        "Grad-CAM++": (lambda engine: lambda: engine(inputs, masks))(GradCam(model, layers, "grad_cam_plus_plus")),
        f"integrated gradients, {settings.integration_steps} points": lambda: integrated(inputs),
    }


def whole_batch(inputs: dict[str, Any]) -> Any:
    """All events as one batch of the explanation, half of them signal."""
    import numpy as np

    from mscat_tf.interpretation.event_batches import constituent_places
    from mscat_tf.interpretation.part import Batch
    from mscat_tf.schema import CONSTITUENT_COLUMNS

    events = len(inputs["kinematics"])
    process = (np.arange(events) % 2).astype(np.int32)
    return Batch(
        inputs,
        process,
        1 - process,
        np.ones(events),
        np.arange(events),
        np.zeros(events, np.float32),
        process == 0,
        constituent_places(inputs, CONSTITUENT_COLUMNS),
    )


def one_explanation(sample_folder: str, events: str) -> Report:
    """Explain the first events of a sample in this process; memory and rate."""
    import keras
    import numpy as np

    from mscat_tf.config import load_config
    from mscat_tf.data import Sample, event_table
    from mscat_tf.interpretation.event_batches import EventBatches
    from mscat_tf.interpretation.explain import explain
    from mscat_tf.interpretation.part import Context
    from mscat_tf.interpretation.stream_importance import batched_logits
    from mscat_tf.memory import peak_memory_bytes, resident_memory_bytes
    from mscat_tf.models import registry
    from mscat_tf.models.inputs import InputSpecification

    baseline = resident_memory_bytes()
    config = load_config("smoke", ["explain.methods=[grad_cam]", "explain.studies=[]", "explain.batch_size=256"])
    keras.utils.set_random_seed(1)
    model = registry.build(config.model, InputSpecification(constituents=CONSTITUENTS))
    sample = Sample(sample_folder)
    table, header, size = event_table(sample, config.data, 1), sample.header, config.explain.batch_size
    context = Context(header.processes, header.labels, 0.0, config.data, header.token_names, header.jets)
    names = tuple(tensor.name for tensor in model.inputs)
    rows = np.arange(int(events))
    batches = EventBatches(sample, table, rows, size, context, batched_logits(model), names)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        explain(model, batches, len(rows), context, config.explain, Path(folder), {})
    wall = time.perf_counter() - begun
    return {
        "baseline_bytes": baseline,
        "peak_bytes": peak_memory_bytes() - baseline,
        "events_per_second": len(rows) / wall,
    }


def memory(events: list[int], repeats: int, folder: Path | None) -> Report:
    """Peaks for the two numbers of events, in turns."""
    from experiments.benchmarks.alone import alone
    from experiments.benchmarks.out_of_core import SHARD_EVENTS, make_sample

    found: dict[int, list[Report]] = {number: [] for number in events}
    with tempfile.TemporaryDirectory(dir=folder) as made:
        enough = -(-max(events) // SHARD_EVENTS) * SHARD_EVENTS
        sample = make_sample(Path(made, "sample"), enough)
        for _ in range(repeats):
            for number in events:
                found[number].append(alone("explain", "one_explanation", sample, number))
    peaks = {number: statistics.median(run["peak_bytes"] for run in runs) for number, runs in found.items()}
    for number, runs in found.items():
        rate = statistics.median(run["events_per_second"] for run in runs)
        base = runs[0]["baseline_bytes"] / 2**20
        print(
            f"  {number:9} events: peak {peaks[number] / 2**20:6.1f} MiB above {base:.0f} MiB, {rate:6.0f} events/s",
            flush=True,
        )
    change = peaks[events[1]] / peaks[events[0]] - 1.0
    print(f"  peak {change:+.1%}", flush=True)
    return {
        "runs": {str(number): runs for number, runs in found.items()},
        "change": change,
        "passed": change < MOST_CHANGE,
    }


def main(arguments: list[str] | None = None) -> None:
    """Run the parts, print figures and verdicts, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each work (7)")
    parser.add_argument("--batch", type=int, default=256, help="events of a batch (256)")
    parser.add_argument("--events", type=int, nargs=2, default=[5_000, 50_000], help="of the two explanations")
    parser.add_argument("--repeats", type=int, default=1, help="of each explanation")
    parser.add_argument("--folder", type=Path, help="where the sample is made; default: a temporary folder")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/explain.json"))
    options = parser.parse_args(arguments)
    from mscat_tf.files import write_json

    report: Report = {"load_before": os.getloadavg()[0]}
    for part in options.only or PARTS:
        print(f"{part}:", flush=True)
        if part == "rates":
            report[part] = rates(options.rounds, options.batch)
        else:
            report[part] = memory(options.events, options.repeats, options.folder)
    limits = {
        "rates": f"Grad-CAM costs less than {MOST_STEPS:g} steps",
        "memory": f"grows by less than {MOST_CHANGE:.0%}",
    }
    for part in options.only or PARTS:
        print(
            f"{'ok' if report[part]['passed'] else 'MISSED':8}{part}: {limits[part]}; load {report['load_before']:.1f}"
        )
    write_json(options.out, report)


if __name__ == "__main__":
    main()
