"""What the sections of a page are made from: the runs, their files, each read when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mscat_tf.evaluation.scores import Scores, read_scores
from mscat_tf.evaluation.selection_study import FILE as SELECTION
from mscat_tf.files import read_json
from mscat_tf.report.explained import Explained
from mscat_tf.report.shown_events import Axes, attention_axes, shown_events
from mscat_tf.run_folder import Run


@dataclass(frozen=True)
class Material:
    """Finished runs and what the page may hold.

    Attributes:
        runs: the first is shown in full, the others beside it.
        events: at most so many events of each process are embedded.
    """

    runs: tuple[Run, ...]
    events: int

    @property
    def first(self) -> Run:
        """The run that the page is about."""
        return self.runs[0]

    @cached_property
    def names(self) -> list[str]:
        """A name for each run: its folder's, or its path where two folders have one name."""
        short = [run.path.resolve().name for run in self.runs]
        return short if len(set(short)) == len(short) else [str(run.path) for run in self.runs]

    @cached_property
    def evaluated(self) -> list[tuple[str, Run]]:
        """Names and runs that have metrics and scores."""
        return [(name, run) for name, run in zip(self.names, self.runs, strict=True) if is_evaluated(run)]

    @cached_property
    def scores(self) -> Scores:
        """Of the first run's test events; it must be evaluated."""
        return read_scores(self.first.path / "scores.h5")

    @cached_property
    def selection(self) -> dict[str, Any] | None:
        """`selection.json` of the first run."""
        path = self.first.path / SELECTION
        return read_json(path) if path.is_file() else None

    @cached_property
    def explained(self) -> Explained:
        """What `mscat explain` left in the first run."""
        return Explained(self.first)

    @cached_property
    def attention_axes(self) -> Axes:
        """Queries and keys of each attention block of the first run."""
        stored = self.explained.attention
        return attention_axes(stored) if stored else {}

    @cached_property
    def shown(self) -> dict[str, Any] | None:
        """Single events of the first run, as JSON; None without any."""
        return shown_events(self.explained, self.attention_axes, self.events)


def is_evaluated(run: Run) -> bool:
    """Whether `mscat evaluate` has been there."""
    return (run.path / "metrics.json").is_file() and (run.path / "scores.h5").is_file()
