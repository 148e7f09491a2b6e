"""Constituents of a jet as arrays: what the tests of high-level variables begin with."""

import numpy as np
from hypothesis import strategies as st


def one_jet(points, pt=None, width=None):
    """pt, eta, phi `(1, width)` of constituents at these points; their padding holds what must not matter."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    pt = np.full(len(points), 5.0) if pt is None else np.asarray(pt, np.float64)
    gap = ((0, (width or len(points)) - len(points)),)
    eta, phi = (np.pad(values, gap, constant_values=np.nan) for values in points.T)
    return np.pad(pt, gap)[np.newaxis], eta[np.newaxis], phi[np.newaxis]


def rotated(eta, phi, angle, centre=(0.0, 0.0)):
    """Directions turned about a centre of the plane."""
    x, y = eta - centre[0], phi - centre[1]
    return centre[0] + np.cos(angle) * x - np.sin(angle) * y, centre[1] + np.sin(angle) * x + np.cos(angle) * y


@st.composite
def jets(draw, fewest=1, most=12):
    """pt `(n,)` and points `(n, 2)` within a radius of about 1 of the origin."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = draw(st.integers(fewest, most))
    return rng.exponential(20.0, number) + 0.5, rng.normal(0.0, 0.35, (number, 2))
