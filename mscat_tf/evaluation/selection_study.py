"""What a cut on the score selects: efficiencies against kinematics, sculpting of masses, tighter cuts beforehand."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mscat_tf.config import EvaluationSettings
from mscat_tf.data.events import balanced
from mscat_tf.evaluation.efficiency import Bools, Floats, bin_edges, efficiency_in_bins, variables
from mscat_tf.evaluation.metrics import weighted_roc
from mscat_tf.evaluation.scores import Scores
from mscat_tf.evaluation.sculpting import BINS, sculpting
from mscat_tf.evaluation.tightening import BACKGROUND_ERROR, Sizes, behind, cuts, described, inside
from mscat_tf.physics.tokens import token_names
from mscat_tf.run_metrics import ALL

FILE = "selection.json"


def selection_study(
    scores: Scores,
    validation: Scores,
    yields: Mapping[str, Mapping[str, float]],
    settings: EvaluationSettings,
    seed: int,
    tokens: tuple[str, ...] = token_names(2),
) -> dict[str, Any]:
    """`selection.json` of a run.

    Args:
        scores, validation: of the test events, which are counted, and of those that choose cuts. yields: expected
            events of each process (`expected`) at the luminosity. settings: working points, resamplings.
        seed: of errors. tokens: names of the kinematic tokens.
    """
    values = variables(scores, tokens)
    curve = weighted_roc(scores.logit, scores.label, scores.weight)
    thresholds = {f"{point:g}": curve.threshold_at(point) for point in settings.signal_efficiencies}
    passed = {point: scores.logit >= threshold for point, threshold in thresholds.items()}
    expected = {name: entry["expected"] for name, entry in yields.items()}
    sizes = Sizes(settings.luminosity_fb, expected, settings.min_effective_background)
    return {
        "luminosity_fb": settings.luminosity_fb,
        "background_error": BACKGROUND_ERROR,
        "thresholds": {point: float(threshold) for point, threshold in thresholds.items()},
        "efficiency": {name: _efficiencies(column, passed, scores) for name, column in values.items()},
        "sculpting": {
            name: _sculpting(column, passed, scores, settings, seed)
            for name, column in values.items()
            if name.startswith("m_")
        },
        "sculpting_bins": BINS,
        "tightened": _tightened(scores, validation, values, tokens, sizes, settings, seed),
    }


def _efficiencies(column: Floats, passed: dict[str, Bools], scores: Scores) -> dict[str, Any]:
    edges = bin_edges(column, balanced(scores.weight, scores.label))
    return {
        "edges": edges.tolist(),
        **{point: efficiency_in_bins(column, edges, chosen, scores) for point, chosen in passed.items()},
    }


def _sculpting(
    column: Floats, passed: dict[str, Bools], scores: Scores, settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """By working point and background: the distance of what passes from all of it."""
    found: dict[str, Any] = {}
    for point, chosen in passed.items():
        found[point] = {}
        for name, rows in _backgrounds(scores).items():
            columns = column[rows], scores.weight_fb[rows], scores.group_id[rows], chosen[rows]
            found[point][name] = sculpting(*columns, settings.bootstrap_replicas, seed)
    return found


def _backgrounds(scores: Scores) -> dict[str, Any]:
    """Rows of all background events together, and of each process."""
    found = {ALL: np.flatnonzero(scores.label == 0)}
    for index, name in enumerate(scores.processes):
        rows = np.flatnonzero(scores.process == index)
        if scores.process_labels[index] == 0 and len(rows):
            found[name] = rows
    return found


def _tightened(
    scores: Scores,
    validation: Scores,
    values: dict[str, Floats],
    tokens: tuple[str, ...],
    sizes: Sizes,
    settings: EvaluationSettings,
    seed: int,
) -> dict[str, Any]:
    of_validation = variables(validation, tokens)
    tried = cuts(of_validation, validation.label == 1, sizes.weights(validation))
    points, draws = settings.signal_efficiencies, (settings.bootstrap_replicas, seed)
    found = {}
    for name, cut in tried.items():
        kept = inside(values, cut, len(scores)), inside(of_validation, cut, len(validation))
        found[name] = behind(scores, validation, kept, sizes, points, *draws)
    whole = next(iter(found.values()))
    if whole is None:
        raise ValueError("a class has no events")
    nothing = {"missing": "no events of a class are left"}
    return {
        name: nothing if each is None else described(each, whole, points, sizes.least) for name, each in found.items()
    }
