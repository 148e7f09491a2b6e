"""Measured numbers as people read them; the same on the terminal, on pages and in Jupyter."""

import math
from collections.abc import Mapping
from typing import Any


def with_error(value: float | None, error: float | None, digits: int = 2) -> str:
    """`0.938 ± 0.008`: as many decimals as the error's first `digits` digits ask for.

    >>> with_error(0.93782, 0.00760), with_error(152.3, 31.2), with_error(0.5, None)
    ('0.9378 ± 0.0076', '152 ± 31', '0.5')
    """
    if value is None or not math.isfinite(value):
        return "not measured" if value is None or math.isnan(value) else "no background left"
    if error is None or not math.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def rejection_text(point: Mapping[str, Any]) -> str:
    """`152 ± 31`, or `> 40` (95 % confidence) where too few effective background events pass for a value or its error.

    Args:
        point: an entry `rejection` of `metrics.json`.
    """
    if point["quote_lower_limit"] or point["error"] is None or not math.isfinite(point["error"]):
        return limit_text(point)
    return with_error(point["value"], point["error"])


def limit_text(point: Mapping[str, Any]) -> str:
    """`> 40`: the lower limit at 95 % confidence of a rejection."""
    return f"> {point['lower_limit']:.3g}"


def estimate_text(estimate: Mapping[str, float]) -> str:
    """`0.9512 ± 0.0041`."""
    return f"{estimate['value']:.4f} ± {estimate['error']:.4f}"
