"""Do the constituents that an attribution names matter? They are taken away, or brought in, in its order.

Petsiuk, Das, Saenko, arXiv:1806.07421, section 4.1: deletion removes the most important constituents first, insertion
begins without any and brings them in first. A constituent is removed by its mask, so a network that reads padding
cannot be asked. Compared are orders by attribution, by transverse momentum, and a random one, on the same events: the
area between two curves is a mean over events, so its error is that of a paired comparison.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.ranks import Floats, Mask, descending_ranks, mean_and_error

Logits = Callable[[Mapping[str, NDArray[Any]]], NDArray[Any]]
FRACTIONS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
RANDOM, MOMENTUM = "random", "transverse momentum"


def insertion_deletion(
    logits: Logits,
    inputs: Mapping[str, NDArray[Any]],
    orders: Mapping[str, Floats],
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Curves of the logit by the share of constituents removed and kept, and the areas between them.

    Args:
        logits: of inputs by name, `(n,)`. inputs: of the events, with `mask_j` of every jet.
        orders: by method what the constituents of all jets have, `(n, jets * constituents)`; the largest counts most.
            `transverse momentum` among them is compared with too.
        seed: of the random order, and of the order among equal values. progress: called with (orders done, orders).

    Returns:
        `fractions`; `whole` and `empty`, the mean logits of events with all and without any constituents; by method
        `deletion` and `insertion`, each with the mean logits (`logit`, `error`) at the fractions and `better_than_...`:
        the area by which the curve lies on the better side of another, in units of the logit.
    """
    masks = [name for name in sorted(inputs) if name.startswith("mask_")]
    real: Mask = np.concatenate([np.asarray(inputs[name], bool) for name in masks], axis=1)
    rng = np.random.default_rng((seed, 0xDE1E))
    orders = {**orders, RANDOM: rng.random(real.shape)}

    def seen(keep: Mask) -> NDArray[Any]:
        parts = np.split(keep & real, len(masks), axis=1)
        return logits({**inputs, **dict(zip(masks, parts, strict=True))})

    whole, empty = seen(real), seen(np.zeros_like(real))
    curves: dict[str, dict[str, Floats]] = {}
    for number, (name, values) in enumerate(orders.items(), start=1):
        ranks = descending_ranks(values, real, rng)
        removed = [np.rint(share * real.sum(axis=1, keepdims=True)) for share in FRACTIONS[1:-1]]
        without = [whole, *(seen(ranks >= count) for count in removed), empty]
        only = [empty, *(seen(ranks < count) for count in removed), whole]
        curves[name] = {"deletion": np.stack(without, axis=1), "insertion": np.stack(only, axis=1)}
        if progress:
            progress(number, len(orders))
    means = {"whole": mean_and_error(whole), "empty": mean_and_error(empty)}
    methods = {name: {kind: _summary(curves, name, kind) for kind in curves[name]} for name in curves}
    return {"events": len(real), "fractions": list(FRACTIONS), **means, "methods": methods}


def _summary(curves: Mapping[str, Mapping[str, Floats]], name: str, kind: str) -> dict[str, Any]:
    own = curves[name][kind]
    points = [mean_and_error(own[:, place]) for place in range(own.shape[1])]
    found: dict[str, Any] = {key: [point[key] for point in points] for key in ("value", "error")}
    found["logit"] = found.pop("value")
    for other in (RANDOM, MOMENTUM):
        if other != name and other in curves:
            gap = own - curves[other][kind]
            area = np.asarray(np.trapezoid(gap if kind == "insertion" else -gap, FRACTIONS, axis=1))
            found[f"better_than_{other.replace(' ', '_')}"] = mean_and_error(area)
    return found
