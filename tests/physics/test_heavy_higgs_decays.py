"""Widths against amplitudes taken from the potential itself, and against published values."""

import numpy as np
import pytest

from mscat_tf.physics.doublet_potential import Quartics
from mscat_tf.physics.heavy_higgs_decays import partial_widths, running_bottom_mass
from mscat_tf.physics.two_higgs_doublet import Masses, TwoHiggsDoubletModel
from tests.physics.test_two_higgs_doublet import derivative_of, state


def two_body(amplitude, heavy, first, second, identical):
    """Phase space by numbers: Gamma = |M|^2 p / (8 pi m^2), half for identical particles."""
    energy = (heavy**2 + first**2 - second**2) / (2.0 * heavy)
    width = amplitude**2 * np.sqrt(energy**2 - first**2) / (8.0 * np.pi * heavy**2)
    return width / 2.0 if identical else width


@pytest.fixture(scope="module")
def everything_open():
    """H decays to every pair of Higgs and gauge bosons, far above the mass of the Z thanks to a large v."""
    return TwoHiggsDoubletModel(Quartics(1.1, 2.3, -0.2, -0.3, 0.2, -0.1, -0.2), 0.0, 2.2, v=2_000.0)


@pytest.fixture(scope="module")
def typical():
    """A, H and H+ nearly degenerate, close to alignment."""
    masses = Masses(125.11, 600.0, 590.0, 595.0)
    return TwoHiggsDoubletModel.from_masses(masses, np.arctan(3.8) - np.arccos(0.09), 91_850.0, 3.8)


def test_every_decay_to_bosons_follows_from_the_potential(everything_open):
    """Scalars exactly; longitudinal W and Z as Goldstone bosons, right to a few (m_Z / m_H)^2."""
    model = everything_open
    h, heavy, odd, charged = (state(model, name) for name in Masses._fields)
    neutral, plus = state(model, "goldstone 0"), state(model, "goldstone re")
    masses, widths = model.masses, partial_widths(model, "II")

    def expected(first, second, mass_1, mass_2, identical=False):
        amplitude = derivative_of(model, heavy, first, second)
        return two_body(amplitude, masses.H, mass_1, mass_2, identical)

    exact = {
        "hh": expected(h, h, masses.h, masses.h, identical=True),
        "AA": expected(odd, odd, masses.A, masses.A, identical=True),
        "charged pair": expected(charged, charged, masses.charged, masses.charged),
    }
    for name, width in exact.items():
        assert widths[name] == pytest.approx(width, rel=1e-7), name
    equivalent = {
        "ZZ": expected(neutral, neutral, 0.0, 0.0, identical=True),
        "WW": expected(plus, plus, 0.0, 0.0),
        "AZ": expected(odd, neutral, masses.A, 0.0),
        "charged W": 2.0 * expected(charged, plus, masses.charged, 0.0),
    }
    for name, width in equivalent.items():
        assert widths[name] == pytest.approx(width, rel=0.01), name


def test_vector_bosons_of_every_polarisation(typical):
    """Amplitude 2 kappa m_V^2 / v (e1 . e2), summed over polarisations: 2 + (p1 . p2)^2 / m_V^4."""
    widths, kappa = partial_widths(typical, "I"), typical.couplings("I")["H"].vector
    for name, mass, identical in (("ZZ", 91.1876, True), ("WW", 80.377, False)):
        product = (600.0**2 - 2.0 * mass**2) / 2.0
        amplitude = 2.0 * kappa * mass**2 / 246.22 * np.sqrt(2.0 + (product / mass**2) ** 2)
        assert widths[name] == pytest.approx(two_body(amplitude, 600.0, mass, mass, identical), rel=1e-9)


def test_fermions_take_the_square_of_their_coupling(typical):
    """tt is the tree-level closed form in G_F; the types differ by their couplings only."""
    one, two = (partial_widths(typical, kind) for kind in ("I", "II"))
    couplings = [typical.couplings(kind)["H"] for kind in ("I", "II")]
    assert one["tt"] == two["tt"]
    assert one["bb"] / two["bb"] == pytest.approx((couplings[0].down / couplings[1].down) ** 2)
    assert one["tautau"] / two["tautau"] == pytest.approx((couplings[0].lepton / couplings[1].lepton) ** 2)
    assert two["bb"] / two["tautau"] == pytest.approx(3.0 * (running_bottom_mass(600.0) / 1.77693) ** 2, rel=1e-3)
    fermi_constant, top = 1.1663788e-5, 172.5
    closed = 3.0 * fermi_constant * top**2 * 600.0 / (4.0 * np.sqrt(2.0) * np.pi) * (1 - (2 * top / 600.0) ** 2) ** 1.5
    assert one["tt"] == pytest.approx(couplings[0].up ** 2 * closed, rel=1e-4)


def test_closed_channels_have_no_width(typical):
    widths = partial_widths(typical, "II")
    assert {name for name, width in widths.items() if width == 0.0} == {"AA", "charged pair", "AZ", "charged W"}


def test_running_bottom_mass():
    """m_b(m_Z) = 2.83 GeV (four loops); leading logarithms come within a tenth."""
    assert running_bottom_mass(91.1876) == pytest.approx(2.83, rel=0.1)
    assert running_bottom_mass(4.18) == pytest.approx(4.18)
