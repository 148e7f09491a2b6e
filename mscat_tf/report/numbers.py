"""Numbers as people read them."""

import math
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


def rejection_text(entry: dict[str, Any]) -> str:
    """`152 ± 31`, or `> 40` where too few effective background events pass to quote a value."""
    return f"> {entry['lower_limit']:.0f}" if entry["quote_lower_limit"] else with_error(entry["value"], entry["error"])


def significant(value: Any, digits: int = 4) -> str:
    """A number with so many digits; text as it is; nothing for None.

    >>> significant(0.000123456), significant("x"), significant(None), significant(12345)
    ('0.0001235', 'x', '', '12345')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{digits}g}" if math.isfinite(value) else "not finite"
    return str(value)


def grouped(value: int) -> str:
    """1234567 as `1 234 567`, with spaces that do not break."""
    return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """`2 min 20 s`, `14 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
