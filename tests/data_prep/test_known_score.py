"""Another classifier's score beside the events: joined by number, and weighed away."""

from itertools import pairwise

import h5py
import numpy as np
import pytest

from data_prep.known_score import KnownScores
from data_prep.prepare import prepare
from mscat_tf.config import DataSettings
from mscat_tf.config.known_score import KnownScore
from mscat_tf.config.preparation import Preparation
from mscat_tf.data import Sample, event_table
from mscat_tf.data.census import Census
from mscat_tf.data.features import take_features, with_event_columns
from mscat_tf.errors import InputError
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.schema import KINEMATIC_COLUMNS
from tests.data_prep.toy_samples import write_toy_sample

BINS = 4


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_toy_sample(tmp_path_factory.mktemp("toy") / "sample", events=(90, 70))


def write_scores(path, event_id, logit):
    with h5py.File(path, "w") as file:
        file["event_id"], file["logit"] = event_id, logit
    return path


@pytest.fixture(scope="module")
def scores(source, tmp_path_factory):
    """A score that separates well, in an order of its own, with events that no sample has."""
    rng = np.random.default_rng(3)
    with Sample(source) as sample:
        event_id, label = sample.column("event_id"), sample.column("label")
    logit = 2.0 * label + rng.normal(size=len(label))
    order = rng.permutation(len(label))
    path = tmp_path_factory.mktemp("scores") / "scores.h5"
    foreign = np.array([2**60, 2**60 + 1], "u8")
    return write_scores(path, np.concatenate([foreign, event_id[order]]), np.concatenate([[7.0, 8.0], logit[order]]))


def given(scores):
    with h5py.File(scores) as file:
        return dict(zip(file["event_id"][()].tolist(), file["logit"][()].tolist(), strict=True))


def test_scores_are_joined_by_event_and_weights_stay(source, scores, tmp_path):
    prepare(source, Preparation(known=KnownScore(scores=str(scores))), tmp_path / "told")
    with Sample(source) as before, Sample(tmp_path / "told") as after:
        wanted = [given(scores)[int(event)] for event in after.column("event_id")]
        np.testing.assert_allclose(after.column("known_logit"), wanted, rtol=1e-6)
        np.testing.assert_array_equal(after.column("weights"), before.column("weights"))
        np.testing.assert_allclose(after.column("kinematics"), before.column("kinematics"), atol=2e-6, rtol=2e-6)


def test_even_weights_leave_the_score_nothing(source, scores, tmp_path):
    """Bins are ranges of the logit; in each both classes have the same share of their old weight once it is weighed."""
    settings = Preparation(known=KnownScore(scores=str(scores), even=True, bins=BINS))
    prepare(source, settings, tmp_path / "even")
    with Sample(source) as before, Sample(tmp_path / "even") as after:
        logit, label = after.column("known_logit").astype(float), after.column("label")
        old, new = (event_table(sample, DataSettings(), 1).weight_fb for sample in (before, after))
        factor = after.column("weights")[:, 0] / before.column("weights")[:, 0]
    assert factor.max() <= 2.0 + 1e-6
    assert weighted_auc(logit, label, old) > 0.85
    assert abs(weighted_auc(logit, label, new) - 0.5) < 0.08
    shares = old / np.bincount(label, old)[label] * factor
    bins = np.round(np.where(label == 1, factor, 2.0 - factor), 4)  # 2 b / (s + b) of each event's bin
    assert 2 <= len(np.unique(bins)) <= BINS
    ranges = sorted((logit[bins == own].min(), logit[bins == own].max()) for own in np.unique(bins))
    assert all(first[1] < second[0] for first, second in pairwise(ranges))
    for own in np.unique(bins):
        signal, background = (shares[(bins == own) & (label == value)].sum() for value in (1, 0))
        assert signal == pytest.approx(background, rel=1e-4, abs=1e-9)


def test_negative_weights_give_no_factor_outside_zero_and_two(scores, tmp_path):
    """A class may have less than nothing in a bin; edges of bins still rise."""
    folder = write_toy_sample(tmp_path / "toy", events=(90, 70))
    for path in folder.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            weights = file["weights"][()]
            weights[:, 0] = np.where(np.random.default_rng(len(weights)).random(len(weights)) < 0.4, -1.0, 1.0)
            file["weights"][...] = weights
    with Sample(folder) as sample:
        known = KnownScores(sample, KnownScore(scores=str(scores), even=True, bins=20))
        factors = known.factors(known.logits(sample.column("event_id")), sample.column("label"))
    assert np.all(np.diff(known._edges) >= 0.0)
    assert 0.0 <= factors.min() <= factors.max() <= 2.0


def test_networks_read_the_score_in_every_token(source, scores, tmp_path):
    folder, data = tmp_path / "told", DataSettings(kinematic_features=("pt", "known_logit"))
    with Sample(source) as sample, pytest.raises(InputError, match=r"no data set 'known_logit'.*known\.scores=FILE"):
        Census(sample, data, 1)
    prepare(source, Preparation(known=KnownScore(scores=str(scores))), folder)
    with Sample(folder) as sample:
        census, run = Census(sample, data, 1), sample.runs[0]
        arrays = sample.read(run, (*census.columns, "kinematics", "event_id"))
        columns = census.describe(run, arrays).event_columns
        found = take_features(with_event_columns({"kinematics": arrays["kinematics"]}, columns), data)["kinematics"]
    wanted = [given(scores)[int(event)] for event in arrays["event_id"]]
    np.testing.assert_allclose(found[..., 1], np.repeat(np.array(wanted)[:, None], found.shape[1], axis=1), rtol=1e-6)
    np.testing.assert_array_equal(found[..., 0], arrays["kinematics"][..., KINEMATIC_COLUMNS.index("pt")])


def test_other_scores_make_other_files(source, scores, tmp_path):
    """The setting names a file; what counts is what is in it."""
    own = tmp_path / "scores.h5"
    own.write_bytes(scores.read_bytes())
    settings = Preparation(known=KnownScore(scores=str(own)))
    first = prepare(source, settings, tmp_path / "told")
    assert prepare(source, settings, tmp_path / "told").kept == first.made
    with h5py.File(own, "r+") as file:
        file["logit"][2:] += 1.0
    again = prepare(source, settings, tmp_path / "told")
    assert again.made == first.made
    with Sample(tmp_path / "told") as after:
        wanted = [given(own)[int(event)] for event in after.column("event_id")]
        np.testing.assert_allclose(after.column("known_logit"), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda ids, logit: (ids[1:], logit[1:]), "holds no score of 1 of .* events of a file of"),
        (lambda ids, logit: (ids[:0], logit[:0]), "holds no score of"),
        (lambda ids, logit: (np.r_[ids, ids[:1]], np.r_[logit, 0.0]), "an event_id stands there twice"),
        (lambda ids, logit: (ids, np.where(ids == ids[0], np.nan, logit)), "as many finite numbers"),
        (lambda ids, logit: (ids, logit[:-1]), "as many finite numbers"),
    ],
)
def test_wrong_scores_are_refused(source, tmp_path, damage, words):
    with Sample(source) as sample:
        event_id = sample.column("event_id")
    path = write_scores(tmp_path / "s.h5", *damage(event_id, np.zeros(len(event_id))))
    with pytest.raises(InputError, match=words):
        prepare(source, Preparation(known=KnownScore(scores=str(path))), tmp_path / "out")


def test_files_that_are_none_are_refused(source, tmp_path):
    (tmp_path / "s.h5").write_text("no HDF5")
    for name, words in (("gone.h5", "no such file of scores"), ("s.h5", "cannot be read as scores")):
        with pytest.raises(InputError, match=words):
            prepare(source, Preparation(known=KnownScore(scores=str(tmp_path / name))), tmp_path / "out")
