"""Kinematic tokens: the fat jets and their sum, as the network's high scale sees them."""

import numpy as np
from numpy.typing import ArrayLike

from mscat_tf.physics.four_vectors import Cylindrical, Floats, add_four_vectors, to_cartesian


def token_count(jets: int) -> int:
    """Kinematic tokens of an event, K: its jets and their sum; a single jet has no sum.

    >>> token_count(1), token_count(2)
    (1, 3)
    """
    return jets + 1 if jets > 1 else 1


def kinematic_tokens(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike, theta: ArrayLike) -> Floats:
    """One token for each jet, then one for their four-vector sum (none where there is a single jet).

    Args:
        pt, mass: `(events, jets)` [GeV]. eta, phi: `(events, jets)` [1, rad].
        theta: `(events, jets)` angle of each jet's principal axis [rad], see `mscat_tf.physics.jet_frame`.

    Returns:
        `(events, tokens, 6)`: m, eta, phi, pt, energy [GeV], theta; theta of the sum is 0. Source: arXiv:2401.00452.
    """
    jets = Cylindrical(*(np.asarray(values, np.float64) for values in (pt, eta, phi, mass)))
    tokens = _token(jets, np.asarray(theta, np.float64))
    if jets.pt.shape[-1] == 1:
        return tokens
    total = Cylindrical(*(values[..., np.newaxis] for values in add_four_vectors(*jets)))
    return np.concatenate([tokens, _token(total, np.zeros_like(total.pt))], axis=-2)


def _token(jets: Cylindrical, theta: Floats) -> Floats:
    return np.stack([jets.mass, jets.eta, jets.phi, jets.pt, to_cartesian(*jets).energy, theta], axis=-1)
