"""What a case of the campaign is, and where it happens."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from experiments.faults.command import Ended, mscat
from experiments.faults.stock import Stock

SENTENCE = "status 2, one sentence that names the file, no traceback"
PATH = re.compile(r"\S*/(?=[^/\s])")


class UnexpectedError(Exception):
    """Something else was seen than expected; the message says what."""


@dataclass(frozen=True)
class Place:
    """Where a case happens.

    Attributes:
        folder: of its own, empty. stock: sound samples, runs and files. seed: of everything random. kills: of a chain.
        say: shows how far the case is.
    """

    folder: Path
    stock: Stock
    seed: int
    kills: int
    say: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: unique, for `--only`. group: heading under which it stands. done, expected: in words.
        act: does it, returns what was seen, raises `UnexpectedError`.
    """

    name: str
    group: str
    done: str
    expected: str
    act: Callable[[Place], str]


def need(condition: bool, seen: str) -> None:
    """Raise UnexpectedError with these words unless the condition holds."""
    if not condition:
        raise UnexpectedError(seen)


def sentence(ended: Ended, *words: str) -> str:
    """The one sentence with which a command refused, checked: status 2, no traceback, these words in it."""
    lines = [line for line in ended.complaint.splitlines() if line.startswith("mscat: ")]
    said = lines[0].removeprefix("mscat: ") if lines else ended.complaint.strip()[-300:]
    need(ended.status == 2, f"status {ended.status}: {said}")
    need(len(lines) == 1 and "Traceback" not in ended.complaint, f"{len(lines)} sentences: {ended.complaint[-300:]}")
    for word in words:
        need(word in said, f"'{word}' is not named: {said}")
    return said


def refused(place: Place, arguments: tuple[str, ...], *words: str, **options: object) -> str:
    """Run a command that must refuse; what it said, with paths shortened to their last part."""
    ended = mscat(arguments, place.folder, **options)  # type: ignore[arg-type]
    return shortened(sentence(ended, *words))


def shortened(text: str, most: int = 180) -> str:
    """For the table: folders of paths left out, one line."""
    line = PATH.sub("", " ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def canary(place: Place) -> Path:
    """File that hostile code would make."""
    return place.folder / "canary"


def no_canary(place: Place) -> None:
    """Raise UnexpectedError where hostile code ran."""
    need(not canary(place).exists(), "code from the file was executed")
