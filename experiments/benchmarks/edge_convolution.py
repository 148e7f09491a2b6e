"""What it saves to apply the first layer of an edge function to tokens instead of edges.

Results: docs/models_taggers.md.

    python experiments/benchmarks/edge_convolution.py     # a minute; JSON to runs/benchmarks/

The same block twice with the same weights: `EdgeConvolution`, and one that builds `(x_i, x_j - x_i)` at every edge.
Prints milliseconds of CPU time, all cores together, of a forward pass and of forward and backward pass, and their
ratio. Sizes are the three blocks of ParticleNet, k = 16 of 50 constituents.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from mscat_tf.files import write_json
from mscat_tf.layers import EdgeConvolution, NearestNeighbours

ROUNDS = 3
CONSTITUENTS, NEIGHBOURS = 50, 16
BLOCKS = ((7, 64), (64, 128), (128, 256))
"""Features that enter and width."""


class AtEveryEdge(EdgeConvolution):
    """The same function, its first layer applied edge by edge as it is written in the paper."""

    def _first(self, tokens: Any, neighbours: Any) -> Any:
        own = ops.broadcast_to(ops.expand_dims(tokens, 2), (*neighbours.shape, tokens.shape[-1]))
        difference = tf.gather(tokens, neighbours, batch_dims=1) - own
        return ops.matmul(ops.concatenate([own, difference], axis=-1), ops.cast(self.kernel, tokens.dtype))


def least_milliseconds(function: Callable[[], Any]) -> float:
    """Least CPU time of `ROUNDS` calls [ms], after one that traces."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        tf.nest.map_structure(lambda tensor: tensor.numpy(), function())
        times.append(time.process_time() - start)
    return 1e3 * min(times[1:])


def compare(features: int, width: int, batch: int) -> dict[str, float]:
    """Times of both forms of one block, and how far their results lie apart."""
    rng = np.random.default_rng(1)
    tokens = tf.constant(rng.normal(size=(batch, CONSTITUENTS, features)), "float32")
    mask = tf.constant(np.arange(CONSTITUENTS) < rng.integers(20, CONSTITUENTS + 1, (batch, 1)))
    arguments = (tokens, mask, *NearestNeighbours(NEIGHBOURS)(tokens, mask))
    split, plain = EdgeConvolution((width,) * 3), AtEveryEdge((width,) * 3)
    for layer in (split, plain):
        layer(*arguments)
    plain.set_weights(split.get_weights())
    apart = float(np.abs(split(*arguments) - plain(*arguments)).max())
    found: dict[str, float] = {"features": features, "width": width, "largest_difference": apart}
    for kind, passes in (("forward", forward), ("training", forward_and_backward)):
        times = [least_milliseconds(tf.function(passes(layer, arguments))) for layer in (split, plain)]
        found |= {f"{kind}_ms": times[0], f"{kind}_at_every_edge_ms": times[1], f"{kind}_gain": times[1] / times[0]}
    return found


def forward(layer: keras.Layer, arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """One pass as in evaluation."""
    return lambda: tf.reduce_sum(layer(*arguments))


def forward_and_backward(layer: keras.Layer, arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """One pass as in training, gradients of the weights and of the tokens."""

    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(arguments[0])
            loss = tf.reduce_sum(layer(*arguments, training=True) ** 2)
        weights = [weight.value for weight in layer.trainable_weights]
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(loss, [arguments[0], *weights])]

    return run


def main() -> None:
    """Run all blocks, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64, help="jets at a time")
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks/edge_convolution.json"))
    options = parser.parse_args()
    report: dict[str, Any] = {"batch": options.batch, "load": os.getloadavg()[0], "blocks": []}
    for features, width in BLOCKS:
        found = compare(features, width, options.batch)
        report["blocks"].append(found)
        print(" ".join(f"{name}={value:.4g}" for name, value in found.items()))
    for kind in ("forward", "training"):
        ours, theirs = (sum(b[f"{kind}{form}_ms"] for b in report["blocks"]) for form in ("", "_at_every_edge"))
        report[f"{kind}_gain"] = theirs / ours
        print(f"{kind}: all blocks {ours:.0f} ms instead of {theirs:.0f} ms, {theirs / ours:.2f} times faster")
    write_json(options.output, report)


if __name__ == "__main__":
    main()
