"""Seconds that networks take to score events, in turns, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mscat_tf.run_folder import Run

EVENTS, BATCH, ROUNDS = 1000, 500, 5


def inference_seconds(runs: Mapping[str, Run]) -> dict[str, float]:
    """By row the median time of a forward pass of `EVENTS` events [s], as `mscat predict` makes it; not of reading.

    Args:
        runs: by row, of single networks.
    """
    return seconds_in_turns({name: _scoring(run) for name, run in runs.items()}, EVENTS // BATCH)


def seconds_in_turns(calls: Mapping[str, Callable[[], Any]], times: int) -> dict[str, float]:
    """Median over rounds of the time that so many calls of each take [s]; every one has a turn in each round."""
    for call in calls.values():
        call()  # traces
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(times):
                call()
            spent[name].append(time.perf_counter() - started)
    return {name: float(np.median(seconds)) for name, seconds in spent.items()}


def _scoring(run: Run) -> Callable[[], Any]:
    """Computes the logits of a batch of random events without padding, which costs as much as real tokens."""
    from mscat_tf.inference.keras_network import forward, in_float32

    model, rng, inputs = in_float32(run.model), np.random.default_rng(1), {}
    constituents = run.config.data.max_constituents or run.config.sample.tokens.constituents
    for tensor in model.inputs:  # with `train.length_buckets` the number of constituents differs from batch to batch
        shape = (BATCH, *(constituents if size is None else size for size in tensor.shape[1:]))
        values = np.ones(shape) if tensor.dtype == "bool" else rng.uniform(0.1, 1.0, shape)
        inputs[tensor.name] = values.astype(tensor.dtype)
    network = forward(model, BATCH)
    return lambda: network(inputs)
