"""The energy flow of one calorimeter: cells, sums, neutral excess and best estimate."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data_prep.detector_card import Calorimeter, load_card
from data_prep.energy_flow import Grid, Hits, energy_flow, log_normal


def calorimeter(constant=0.0, energy_min=0.0, significance_min=0.0):
    return Calorimeter(
        energy_min=energy_min,
        significance_min=significance_min,
        energy_shares={"electrons": 1, "photons": 1, "muons": 0, "hadrons": 1},
        cells=[
            {"abs_eta_below": 1.0, "eta_width": 0.25, "phi_cells": 12},
            {"abs_eta_below": 2.0, "eta_width": 0.5, "phi_cells": 6},
        ],
        resolution=[{"abs_eta_below": 2.0, "constant": constant, "stochastic": 0.0}],
    )


def hits(energy, event=None, eta=0.1, phi=0.1, error=0.0):
    energy = np.asarray(energy, float)
    event = np.zeros(len(energy), np.int64) if event is None else np.asarray(event)
    ones = np.ones(len(energy))
    return Hits(event, eta * ones, phi * ones, energy, error * ones)


NOTHING = hits([])


@pytest.mark.external
@pytest.mark.parametrize(("branch", "part"), [("EFlowPhoton", "electromagnetic"), ("EFlowNeutralHadron", "hadronic")])
def test_cells_are_those_of_delphes(reference_data, branch, part):
    """Every tower in the file of Delphes has the edges of one of our cells, and lies in it."""
    uproot = pytest.importorskip("uproot")
    with uproot.open(reference_data / "delphes" / "signal.root") as file:
        edges = np.concatenate(list(file["Delphes"][f"{branch}/{branch}.Edges[4]"].array(library="np")))
    grid = Grid(getattr(load_card("atlas_like"), part))
    eta, phi = edges.reshape(-1, 2, 2).mean(axis=2).T
    cell = grid.cell(np.zeros(len(edges), np.int64), eta, phi)
    assert len(edges) > 10_000
    assert np.all(cell >= 0)
    _, row, column = grid.place(cell)
    width = 2 * np.pi / grid.around[row]
    ours = np.stack(
        [grid.edges[row], grid.edges[row + 1], column * width - np.pi, (column + 1) * width - np.pi], axis=-1
    )
    np.testing.assert_allclose(ours, edges, atol=2e-6)


@given(st.floats(-2.5, 2.5), st.floats(-3.1415, 3.1415), st.integers(0, 5))
def test_a_cell_holds_the_directions_that_it_is_given(eta, phi, event):
    assume(min(abs(abs(eta) - edge) for edge in (1.0, 2.0)) > 1e-9)
    grid = Grid(calorimeter())
    cell = grid.cell(np.array([event]), np.array([eta]), np.array([phi]))
    if abs(eta) > 2.0:
        assert cell == -1
        return
    found_event, row, column = (values[0] for values in grid.place(cell))
    width = 2 * np.pi / (12 if abs(eta) < 1.0 else 6)
    assert found_event == event
    assert grid.edges[row] <= eta <= grid.edges[row + 1]
    assert column * width - np.pi <= phi + 1e-12 <= (column + 1) * width - np.pi + 2e-12


@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.floats(-1.9, 1.9), st.integers(0, 2)), min_size=1, max_size=12),
    st.data(),
)
def test_a_perfect_calorimeter_loses_no_energy(particles, data):
    """What the cells hold beyond the tracks, and the tracks after scaling, add up to what was deposited."""
    energy, eta, event = (np.array(column) for column in zip(*particles, strict=True))
    deposits = hits(energy, event, eta)
    found = np.array(data.draw(st.lists(st.booleans(), min_size=len(energy), max_size=len(energy))))
    tracked = energy[found] * 1.1
    tracks = hits(tracked, event[found], eta[found], error=0.5)
    flow = energy_flow(deposits, tracks, calorimeter(), np.random.default_rng(1))
    for number in range(3):
        after = flow.energy[flow.event == number].sum() + (tracked * flow.scale)[event[found] == number].sum()
        assert after == pytest.approx(energy[event == number].sum())


def test_an_excess_over_the_tracks_becomes_a_neutral_object_in_the_cell():
    flow = energy_flow(hits([30.0, 20.0]), hits([29.0]), calorimeter(), np.random.default_rng(1))
    assert flow.energy.tolist() == [pytest.approx(21.0)]
    assert 0.0 < flow.eta[0] < 0.25
    assert 0.0 < flow.phi[0] < np.pi / 6
    assert flow.scale.tolist() == [1.0]


@pytest.mark.parametrize(("energy_min", "significance_min", "error"), [(2.0, 0.0, 0.0), (0.0, 2.0, 1.0)])
def test_a_small_excess_is_none(energy_min, significance_min, error):
    """1.5 GeV is below the threshold of 2 GeV, or below two times the tracks' error of 1 GeV."""
    cells = calorimeter(energy_min=energy_min, significance_min=significance_min)
    flow = energy_flow(hits([31.5]), hits([30.0], error=error), cells, np.random.default_rng(1))
    assert len(flow.energy) == 0
    alone = energy_flow(hits([31.5]), NOTHING, cells, np.random.default_rng(1))
    assert alone.energy.tolist() == [pytest.approx(31.5)]


def test_without_an_excess_tracks_take_the_weighted_mean():
    """Two measurements of 100 GeV, by 3 and by 4 per cent: together by 2.4 per cent, right on average."""
    trials = 20_000
    rng = np.random.default_rng(2)
    event, true = np.arange(trials), np.full(trials, 100.0)
    measured = log_normal(true, np.full(trials, 3.0), rng)
    cells = calorimeter(constant=0.04, significance_min=10.0)
    flow = energy_flow(hits(true, event), hits(measured, event, error=3.0), cells, rng)
    assert len(flow.energy) == 0
    best = measured * flow.scale
    assert best.mean() == pytest.approx(100.0, abs=0.2)
    assert best.std() == pytest.approx(2.4, rel=0.03)


def test_log_normal_has_the_mean_and_the_width_that_were_asked_for():
    values = log_normal(np.full(200_000, 5.0), np.full(200_000, 2.0), np.random.default_rng(3))
    assert values.min() > 0.0
    assert values.mean() == pytest.approx(5.0, rel=0.005)
    assert values.std() == pytest.approx(2.0, rel=0.01)
    assert log_normal(np.zeros(2), np.ones(2), np.random.default_rng(3)).tolist() == [0.0, 0.0]
