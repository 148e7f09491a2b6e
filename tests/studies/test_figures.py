"""What is drawn is what was measured: numbers read back from the axes."""

import numpy as np
import pytest

from mscat_tf.studies.figures import curve, draw_study, forest, limit, roc
from mscat_tf.studies.pictures import pictures
from tests.studies.toys import reach, row, study

AXIS = {"title": "m_H", "unit": "GeV", "logarithmic": False, "measured": None}


def along(**changes):
    rows = {
        f"{series} {x}": row(series=series, x=float(x), reach=reach(limit=x / 100))
        for series in ("cross", "joined")
        for x in (2000, 1000)
    }
    return study(rows, x_axis={**AXIS, **changes})


def test_forest_has_every_training_and_every_ensemble():
    axes = forest(study({"good": row(), "one training": row(seeds=1)})).axes[0]
    points = [line.get_xdata() for line in axes.lines]
    assert any(list(x) == [0.90, 0.91, 0.92] for x in points)
    assert sum(list(x) == [0.92] for x in points) == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["good", "one training"]
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.905, 0.915))


def test_curves_go_along_the_axis():
    axes = curve(along(logarithmic=True)).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "m_H [GeV]"
    assert next(list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2) == [1000, 2000]
    limits = [list(line.get_ydata()) for line in limit(along()).axes[0].lines]
    assert [10, 20] in limits


def test_roc_is_rejection_against_efficiency_where_it_is_known():
    background = np.array([0.001, 0.02, 0.1, 0.5])
    bands = {"low": [0.0, 0.01, 0.08, 0.4], "high": [0.004, 0.03, 0.12, 0.6], "effective_background": [3, 10, 70, 300]}
    points = {"signal_efficiency": [0.1, 0.3, 0.5, 0.8], "background_efficiency": background.tolist(), **bands}
    half = {**points, "background_efficiency": (background / 2).tolist(), "low": (background / 4).tolist()}
    above, below = roc(study({"good": row(roc=points), "better": row(roc=half)})).axes
    assert list(above.lines[0].get_xdata()) == [0.3, 0.5, 0.8]
    assert above.lines[0].get_ydata() == pytest.approx(1 / background[1:])
    assert below.lines[1].get_ydata()[1:] == pytest.approx(2.0)


def test_roc_of_too_few_events_for_any_point():
    """A tiny test split: nothing is drawn of the curve, the figure stands."""
    points = {"signal_efficiency": [0.5], "background_efficiency": [0.1], "low": [0.0], "high": [0.2]}
    few = {**points, "effective_background": [1]}
    above, below = roc(study({"good": row(roc=few), "better": row(roc=few)})).axes
    assert [len(line.get_xdata()) for axes in (above, below) for line in axes.lines] == [0, 0, 0, 0]


def test_a_study_names_and_draws_the_figures_that_it_can_have(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(
        "mscat_tf.studies.figures.save", lambda figure, folder, name: drawn.append(name) or folder / name
    )
    assert list(pictures(study({"good": row()}))) == ["auc"]
    assert list(pictures(along(measured="training_events"))) == ["auc", "curve"]
    none = along()
    for each in none["rows"].values():
        each["reach"] = {"missing": "no pyhf"}
    assert "limit" not in pictures(none)
    draw_study(along(), tmp_path)
    assert drawn == ["auc", "curve", "limit"]
