"""Our chain against Delphes 3 (ATLAS card) on the same process: 300 events at 13 TeV, see docs/physics.md.

A larger comparison with figures: `python -m experiments.detector_against_delphes`.
"""

import numpy as np
import pytest

from data_prep.shard import ShardJob, make_shard
from experiments.detector_against_delphes import (
    DATA_SETS,
    QUANTITIES,
    chi_squared,
    configuration,
    core,
    delphes_jets,
    our_jets,
    width_error,
)

EVENTS = 140


@pytest.fixture(scope="module")
def delphes(reference_data):
    pytest.importorskip("uproot")
    return delphes_jets(reference_data / "delphes" / "signal.root")


@pytest.fixture(scope="module")
def shard():
    return make_shard(configuration(EVENTS).sample, ShardJob("signal", 0, EVENTS))


@pytest.fixture(scope="module")
def ours(shard):
    header, arrays = shard
    return our_jets(*(arrays[name] for name in DATA_SETS), header.normalisation["signal"].generated_events)


@pytest.mark.external
def test_the_reference_is_read_as_recorded(delphes):
    """140 of 300 events, and every constituent is one of the three kinds (data/README.md)."""
    assert (delphes.selected, delphes.generated) == (140, 300)
    parts = sum(delphes.values[name] for name in ("tracks", "photons", "neutral hadrons"))
    np.testing.assert_array_equal(parts, delphes.values["constituents"])


@pytest.mark.external
@pytest.mark.slow
def test_acceptance_agrees(delphes, ours):
    expected, found = (jets.selected / jets.generated for jets in (delphes, ours))
    error = np.sqrt(expected * (1 - expected) / delphes.generated + found * (1 - found) / ours.generated)
    assert abs(found - expected) < 3 * error


@pytest.mark.external
@pytest.mark.slow
@pytest.mark.parametrize("name", QUANTITIES)
def test_distributions_agree(delphes, ours, name):
    """Chi-squared for both jets; 12 numbers are looked at, so one below 1 % would be rare."""
    for rank in (0, 1):
        assert chi_squared(delphes.values[name][:, rank], ours.values[name][:, rank])[1] > 0.005


@pytest.mark.external
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("mass", 0.10), ("pt", 0.10), ("constituents", 0.15), ("tracks", 0.15), ("photons", 0.15)],
)
def test_means_agree(delphes, ours, name, tolerance):
    means = [jets.values[name].mean(axis=0) for jets in (delphes, ours)]
    np.testing.assert_allclose(means[1], means[0], rtol=tolerance)


@pytest.mark.external
@pytest.mark.slow
def test_neutral_hadrons_are_those_of_the_energy_flow(delphes, ours):
    """2.9 in a jet; without subtracting tracks, or in smaller cells, they would be about twice as many."""
    expected, found = (jets.values["neutral hadrons"].mean() for jets in (delphes, ours))
    assert found == pytest.approx(expected, rel=0.25)


@pytest.mark.external
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mass", "pt"])
def test_widths_agree(delphes, ours, name):
    """Within 10 %, or two errors: 140 events fix a width to about 8 %. Momenta below 800 GeV."""
    for rank in (0, 1):
        both = [core(jets, name, rank) for jets in (delphes, ours)]
        widths, errors = [values.std() for values in both], [width_error(values) for values in both]
        assert abs(widths[1] - widths[0]) < max(0.10 * widths[0], 2 * np.hypot(*errors))


@pytest.mark.slow
def test_masses_peak_at_the_higgs_and_the_resonance(shard):
    """Two of the published figures: m_J near 125 GeV, m_JJ near m_H = 1000 GeV."""
    kinematics = shard[1]["kinematics"]
    assert np.all(np.abs(np.median(kinematics[:, :2, 0], axis=0) - 125.0) < 8.0)
    assert abs(np.median(kinematics[:, 2, 0]) - 1000.0) < 40.0
