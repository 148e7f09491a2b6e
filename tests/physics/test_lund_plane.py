import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.physics import to_cartesian
from mscat_tf.physics.lund_plane import DELTA_MIN, KT_MIN, MASS_MIN, Z_MIN, lund_coordinates
from tests.strategies import angles


@given(st.floats(1.0, 1e3), st.floats(0.01, 1.0), st.floats(1e-3, 1.0), angles(), angles(10.0))
def test_massless_branches_in_closed_form(pt, share, delta, psi, phi):
    """The softer branch at a distance and an azimuth about the harder one, m^2 = 2 pT pT (cosh dy - cos dphi)."""
    up, around = delta * math.sin(psi), delta * math.cos(psi)
    found = lund_coordinates(to_cartesian(pt, 0.3, phi, 0.0), to_cartesian(share * pt, 0.3 + up, phi + around, 0.0))
    mass = pt * math.sqrt(2 * share * (math.cosh(up) - math.cos(around)))
    expected = (
        -math.log(delta),
        math.log(share * pt * delta),
        math.log(share / (1 + share)),
        math.log(max(mass, MASS_MIN)),
    )
    np.testing.assert_allclose(found[:4], expected, rtol=1e-5, atol=1e-5)
    assert math.remainder(found[4] - psi, 2 * math.pi) == pytest.approx(0.0, abs=1e-9)


def test_least_values():
    """Branches in one direction, of which one carries next to nothing."""
    found = lund_coordinates(to_cartesian(100.0, 1.0, 2.0, 0.0), to_cartesian(1e-9, 1.0, 2.0, 0.0))
    np.testing.assert_allclose(found, [-math.log(DELTA_MIN), *np.log([KT_MIN, Z_MIN, MASS_MIN]), 0.0])


def test_branches_at_rest_give_finite_values():
    nothing = to_cartesian(0.0, 0.0, 0.0, 0.0)
    assert np.all(np.isfinite(lund_coordinates(nothing, nothing)))
