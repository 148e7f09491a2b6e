"""Test events of toy networks, and a study's JSON made of round numbers."""

import numpy as np

from mscat_tf.evaluation.scores import Scores


def toy_scores(members=(), signal=300, background=400, seed=1, noise=0.5):
    """Scores of an ensemble: a member for each separation in `members`, all on the same weighted events."""
    events = np.random.default_rng(seed)
    n = signal + background
    label = np.repeat([1, 0], [signal, background]).astype("i4")
    truth = events.normal(size=n)
    weight = events.uniform(0.2, 2.0, n)
    rng = np.random.default_rng((seed, len(members)))
    logits = np.array([separation * label + truth + noise * rng.normal(size=n) for separation in members], "f4")
    logit = logits.mean(axis=0)
    return Scores(
        processes=("signal", "4b"),
        process_labels=(1, 0),
        event_id=np.arange(n, dtype="u8"),
        group_id=np.arange(n, dtype="u8") // 2,
        label=label,
        process=1 - label,
        logit=logit,
        score=1 / (1 + np.exp(-logit)),
        weight=weight,
        weight_fb=weight / n,
        kinematics=np.zeros((n, 3, 6), "f4"),
        member_logits=logits if len(members) > 1 else None,
    )


def against(difference=0.02, of_events=0.003, of_seeds=0.004, p_value=0.5, adjusted=None):
    """A difference as in the JSON."""
    seeds = {"difference": difference, "events_error": of_events, "error": of_seeds, "degrees_of_freedom": 8.0}
    error = float(np.hypot(of_events, of_seeds or 0.0))
    return {
        "row": "other",
        "ensembles": {"difference": difference, "error": of_events},
        "seeds": None if of_seeds is None else seeds,
        "difference": difference,
        "error": error,
        "standard_errors": difference / error,
        "degrees_of_freedom": None,
        "p_value": p_value,
        "adjusted_p_value": p_value if adjusted is None else adjusted,
    }


def reach(limit=1.5):
    """Figures of a reach, as in the JSON."""
    figures = {
        "signal_fb": 1.0,
        "significance": 0.25,
        "limit_fb": {"-1": 0.7 * limit, "0": limit, "+1": 1.4 * limit},
        "discovery_fb": 5.0 * limit,
    }
    return {"luminosity_fb": 3000.0, **figures, "endless_simulation": {**figures, "significance": 1.75}}


def row(seeds=5, **changes):
    """A row as in the JSON."""
    values = [0.90, 0.91, 0.92] if seeds > 1 else []
    single = {"mean": 0.91, "standard_deviation": 0.012, "error": 0.005, "values": values}
    rejection = {"value": 20.4, "error": 3.2, "lower_limit": 17.0, "quote_lower_limit": False}
    quality = {"expected_calibration_error": 0.05, "expected_if_calibrated": 0.03}
    return {
        "run": "runs/one",
        "seeds": list(range(seeds)),
        "data_digest": "abc",
        "events": {"signal": 100, "background": 200},
        "auc": {"value": 0.92, "error": 0.006},
        "single": single if seeds > 1 else None,
        "rejection": {"0.3": {**rejection, "value": 99.0}, "0.5": rejection},
        "calibration": {"before": quality, "after": {**quality, "expected_calibration_error": 0.04}},
        "reach": reach(),
        "roc": None,
        "training": {"parameters": 1234 * seeds, "seconds": 60.0 * seeds, "seconds_per_epoch": 7.25},
        "against": against(),
        "series": None,
        "x": None,
        **changes,
    }


def study(rows, **changes):
    """A study's JSON."""
    found = {"study": "one", "title": "One", "question": "Which?", "scale": "demo", "reference": next(iter(rows))}
    return {**found, "missing": [], "x_axis": None, "quoted": None, "rows": rows, **changes}
