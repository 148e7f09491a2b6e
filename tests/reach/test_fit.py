"""pyhf against closed forms for one bin, against itself by another road, and what must not change a fit."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from mscat_tf.errors import InputError
from mscat_tf.reach.closed_forms import (
    BANDS,
    asimov_significance,
    combined_significance,
    exclusion_root,
    expected_limit,
)
from mscat_tf.reach.fit import Fit
from mscat_tf.reach.templates import Channel, Histogram, Templates, usable
from mscat_tf.reach.workspace import build_workspace, open_model

YIELDS = [(4.0, 2.0, 0.5), (10.0, 50.0, 5.0), (60.0, 1000.0, 80.0), (900.0, 2e5, 4000.0)]


def templates(signal, background, error=0.0, rate=0.0, shapes=None, statistics=True):
    """One channel with one background."""
    signal, background, error = (np.atleast_1d(np.asarray(a, float)) for a in (signal, background, error))
    spread = np.broadcast_to(error, background.shape) ** 2
    channel = Channel("score", Histogram(signal, 0 * signal), {"4b": Histogram(background, spread)}, shapes or {})
    return Templates((channel,), "signal", 3000.0, {"4b": rate} if rate else {}, statistics and error.any())


def fit_of(*arguments, **settings):
    return Fit(build_workspace(templates(*arguments, **settings)))


@pytest.mark.parametrize(("signal", "background", "_"), YIELDS)
def test_counting_with_a_known_background(signal, background, _):
    fit = fit_of(signal, background)
    assert fit.significance(1.0) == pytest.approx(asimov_significance(signal, background), rel=1e-4)
    np.testing.assert_allclose(fit.limits(), expected_limit(background) / signal, rtol=1e-3)


@pytest.mark.parametrize(("signal", "background", "error"), YIELDS)
def test_counting_with_a_background_measured_elsewhere(signal, background, error):
    """`shapesys` is the on/off experiment of the closed forms."""
    workspace = build_workspace(templates(signal, background))
    measured = {"name": "control", "type": "shapesys", "data": [error]}
    workspace["channels"][0]["samples"][1]["modifiers"] = [measured]
    fit = Fit(workspace)
    assert fit.significance(1.0) == pytest.approx(asimov_significance(signal, background, error), rel=2e-3)
    np.testing.assert_allclose(fit.limits(), expected_limit(background, error) / signal, rtol=2e-3)


def gaussian_statistic(n, background, error, signal):
    """-2 ln of the profiled likelihood, up to a constant, of n events for a signal: background b g, g ~ N(1, d).

    The g that fits best solves a quadratic equation.
    """
    width = error / background
    half = (signal + background**2 * width**2 - background) / 2
    offset = background * width**2 * (n - signal) + signal
    g = (-half + np.sqrt(half**2 + background * offset)) / background
    mean = signal + background * g
    return 2 * (mean - n * np.log(mean)) + ((g - 1) / width) ** 2


@pytest.mark.parametrize(("signal", "background", "error"), YIELDS)
def test_counting_with_the_statistics_of_the_simulation(signal, background, error):
    """`staterror` constrains the background by a Gaussian, whose profile is closed as well."""
    fit = fit_of(signal, background, error)
    total = signal + background
    at_best = 2 * (total - total * np.log(total))
    expected = np.sqrt(gaussian_statistic(total, background, error, 0.0) - at_best)
    assert fit.significance(1.0) == pytest.approx(expected, rel=2e-3)
    at_best = 2 * (background - background * np.log(background))
    for limit, root in zip(fit.limits(), exclusion_root(BANDS), strict=True):
        reached = np.sqrt(gaussian_statistic(background, background, error, limit * signal) - at_best)
        assert reached == pytest.approx(root, rel=2e-3)


@pytest.mark.parametrize(("signal", "background"), [(10.0, 50.0), (300.0, 400.0)])
def test_counting_with_an_uncertain_rate(signal, background):
    """A log-normal factor 1.4^a, a ~ N(0, 1), by a general minimiser."""

    def minus(a):
        mean = background * 1.4**a
        return 2 * (mean - total * np.log(mean)) + a**2

    total = signal + background
    least = minimize_scalar(minus, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9}).fun
    expected = np.sqrt(least - 2 * (total - total * np.log(total)))
    assert fit_of(signal, background, rate=0.4).significance(1.0) == pytest.approx(expected, rel=0.01)


def test_limits_where_they_are_far_from_linear():
    """One bin whose background is hardly known: the limit is the background itself, and not to be interpolated."""
    fit = fit_of(1.0, 1e4, 1000.0, rate=0.4)
    for limit, root in zip(fit.limits(), exclusion_root(BANDS), strict=True):
        assert fit.exclusion(limit * 0.998) < root < fit.exclusion(limit * 1.002)


def test_limits_where_the_background_makes_room_for_weak_signals_only(monkeypatch):
    """Exclusion of mscat on the demonstration sample with three detector variations, as measured with pyhf."""
    mu = [0, 1, 3, 5, 8, 10, 15, 20, 25, 30, 35, 40]
    root = [0, 0.0923, 0.2985, 0.532, 0.9307, 1.2306, 2.1365, 3.4182, 5.6604, 10.076, 15.7208, 21.5675]
    fit = fit_of(1.0, 50.0)
    monkeypatch.setattr(fit, "exclusion", lambda value: float(np.interp(value, mu, root)))
    np.testing.assert_allclose(fit.limits(), np.interp(exclusion_root(BANDS, 0.95), root, mu), rtol=2e-3)


def test_bins_without_uncertainties_add_in_quadrature():
    signal, background = np.array([1.0, 4.0, 9.0]), np.array([300.0, 60.0, 20.0])
    assert fit_of(signal, background).significance(1.0) == pytest.approx(
        combined_significance(signal, background), rel=1e-4
    )


@pytest.fixture(scope="module")
def full():
    """Three bins with every kind of uncertainty."""
    background = np.array([300.0, 60.0, 20.0])
    shapes = {
        "energy_scale": {
            "4b": (background * [1.02, 1.0, 0.9], background * [0.98, 1.0, 1.1]),
            "signal": (np.array([1.0, 4.2, 8.6]), np.array([1.0, 3.8, 9.4])),
        }
    }
    return templates([1.0, 4.0, 9.0], background, error=[12.0, 5.0, 3.0], rate=0.4, shapes=shapes)


def test_pyhf_agrees_by_its_own_road(full):
    """Its hypothesis tests, which fit the Asimov data themselves, at our limits and significance."""
    import pyhf

    workspace = build_workspace(full)
    fit, model = Fit(workspace), open_model(workspace)
    data = workspace["observations"][0]["data"] + model.config.auxdata
    for number in (0, 2, 4):
        bands = pyhf.infer.hypotest(fit.limits()[number], data, model, return_expected_set=True)[1]
        assert float(bands[number]) == pytest.approx(0.05, rel=0.01)
    with_signal = model.expected_data(model.config.suggested_init())
    p_value = pyhf.infer.hypotest(0.0, with_signal, model, test_stat="q0")
    assert fit.significance(1.0) == pytest.approx(norm.isf(float(p_value)), rel=1e-3)
    assert fit.significance(fit.strength_for(5.0)) == pytest.approx(5.0, rel=1e-3)


def numbers(model):
    fit = Fit(build_workspace(model))
    return np.array([fit.significance(1.0), *fit.limits()])


@pytest.fixture(scope="module")
def full_numbers(full):
    return numbers(full)


def test_a_bin_is_its_two_halves(full, full_numbers):
    """Uncertainties included: halves have independent statistical errors, larger by the square root of two."""
    (channel,) = full.channels

    def halved(a):
        return np.repeat(a, 2) / 2

    halves = Channel(
        channel.name,
        Histogram(halved(channel.signal.events), halved(channel.signal.variance)),
        {k: Histogram(halved(h.events), halved(h.variance)) for k, h in channel.backgrounds.items()},
        {k: {p: (halved(u), halved(d)) for p, (u, d) in v.items()} for k, v in channel.shapes.items()},
    )
    np.testing.assert_allclose(numbers(replace(full, channels=(halves,))), full_numbers, rtol=2e-3)


def test_uncertainties_cost_and_none_is_the_closed_form(full, full_numbers):
    (channel,) = full.channels
    known = combined_significance(channel.signal.events, channel.background.events)
    plain = replace(full, channels=(replace(channel, shapes={}),), normalisation={}, monte_carlo_statistics=False)
    rated = replace(plain, normalisation=full.normalisation)
    figures = [numbers(plain), numbers(rated), full_numbers]
    assert figures[0][0] == pytest.approx(known, rel=1e-4)
    assert figures[0][0] > figures[1][0] > figures[2][0]
    assert (figures[0][1:] < figures[1][1:]).all()
    assert (figures[1][1:] < figures[2][1:]).all()


def test_the_unit_of_the_signal_does_not_matter(full, full_numbers):
    for unit in (0.01, 4.0):  # the first has limits far above the bound of mu in the workspace
        other = Fit(build_workspace(full, reference_fb=unit))
        figures = [other.significance(1 / unit), *(unit * other.limits())]
        np.testing.assert_allclose(figures, full_numbers, rtol=2e-3)


def test_empty_bins_are_left_out(full):
    (channel,) = full.channels

    def gap(a):
        return np.insert(a, 1, 0.0)

    with_gap = Channel(
        channel.name,
        Histogram(gap(channel.signal.events), gap(channel.signal.variance)),
        {k: Histogram(gap(h.events), gap(h.variance)) for k, h in channel.backgrounds.items()},
        {k: {p: (gap(u), gap(d)) for p, (u, d) in v.items()} for k, v in channel.shapes.items()},
    )
    assert build_workspace(replace(full, channels=(with_gap,))) == build_workspace(full)


@pytest.mark.parametrize(
    ("signal", "background", "sentence"),
    [
        ([1.0, 2.0], [10.0, -3.0], r"process '4b' has -3 expected events in bin 1 of channel 'score'"),
        ([1.0, -2.0], [10.0, 3.0], r"process 'signal' has -2 expected events in bin 1"),
        ([1.0, np.nan], [10.0, 3.0], r"process 'signal' has nan expected events"),
        ([1.0, 2.0], [10.0, 0.0], r"bin 1 of channel 'score' has signal but no background"),
        ([0.0, 0.0], [10.0, 3.0], r"no signal is expected in any bin"),
    ],
)
def test_bins_that_cannot_be_fitted(signal, background, sentence):
    with pytest.raises(InputError, match=sentence):
        build_workspace(templates(signal, background))


def test_thin_bins_and_unknown_names(full):
    with pytest.raises(InputError, match=r"bin 2 of channel 'score' has 44.4 effective background events in the test"):
        usable(full.channels[0], 100.0)
    with pytest.raises(
        InputError, match="process '4bb' has a normalisation uncertainty, but the processes are 4b, sig"
    ):
        build_workspace(replace(full, normalisation={"4bb": 0.4}))


def test_the_workspace_is_readable_by_others(full):
    """Plain pyhf opens it and finds the parameters that we mean."""
    import pyhf

    text = json.dumps(build_workspace(full))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = pyhf.Workspace(json.loads(text)).model()
    assert model.config.poi_name == "mu"
    assert set(model.config.parameters) == {"mu", "rate_4b", "energy_scale", "statistics_score"}
    assert model.config.param_set("statistics_score").n_parameters == 3
