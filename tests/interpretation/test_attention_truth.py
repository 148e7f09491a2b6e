"""Distances to b hadrons against a loop, and what a reader of known taste gets."""

import numpy as np
import pytest

from mscat_tf.data import Sample
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.interpretation.attention_truth import EDGES, add_by_distance, distance_arrays, distances
from mscat_tf.interpretation.group_sums import Members
from mscat_tf.physics import to_cartesian, to_jet_frames
from mscat_tf.schema import RAW_COLUMNS

EVENTS, JETS, KEEP = 6, 2, 4


@pytest.fixture
def event():
    """Raw constituents across the seam of the azimuth, their tokens in the jet frame, and b hadrons."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 8, (EVENTS, JETS))
    raw = np.zeros((counts.sum(), len(RAW_COLUMNS)))
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    raw[:, 0] = rng.exponential(30, len(raw)) + 1
    raw = raw[np.lexsort((-raw[:, 0], jet))]
    raw[:, 1], raw[:, 2] = rng.normal(1, 0.3, len(raw)), np.pi - np.mod(rng.normal(0, 0.3, len(raw)), 2 * np.pi)
    energy = to_cartesian(*raw[:, :4].T).energy
    frame = to_jet_frames(*raw[:, :3].T, energy, counts.ravel(), KEEP)
    hadrons = np.stack([rng.normal(1, 0.2, (EVENTS, JETS, 2)), rng.normal(-np.pi, 0.2, (EVENTS, JETS, 2))], axis=-1)
    hadrons[0, 0] = np.nan
    hadrons[1, 0, 1] = np.nan
    shape = (EVENTS, JETS, KEEP)
    tokens, mask = frame.constituents.reshape(*shape, 4).astype("f4"), frame.mask.reshape(shape)
    return raw, counts, hadrons.reshape(EVENTS, JETS, 4), tokens, mask


def test_distances_equal_a_loop_over_constituents(event):
    raw, counts, hadrons, tokens, mask = event
    found, first = distances(raw, counts, hadrons, tokens, mask), 0
    for e in range(EVENTS):
        for j in range(JETS):
            for place in range(KEEP):
                if not mask[e, j, place] or np.isnan(hadrons[e, j]).all():
                    assert np.isnan(found[e, j, place])
                    continue
                _, eta, phi = raw[first + place, :3]
                turns = [abs(phi - hadrons[e, j, k] + 2 * np.pi * n) for k in (1, 3) for n in (-1, 0, 1)]
                each = [
                    np.hypot(eta - hadrons[e, j, k - 1], min(turns[3 * (k // 2) : 3 * (k // 2) + 3])) for k in (1, 3)
                ]
                assert found[e, j, place] == pytest.approx(np.nanmin(each), abs=1e-5)
            first += counts[e, j]


def test_tokens_that_are_no_raw_constituents_have_no_distance(event):
    raw, counts, hadrons, tokens, mask = event
    other = tokens[:, :, ::-1]  # another order
    found = distances(raw, counts, hadrons, other, mask[:, :, ::-1])
    several = mask.all(axis=2)
    assert np.isnan(found[several]).mean() > 0.9


def test_a_reader_of_momentum_has_the_shares_of_momentum():
    rng = np.random.default_rng(1)
    distance = rng.uniform(0, 2, (50, 6)).astype("f4")
    distance[:, 5], distance[7] = np.nan, np.nan
    pt = rng.exponential(30, (50, 6))
    pt[:, 5] = 0
    close = (distance < EDGES[1]).astype(float)
    attention, sums = np.stack([0.3 * pt, pt**0 * (pt > 0), close], axis=1), {}
    for rows in (slice(0, 20), slice(20, 50)):
        members = Members(np.zeros(50, int)[rows], 2, rng.uniform(0.5, 2, 50)[rows])
        add_by_distance(sums, "x", attention[rows], distance[rows], pt[rows], members)
    found = distance_arrays(sums, "x")
    np.testing.assert_allclose(found["truth/x"][0].sum(axis=1), 1.0)
    np.testing.assert_allclose(found["truth/x"][0, 0], found["truth_pt/x"][0, 0])
    np.testing.assert_allclose(found["truth/x"][0, 1], found["truth_number/x"][0, 0])
    assert found["truth/x"][0, 2, 0] == 1.0
    assert found["truth_number/x"][0, 0, -1] == pytest.approx(0.5, abs=0.06)  # half are farther than 1
    assert np.isnan(found["truth/x"][1]).all()


def test_mock_samples_may_hold_hadrons(tmp_path):
    with Sample(write_mock_sample(tmp_path, events=20, shards=1, declusterings=3)) as sample:
        hadrons = sample.column("truth/b_hadrons")
    assert hadrons.shape == (20, 2, 4)
    assert 0 < np.isnan(hadrons).mean() < 0.5
