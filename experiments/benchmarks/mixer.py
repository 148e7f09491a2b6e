"""The mixer against the transformer of 1.7 million parameters, on the same single jets, in one run.

Results: docs/models_mixer.md.

    python experiments/benchmarks/mixer.py                    # JSON to runs/benchmarks/mixer.json
    python experiments/benchmarks/mixer.py --rounds 9 --jets 600000
    python experiments/benchmarks/mixer.py --sample data/jet_tagging-prepared-<digest>

Networks and training are those of experiments/jet_tagging.yaml. Jets are those of a sample that has subjets, else made
up (57 +- 18 constituents, the 100 hardest kept, 1 to 6 subjets). Both networks see them in batches of about equal
length, which is the fastest for both (`train.length_buckets`); batch sizes of both are tried, and the transformer's
fused attention, and for each the fastest counts. A step of each form for each length is timed in turns, round after
round, and a pass over all jets is added up from them: seconds per epoch. AUC: `mscat reproduce jet_tagging`.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from experiments.benchmarks.interleaved import Timings, Turn, interleave, timed  # noqa: E402
from experiments.benchmarks.training import verdict  # noqa: E402
from mscat_tf.config import ModelSettings, TrainSettings, load_config  # noqa: E402
from mscat_tf.data import Sample  # noqa: E402
from mscat_tf.data.features import model_inputs  # noqa: E402
from mscat_tf.data.lengths import class_edges, length_class  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402
from mscat_tf.inference.keras_network import forward  # noqa: E402
from mscat_tf.models import registry  # noqa: E402
from mscat_tf.models.count import cost_per_event, parameters  # noqa: E402
from mscat_tf.models.inputs import InputSpecification  # noqa: E402
from mscat_tf.training.optimizer import make_optimizer  # noqa: E402
from mscat_tf.training.step import TrainingStep  # noqa: E402
from mscat_tf.training.strategy import make_strategy  # noqa: E402

Arrays = dict[str, Any]
CONSTITUENTS, SUBJETS, LENGTHS = 100, 10, 4
TARGET = 60.0
"""The talk on arXiv:2404.14677: 4200 s an epoch against 70 s."""
SMALL = {"tokens": 20, "blocks": 1, "token_units": 8}


@dataclass(frozen=True)
class Form:
    """One network in one form.

    Attributes:
        network: `transformer` or `mixer`. settings: of it. batch: jets of a step.
    """

    network: str
    settings: ModelSettings
    batch: int

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.network}, batch {self.batch}{', fused' if self.settings.fused_attention else ''}"


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each form (5)")
    parser.add_argument("--jets", type=int, default=1_200_000, help="of an epoch (1 200 000, as in the public set)")
    parser.add_argument("--sample", type=Path, help="a sample of single jets that has subjets")
    parser.add_argument("--quick", action="store_true", help="see whether it runs: tiny networks, few jets")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/mixer.json"))
    return parser.parse_args(arguments)


def forms(quick: bool) -> list[Form]:
    """What may be the fastest of each network."""
    tagger = load_config("jet_tagging").model
    mixer = tagger.model_copy(update={"name": "mixer"})
    if quick:
        sizes = {"width": 8, "num_heads": 2, "key_dim": 4, "constituent_blocks": 1, "head_units": (8,)}
        small = mixer.model_copy(update={"mixer": mixer.mixer.model_copy(update=SMALL)})
        return [Form("transformer", tagger.model_copy(update=sizes), 8), Form("mixer", small, 8)]
    # Dropout on the scores has no fused form; both are compared without any.
    plain = tagger.model_copy(update={"dropout_rate": 0.0})
    fused = plain.model_copy(update={"fused_attention": True})
    large = [Form("transformer", settings, batch) for settings, batch in ((plain, 128), (plain, 256), (fused, 256))]
    return large + [Form("mixer", mixer, batch) for batch in (256, 512, 1024, 2048)]


def made_up_jets(number: int, constituents: int) -> Arrays:
    """Inputs by name of single jets about as full as those of the tagging sample."""
    rng = np.random.default_rng(1)
    counts = np.clip(rng.normal(57.0, 18.0, (number, 1)).astype(int), 1, constituents)
    mask = np.arange(constituents) < counts
    pt = 0.5 - np.sort(-rng.exponential(10.0, mask.shape), axis=1)
    cloud = np.stack([*rng.normal(0.0, 0.3, (2, *mask.shape)), pt, np.log(pt)], axis=-1)
    inner = np.arange(SUBJETS) < rng.integers(1, 7, (number, 1))
    subjets = np.abs(rng.normal(1.0, 0.3, (*inner.shape, 6)))
    return {
        "constituents_1": (cloud * mask[..., None]).astype("float32"),
        "mask_1": mask,
        "subjets_1": (subjets * inner[..., None]).astype("float32"),
        "subjets_mask_1": inner,
    }


def jets_of(sample: Path, number: int) -> Arrays:
    """Inputs by name of the first jets of a sample."""
    with Sample(sample) as opened:
        sets = ("constituents", "constituents_mask", "subjets/subjets", "subjets/mask")
        arrays = {name: opened.column(name)[:number] for name in sets}
    return model_inputs(arrays, load_config("jet_tagging").data)


def by_length(jets: Arrays, classes: int) -> list[tuple[Arrays, float]]:
    """Jets of each length class, cut to the longest that it may hold, and their share; classes without any left out."""
    width = jets["mask_1"].shape[1]
    edges = class_edges(width, classes)
    place = length_class(jets["mask_1"].sum(axis=1), edges)
    found = []
    for number, edge in enumerate(edges):
        rows = np.flatnonzero(place == number)
        cut = {name: a[rows][:, :edge] if a.shape[1] == width else a[rows] for name, a in jets.items()}
        found += [(cut, len(rows) / len(place))] if len(rows) else []
    return found


class Work:
    """Steps and forward passes of one form, on jets of any length."""

    def __init__(self, form: Form, train: TrainSettings) -> None:
        self.form, self.train = form, train
        self.strategy = make_strategy(train)
        keras.utils.set_random_seed(1)
        sizes = InputSpecification(jets=1, constituents=None, tokens=1, subjets=SUBJETS)
        with self.strategy.scope():
            self.model = registry.build(form.settings, sizes)
            self.step = TrainingStep(self.strategy, self.model, make_optimizer(train), train)
        self.logits = forward(self.model, form.batch)

    def training(self, jets: Arrays) -> Turn:
        """One step of `TrainingStep`, as `mscat train` takes it: traced once for all lengths; waits for its loss."""
        label = np.random.default_rng(2).integers(0, 2, self.form.batch).astype("float32")
        element = (self._batch(jets), label, np.full_like(label, 1.0 / len(label)), np.arange(len(label)))
        shapes = {x.name: tf.TensorSpec((len(label), *x.shape[1:]), x.dtype) for x in self.model.inputs}
        scalars = (tf.TensorSpec(part.shape, part.dtype) for part in element[1:])
        data = tf.data.Dataset.from_generator(lambda: repeat(element), output_signature=(shapes, *scalars))
        batches = iter(data.prefetch(2))

        def work() -> None:
            if not self.step.take(batches, [self.train.learning_rate]).sound.all():
                raise ValueError(f"{self.form.name}: the loss is not finite")

        return timed(work)

    def inference(self, jets: Arrays) -> Turn:
        """Logits, as `mscat predict` computes them, from arrays to arrays."""
        batch = self._batch(jets)
        return timed(lambda: self.logits(batch))

    def _batch(self, jets: Arrays) -> Arrays:
        rows = np.arange(self.form.batch) % len(jets["mask_1"])
        return {tensor.name: jets[tensor.name][rows] for tensor in self.model.inputs}


def measure(kind: str, works: list[Work], classes: list[tuple[Arrays, float]], rounds: int) -> Mapping[str, Any]:
    """Seconds for one jet, `(rounds, 2)` by wall clock and CPU, by form: the mean over the lengths."""
    turns = {f"{w.form.name}: {n}": getattr(w, kind)(jets) for w in works for n, (jets, _) in enumerate(classes)}
    timings = interleave(turns, rounds, calls=1)
    shares = [share for _, share in classes]
    return {
        work.form.name: sum(
            share * timings.seconds[f"{work.form.name}: {n}"] / work.form.batch for n, share in enumerate(shares)
        )
        for work in works
    }


def fastest(found: Mapping[str, Any], works: list[Work]) -> list[str]:
    """Names of the fastest transformer and of the fastest mixer."""
    return [
        Timings(found).best(work.form.name for work in works if work.form.network == network)
        for network in ("transformer", "mixer")
    ]


def figures(kind: str, found: Mapping[str, Any], works: list[Work], jets: int) -> list[dict[str, Any]]:
    """What is compared, each with the spread over the rounds."""
    slow, fast = fastest(found, works)
    lines = []
    for name in (slow, fast):
        seconds = found[name][:, 0]
        if kind == "training":
            lines.append(_figure(f"s for an epoch of {jets} jets: {name}", seconds * jets))
            lines.append(_figure(f"jets per second in training: {name}", 1.0 / seconds))
        else:
            lines.append(_figure(f"s for 1000 jets at inference: {name}", 1000.0 * seconds))
    for clock, what in enumerate(("", " by CPU time")):
        ratios = found[slow][:, clock] / found[fast][:, clock]
        target = TARGET if kind == "training" and not clock else None
        lines.append(_figure(f"times faster in {kind}{what}: {fast} than {slow}", ratios, target))
    return lines


def _figure(what: str, values: Any, target: float | None = None) -> dict[str, Any]:
    low, value, high = np.quantile(values, (0.16, 0.5, 0.84))
    return {"what": what, "value": float(value), "low": float(low), "high": float(high), "target": target}


def costs(works: list[Work]) -> list[dict[str, Any]]:
    """Parameters, operations for a jet of 100 constituents, and the ratio of these."""
    models = {work.form.network: work.model for work in works}
    flops = {name: cost_per_event(model, CONSTITUENTS).flops for name, model in models.items()}
    found = [_figure(f"parameters: {name}", [parameters(model)]) for name, model in models.items()]
    found += [_figure(f"MFLOP for a jet of {CONSTITUENTS} constituents: {n}", [f / 1e6]) for n, f in flops.items()]
    return [*found, _figure("times fewer operations", [flops["transformer"] / flops["mixer"]])]


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a line for each figure, write all of it."""
    options = options_of(arguments)
    number = 64 if options.quick else 8192
    jets = jets_of(options.sample, number) if options.sample else made_up_jets(number, CONSTITUENTS)
    classes = by_length(jets, LENGTHS)
    works = [Work(form, load_config("jet_tagging").train) for form in forms(options.quick)]
    load, report = os.getloadavg()[0], costs(works)
    timings: dict[str, Any] = {}
    for kind in ("training", "inference"):
        found = measure(kind, works, classes, options.rounds)
        report += figures(kind, found, works, options.jets)
        timings[kind] = Timings(found).to_json()
    loads = (load, os.getloadavg()[0])
    for figure in report:
        spread = f"({figure['low']:.4g} to {figure['high']:.4g})" if figure["low"] < figure["high"] else ""
        missed = f"; {figure['target'] / figure['value']:.2f} times too slow" if verdict(figure) == "MISSED" else ""
        print(f"{verdict(figure):8}{figure['value']:12.5g} {spread:24} {figure['what']}{missed}")
    print(f"load {loads[0]:.1f} to {loads[1]:.1f}")
    write_json(options.out, {"figures": report, "seconds_per_jet": timings, "load": loads})


if __name__ == "__main__":
    main()
