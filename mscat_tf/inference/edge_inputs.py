"""Events that an exported network must answer as the original does: ordinary ones, and those at the edges."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.inference.signature import InputField, Signature

Arrays = dict[str, NDArray[Any]]

ANY_LENGTH = 11
"""Tokens of a set of which the network reads any number."""
HUGE = 1e5
"""Momenta and masses of the edge case: some 10^6 to 10^7 GeV, more than any beam has."""


def edge_inputs(signature: Signature, seed: int = 0) -> dict[str, Arrays]:
    """Inputs by name for each case: random events (64, 7 and 1 of them) and four edges of 7 events each.

    The edges: no constituent at all; one constituent; no padding; momenta and masses of `HUGE` times the usual ones.
    """
    rng = np.random.default_rng(seed)
    shapes = {field: tuple(ANY_LENGTH if size is None else size for size in field.shape) for field in signature.fields}

    def events(number: int, least: int, most: int | None, scale: float = 1.0) -> Arrays:
        real = _real_tokens(shapes, number, least, most, rng)
        return {field.name: _values(field, (number, *shapes[field]), real, scale, rng) for field in shapes}

    return {
        "64 random events": events(64, 0, None),
        "7 random events": events(7, 1, None),
        "1 random event": events(1, 1, None),
        "only padding": events(7, 0, 0),
        "one constituent": events(7, 1, 1),
        "no padding": events(7, 10**6, None),
        "huge momenta": events(7, 1, None, HUGE),
    }


def _real_tokens(
    shapes: Mapping[InputField, tuple[int, ...]], events: int, least: int, most: int | None, rng: np.random.Generator
) -> dict[str, NDArray[np.bool_]]:
    """Mask `(events, tokens)` of every set of tokens that has one, by the name of the mask."""
    masks = {}
    for field in (field for field in shapes if field.stem in ("constituents", "lund", "subjets")):
        tokens = shapes[field][0]
        highest = tokens if most is None else most
        counts = rng.integers(min(least, highest), highest + 1, (events, 1))
        masks[field.name] = np.arange(tokens) < counts
    return masks


def _values(
    field: InputField,
    shape: tuple[int, ...],
    real: dict[str, NDArray[np.bool_]],
    scale: float,
    rng: np.random.Generator,
) -> NDArray[Any]:
    """Of one input, of this shape with the axis of the events."""
    owner = _OWNERS.get(field.stem, field.stem)
    mask = real.get(field.name.replace(field.stem, owner, 1), np.ones(shape[:2], bool))
    if field.dtype == "bool":
        return mask
    if field.stem == "lund_parent":
        parents = np.broadcast_to((np.arange(shape[1]) - 1) // 2, shape)
        return np.where(mask, parents, -1).astype(field.dtype)
    pt = rng.exponential(40.0, shape[:-1]) + 0.5
    pt = scale * (-np.sort(-pt, axis=-1) if pt.ndim > 1 else pt)
    if field.stem == "high_level":
        columns = [_of_unit(unit, rng, pt) for unit in field.units]
    else:
        columns = [_COLUMNS.get(name, _angle)(rng, pt, scale) for name in field.columns]
    values = np.stack(columns, axis=-1)
    return np.where(mask[..., None], values, 0.0).astype(field.dtype) if values.ndim > 2 else values.astype(field.dtype)


def _angle(rng: np.random.Generator, pt: NDArray[Any], _: float) -> NDArray[Any]:
    return rng.normal(0.0, 0.4, pt.shape)


def _of_unit(unit: str, rng: np.random.Generator, pt: NDArray[Any]) -> NDArray[Any]:
    """A named jet variable: a number of constituents, a momentum [GeV] or a product of two; many are 0."""
    size = {"GeV": pt, "GeV^2": pt**2}.get(unit, np.full(pt.shape, 20.0))
    found: NDArray[Any] = np.maximum(rng.normal(0.5, 1.0, pt.shape), 0.0) * size
    return found


_Column = Callable[[np.random.Generator, NDArray[Any], float], NDArray[Any]]
_COLUMNS: dict[str, _Column] = {
    "pt": lambda _, pt, __: pt,
    "log_pt": lambda _, pt, __: np.log(pt),
    "mass": lambda _, pt, __: 0.1 * pt,
    "m": lambda rng, pt, scale: scale * rng.uniform(0.0, 200.0, pt.shape),
    "m_H": lambda rng, pt, scale: scale * rng.uniform(600.0, 2000.0, pt.shape),
    "energy": lambda rng, pt, _: pt * rng.uniform(1.0, 4.0, pt.shape),
    "scalar_sum_pt": lambda _, pt, __: 10.0 * pt,
    "missing_pt": lambda _, pt, __: pt,
}
"""What is not an angle or of order one, by column."""

_OWNERS = {"mask": "constituents", "lund_mask": "lund", "lund_parent": "lund", "subjets_mask": "subjets"}
