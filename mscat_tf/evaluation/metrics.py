"""Weighted classifier metrics from full score arrays: no bins, ties counted by halves.

Keras' threshold metrics are off by up to a factor six at 30 % signal efficiency (docs/deviations.md); these are exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.intervals import trials_of_weights, wilson

Floats = NDArray[np.float64]
CONFIDENCE = 0.95
ROUNDING = 1e-12
"""What cumulated weights may lack of a signal efficiency that they reach."""


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
        """Background efficiency on the curve at this signal efficiency in (0, 1), linear between cuts."""
        return float(self.background_efficiencies_at(np.array([signal_efficiency]))[0])

    def background_efficiencies_at(self, signal_efficiency: Floats) -> Floats:
        """The same at several, `(k,)`; where no cut ties signal with background it is that of the first cut reached."""
        last = np.searchsorted(self.signal_efficiency, signal_efficiency - ROUNDING, side="left")
        x0, x1 = self.signal_efficiency[last - 1], self.signal_efficiency[last]
        y0, y1 = self.background_efficiency[last - 1], self.background_efficiency[last]
        return np.asarray(y0 + (y1 - y0) * np.clip((signal_efficiency - x0) / (x1 - x0), 0.0, 1.0))

    def effective_background_at(self, signal_efficiency: Floats) -> Floats:
        """Effective background events above the highest cuts that keep at least these signal efficiencies, `(k,)`."""
        return self.effective_background[
            np.searchsorted(self.signal_efficiency, signal_efficiency - ROUNDING, side="left")
        ]

    def threshold_at(self, signal_efficiency: float) -> float:
        """Highest cut that keeps at least this signal efficiency."""
        return float(self.threshold[np.searchsorted(self.signal_efficiency, signal_efficiency - ROUNDING, side="left")])


class RankedScores:
    """Scores sorted once, for any number of weights: what a bootstrap over many events needs.

    Args:
        score: `(n,)`, larger is more signal-like; infinity allowed, NaN not. label: `(n,)`, 1 or 0.
    """

    def __init__(self, score: NDArray[np.floating], label: NDArray[np.integer]) -> None:
        self._order = np.argsort(-score, kind="stable")
        score = score[self._order]
        self._signal = label[self._order] == 1
        self._last_of_tie = np.flatnonzero(np.append(score[1:] != score[:-1], True))
        self._threshold = np.append(np.inf, score[self._last_of_tie]).astype(np.float64)

    def roc(self, weight: Floats) -> Roc:
        """The curve for weights `(n,)` >= 0 in the order of the scores; events of weight 0 do not count.

        Raises:
            ValueError: a class has no weight.
        """
        weight = np.asarray(weight, dtype=np.float64)[self._order]
        signal, background = self._cumulative(weight * self._signal), self._cumulative(weight * ~self._signal)
        for value, sums in ((1, signal), (0, background)):
            if not sums[-1] > 0:
                raise ValueError(f"no weight in class {value}")
        squares = self._cumulative(weight**2 * ~self._signal)
        effective = np.divide(background**2, squares, out=np.zeros_like(squares), where=squares > 0)
        return Roc(signal / signal[-1], background / background[-1], self._threshold, effective)

    def _cumulative(self, values: Floats) -> Floats:
        return np.append(0.0, np.cumsum(values)[self._last_of_tie])


def weighted_roc(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats) -> Roc:
    """The curve of events with weights >= 0.

    Args:
        score: `(n,)`, larger is more signal-like. label: `(n,)` 1 or 0. weight: `(n,)`.

    Raises:
        ValueError: a class has no weight.
    """
    return RankedScores(score, label).roc(weight)


def weighted_auc(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats) -> float:
    """Probability that a signal event scores above a background event, ties counted by halves."""
    return weighted_roc(score, label, weight).auc


def accuracy(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats, threshold: float = 0.5) -> float:
    """Weighted share of events on the right side of `threshold`; a score equal to it counts as signal."""
    return float(weight[(score >= threshold) == (label == 1)].sum() / weight.sum())


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
        binomial_interval: of `value`, Wilson at 68 % from the background's weights with the cut held fixed, as a tagger
            with a fixed threshold has it; infinite upper end when no background passes.
    """

    value: float
    effective_background: float
    lower_limit: float
    binomial_interval: tuple[float, float]


def rejection(score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats, efficiency: float) -> Rejection:
    """Rejection at a signal efficiency, with the number of events that it rests on."""
    curve = weighted_roc(score, label, weight)
    background = curve.background_efficiency_at(efficiency)
    weights = weight[label == 0]
    passed = score[label == 0] >= curve.threshold_at(efficiency)
    passing = effective_events(weights[passed])
    # Poisson upper limit on the passing events; what might have passed beyond those seen weighs as much as an average
    # event of the whole background, since a few light ones that pass say nothing about the heavy ones.
    excess = 0.5 * stats.chi2.ppf(CONFIDENCE, 2 * (passing + 1)) - passing
    most = background + excess / effective_events(weights)
    low, high = wilson(background, trials_of_weights(weights, passed))
    return Rejection(
        value=_inverse(background),
        effective_background=passing,
        lower_limit=float(max(1.0 / most, 1.0)),
        binomial_interval=(_inverse(float(high)), _inverse(float(low))),
    )


def _inverse(efficiency: float) -> float:
    return 1.0 / efficiency if efficiency > 0 else float("inf")
