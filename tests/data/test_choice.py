"""Limited training splits, signal of one mass, and mass hypotheses."""

import h5py
import numpy as np
import pytest

from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.data.census import Census
from mscat_tf.data.features import take_features, with_event_columns
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.splits import OTHER_MASS, SPARE, assign_splits
from mscat_tf.data.statistics import column_moments
from mscat_tf.data.stream import EventStream
from mscat_tf.errors import InputError
from mscat_tf.schema import KINEMATIC_COLUMNS

TOLD = (*KINEMATIC_COLUMNS, "m_H")
MASSES = (800.0, 1000.0, 2000.0)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """1100 events, three showers of each parton-level event; signal of three masses, as 1 : 2 : 3."""
    folder = write_mock_sample(tmp_path_factory.mktemp("s"), events=1100, shards=2, constituents=4)
    for path in folder.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            row = file["event_id"][:]
            file["group_id"][:] = row // 3
            mass = np.repeat(MASSES, (1, 2, 3))[row // 4 % 6]
            file["m_H"][:] = np.where(file["label"][:] == 1, mass, np.nan)
    with Sample(folder) as opened:
        yield opened


def rows(sample, seed=1, **settings):
    return event_table(sample, DataSettings(**settings), seed).rows("train")


def test_fewer_training_events_are_a_part_of_more_and_groups_stay_whole(sample):
    whole, group = rows(sample), sample.column("group_id")
    before = np.zeros(0)
    for wanted in (50, 100, 400, len(whole)):
        chosen = rows(sample, train_events=wanted)
        assert wanted - 2 <= len(chosen) <= wanted
        assert set(before) < set(chosen) <= set(whole)
        others = np.setdiff1d(whole, chosen)
        assert not np.intersect1d(group[chosen], group[others]).size
        before = chosen
    assert set(before) == set(whole)


def test_a_mass_that_is_left_out_is_in_no_split_and_not_dealt(sample):
    table = event_table(sample, DataSettings(without_masses=(1000.0,), kinematic_features=TOLD), 1)
    signal, mass = sample.column("label") == 1, sample.column("m_H")
    np.testing.assert_array_equal(table.split == OTHER_MASS, signal & (mass == 1000.0))
    alone = event_table(sample, DataSettings(mass_hypothesis=800.0), 1)
    both = event_table(sample, DataSettings(without_masses=(1000.0, 2000.0)), 1)
    np.testing.assert_array_equal(both.split, alone.split)


def test_choice_depends_on_the_seed_as_independent_events_would(sample):
    """Two choices of 300 from 704 share 300 x 300 / 704 events but for the groups' fluctuation."""
    whole = len(rows(sample))
    first, second = (set(rows(sample, seed, train_events=300)) for seed in (1, 2))
    assert len(first & second) == pytest.approx(300 * 300 / whole, abs=5 * 3 * np.sqrt(300 / 3 * 0.25))


def test_folds_are_equal_parts_of_whole_groups_and_only_training_events_are_left_out(sample):
    whole, parts = rows(sample), [rows(sample, left_out={"fold": fold, "of": 4}) for fold in (1, 2, 3, 4)]
    left = [np.setdiff1d(whole, kept) for kept in parts]
    np.testing.assert_array_equal(np.sort(np.concatenate(left)), whole)
    assert [len(own) for own in left] == pytest.approx([len(whole) / 4] * 4, abs=5 * np.sqrt(3 * len(whole) * 3 / 16))
    groups = [set(sample.column("group_id")[own].tolist()) for own in left]
    assert not any(groups[i] & groups[j] for i in range(4) for j in range(i))
    np.testing.assert_array_equal(rows(sample, 2, left_out={"fold": 1, "of": 4}), parts[0], err_msg="no seed matters")
    full, few = (event_table(sample, DataSettings(**own), 1) for own in ({}, {"left_out": {"fold": 1, "of": 4}}))
    for split in ("validation", "test"):
        np.testing.assert_array_equal(few.rows(split), full.rows(split))
    with pytest.raises(ValueError, match=r"fold 5 of 4: there is none"):
        DataSettings(left_out={"fold": 5, "of": 4})


def test_other_splits_are_untouched_and_factors_are_those_of_the_chosen(sample):
    full, few = (event_table(sample, DataSettings(train_events=n), 1) for n in (None, 100))
    for split in ("validation", "test"):
        np.testing.assert_array_equal(few.rows(split), full.rows(split))
        np.testing.assert_allclose(few.take(few.rows(split)).weight, full.take(full.rows(split)).weight, rtol=1e-12)
    chosen = few.take(few.rows("train"))
    assert [chosen.weight[chosen.label == value].sum() for value in (0, 1)] == pytest.approx([len(chosen) / 2] * 2)
    np.testing.assert_array_equal(few.weight_fb, full.weight_fb)
    assert (few.split == SPARE).sum() == len(full.rows("train")) - len(chosen)
    assert few.census.sum_of_weights.sum() == pytest.approx(full.census.sum_of_weights.sum())
    assert sum(entry["events"] for entry in few.census.split_counts()["train"].values()) == len(chosen)


def test_equal_weights_are_the_means_of_the_chosen(sample):
    table = event_table(sample, DataSettings(train_events=100), 1, TrainSettings(event_weights=False))
    train = table.take(table.rows("train"))
    sums = [train.weight_fb[train.process == index].sum() for index in (1, 2)]
    own = [train.weight[train.process == index].sum() for index in (1, 2)]
    assert own[0] / own[1] == pytest.approx(sums[0] / sums[1])


def test_stream_and_moments_take_the_chosen_alone(sample):
    data, train = DataSettings(train_events=100), TrainSettings(batch_size=16, symmetries=False)
    census = Census(sample, data, 1, train)
    stream = EventStream(sample, census, data, "train", ("kinematics",), 16, 5, train)
    seen = np.concatenate([row[row >= 0] for *_, row in stream.batches()])
    chosen = rows(sample, train_events=100)
    np.testing.assert_array_equal(np.sort(seen), chosen)
    assert stream.steps == -(-len(chosen) // 16)
    logs = {"constituents": (False,) * 4, "kinematics": (False,) * 6}
    moments = column_moments(sample, census, data, logs)["kinematics"]
    np.testing.assert_allclose(moments.mean, sample.column("kinematics")[chosen].mean(axis=0), rtol=1e-4, atol=1e-5)


def test_signal_of_another_mass_is_in_no_split_and_in_no_sum(sample):
    table = event_table(sample, DataSettings(mass_hypothesis=1000), 1)
    mass, label = sample.column("m_H"), sample.column("label")
    np.testing.assert_array_equal(table.split == OTHER_MASS, (label == 1) & (mass != 1000.0))
    used = table.split < SPARE
    np.testing.assert_array_equal(
        table.split[used], assign_splits(sample.column("group_id"), 0.64, 0.16)[used], err_msg="others stay"
    )
    assert table.census.events.sum() == used.sum()
    assert table.census.sum_of_weights.sum() == pytest.approx(table.weight_fb[used].sum())
    assert table.weight[used & (label == 1)].sum() == pytest.approx(used.sum() / 2)


def test_signal_has_its_mass_and_background_those_of_the_signal_as_often(sample):
    data = DataSettings(kinematic_features=TOLD)
    census = Census(sample, data, 1)
    events = census.describe(sample.runs[0], sample.read(sample.runs[0], census.columns))
    again = Census(sample, data, 2).describe(sample.runs[0], sample.read(sample.runs[0], census.columns))
    signal, own = events.label == 1, sample.read(sample.runs[0], ("m_H",))["m_H"]
    np.testing.assert_array_equal(events.event_columns[:, 0][signal], own[signal])
    assert np.any(events.event_columns[:, 0][~signal] != again.event_columns[:, 0][~signal])
    table = event_table(sample, DataSettings(), 1)
    train = (table.split == 0) & (table.label == 1)
    mass = sample.column("m_H")
    shares = [table.weight_fb[train & (mass == value)].sum() / table.weight_fb[train].sum() for value in MASSES]
    dealt = [np.mean(events.event_columns[:, 0][~signal] == value) for value in MASSES]
    assert sum(dealt) == pytest.approx(1.0)
    errors = np.sqrt(np.array(shares) * (1 - np.array(shares)) / np.sum(~signal))
    assert np.all(np.abs(np.array(dealt) - shares) < 4 * errors)


def test_masses_of_the_signal_weigh_the_same_if_asked(sample):
    """And background is dealt them as often, so that the mass alone tells nothing."""
    train = TrainSettings(class_weights="masses")
    plain = event_table(sample, DataSettings(), 1)
    table = event_table(sample, DataSettings(kinematic_features=TOLD), 1, train)
    mass, trained = sample.column("m_H"), table.split == 0
    sums = [table.weight[trained & (mass == value)].sum() for value in MASSES]
    assert sums == pytest.approx([plain.weight[trained & (table.label == 1)].sum() / 3] * 3)
    np.testing.assert_array_equal(table.weight[table.label == 0], plain.weight[table.label == 0])
    run = sample.runs[0]
    events = table.census.describe(run, sample.read(run, table.census.columns))
    dealt = [np.mean(events.event_columns[:, 0][events.label == 0] == value) for value in MASSES]
    assert dealt == pytest.approx([1 / 3] * 3, abs=4 * np.sqrt(2 / 9 / np.sum(events.label == 0)))


@pytest.mark.parametrize(
    ("asked", "without", "expected"),
    [(None, (), {800.0, 1000.0, 2000.0}), (2000.0, (), {2000.0}), (None, (1000.0,), {800.0, 2000.0})],
)
def test_network_reads_the_mass_in_every_token(sample, asked, without, expected):
    data = DataSettings(kinematic_features=("pt", "m_H"), mass_hypothesis=asked, without_masses=without)
    train = TrainSettings(batch_size=64)
    census = Census(sample, data, 1, train)
    stream = EventStream(sample, census, data, "train", ("kinematics",), 64, 5, train)
    for inputs, label, _, row in stream.batches():
        tokens = inputs["kinematics"]
        assert tokens.shape == (64, 3, 2)
        assert np.all(tokens[..., 1] == tokens[:, :1, 1])
        assert set(tokens[:, 0, 1].tolist()) <= expected, "background is dealt no other mass either"
        signal = (row >= 0) & (label == 1)
        np.testing.assert_array_equal(tokens[signal, 0, 1], sample.column("m_H")[row[signal]])
    moments = column_moments(sample, census, data, {"constituents": (False,) * 4, "kinematics": (False, True)})
    np.testing.assert_allclose(moments["kinematics"].mean[:, 1], moments["kinematics"].mean[0, 1])
    if asked:
        assert moments["kinematics"].mean[0, 1] == pytest.approx(np.log(asked))
        np.testing.assert_array_equal(moments["kinematics"].width[:, 1], 1.0)


def test_columns_are_taken_by_name_with_and_without_the_mass():
    tokens = np.arange(2 * 3 * 6, dtype="f4").reshape(2, 3, 6)
    with_it = with_event_columns({"kinematics": tokens}, np.array([[800.0], [900.0]]))
    for features in (("m_H", "theta"), TOLD):
        found = take_features(with_it, DataSettings(kinematic_features=features))["kinematics"]
        np.testing.assert_array_equal(found[..., features.index("theta")], tokens[..., 5])
        np.testing.assert_array_equal(found[..., features.index("m_H")], [[800.0] * 3, [900.0] * 3])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train_events": 5000}, "data.train_events = 5000, but the training split holds 675 events; ask for fewer"),
        ({"mass_hypothesis": 1500}, "no signal was made with this mass; choose from 800, 1000, 2000"),
        ({"without_masses": (1500,)}, "data.without_masses = 1500 GeV, but no signal was made with this mass"),
    ],
)
def test_what_there_is_not_is_one_sentence(sample, settings, words):
    with pytest.raises(InputError, match=words):
        Census(sample, DataSettings(**settings), 1)


def test_too_few_training_events_for_both_classes(sample):
    with pytest.raises(InputError, match=r"train split with data.train_events = 1 does not hold both .*; raise it"):
        Census(sample, DataSettings(train_events=1), 1).need_both_classes()


def test_a_mass_is_asked_for_or_left_out():
    with pytest.raises(ValueError, match="without_masses leaves out mass_hypothesis, 1000"):
        DataSettings(without_masses=(1000.0,), mass_hypothesis=1000.0)


def test_a_sample_without_masses(tmp_path):
    folder = write_mock_sample(tmp_path, events=40, shards=1)
    with h5py.File(next(folder.glob("*.h5")), "r+") as file:
        del file["m_H"]
    with Sample(folder) as sample:
        for settings in ({"mass_hypothesis": 1000}, {"kinematic_features": TOLD}):
            with pytest.raises(InputError, match="no data set 'm_H'"):
                Census(sample, DataSettings(**settings), 1)
