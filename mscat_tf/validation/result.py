"""What a check says."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class CheckResult:
    """One line of the page.

    Attributes:
        name: of the check. status: `skipped` where the file does not hold what the check needs.
        sentence: what was looked at, or what is wrong and where.
    """

    name: str
    status: Status
    sentence: str
