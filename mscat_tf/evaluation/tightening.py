"""What a tighter selection before the network is worth: mass windows, and upper limits on transverse momenta."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.bootstrap import Replicas, resample
from mscat_tf.evaluation.efficiency import Bools, Floats, quantiles
from mscat_tf.evaluation.metrics import RankedScores
from mscat_tf.evaluation.scores import Scores

HIGGS_MASS = 125.0
WINDOWS_GEV = (40.0, 30.0, 20.0)
"""Half widths of a window about the Higgs boson's mass, in which every fat jet has to be."""
PT_SHARES = (0.9, 0.7, 0.5)
"""Shares of the signal that an upper limit on a transverse momentum keeps."""
BACKGROUND_ERROR = 0.4
"""Relative uncertainty of the background's rate, that of four b quarks at leading order."""
WORKING_POINTS = np.linspace(0.05, 1.0, 20)
"""Signal efficiencies among which the one of the greatest significance is chosen."""


@dataclass(frozen=True)
class Sizes:
    """Of the events behind a significance.

    Attributes:
        luminosity_fb: [1/fb]. expected: events of each process at it, before cuts. least: effective background events
            that a working point must have.
    """

    luminosity_fb: float
    expected: dict[str, float]
    least: float

    def weights(self, scores: Scores) -> Floats:
        """Weights of the events of one split, such that each process sums to what is expected, `(n,)`."""
        result = np.zeros(len(scores))
        for index, name in enumerate(scores.processes):
            own = scores.process == index
            total = scores.weight_fb[own].sum()
            if total > 0:
                result[own] = scores.weight_fb[own] * self.expected.get(name, 0.0) / total
        return result


def cuts(values: dict[str, Floats], signal: Bools, weight: Floats) -> dict[str, tuple[str, float, float]]:
    """By name the cuts to be tried: variables (all that begin so), from, to [GeV]; limits from the signal's quantiles.

    Args:
        values: `variables` of the validation split. signal: `(n,)`. weight: `(n,)`.
    """
    found = {"as selected": ("", -np.inf, np.inf)}
    for half in WINDOWS_GEV:
        found[f"every m_J within {half:g} of {HIGGS_MASS:g}"] = ("m_J", HIGGS_MASS - half, HIGGS_MASS + half)
    for name in (name for name in values if name.startswith("pt_") and weight[signal].sum() > 0):
        for limit in quantiles(values[name][signal], weight[signal], np.array(PT_SHARES)):
            rounded = 10.0 * np.ceil(limit / 10.0)
            found[f"{name} < {rounded:g}"] = (name, -np.inf, rounded)
    return found


def inside(values: dict[str, Floats], cut: tuple[str, float, float], events: int) -> Bools:
    """Which events pass, `(n,)`: `m_J` means the masses of the single jets, other names themselves."""
    name, low, high = cut
    chosen = [column for key, column in values.items() if key == name or (name == "m_J" and key in ("m_J1", "m_J2"))]
    result = np.ones(events, np.bool_)
    for column in chosen:
        result &= (column > low) & (column < high)
    return result


def significance(signal: float, background: float) -> float:
    """Signal over the error of the background, statistical and of its rate, in quadrature; 0 without background."""
    return float(signal / np.sqrt(background + (BACKGROUND_ERROR * background) ** 2)) if background > 0 else 0.0


@dataclass(frozen=True)
class Behind:
    """What remains behind a cut, and how the network separates there.

    Attributes:
        replicas: columns AUC, share of the signal, share of the background, significance, then the background
            efficiency of cut and network together at each signal efficiency of both; NaN where the cut keeps less.
        threshold: on the score, of the greatest significance on the validation split.
        effective: effective background events behind the cut, behind cut and threshold, and at each signal efficiency.
    """

    replicas: Replicas
    threshold: float
    effective: tuple[float, ...]


def behind(
    scores: Scores,
    validation: Scores,
    kept: tuple[Bools, Bools],
    sizes: Sizes,
    efficiencies: tuple[float, ...],
    replicas: int,
    seed: int,
) -> Behind | None:
    """Figures behind a cut, resampled; None where no events of a class are left.

    Args:
        scores, validation: of the two splits. kept: which events of each pass the cut. sizes: of the yields.
        efficiencies: of the signal. replicas, seed: of the bootstrap.
    """
    chosen = kept[0]
    if len(np.unique(scores.label[chosen])) < 2:
        return None
    ranked = RankedScores(scores.logit[chosen], scores.label[chosen])
    signal, weight = scores.label == 1, sizes.weights(scores)
    threshold = _threshold(validation, kept[1], sizes)
    passed = chosen & (scores.logit >= threshold)

    def figures(w: Floats) -> Floats:
        curve = ranked.roc(w[chosen])
        shares = [w[chosen & own].sum() / w[own].sum() for own in (signal, ~signal)]
        wanted = np.asarray(efficiencies) / shares[0]
        background = shares[1] * curve.background_efficiencies_at(np.minimum(wanted, 1.0))
        left = significance(w[passed & signal].sum(), w[passed & ~signal].sum())
        return np.array([curve.auc, *shares, left, *np.where(wanted <= 1.0, background, np.nan)])

    found = resample(figures, weight, scores.group_id, scores.process, replicas, seed)
    curve = ranked.roc(weight[chosen])
    wanted = np.asarray(efficiencies) / found.value[1]
    cuts_of = [
        chosen & (scores.logit >= curve.threshold_at(share)) if share <= 1 else ~chosen & chosen for share in wanted
    ]
    effective = tuple(effective_events(weight[rows & ~signal]) for rows in (chosen, passed, *cuts_of))
    return Behind(found, threshold, effective)


def described(found: Behind, whole: Behind, efficiencies: tuple[float, ...], least: float) -> dict[str, Any]:
    """As it stands in the JSON; `gain` is the significance less that without the cut, with its paired error.

    Args:
        found: behind the cut. whole: without it. efficiencies: of the signal. least: effective background events below
            which no rejection is given.
    """
    replicas = found.replicas
    names = ("auc", "signal_efficiency", "background_efficiency", "significance")
    difference = Replicas(replicas.value - whole.replicas.value, replicas.resampled - whole.replicas.resampled)
    rejections = {
        f"{efficiency:g}": _rejection(replicas, 4 + k) if found.effective[2 + k] >= least else None
        for k, efficiency in enumerate(efficiencies)
    }
    return {
        **{name: _estimate(replicas, column) for column, name in enumerate(names)},
        "gain": _estimate(difference, names.index("significance")),
        "effective_background": found.effective[0],
        "effective_background_at_threshold": found.effective[1],
        "threshold": float(found.threshold) if np.isfinite(found.threshold) else None,
        "rejection": rejections,
    }


def _threshold(validation: Scores, kept: Bools, sizes: Sizes) -> float:
    """Cut on the score of the greatest significance on the validation split with enough background; else none."""
    weight, signal = sizes.weights(validation), validation.label == 1
    if not weight[signal & kept].sum() > 0:
        return -np.inf
    best, found = -1.0, -np.inf
    for threshold in quantiles(-validation.logit[signal & kept], weight[signal & kept], WORKING_POINTS):
        passed = kept & (validation.logit >= -threshold)
        background = weight[passed & ~signal]
        value = significance(weight[passed & signal].sum(), background.sum())
        if effective_events(background) >= sizes.least and value > best:
            best, found = value, -threshold
    return found


def _estimate(replicas: Replicas, column: int) -> dict[str, float]:
    found = replicas.estimate(column)
    return {"value": found.value, "error": found.error}


def _rejection(replicas: Replicas, column: int) -> dict[str, float]:
    """One over the efficiency with its bootstrap error."""
    drawn = replicas.resampled[:, column]
    finite = 1 / drawn[drawn > 0]
    error = float(np.std(finite, ddof=1)) if len(finite) > 1 else float("nan")
    return {"value": float(1 / replicas.value[column]), "error": error}
