"""Arrays inside a page: base64 of half-precision numbers, or of bytes with a scale; `arrays.js` reads them."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = 255
"""Of a quantised array, between its least and its greatest value."""
SMALLEST = 1e-30
"""Width of values that are told apart."""


def halves(values: NDArray[Any]) -> dict[str, Any]:
    """As float16: three digits, NaN kept."""
    array = np.ascontiguousarray(values, dtype="<f2")
    return {"kind": "half", "shape": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}


def steps(values: NDArray[Any]) -> dict[str, Any]:
    """As bytes: one of 256 steps between the least and the greatest value of the last two axes.

    Args:
        values: finite, `(..., rows, columns)`.
    """
    values = np.asarray(values, dtype=np.float64)
    low = values.min(axis=(-2, -1), initial=0.0, keepdims=True)
    width = values.max(axis=(-2, -1), initial=0.0, keepdims=True) - low
    scale = np.where(width > SMALLEST, width, 1.0) / STEPS
    levels = np.rint((values - low) / scale).astype("u1")
    return {
        "kind": "steps",
        "shape": list(values.shape),
        "low": rounded(low.ravel()),
        "scale": rounded(scale.ravel()),
        "data": base64.b64encode(levels.tobytes()).decode(),
    }


def rounded(values: Any, digits: int = 6) -> list[Any]:
    """Numbers as a list for JSON with so many digits; None where not finite."""
    return [
        rounded(value, digits) if isinstance(value, (list, np.ndarray)) else finite(value, digits)
        for value in (values.tolist() if isinstance(values, np.ndarray) else values)
    ]


def finite(value: float | None, digits: int = 6) -> float | None:
    """One such number."""
    return float(f"{value:.{digits}g}") if value is not None and np.isfinite(value) else None
