"""Where the command line prints: results to standard output, progress to standard error."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)
"""Brackets in units, paths and values are text, not markup: `[fb]` would be lost."""

SECONDS_BETWEEN_LINES = 15.0


class Reporter:
    """Progress of long work: a bar with rate and time left on a terminal, a line now and then elsewhere.

    Args:
        title: what is being done. total: how many units. unit: their name, e.g. `events`.
    """

    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        columns = ("{task.description}", "{task.fields[unit]}", "{task.fields[detail]}")
        self._bar = Progress(
            TextColumn(columns[0]), BarColumn(30), MofNCompleteColumn(), TextColumn(columns[1]), TextColumn(columns[2]),
            console=err, disable=not err.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(title, total=total, unit=unit, detail="")
        self._started = self._last_line = time.monotonic()
        self._first: int | None = None
        self._done = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """`update` for work that says itself how much there is."""
        self.total = total
        self.update(done)

    def update(self, done: int, detail: str = "", seconds_left: float | None = None) -> None:
        """Show that `done` of `total` are finished; rate and time left are measured since the first call.

        Where `total` has been changed and `done` falls, something else begins: they are measured anew.
        """
        now = time.monotonic()
        if self._first is None or done < self._done:
            self._first, self._started = done, now
        self._done = done
        rate = (done - self._first) / (now - self._started) if now > self._started else 0.0
        left = (self.total - done) / rate if seconds_left is None and rate > 0 else seconds_left
        words = [f"{rate:.1f}/s" if rate else "", f"{duration(left)} left" if left is not None else "", detail]
        text = ", ".join(word for word in words if word)
        self._bar.update(self._task, completed=done, total=self.total, detail=text)
        if not err.is_terminal and (now - self._last_line > SECONDS_BETWEEN_LINES or done >= self.total):
            self._last_line = now
            err.print(f"{self.title}: {done}/{self.total} {self.unit} {text}", soft_wrap=True)


def duration(seconds: float) -> str:
    """Seconds as `1:02:03` or `2:03`."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def heading(title: str) -> None:
    """Print a line across the terminal with the name of what begins."""
    out.rule(Text(title, style="bold"), align="left")


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    view = Table(title=title, title_justify="left", title_style="bold")
    for index, name in enumerate(columns):
        first = index == 0
        view.add_column(name, justify="left" if first else "right", overflow="fold", no_wrap=first)
    for row in rows:
        view.add_row(*map(str, row))
    out.print(view)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what native code writes to standard error while a library loads; show it if loading fails.

    TensorFlow 2.21 greets with eight lines about oneDNN and missing GPUs that no setting turns off.
    """
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no standard error at all
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
