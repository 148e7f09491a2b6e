"""Batches of a split: complete, matched to their tokens, and the same for any number of workers, and from any step."""

import itertools
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data import Sample, order
from mscat_tf.data.census import Census
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.data.stream import EventStream
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS

NAMES = ("constituents_1", "constituents_2", "kinematics", "mask_1", "mask_2")
PLAIN = {"symmetries": False}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Six blocks in files of 500 events: nothing divides evenly."""
    with Sample(write_mock_sample(tmp_path_factory.mktemp("s"), events=1500, shards=3, constituents=6)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Two blocks of the six at a time, so that batches are handed on between windows."""
    monkeypatch.setattr(order, "WINDOW_BLOCKS", 2)


def make(sample, split="train", batch=60, seed=3, data=None, names=NAMES, **train):
    """A stream, with a census of its own."""
    data, train = data or DataSettings(), TrainSettings(batch_size=batch, **train)
    return EventStream(sample, Census(sample, data, 0, train), data, split, names, batch, seed, train)


def rows_of(elements):
    return np.concatenate([row for *_, row in elements])


def split_rows(sample, split):
    found = assign_splits(sample.column("group_id"), 0.64, 0.16)
    return np.flatnonzero(found == SPLITS.index(split))


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        for name in NAMES:
            np.testing.assert_array_equal(one[0][name], other[0][name])
        for value, wanted in zip(one[1:], other[1:], strict=True):
            np.testing.assert_array_equal(value, wanted)


variants = st.sampled_from([{}, {"lanes": 2}, {"lanes": 3}, {"length_buckets": 3}])


@given(st.sampled_from(SPLITS), st.integers(1, 60), st.sampled_from([None, 3]), variants)
def test_each_event_comes_once_with_its_own_tokens(sample, split, size, seed, variant):
    batch = size * variant.get("lanes", 1)
    stream = make(sample, split, batch, seed, **PLAIN, **variant)
    kinematics, cloud, label = (sample.column(name) for name in ("kinematics", "constituents", "label"))
    found = list(stream.batches())
    assert len(found) == stream.steps
    for inputs, target, share, row in found:
        real = row >= 0
        assert len(row) == batch
        np.testing.assert_array_equal(share > 0, real)
        np.testing.assert_array_equal(inputs["kinematics"][real], kinematics[row[real]])
        np.testing.assert_array_equal(target[real], label[row[real]])
        tokens = inputs["constituents_2"][real]
        np.testing.assert_array_equal(tokens, cloud[row[real], 1, : tokens.shape[1]])
    together = rows_of(found)
    together = together[together >= 0]
    np.testing.assert_array_equal(np.sort(together), split_rows(sample, split))
    if seed is None and not variant:
        np.testing.assert_array_equal(together, np.sort(together))


def test_windows_without_an_event_of_the_split_are_passed_over(tmp_path):
    """Ten files of three or four events: many blocks, and often the last of a lane, hold no event of the test split."""
    with Sample(write_mock_sample(tmp_path, events=32, shards=10, constituents=2)) as sample:
        stream, wanted = make(sample, "test", 2, lanes=2), split_rows(sample, "test")
        assert len(wanted) % 2, "one lane has to be filled up"
        for first in (0, stream.steps - 1):
            rows = rows_of(itertools.islice(stream.batches(first, endless=True), 6 * stream.steps - first))
            for one in rows[-5 * 2 * stream.steps :].reshape(5, -1):
                np.testing.assert_array_equal(np.sort(one[one >= 0]), wanted)


@pytest.mark.parametrize(
    ("workers", "replicas", "variant"),
    [
        *[(workers, replicas, {}) for workers, replicas in ((2, 1), (1, 2), (2, 2), (4, 1))],
        (2, 2, {"lanes": 2}),
        (2, 1, {"lanes": 4}),
        (4, 1, {"lanes": 4, "sampling": "balanced"}),
        (2, 2, {"length_buckets": 2}),
    ],
)
def test_batches_are_the_same_for_all_workers_and_replicas(sample, workers, replicas, variant):
    stream = make(sample, batch=64, **variant)
    for start in (0, stream.steps - 2):
        alone = list(stream.batches(start))
        parts = [list(stream.batches(start, worker, workers, replicas)) for worker in range(workers)]
        in_order = [
            part[place]
            for step in range(len(alone))
            for part in parts
            for place in range(step * replicas, (step + 1) * replicas)
        ]
        size = 64 // (workers * replicas)
        cut = [
            (
                {name: array[first : first + size] for name, array in inputs.items()},
                *(c[first : first + size] for c in rest),
            )
            for inputs, *rest in alone
            for first in range(0, 64, size)
        ]
        assert_same(in_order, cut)


@settings(max_examples=8)
@given(st.integers(0, 45), variants, st.sampled_from(["natural", "balanced"]))
def test_any_step_is_reached_directly(sample, start, variant, sampling):
    """From `start` on, over the ends of passes, everything is as in the uninterrupted stream, symmetries included."""
    stream = make(sample, batch=66, sampling=sampling, **variant)
    straight = list(itertools.islice(stream.batches(endless=True), start, start + 18))
    assert_same(itertools.islice(stream.batches(start, endless=True), 18), straight)


def test_order_depends_on_seed_and_pass_only(sample):
    def orders(seed):
        stream = make(sample, seed=seed)
        rows = rows_of(itertools.islice(stream.batches(endless=True), 2 * stream.steps))
        return rows.reshape(2, -1)

    first, second = orders(1)
    np.testing.assert_array_equal(orders(1)[0], first)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, orders(2)[0])


def places(sample, passes, **options):
    """Place of each event of the training split in each pass, `(passes, rows)`; -1 elsewhere."""
    stream = make(sample, names=("kinematics",), **PLAIN, **options)
    elements = itertools.islice(stream.batches(endless=True), passes * stream.steps)
    found = np.full((passes, len(sample)), -1)
    for number, rows in enumerate(rows_of(elements).reshape(passes, -1)):
        found[number, rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    return found


def test_a_window_is_mixed_uniformly(sample, monkeypatch):
    """Blocks of the file against quarters of the pass: 15 degrees of freedom, in 40 passes of one window."""
    monkeypatch.setattr(order, "WINDOW_BLOCKS", 64)
    found = places(sample, 40)
    train = split_rows(sample, "train")
    quarter = found[:, train] * 4 // len(train)
    block = np.repeat(np.arange(6), [256, 244] * 3)[train]
    counts = np.stack([np.bincount(block[(quarter == q).nonzero()[1]], minlength=6) for q in range(4)])
    expected = counts.sum(axis=0) * counts.sum(axis=1, keepdims=True) / counts.sum()
    # Each pass deals every event out once, which leaves (1 - 1/events) of the spread of independent throws.
    assert 4.6 < ((counts - expected) ** 2 / expected).sum() < 32.8, "0.5 % and 99.5 % of chi-square"
    mean = found[:, train].mean(axis=0) - (len(train) - 1) / 2
    assert np.std(mean) == pytest.approx(len(train) / np.sqrt(12 * 40), rel=0.1)


def test_neighbours_part_as_documented(sample):
    """Two neighbours of one block share a batch with the probability (B - 1) / (w - 1), w events of a window."""
    passes, batch = 60, 20
    found = places(sample, passes, batch=batch) // batch
    train = split_rows(sample, "train")
    first, second = train[:-1], train[1:]
    block = np.repeat(np.arange(6), [256, 244] * 3)
    inside = block[first] == block[second]
    together = np.mean(found[:, first[inside]] == found[:, second[inside]])
    expected = (batch - 1) / (len(train) / 3 - 1)
    assert together == pytest.approx(expected, abs=4 * np.sqrt(expected / (passes * inside.sum())))


def test_shares_sum_to_the_mean_weight_of_the_batch(sample):
    stream = make(sample, batch=64, lanes=4)
    weight = np.full(len(sample), np.nan)
    census = Census(sample, DataSettings(), 0)
    for block in sample.blocks:
        weight[block.rows] = census.describe(block, sample.read(block, ("process", "weights", "group_id"))).weight
    for _, _, share, row in stream.batches():
        np.testing.assert_allclose(share[row >= 0], weight[row[row >= 0]] / np.sum(row >= 0), rtol=1e-6)


@pytest.mark.parametrize(
    ("sampling", "shares"),
    [("balanced", [0.5, 0.25, 0.25]), ({"signal": 1.0, "4b": 3.0, "ttbar": 6.0}, [0.1, 0.3, 0.6])],
)
def test_sampling_changes_how_often_but_not_what_is_minimised(sample, sampling, shares):
    """With equal weights within a process, each process' sum of weights is the natural one in every single pass."""
    natural, other = (make(sample, event_weights=False, sampling=kind) for kind in ("natural", sampling))
    process, sums = sample.column("process"), []
    for stream in (natural, other):
        rows, weights = [], []
        for _, _, share, row in stream.batches():
            real = row >= 0
            rows.append(row[real])
            weights.append(share[real] * real.sum())
        rows, weights = np.concatenate(rows), np.concatenate(weights)
        sums.append(np.bincount(process[rows], weights))
    np.testing.assert_allclose(sums[1], sums[0], rtol=1e-5)
    np.testing.assert_allclose(np.bincount(process[rows]), np.array(shares) * len(split_rows(sample, "train")), atol=1)
    often, train = np.bincount(rows, minlength=len(sample)), split_rows(sample, "train")
    most = [often[process == index].max() for index in range(3)]
    times = np.array(shares) * len(train) / np.bincount(process[train])
    assert most == np.ceil(times).tolist(), "no event comes more often than its share asks for"


def test_buckets_are_cut_to_their_length_and_lose_nothing(sample):
    stream = make(sample, batch=32, length_buckets=3)
    mask = sample.column("constituents_mask")
    longest = mask.sum(axis=-1).max(axis=-1)
    lengths = []
    for inputs, _, _, row in stream.batches():
        own, length = row[row >= 0], inputs["mask_1"].shape[1]
        lengths.append(length)
        assert inputs["constituents_2"].shape[1] == length
        assert np.all((longest[own] <= length) & (longest[own] > length - 2))
        np.testing.assert_array_equal(inputs["mask_2"].sum(axis=1)[row >= 0], mask[own, 1].sum(axis=1))
    assert set(lengths) == {2, 4, 6}
    assert len(lengths) == stream.steps
    changes = np.count_nonzero(np.diff(lengths))
    assert changes > 4, "classes are mixed, not one after the other"


def test_padding_is_a_real_event_without_constituents(sample):
    (*_, last) = make(sample, "test", 64, **PLAIN).batches()
    inputs, _, share, row = last
    padding = row < 0
    assert 0 < padding.sum() < 64
    assert not share[padding].any()
    assert not inputs["mask_1"][padding].any()
    assert not inputs["mask_2"][padding].any()
    first = inputs["kinematics"][:1]
    np.testing.assert_array_equal(inputs["kinematics"][padding], np.repeat(first, padding.sum(), axis=0))


def test_columns_and_truncation(sample):
    data = DataSettings(constituent_features=("pt", "eta"), kinematic_features=("theta",), max_constituents=3)
    inputs, _, _, row = next(make(sample, seed=None, data=data, **PLAIN).batches())
    wanted = [CONSTITUENT_COLUMNS.index(name) for name in ("pt", "eta")]
    np.testing.assert_array_equal(inputs["constituents_1"], sample.column("constituents")[row, 0, :3][..., wanted])
    theta = sample.column("kinematics")[row, :, KINEMATIC_COLUMNS.index("theta")]
    np.testing.assert_array_equal(inputs["kinematics"][..., 0], theta)


def test_symmetries_are_thrown_anew_in_each_pass(sample):
    """Azimuths turn from pass to pass; pt and |eta| of every event stay what they are in the file."""
    stream, kinematics = make(sample, "test", 64), sample.column("kinematics")
    phi = np.full((3, len(sample)), np.nan)
    phi[2] = kinematics[:, 0, 2]
    for step, (inputs, _, _, row) in enumerate(itertools.islice(stream.batches(endless=True), 2 * stream.steps)):
        tokens, row = inputs["kinematics"][row >= 0], row[row >= 0]
        phi[step // stream.steps, row] = tokens[:, 0, 2]
        np.testing.assert_array_equal(tokens[..., 3], kinematics[row][..., 3])
        np.testing.assert_array_equal(np.abs(tokens[..., 1]), np.abs(kinematics[row][..., 1]))
    turned = np.abs(np.diff(phi, axis=0)[:, split_rows(sample, "test")])
    assert np.mean(turned > 1e-3) > 0.99


def test_a_value_that_is_not_finite_ends_the_stream_with_its_sentence(tmp_path, sample):
    """The fault lies in the last block: found in the background, while batches of the first are given."""
    folder = tmp_path / "broken"
    shutil.copytree(sample.path, folder)
    with h5py.File(folder / "mock-0002.h5", "a") as file:
        file["constituents"][499, 1, 2, 0] = np.nan
    with Sample(folder) as broken:
        stream = make(broken, seed=None)
        given = []
        with pytest.raises(InputError, match=r"mock-0002.h5: 'constituents' column 'eta' is nan in event 499"):
            for element in stream.batches():
                given.append(element)
        assert given


@pytest.mark.parametrize(
    ("train", "worker", "sentence"),
    [
        ({}, (0, 7, 1), "a batch of 60 events cannot be dealt evenly to 7 devices"),
        ({"lanes": 3}, (0, 2, 1), "train.lanes = 3 cannot be dealt evenly to 2 worker processes"),
        ({"sampling": {"signal": 1.0}}, (0, 1, 1), "gives shares of signal, but the sample holds signal, 4b, ttbar"),
    ],
)
def test_what_cannot_be_dealt_is_refused(sample, train, worker, sentence):
    with pytest.raises(ConfigError, match=sentence):
        next(make(sample, **train).batches(0, *worker))


def test_an_empty_split_is_refused(tmp_path):
    with (
        Sample(write_mock_sample(tmp_path, events=3, shards=1)) as sample,
        pytest.raises(InputError, match=r"the (train|validation|test) split holds no event; generate more events"),
    ):
        for split in SPLITS:
            make(sample, split)
