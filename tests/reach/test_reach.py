"""The whole way from arrays: what must not change it, what must, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mscat_tf.errors import InputError
from mscat_tf.evaluation.scores import Scores
from mscat_tf.reach import Rate, ReachSettings, Variation, reach, reach_of_scores
from mscat_tf.reach.binning import Region
from mscat_tf.reach.events import select
from mscat_tf.reach.templates import fill
from mscat_tf.reach.workspace import open_workspace
from tests.reach.toys import RATES, toy_events

SETTINGS = ReachSettings(bins=3)


def figures(result):
    return np.array([result.significance, *result.limit_fb.values(), result.discovery_fb])


@pytest.fixture(scope="module")
def events():
    return toy_events()


@pytest.fixture(scope="module")
def plain(events):
    return reach(events, RATES, SETTINGS)


def test_figures_hang_together(plain):
    assert plain.signal_fb == 2.0
    assert plain.significance < plain.significance_known_background
    assert plain.counting["significance"] < plain.counting["significance_known_background"]
    assert plain.counting["significance_known_background"] < plain.significance_known_background
    assert plain.significance < plain.endless_simulation["significance"] < plain.significance_known_background
    assert plain.endless_simulation["limit_fb"]["0"] < plain.limit_fb["0"]
    assert plain.endless_simulation["discovery_fb"] < plain.discovery_fb
    limits = list(plain.limit_fb.values())
    assert list(plain.limit_fb) == ["-2", "-1", "0", "+1", "+2"]
    assert limits == sorted(limits)
    assert limits[2] < plain.counting["limit_fb"]
    assert plain.uncertainties == {"normalisation": {"4b": 0.4}, "shapes": [], "monte_carlo_statistics": True}
    assert 1300 < plain.processes["4b"]["test_effective_events"] < 6000 * 0.28
    assert plain.processes["4b"]["expected"] == pytest.approx(30000)
    assert plain.processes["signal"]["expected"] == pytest.approx(600)
    (channel,) = plain.channels
    assert sum(channel["signal_per_fb"]) == pytest.approx(300)
    assert sum(channel["backgrounds"]["ttbar"]) == pytest.approx(1500)
    assert min(channel["effective_background"]) >= 10


def test_order_units_and_training_events_do_not_matter(events, plain):
    order = np.random.default_rng(4).permutation(len(events))
    changed = replace(events, **{name: column[order] for name, column in vars(events).items()})
    changed = replace(changed, weight=changed.weight * 1e-3).of_processes(RATES)
    changed = replace(changed, score=np.where(changed.split == "train", 0.0, changed.score))
    np.testing.assert_allclose(figures(reach(changed, RATES, SETTINGS)), figures(plain), rtol=1e-3)


def test_bins_come_from_the_validation_split(events, plain):
    moved = replace(events, score=np.where(events.split == "test", events.score + 0.05, events.score))
    result = reach(moved, RATES, SETTINGS)
    assert result.channels[0]["region"]["edges"] == plain.channels[0]["region"]["edges"]
    assert result.significance != plain.significance


def test_luminosity_times_cross_section_is_what_counts(events, plain):
    """Twice the luminosity at half of all cross-sections is the same experiment."""
    halves = {name: Rate(r.label, r.cross_section_fb / 2, r.selected_fb / 2) for name, r in RATES.items()}
    result = reach(events, halves, SETTINGS.model_copy(update={"luminosity_fb": 6000.0}))
    assert result.significance == pytest.approx(plain.significance, rel=1e-3)
    assert result.limit_fb["0"] == pytest.approx(plain.limit_fb["0"] / 2, rel=1e-3)
    assert result.discovery_fb == pytest.approx(plain.discovery_fb / 2, rel=2e-3)


def test_significance_grows_with_the_root_of_the_luminosity_if_nothing_is_uncertain(events):
    none = {"normalisation": {}, "monte_carlo_statistics": False, "bins": 3}
    one, four = (reach(events, RATES, ReachSettings(luminosity_fb=x, **none)) for x in (500.0, 2000.0))
    assert four.significance == pytest.approx(2 * one.significance, rel=1e-3)
    assert one.significance == pytest.approx(one.significance_known_background, rel=1e-3)


def test_a_better_classifier_reaches_further(plain):
    better = reach(toy_events(separation=1.3), RATES, SETTINGS)
    assert better.significance > plain.significance
    assert better.limit_fb["0"] < plain.limit_fb["0"]


def test_the_mass_in_regions_of_the_score(events):
    result = reach(events, RATES, ReachSettings(observable="mass", region_efficiencies=(0.7,), mass_width=400.0))
    assert [channel["name"] for channel in result.channels] == ["region_0", "region_1"]
    assert sum(sum(channel["signal_per_fb"]) for channel in result.channels) == pytest.approx(300)
    assert result.counting["channel"] == "region_1"
    with pytest.raises(InputError, match="the observable is the mass, but no mass was given"):
        reach(replace(events, mass=None), RATES, ReachSettings(observable="mass"))


def test_variations_of_the_detector(events, plain):
    up = replace(events, score=events.score + 0.1, weight=events.weight * 1.05)
    down = replace(events, score=events.score - 0.1, weight=events.weight * 0.95)
    result = reach(events, RATES, SETTINGS, variations=[Variation("energy_scale", up, down)])
    assert result.significance < plain.significance
    assert result.uncertainties["shapes"] == ["energy_scale"]
    samples = result.workspace["channels"][0]["samples"]
    high = {s["name"]: m["data"]["hi_data"] for s in samples for m in s["modifiers"] if m["name"] == "energy_scale"}
    # a variation keeps the nominal scale, so a change of the acceptance stays in it
    assert sum(high["4b"]) == pytest.approx(1.05 * 30000)
    assert sum(high["signal"]) == pytest.approx(1.05 * 300)


def test_one_sided_variations_are_mirrored(events):
    test = select(events, RATES, 3000.0, "test")
    up = replace(test, weight=test.weight * 1.05)
    channel = fill(Region("score", "score", (-1.0, 0.0)), test, "signal", 0.5, {"resolution": [up]})
    for name, nominal in {"signal": channel.signal, **channel.backgrounds}.items():
        high, low = channel.shapes["resolution"][name]
        np.testing.assert_allclose([high, low], np.outer([1.05, 0.95], nominal.events))


def test_files(plain, tmp_path):
    plain.write(tmp_path)
    stored = json.loads((tmp_path / "reach.json").read_text())
    assert stored["limit_fb"] == plain.limit_fb
    assert "workspace" not in stored
    workspace = open_workspace(json.loads((tmp_path / "workspace.json").read_text()))
    assert workspace.measurement_names == ["reach"]
    signal = workspace["channels"][0]["samples"][0]
    assert sum(signal["data"]) == pytest.approx(300), "the signal of the workspace is that of 1 fb"


def stored_scores(events, split):
    own = events.of(split)
    names = tuple(RATES)
    process = np.array([names.index(name) for name in own.process])
    kinematics = np.zeros((len(own), 3, 6), np.float32)
    kinematics[:, 2, 0] = own.mass
    labels = np.array([RATES[name].label for name in names])
    return Scores(
        processes=names,
        process_labels=tuple(labels),
        event_id=own.group.astype(np.uint64),
        group_id=own.group.astype(np.uint64),
        label=labels[process],
        process=process,
        logit=own.score,
        score=own.score,
        weight=own.weight,
        weight_fb=own.weight,
        kinematics=kinematics,
    )


def test_stored_scores_give_the_same(events, plain):
    validation, test = (stored_scores(events, split) for split in ("validation", "test"))
    np.testing.assert_allclose(figures(reach_of_scores(validation, test, RATES, SETTINGS)), figures(plain), rtol=1e-6)
    with pytest.raises(InputError, match="the validation and test scores share events"):
        reach_of_scores(test, test, RATES, SETTINGS)
    with pytest.raises(InputError, match="give scores of one run"):
        reach_of_scores(replace(validation, processes=("a",)), test, RATES, SETTINGS)


def test_stored_variations_are_those_of_the_arrays(events):
    validation, test = (stored_scores(events, split) for split in ("validation", "test"))
    up, down = (replace(test, logit=test.logit + shift) for shift in (0.1, -0.1))
    arrays = [replace(events, score=events.score + shift) for shift in (0.1, -0.1)]
    wanted = reach(events, RATES, SETTINGS, variations=[Variation("energy scale", *arrays)])
    found = reach_of_scores(validation, test, RATES, SETTINGS, variations={"energy scale": [up, down]})
    np.testing.assert_allclose(figures(found), figures(wanted), rtol=1e-6)
    assert found.uncertainties["shapes"] == ["energy scale"]
    with pytest.raises(InputError, match="a variation has processes"):
        reach_of_scores(validation, test, RATES, SETTINGS, variations={"x": [replace(up, processes=("a",))]})


def spoiled(events, name, value):
    column = getattr(events, name).copy()
    column[7] = value
    return replace(events, **{name: column})


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda e: spoiled(e, "weight", np.nan), r"'weight' is nan in event 7 \(1 such events\)"),
        (lambda e: spoiled(e, "score", np.inf), r"'score' is inf in event 7"),
        (lambda e: replace(e, weight=e.weight[1:]), r"'weight' has shape \(8999,\), but there are 9000 scores"),
        (lambda e: e.of_processes(["4b", "ttbar"]), r"one signal is wanted, .* are: none"),
        (lambda e: e.of_processes(["4b", "signal"]), r"weights of process 'ttbar' sum to 0 in the validation split"),
        (lambda e: replace(e, weight=np.where(e.process == "4b", -1.0, 1.0)), r"weights of process '4b' sum to -"),
        (lambda e: replace(e, process=np.char.replace(e.process, "4b", "2b")), r"process '2b' has no cross-section"),
    ],
)
def test_bad_events_are_refused(events, spoil, sentence):
    with pytest.raises(InputError, match=sentence):
        reach(spoil(events), RATES, SETTINGS)


def test_bad_questions_are_refused(events):
    with pytest.raises(InputError, match="there is no background process"):
        reach(events.of_processes(["signal"]), {"signal": RATES["signal"]}, SETTINGS)
    two = {**RATES, "ttbar": replace(RATES["ttbar"], label=1)}
    with pytest.raises(InputError, match=r"one signal is wanted, .* are: signal, ttbar"):
        reach(events, two, SETTINGS)
    with pytest.raises(InputError, match=r"process 'w' has a normalisation uncertainty"):
        reach(events, RATES, ReachSettings(normalisation={"w": 0.1}))
    with pytest.raises(ValueError, match="must increase"):
        ReachSettings(region_efficiencies=(0.6, 0.3))
