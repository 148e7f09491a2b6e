"""Masses, mixing and couplings against derivatives of the whole potential, and against relations between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.physics.doublet_potential import Quartics
from mscat_tf.physics.two_higgs_doublet import Masses, TwoHiggsDoubletModel
from tests.physics.doublet_oracle import FIELDS, derivative, potential

V = 246.22
EXAMPLE = Quartics(1.2, 0.6, 1.5, -0.4, 0.3, 0.15, -0.08)


@st.composite
def models(draw, hard=True):
    """Bounded potentials with heavy A, H and H+ (so that the vacuum chosen is the deepest)."""
    hard_1, hard_2 = (draw(st.floats(-0.1, 0.1)) if hard else 0.0 for _ in range(2))
    diagonal = [draw(st.floats(0.8, 3.0)) for _ in range(2)]
    mixed = [draw(st.floats(0.5, 2.0)), draw(st.floats(-0.3, 0.3)), draw(st.floats(-0.3, 0.3))]
    tan_beta = draw(st.floats(0.6, 4.0))
    beta = np.arctan(tan_beta)
    m12_squared = draw(st.floats(500.0, 1500.0)) ** 2 * np.sin(beta) * np.cos(beta)
    return TwoHiggsDoubletModel(Quartics(*diagonal, *mixed, hard_1, hard_2), m12_squared, tan_beta)


def derivative_of(model, *directions):
    at = np.zeros(FIELDS)
    at[2], at[6] = model.v * np.cos(model.beta), model.v * np.sin(model.beta)
    return derivative(lambda x: potential(x, model.quartics, model.mass_parameters), at, directions, 0.5 * model.v)


def state(model, name):
    """Direction of a physical field among the eight."""
    s, c, a = np.sin(model.beta), np.cos(model.beta), model.alpha
    places = {
        "h": {2: -np.sin(a), 6: np.cos(a)},
        "H": {2: np.cos(a), 6: np.sin(a)},
        "A": {3: -s, 7: c},
        "charged": {0: -s, 4: c},  # sqrt 2 times the real part of H+
        "goldstone 0": {3: c, 7: s},
        "goldstone re": {0: c, 4: s},
        "goldstone im": {1: c, 5: s},
    }
    return np.array([places[name].get(place, 0.0) for place in range(FIELDS)])


@settings(max_examples=25, deadline=None)
@given(models())
def test_masses_are_the_eigenvalues_of_the_hessian(model):
    """Three Goldstone bosons along the gauge orbit, and h, H, A and twice H+."""
    size = model.masses.H**2
    gradient = [derivative_of(model, axis) for axis in np.eye(FIELDS)]
    np.testing.assert_allclose(gradient, 0.0, atol=1e-7 * size * model.v)
    hessian = np.array([[derivative_of(model, one, two) for one in np.eye(FIELDS)] for two in np.eye(FIELDS)])
    h, heavy, odd, charged = np.square(model.masses)
    expected = np.sort([0.0, 0.0, 0.0, h, heavy, odd, charged, charged])
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), expected, atol=1e-9 * size)
    for name in ("goldstone 0", "goldstone re", "goldstone im"):
        np.testing.assert_allclose(hessian @ state(model, name), 0.0, atol=1e-8 * size)
    for name in Masses._fields:
        squared = getattr(model.masses, name) ** 2
        np.testing.assert_allclose(hessian @ state(model, name), squared * state(model, name), atol=1e-8 * size)


@settings(max_examples=25, deadline=None)
@given(models())
def test_trilinears_are_third_derivatives(model):
    h, heavy, odd, charged = (state(model, name) for name in Masses._fields)
    expected = [
        derivative_of(model, h, h, h),
        derivative_of(model, heavy, h, h),
        derivative_of(model, heavy, odd, odd),
        derivative_of(model, heavy, charged, charged),
    ]
    np.testing.assert_allclose(model.trilinears, expected, atol=1e-7 * V * 10.0)


@settings(max_examples=25, deadline=None)
@given(models(hard=False))
def test_trilinears_from_masses_and_angles(model):
    """Closed forms in the physical basis, lambda_6 = lambda_7 = 0 (Kanemura et al., hep-ph/0408364)."""
    a, b, (h, heavy, _, _) = model.alpha, model.beta, np.square(model.masses)
    soft = model.m12_squared / (np.sin(b) * np.cos(b))
    hhh = (
        3.0
        / (model.v * np.sin(2 * b))
        * ((np.cos(3 * a - b) / 2 + 1.5 * np.cos(a + b)) * h - 2.0 * np.cos(b - a) ** 2 * np.cos(a + b) * soft)
    )
    Hhh = (
        np.cos(b - a)
        / (model.v * np.sin(2 * b))
        * ((2 * h + heavy) * np.sin(2 * a) - soft * (3 * np.sin(2 * a) - np.sin(2 * b)))
    )
    assert model.trilinears.hhh == pytest.approx(hhh, rel=1e-8, abs=1e-6)
    assert model.trilinears.Hhh == pytest.approx(Hhh, rel=1e-7, abs=1e-5)


@given(st.floats(-1.5, 1.5), st.floats(0.3, 20.0), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
def test_masses_and_angles_return(alpha, tan_beta, lambda_6, lambda_7):
    """From masses to lambdas and back; most such potentials are unphysical, so only the others count."""
    masses, beta = Masses(125.11, 800.0, 810.0, 790.0), np.arctan(tan_beta)
    m12_squared = 780.0**2 * np.sin(beta) * np.cos(beta)
    try:
        model = TwoHiggsDoubletModel.from_masses(masses, alpha, m12_squared, tan_beta, lambda_6, lambda_7)
    except ConfigError:
        return
    np.testing.assert_allclose(model.masses, masses, rtol=1e-9)
    assert model.alpha == pytest.approx(alpha, abs=1e-9)


def test_a_physical_point_returns():
    """The test above cannot be empty: this point is physical."""
    masses, alpha = Masses(125.11, 1000.0, 1016.7, 1007.3), np.arctan(6.334) - np.arccos(0.05117)
    model = TwoHiggsDoubletModel.from_masses(masses, alpha, 154_940.0, 6.334)
    np.testing.assert_allclose(model.masses, masses, rtol=1e-9)
    assert model.alpha == pytest.approx(alpha)


@settings(max_examples=25, deadline=None)
@given(models(), st.sampled_from(["I", "II", "X", "Y"]))
def test_sum_rules(model, yukawa):
    """Unitarity of VV -> VV and VV -> ff at high energy (hep-ph/0207010)."""
    couplings = model.couplings(yukawa)
    h, heavy = couplings["h"], couplings["H"]
    assert h.vector == pytest.approx(np.sin(model.beta - model.alpha))
    assert h.vector**2 + heavy.vector**2 == pytest.approx(1.0)
    for fermion in ("up", "down", "lepton"):
        assert h.vector * getattr(h, fermion) + heavy.vector * getattr(heavy, fermion) == pytest.approx(1.0)


def test_yukawa_types():
    """arXiv:1106.0034, the table of the four types: which coupling of A is tan beta, which 1 / tan beta."""
    model = TwoHiggsDoubletModel(EXAMPLE, 4e5, 3.0)
    mixing = np.cos(model.beta - model.alpha), np.sin(model.beta - model.alpha)
    for yukawa, down, lepton in (("I", -1, -1), ("II", 1, 1), ("X", -1, 1), ("Y", 1, -1)):
        found = model.couplings(yukawa)["H"]
        for coupling, sign in ((found.up, -1), (found.down, down), (found.lepton, lepton)):
            assert coupling == pytest.approx(mixing[0] + sign * mixing[1] * 3.0**sign)


def higgs_basis(model):
    """Z1 and Z6, the quartics of the doublet that holds v, and H1+H1 H1+H2, by direct differentiation."""
    c, s = np.cos(model.beta), np.sin(model.beta)
    along, across = np.zeros(FIELDS), np.zeros(FIELDS)
    along[[2, 6]], across[[2, 6]] = (c, s), (-s, c)
    along_4 = derivative_of(model, along, along, along, along)
    return along_4 / 3.0, derivative_of(model, along, along, along, across) / 3.0


@settings(max_examples=25, deadline=None)
@given(models())
def test_mixing_vanishes_with_Z6(model):
    """cos(b - a) sin(b - a) (m_H^2 - m_h^2) = -Z6 v^2, and Z1 v^2 = m_h^2 sin^2 + m_H^2 cos^2 (hep-ph/0207010)."""
    z1, z6 = higgs_basis(model)
    sin, cos = np.sin(model.beta - model.alpha), np.cos(model.beta - model.alpha)
    h, heavy = model.masses.h**2, model.masses.H**2
    assert sin * cos * (heavy - h) == pytest.approx(-z6 * V**2, abs=1e-8 * heavy)
    assert z1 * V**2 == pytest.approx(h * sin**2 + heavy * cos**2, rel=1e-7)


def test_in_alignment_h_is_that_of_the_standard_model():
    """lambda_7 chosen so that Z6 = 0: g_Hhh vanishes, hhh = 3 m_h^2 / v; just off it g_Hhh is -3 v Z6 at large m_H."""

    def model(lambda_7, mass=900.0):
        return TwoHiggsDoubletModel(Quartics(1.2, 0.6, 0.6, -0.4, 0.3, -0.02, lambda_7), mass**2 * 0.4, 2.0)

    z6 = [higgs_basis(model(value))[1] for value in (0.0, 0.1)]
    aligned = 0.1 * z6[0] / (z6[0] - z6[1])
    there = model(aligned)
    for yukawa in ("I", "II", "X", "Y"):
        np.testing.assert_allclose(there.couplings(yukawa)["h"], 1.0, rtol=1e-9)
        assert there.couplings(yukawa)["H"].vector == pytest.approx(0.0, abs=1e-9)
    assert there.trilinears.Hhh == pytest.approx(0.0, abs=1e-6)
    assert there.trilinears.hhh == pytest.approx(3.0 * there.masses.h**2 / V, rel=1e-9)
    heavy = model(0.0, 1e5)
    assert abs(heavy.trilinears.Hhh) == pytest.approx(3.0 * V * abs(z6[0]), rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(models())
def test_the_vacuum_is_found_again(model):
    found = TwoHiggsDoubletModel.from_mass_parameters(model.quartics, *model.mass_parameters)
    assert (found.v, found.tan_beta) == pytest.approx((model.v, model.tan_beta), rel=1e-6)


@pytest.mark.parametrize(
    ("quartics", "m12_squared", "tan_beta", "sentence"),
    [
        (Quartics(-0.1, 1, 1, 0, 0), 1e5, 2.0, "not bounded from below with lambda_1 to lambda_7 = -0.1, 1"),
        (Quartics(1, 1, 1, -3.5, 0), 1e5, 2.0, "not bounded"),
        (Quartics(1, 1, 0, 0, 2.5), 1e5, 2.0, "not bounded"),
        (EXAMPLE, -1e5, 2.0, "squared mass of h .* no minimum"),
        (Quartics(1, 1, 5, 0, 0.5), 5e3, 1.0, "squared mass of .* no minimum"),
    ],
)
def test_unphysical_potentials_are_refused(quartics, m12_squared, tan_beta, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TwoHiggsDoubletModel(quartics, m12_squared, tan_beta)


@pytest.mark.parametrize(
    ("masses_squared", "sentence"),
    [
        ((1e5, 1e5, 0.0), "no vacuum but v = 0"),
        ((-1e4, 1e5, 0.0), "only one doublet"),
        ((1e5, -1e4, 0.0), "only one doublet"),
        ((1e5, 1e5, -4e5), "tan beta = -.*turn the signs of m12_squared"),
    ],
)
def test_potentials_without_a_useful_vacuum_are_refused(masses_squared, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TwoHiggsDoubletModel.from_mass_parameters(Quartics(1, 1, 0.5, 0.1, 0.1), *masses_squared)


def test_a_local_minimum_above_another_is_refused():
    """The two vacua of one potential (arXiv:1303.5098 calls the upper one a panic vacuum)."""
    quartics = Quartics(0.3, 0.3, 1.0, 0.2, 0.1)
    with pytest.raises(ConfigError, match="deeper one is at tan beta"):
        TwoHiggsDoubletModel(quartics, 2_000.0, 8.0)
