"""Weighted classifier metrics from full score arrays: no bins, ties counted by halves.

Keras' threshold metrics are off by up to a factor six at 30 % signal efficiency (docs/deviations.md); these are exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mscat_tf.data.events import effective_events

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Roc:
    """Weighted receiver operating characteristic; each point is a cut `score >= threshold`.

    Attributes:
        signal_efficiency, background_efficiency: `(points,)`, from (0, 0) to (1, 1), not decreasing.
        threshold: `(points,)`, decreasing; +infinity first.
        effective_background: `(points,)`, effective number of background events that pass.
    """

    signal_efficiency: Floats
    background_efficiency: Floats
    threshold: Floats
    effective_background: Floats

    @property
    def auc(self) -> float:
        """Area by trapezoids: tied scores count one half."""
        return float(np.trapezoid(self.signal_efficiency, self.background_efficiency))

    def background_efficiency_at(self, signal_efficiency: float) -> float:
        """Background efficiency on the curve at this signal efficiency, interpolated linearly between cuts."""
        last = np.searchsorted(self.signal_efficiency, signal_efficiency, side="left")
        x = self.signal_efficiency[last - 1 : last + 1]
        y = self.background_efficiency[last - 1 : last + 1]
        if last == 0:
            return float(self.background_efficiency[0])
        return float(y[0] + (y[1] - y[0]) * (signal_efficiency - x[0]) / (x[1] - x[0]))

    def threshold_at(self, signal_efficiency: float) -> float:
        """Highest cut that keeps at least this signal efficiency."""
        return float(self.threshold[np.searchsorted(self.signal_efficiency, signal_efficiency - 1e-12, side="left")])


def weighted_roc(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats) -> Roc:
    """The curve of events with weights >= 0.

    Args:
        score: `(n,)`, larger is more signal-like. label: `(n,)` 1 or 0. weight: `(n,)`.

    Raises:
        ValueError: a class has no weight.
    """
    order = np.argsort(-score, kind="stable")
    score, label, weight = score[order], label[order], np.asarray(weight, dtype=np.float64)[order]
    last_of_tie = np.append(np.diff(score) != 0, True)
    efficiencies = {}
    for value in (1, 0):
        cumulative = np.cumsum(np.where(label == value, weight, 0.0))
        if not cumulative[-1] > 0:
            raise ValueError(f"no weight in class {value}")
        efficiencies[value] = np.append(0.0, cumulative[last_of_tie] / cumulative[-1])
    background = np.where(label == 0, weight, 0.0)
    sums, squares = (np.append(0.0, np.cumsum(background**power)[last_of_tie]) for power in (1, 2))
    effective = np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)
    return Roc(efficiencies[1], efficiencies[0], np.append(np.inf, score[last_of_tie]).astype(np.float64), effective)


def weighted_auc(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats) -> float:
    """Probability that a signal event scores above a background event, ties counted by halves."""
    return weighted_roc(score, label, weight).auc


def chance_error(signal: float, background: float) -> float:
    """Standard deviation of the AUC of a score that knows nothing, from the effective events of the two classes.

    Exact for continuous scores of independent events; without weights it is the variance of the Mann-Whitney statistic
    (Mann, Whitney, Ann. Math. Statist. 18 (1947) 50), and weights replace numbers by effective numbers.
    """
    return float(np.sqrt((signal + background + 1.0) / (12.0 * signal * background)))


@dataclass(frozen=True)
class Rejection:
    """Background rejection 1 / efficiency at a signal efficiency.

    Attributes:
        value: 1 / background efficiency; infinite when no background passes.
        effective_background: effective number of background events behind it.
        lower_limit: at 95 % confidence, from Poisson statistics of the effective events; what to quote when
            `effective_background` is below the limit of the settings.
    """

    value: float
    effective_background: float
    lower_limit: float


def rejection(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats, efficiency: float) -> Rejection:
    """Rejection at a signal efficiency, with the number of events that it rests on."""
    curve = weighted_roc(score, label, weight)
    background = curve.background_efficiency_at(efficiency)
    weights = weight[label == 0]
    passing = effective_events(weights[score[label == 0] >= curve.threshold_at(efficiency)])
    # Poisson upper limit on the passing events; what might have passed beyond those seen weighs as much as an average
    # event of the whole background, since a few light ones that pass say nothing about the heavy ones.
    excess = 0.5 * stats.chi2.ppf(CONFIDENCE, 2 * (passing + 1)) - passing
    most = background + excess / effective_events(weights)
    return Rejection(
        value=1.0 / background if background > 0 else float("inf"),
        effective_background=passing,
        lower_limit=float(max(1.0 / most, 1.0)),
    )
