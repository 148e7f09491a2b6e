"""The parts of `training.py`, each `Setting -> report` with `figures` that have a target or none."""

import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarks.child import Child
from experiments.benchmarks.data_prep import some_jets
from experiments.benchmarks.interleaved import Timings, Turn, interleave, show, timed
from experiments.benchmarks.our_works import OurWorks, made_up_events
from experiments.benchmarks.released_chain import OurChain, ReleasedChain, check_same_scores
from experiments.benchmarks.torch_child import torch_child, write_twin_file
from mscat_tf.config import ModelSettings, TrainSettings
from mscat_tf.cores import usable_cores
from mscat_tf.models.count import flops_per_event, parameters
from mscat_tf.training.peak import matmul_peak

CHAIN_RATIO, TRAINING_RATIO, INFERENCE_RATIO = 3.0, 1.05, 0.95
TRAINING_SHARE, INFERENCE_SHARE = 0.25, 0.27
TRAINING_COST = 3
"""Products of a step in forward passes: each of the forward pass has two in the backward one."""
JETS = 15_000
SAME_LOGIT = 1e-5
Report = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What every part is told.

    Attributes:
        rounds, threads: see `training.py`. torch_python: interpreter. quick: only see whether it runs.
    """

    rounds: int
    threads: int
    torch_python: str
    quick: bool

    @property
    def batch(self) -> int:
        """Events of a step."""
        return 8 if self.quick else 256

    @property
    def precisions(self) -> tuple[str, ...]:
        """The one that counts first."""
        return ("float32",) if self.quick else ("float32", "bfloat16")

    @property
    def compiled(self) -> tuple[bool, ...]:
        """Forms of every work: as it comes, and compiled."""
        return (False,) if self.quick else (False, True)

    @cached_property
    def network(self) -> OurWorks:
        """`mscat` with three blocks in each encoder on eight batches in memory."""
        return self._network()

    @cached_property
    def network_without_dropout(self) -> OurWorks:
        """The same, every dropout rate 0."""
        return self._network(dropout_rate=0.0)

    def _network(self, **settings: Any) -> OurWorks:
        blocks = dict.fromkeys(("constituent_blocks", "kinematic_blocks", "cross_blocks"), 1 if self.quick else 3)
        events = made_up_events(8 * self.batch, 6 if self.quick else 50)
        train = TrainSettings(batch_size=self.batch)
        return OurWorks(ModelSettings(**blocks, **settings), events, self.batch, train, self.threads)


def versions() -> Report:
    """Of everything, and the machine."""
    return {
        "processor": platform.processor() or platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def figure(what: str, value: float, target: float | None = None) -> Report:
    """One line of the result."""
    wanted = "" if target is None else f" (at least {target:g})"
    return {"what": f"{what}{wanted}", "value": value, "target": target}


def released(setting: Setting) -> Report:
    """The released loop: one step of 50 jets, and the chain from jets to a trained epoch."""
    check_same_scores()
    rows, counts = some_jets(200 if setting.quick else JETS)
    chains = {"released": ReleasedChain(), "released, without its mask": ReleasedChain(masked=False)}
    chains |= {f"ours{', XLA' if xla else ''}": OurChain(xla) for xla in setting.compiled}
    print(f"  network: {parameters(chains['ours'].model)} weights; a step has 50 jets", flush=True)
    steps = {name: timed(chain.one_step(rows, counts)) for name, chain in chains.items()}
    wholes = {name: timed(chain.whole(rows, counts)) for name, chain in chains.items() if "without" not in name}
    with _parallel_chain(setting, len(counts)) as child:
        for turns, name in ((steps, "step"), (wholes, "chain")):
            turns[f"ours, {child.ready['parts']} parts"] = lambda calls, name=name: child.ask(
                "turn", name=name, calls=calls
            )
        step = interleave(steps, setting.rounds, 10)
        show(step, 50)
        ours = step.best(name for name in steps if name.startswith("ours"))
        whole = interleave({name: wholes[name] for name in ("released", ours)}, setting.rounds, 1)
    print(f"  the whole chain, {len(counts)} jets:", flush=True)
    show(whole, len(counts))
    return {
        "step": step.to_json(),
        "chain": whole.to_json(),
        "figures": [
            figure(f"released step / our step ({ours})", step.gain("released", ours)),
            figure("the same by CPU time", step.gain("released", ours, 1)),
            figure(
                f"released chain without its padding / our chain ({ours})", whole.gain("released", ours), CHAIN_RATIO
            ),
            figure("the same by CPU time", whole.gain("released", ours, 1)),
        ],
    }


def _parallel_chain(setting: Setting, jets: int) -> Child:
    """Ours with `train.parallel_parts`: as many as there are processors, or what divides 50."""
    parts = max(number for number in (1, 2, 5, 10, 25) if number <= len(usable_cores()))
    script = Path(__file__).with_name("parallel_chain.py")
    return Child([sys.executable, str(script), str(parts), str(jets)], "our chain in parts")


def torch(setting: Setting) -> Report:
    """The same network in PyTorch, eager and compiled: steps of training, and scores."""
    network, report = setting.network, {}
    events = {**network.inputs, "label": network.events["label"], "share": network.events["share"]}
    practice = {"learning_rate": network.train.learning_rate, "weight_decay": network.train.weight_decay}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "twin.npz"
        write_twin_file(file, network.model, {**practice, "model": network.settings}, events)
        with torch_child(setting.torch_python, file, setting.threads or os.cpu_count() or 1) as child:
            report["twin"] = {**child.ready, "largest_difference_of_logits": _check_twin(network, child)}
            print(f"  twin: {report['twin']}", flush=True)
            for kind, target in (("training", TRAINING_RATIO), ("inference", INFERENCE_RATIO)):
                for precision in setting.precisions:
                    ours = _our_forms(setting, kind, precision)
                    theirs = _their_forms(setting, child, kind, precision)
                    found = interleave({**ours, **theirs}, setting.rounds, 3)
                    wanted = target if precision == "float32" else None
                    report[f"{kind}, {precision}"] = _compare(found, setting, ours, theirs, wanted)
    figures = [line for part in list(report.values())[1:] for line in part["figures"]]
    return {**report, "seconds_until_ready": network.prepared, "figures": figures}


def _check_twin(network: OurWorks, child: Child) -> float:
    theirs = np.array([child.ask("logits", training=training) for training in (True, False)])
    difference = float(np.abs(network.logits() - theirs).max())
    if not difference <= SAME_LOGIT:
        raise ValueError(f"the twin is another network: its logits differ by {difference:g}")
    return difference


def _our_forms(setting: Setting, kind: str, precision: str, works: OurWorks | None = None) -> dict[str, Turn]:
    """Our ways to do the same, of the network of `setting` or another one."""
    network, found = works or setting.network, {}
    make = network.training if kind == "training" else network.traced
    for xla in setting.compiled:
        name = f"ours, {kind}, {precision}{', XLA' if xla else ''}"
        found[name] = network.turn(name, make, xla=xla, kind=precision)
    if kind == "inference" and precision == "float32" and not setting.quick:
        name = f"ours, {kind}, {precision}, onnxruntime"
        found[name] = network.turn(name, network.onnx)
    return found


def _their_forms(setting: Setting, child: Child, kind: str, precision: str) -> dict[str, Turn]:
    found: dict[str, Turn] = {}
    for compiled in setting.compiled:
        name = f"PyTorch, {kind}, {precision}, {'compile' if compiled else 'eager'}"
        request = {"kind": kind, "compiled": compiled, "precision": precision, "batch": setting.batch}
        seconds = child.ask("prepare", name=name, **request)
        print(f"  {name}: ready after {seconds:.1f} s", flush=True)
        found[name] = lambda calls, name=name: child.ask("turn", name=name, calls=calls)
    return found


def peak(setting: Setting) -> Report:
    """Share of the machine's own matrix product that our training and inference reach.

    Counted as the layers are written, keys and values of every token, which any other code would compute: products
    saved by `cheaper_without_keys` are speed. Beside it the share of what is really computed, and training without
    dropout, as the best shares that others reached were measured.
    """
    network, report, figures = setting.network, {}, []
    done = flops_per_event(network.model)
    with patch("mscat_tf.layers.key_masked_attention.cheaper_without_keys", return_value=False):
        flops = flops_per_event(network.model)
    sizes = f"{flops / 1e6:.1f} MFLOP an event forward with keys and values of every token, {done / 1e6:.1f} as done"
    print(f"  network: {parameters(network.model)} weights, {sizes}", flush=True)
    for precision in setting.precisions:
        most = matmul_peak(precision)
        print(f"  {precision} matrix product: {most / 1e9:.0f} GFLOP/s", flush=True)
        for works, kind, cost, target in (
            (network, "training", TRAINING_COST, TRAINING_SHARE),
            (setting.network_without_dropout, "training", TRAINING_COST, TRAINING_SHARE),
            (network, "inference", 1, INFERENCE_SHARE),
        ):
            found = interleave(_our_forms(setting, kind, precision, works), setting.rounds, 3)
            show(found, setting.batch)
            best, bare = found.best(found.seconds), "" if works is network else " without dropout"
            share = cost * flops * setting.batch / found.median(best) / most
            report[f"{kind}{bare}, {precision}"] = {"timings": found.to_json(), "peak": most, "share": share}
            wanted = target if precision == "float32" else None
            figures.append(figure(f"share of the peak: {best}{bare}", share, wanted))
            figures.append(figure("the same, of the operations that are done", share * done / flops))
    return {**report, "flops_per_event": flops, "flops_done_per_event": done, "figures": figures}


def latency(setting: Setting) -> Report:
    """Scores of one event at a time, and of a batch, by every way that there is."""
    report: Report = {}
    figures = []
    for size, calls in ((1, 1 if setting.quick else 20), (setting.batch, 1 if setting.quick else 3)):
        turns = _ways_to_score(setting, size)
        found = interleave(turns, setting.rounds, calls)
        print(f"  events at a time: {size}", flush=True)
        show(found, size)
        report[f"{size} events"] = found.to_json()
        for way in turns:
            if size == 1:
                figures.append(figure(f"ms for one event: {way}", 1e3 * found.median(way)))
            else:
                figures.append(figure(f"events/s, batches of {size}: {way}", size / found.median(way)))
    return {**report, "figures": figures}


def _ways_to_score(setting: Setting, size: int) -> dict[str, Turn]:
    network = setting.network
    ways: dict[str, tuple[Any, dict[str, Any]]] = {
        "Keras call": (network.keras_call, {}),
        "Keras predict": (network.keras_predict, {}),
        "tf.function": (network.traced, {}),
    }
    if not setting.quick:
        ways |= {"XLA": (network.traced, {"xla": True}), "onnxruntime": (network.onnx, {})}
    return {way: network.turn(f"{way}, {size}", make, batch=size, **more) for way, (make, more) in ways.items()}


def _compare(found: Timings, setting: Setting, ours: dict[str, Turn], theirs: dict[str, Turn], target: Any) -> Report:
    show(found, setting.batch)
    mine, other = found.best(ours), found.best(theirs)
    return {
        "timings": found.to_json(),
        "figures": [
            figure(f"{other} / {mine}", found.gain(other, mine), target),
            figure("the same by CPU time", found.gain(other, mine, 1)),
        ],
    }
