"""Differences of AUC between the rows of a study, with the errors of events and of seeds.

Every row is resampled with the same draws of the same test events, so a difference of two rows is one of numbers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.evaluation.bootstrap import Replicas, resample
from mscat_tf.evaluation.metrics import RankedScores
from mscat_tf.evaluation.scores import Scores
from mscat_tf.studies.significance import Part, Significance, holm, significance

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resampled:
    """AUC of a row and of its resamplings.

    Attributes:
        scores: of the test events. ensemble: one column. members: a column for each single training.
    """

    scores: Scores
    ensemble: Replicas
    members: Replicas

    @property
    def spread(self) -> Part:
        """Of the mean of the members, from how they scatter; not a number for one alone."""
        n = len(self.members.value)
        deviation = float(np.std(self.members.value, ddof=1)) if n > 1 else float("nan")
        return Part(deviation / np.sqrt(n), n - 1)


def resampled(scores: Scores, replicas: int, seed: int) -> Resampled:
    """Bootstrap over parton-level events of the AUC of a row: of its ensemble and of every member."""
    found = resample(_areas(scores), scores.weight, scores.group_id, scores.process, replicas, seed)
    return _split(scores, found.value, found.resampled)


def resampled_together(first: Scores, second: Scores, replicas: int, seed: int) -> tuple[Resampled, Resampled]:
    """The same of two rows of which not all events are the same: those that both have are drawn together.

    A variation of the detector takes events out of the selection, and gives others another weight.
    """
    both = (first, second)
    event_id, place = np.unique(np.concatenate([scores.event_id for scores in both]), return_index=True)
    group, process = (
        np.concatenate([getattr(scores, name) for scores in both])[place] for name in ("group_id", "process")
    )
    rows = [np.searchsorted(event_id, scores.event_id) for scores in both]
    areas = [_areas(scores) for scores in both]

    def figures(drawn: Floats) -> Floats:
        parts = zip(areas, both, rows, strict=True)
        return np.concatenate([area(scores.weight * drawn[row]) for area, scores, row in parts])

    found = resample(figures, np.ones(len(event_id)), group, process, replicas, seed)
    columns = np.split(np.arange(len(found.value)), [1 + _trainings(first)])
    one, other = (
        _split(scores, found.value[chosen], found.resampled[:, chosen])
        for scores, chosen in zip(both, columns, strict=True)
    )
    return one, other


def same_events(first: Scores, second: Scores) -> bool:
    """Whether two rows were tested on the same events with the same labels and weights."""
    columns = ("event_id", "label", "weight")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in columns)


def events_in_common(first: Scores, second: Scores) -> int:
    """How many events both were tested on."""
    return len(np.intersect1d(first.event_id, second.event_id))


def difference(first: Resampled, second: Resampled, same_networks: bool = False) -> dict[str, Any]:
    """AUC of the first row less that of the second, as it stands in the JSON.

    `ensembles` compares the ensembles, with the error of the events. `seeds` compares the means of the single
    trainings; its errors are that of the events, and that of the seeds with its degrees of freedom; None where a row is
    one training. The figures beside them (`difference`, `error`, `standard_errors`, `p_value`) are those of `seeds`
    if there are any, else of `ensembles`, which say nothing about another seed.

    Args:
        same_networks: whether the members are the same trainings, tested on other events: the spread is then that of
            their differences one by one.
    """
    ensembles = _paired(first.ensemble, second.ensemble)
    several = min(len(row.members.value) for row in (first, second)) > 1
    if not several:
        total = significance(ensembles["difference"], [Part(ensembles["error"])])
        return {"ensembles": ensembles, "seeds": None, **_as_json(total)}
    means = _paired(_mean(first.members), _mean(second.members))
    spreads = [_paired_spread(first, second)] if same_networks else [first.spread, second.spread]
    of_seeds = significance(means["difference"], spreads)
    total = significance(means["difference"], [Part(means["error"]), *spreads])
    seeds = {
        "difference": means["difference"],
        "events_error": means["error"],
        "error": of_seeds.error,
        "degrees_of_freedom": _as_json(of_seeds)["degrees_of_freedom"],
    }
    return {"ensembles": ensembles, "seeds": seeds, **_as_json(total)}


def _paired_spread(first: Resampled, second: Resampled) -> Part:
    differences = first.members.value - second.members.value
    n = len(differences)
    return Part(float(np.std(differences, ddof=1) / np.sqrt(n)), n - 1)


def adjust(comparisons: Sequence[dict[str, Any]]) -> None:
    """Write `adjusted_p_value` into all comparisons of a study, by Holm's method."""
    for found, value in zip(comparisons, holm([each["p_value"] for each in comparisons]), strict=True):
        found["adjusted_p_value"] = value


def _as_json(found: Significance) -> dict[str, Any]:
    """With None for infinitely many degrees of freedom, which JSON cannot say."""
    endless = math.isinf(found.degrees_of_freedom)
    return {**asdict(found), **({"degrees_of_freedom": None} if endless else {})}


def _trainings(scores: Scores) -> int:
    return 1 if scores.member_logits is None else len(scores.member_logits)


def _areas(scores: Scores) -> Callable[[Floats], Floats]:
    """AUC of the ensemble and of every member as a function of the weights of the events."""
    members = scores.logit[None] if scores.member_logits is None else scores.member_logits
    ranked = [RankedScores(logit, scores.label) for logit in (scores.logit, *members)]
    return lambda weight: np.array([each.roc(weight).auc for each in ranked])


def _split(scores: Scores, value: Floats, columns: Floats) -> Resampled:
    return Resampled(scores, Replicas(value[:1], columns[:, :1]), Replicas(value[1:], columns[:, 1:]))


def _mean(columns: Replicas) -> Replicas:
    return Replicas(columns.value.mean(keepdims=True), columns.resampled.mean(axis=1, keepdims=True))


def _paired(first: Replicas, second: Replicas) -> dict[str, float]:
    found = Replicas(first.value - second.value, first.resampled - second.resampled).estimate(0)
    return {"difference": found.value, "error": found.error}
