"""Bins: enough background in each, blind to the test split, to the order of events and to the scale of the score."""

from dataclasses import replace

import numpy as np
import pytest

from mscat_tf.data.events import effective_events
from mscat_tf.errors import InputError
from mscat_tf.reach import ReachSettings
from mscat_tf.reach.binning import choose_regions, effective, group_sums, needed_events
from mscat_tf.reach.events import select
from mscat_tf.reach.templates import fill
from tests.reach.toys import RATES, toy_events


def regions_of(events, settings, test_events=1000.0):
    return choose_regions(select(events, RATES, 3000.0, "validation"), test_events, settings)


def counts(events, split, region):
    channel = fill(region, select(events, RATES, 3000.0, split), "signal", 1.0, {})
    return channel.effective_background, channel.signal.events, channel.background.events


def test_effective_events_of_lone_events_are_kishs():
    weight = np.random.default_rng(0).uniform(-0.2, 1.0, 50)
    assert effective(weight, np.arange(50)) == pytest.approx(effective_events(weight))


def test_showers_of_one_event_count_once():
    """Twenty equal showers of each parton-level event are no more than the event; loops are the oracle."""
    rng = np.random.default_rng(3)
    weight, cell = rng.uniform(0, 1, 40), rng.integers(0, 3, 40)
    assert effective(np.repeat(weight, 20), np.repeat(np.arange(40), 20)) == pytest.approx(effective_events(weight))
    group = rng.integers(0, 9, 40)
    sums, variances = group_sums(weight, cell, group, 3)
    for number in range(3):
        inside = [weight[(cell == number) & (group == g)].sum() for g in range(9)]
        assert sums[number] == pytest.approx(sum(inside))
        assert variances[number] == pytest.approx(sum(x**2 for x in inside))


def test_groups_of_the_events_are_used():
    """6000 events, 28 % of them in the test split; weights w in (0.2, 1) have <w>^2 / <w^2> = 0.871."""
    for showers in (1, 5):
        events = select(toy_events(showers=showers), RATES, 3000.0, "test")
        four_b = events.process == events.processes.index("4b")
        expected = 0.28 * 6000 / showers / (1 + (1 / 0.871 - 1) / showers)
        assert effective(events.weight[four_b], events.group[four_b]) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("wanted", [1.0, 10.0, 50.0])
def test_needed_events_leave_enough_at_three_standard_deviations(wanted):
    in_test = needed_events(wanted, 0.5) * 0.5
    assert in_test - 3 * np.sqrt(in_test) == pytest.approx(wanted)
    assert needed_events(wanted, 1e9) == wanted
    assert needed_events(wanted, 0.0) == np.inf


@pytest.mark.parametrize(
    "settings",
    [
        ReachSettings(),
        ReachSettings(spacing="log_odds", bins=40),
        ReachSettings(observable="mass", region_efficiencies=(0.6, 0.9)),
    ],
)
def test_every_bin_has_enough_background(settings):
    for seed in range(3):
        events = toy_events(seed=seed, showers=3)
        regions = regions_of(events, settings)
        signal = background = 0.0
        for region in regions:
            effective_background, in_signal, in_background = counts(events, "validation", region)
            assert effective_background.min() >= 10.0
            signal, background = signal + in_signal.sum(), background + in_background.sum()
        assert signal == pytest.approx(3000 * 0.2), "every event is in one bin"
        assert background == pytest.approx(3000 * 10.5)
        assert sum(len(region.edges) + 1 for region in regions) > 3


def test_bins_hold_equal_signal_where_background_allows():
    events = toy_events(four_b=40000, separation=0.3)
    (region,) = regions_of(events, ReachSettings(bins=5))
    _, signal, _ = counts(events, "validation", region)
    np.testing.assert_allclose(signal / signal.sum(), 0.2, atol=0.01)


def test_bins_do_not_know_the_test_split_or_the_order_or_the_scale():
    events = toy_events()
    (before,) = regions_of(events, ReachSettings())
    order = np.random.default_rng(2).permutation(len(events))
    mixed = replace(events, **{name: column[order] for name, column in vars(events).items()})
    assert regions_of(mixed, ReachSettings()) == (before,)
    elsewhere = replace(events, score=np.where(events.split == "test", 0.0, events.score))
    assert regions_of(elsewhere, ReachSettings()) == (before,)
    probability = replace(events, score=1 / (1 + np.exp(-events.score)))
    (after,) = regions_of(probability, ReachSettings())
    np.testing.assert_array_equal(counts(probability, "test", after), counts(events, "test", before))


def test_too_little_background_is_refused():
    few = toy_events(four_b=60, ttbar=20)
    with pytest.raises(InputError, match=r"validation split holds .* effective background events, but one bin takes"):
        regions_of(few, ReachSettings(), test_events=20.0)
    settings = ReachSettings(observable="mass", region_efficiencies=(0.1, 0.2, 0.3))
    with pytest.raises(InputError, match="4 regions of the score were asked for"):
        regions_of(toy_events(separation=3.0), settings)


@pytest.mark.parametrize("spacing", ["signal_efficiency", "log_odds"])
def test_a_perfect_score_is_not_left_with_one_bin(spacing):
    """Hardly any background lies above the signal's edges; all signal stands in the last bin, with enough of it."""
    events = toy_events(separation=20.0)
    (region,) = regions_of(events, ReachSettings(spacing=spacing))
    effective_background, signal, background = counts(events, "test", region)
    assert len(signal) > 1
    assert effective_background[-1] >= 10
    assert signal[-1] == pytest.approx(sum(signal))
    assert background[-1] < 0.3 * sum(background)
