"""Kinematic tokens: the jets, the leptons and their sum, as the network's high scale sees them."""

import numpy as np
from numpy.typing import ArrayLike

from mscat_tf.physics.four_vectors import Cylindrical, Floats, add_four_vectors, to_cartesian

MISSING_MOMENTUM, SUM = "missing momentum", "sum"


def token_names(jets: int, leptons: int = 0, missing_momentum: bool = False) -> tuple[str, ...]:
    """What the K kinematic tokens of an event are, in their order; one object alone has no sum.

    >>> token_names(1), token_names(2)
    (('jet 1',), ('jet 1', 'jet 2', 'sum'))
    >>> token_names(1, 1, missing_momentum=True)
    ('jet 1', 'lepton 1', 'missing momentum', 'sum')
    """
    objects = [*(f"jet {1 + jet}" for jet in range(jets)), *(f"lepton {1 + lepton}" for lepton in range(leptons))]
    return (*objects, *[MISSING_MOMENTUM] * missing_momentum, *[SUM] * (len(objects) > 1))


def kinematic_tokens(
    pt: ArrayLike,
    eta: ArrayLike,
    phi: ArrayLike,
    mass: ArrayLike,
    theta: ArrayLike,
    leptons: Cylindrical | None = None,
    missing: Cylindrical | None = None,
) -> Floats:
    """One token for each jet and lepton, one for the missing momentum, one for the sum of jets and leptons.

    Args:
        pt, mass: `(events, jets)` [GeV]. eta, phi: `(events, jets)` [1, rad].
        theta: `(events, jets)` angle of each jet's principal axis [rad], see `mscat_tf.physics.jet_frame`.
        leptons: `(events, leptons)` each. missing: `(events, 1)` each, from `missing_momentum`.

    Returns:
        `(events, tokens, 6)`, in the order of `token_names`: m, eta, phi, pt, energy [GeV], theta, which is 0 for
        whatever is no jet. Source: arXiv:2401.00452, for two jets and their sum.
    """
    objects = Cylindrical(*(np.asarray(values, np.float64) for values in (pt, eta, phi, mass)))
    angle = np.asarray(theta, np.float64)
    if leptons is not None:
        objects = Cylindrical(*(np.concatenate(both, axis=-1) for both in zip(objects, leptons, strict=True)))
        angle = np.concatenate([angle, np.zeros_like(leptons.pt)], axis=-1)
    tokens = [_token(objects, angle)]
    if missing is not None:
        tokens.append(_token(missing, np.zeros_like(missing.pt)))
    if objects.pt.shape[-1] > 1:
        total = Cylindrical(*(values[..., np.newaxis] for values in add_four_vectors(*objects)))
        tokens.append(_token(total, np.zeros_like(total.pt)))
    return np.concatenate(tokens, axis=-2)


def missing_momentum(pt: ArrayLike, phi: ArrayLike) -> Cylindrical:
    """What balances the transverse momenta of all objects of an event; its mass and eta are 0, as they are unknown.

    Args:
        pt, phi: `(events, objects)` [GeV, rad], padded with `pt = 0`.

    Returns:
        `(events, 1)` each.
    """
    pt, phi = np.asarray(pt, np.float64), np.asarray(phi, np.float64)
    px, py = (-(pt * direction).sum(axis=-1, keepdims=True) for direction in (np.cos(phi), np.sin(phi)))
    zero = np.zeros_like(px)
    return Cylindrical(np.hypot(px, py), zero, np.arctan2(py, px), zero)


def _token(objects: Cylindrical, theta: Floats) -> Floats:
    return np.stack([objects.mass, objects.eta, objects.phi, objects.pt, to_cartesian(*objects).energy, theta], axis=-1)
