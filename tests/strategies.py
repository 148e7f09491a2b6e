"""Hypothesis strategies for physical events. Units: GeV, radians."""

import numpy as np
from hypothesis import strategies as st

from mscat_tf.physics.four_vectors import wrap_phi


@st.composite
def padded_jets(draw, jets=2, width=7, fewest=3):
    """Constituents of a few jets, padded: pt, eta, phi, energy and mask, each `(jets, width)`.

    Transverse momenta differ from each other, so that their order is defined.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    real = np.array([draw(st.integers(fewest, width)) for _ in range(jets)])
    shape = (jets, width)
    mask = np.arange(width) < real[:, np.newaxis]
    pt = rng.permuted(np.geomspace(1.0, 100.0, jets * width) * rng.uniform(1.0, 1.1, jets * width)).reshape(shape)
    eta = rng.uniform(-1.5, 1.5, (jets, 1)) + rng.normal(0.0, [[0.35]], shape)
    phi = wrap_phi(rng.uniform(-np.pi, np.pi, (jets, 1)) + rng.normal(0.0, [[0.15]], shape))
    energy = pt * np.cosh(eta)
    return (*tuple(np.where(mask, values, 0.0) for values in (pt, eta, phi, energy)), mask)


def angles(limit=np.pi):
    """An angle in [-limit, limit]."""
    return st.floats(-limit, limit, allow_nan=False)


def four_vectors(objects=3):
    """pt, eta, phi, mass of `(4, objects)` objects each."""

    def make(seed):
        rng = np.random.default_rng(seed)
        ranges = ((1.0, 2000.0), (-4.0, 4.0), (-np.pi, np.pi), (0.0, 200.0))
        return tuple(rng.uniform(low, high, (4, objects)) for low, high in ranges)

    return st.integers(0, 2**32 - 1).map(make)
