"""Spectrum of the constituents against a loop; what it adds up to."""

import numpy as np
import pytest

from experiments.benchmarks import high_level_loops
from mscat_tf.physics import constituent_spectrum
from mscat_tf.physics.constituent_spectrum import constituent_spectra

EDGES = [1.0, 3.0, 10.0]


@pytest.mark.parametrize("together", [1, 30, 100_000])
def test_is_what_a_loop_finds(together, monkeypatch):
    monkeypatch.setattr(constituent_spectrum, "CONSTITUENTS_AT_ONCE", together)
    rng = np.random.default_rng(3)
    counts = [4, 0, 9, 1]
    pt = np.where(np.arange(9) < np.array(counts)[:, np.newaxis], rng.exponential(5.0, (4, 9)) + 0.1, 0.0)
    charged = rng.random(pt.shape) < 0.6
    found = constituent_spectra(pt, [np.ones(pt.shape, bool), charged, ~charged], EDGES)
    assert found.counts.shape == found.sums.shape == (4, 3, 4)
    for jet, count in enumerate(counts):
        particles = [(value, 0.0, 0.0) for value in pt[jet, :count]]
        chosen = [set(range(9)), set(np.flatnonzero(charged[jet])), set(np.flatnonzero(~charged[jet]))]
        expected = high_level_loops.constituent_spectrum(particles, chosen, EDGES)
        assert found.counts[jet].tolist() == expected[0]
        np.testing.assert_allclose(found.sums[jet], expected[1])
    assert found.counts[:, 0].sum(axis=-1).tolist() == counts
    np.testing.assert_allclose(found.sums[:, 0].sum(axis=-1), pt.sum(axis=-1))
    np.testing.assert_allclose(found.sums[:, 0], found.sums[:, 1] + found.sums[:, 2])


def test_a_constituent_on_an_edge_belongs_to_the_bin_above():
    pt = np.array([[0.5, 1.0, 3.0, 10.0, 400.0]])
    assert constituent_spectra(pt, [pt > 0.0], EDGES).counts.tolist() == [[[1.0, 1.0, 1.0, 2.0]]]
