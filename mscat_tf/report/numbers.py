"""Numbers as people read them."""

import math
from typing import Any


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
