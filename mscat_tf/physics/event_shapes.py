"""How the momenta of an event lie: pencil-like, planar or round. Plain NumPy, float64. Units: GeV, radians.

Transverse shapes see the components across the beam only, so they do not change when the event is boosted along it, nor
when it is rotated about it. Sphericity and aplanarity are made of all three components in the laboratory, and change in
a boost.
"""

import numpy as np
from numpy.typing import ArrayLike

from mscat_tf.physics.four_vectors import Floats, to_cartesian


def event_shapes(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike) -> Floats:
    """All shapes of each event, in the order of `mscat_tf.schema.EVENT_SHAPE_COLUMNS`.

    Args:
        pt, eta, phi: `(events, objects)` of all objects [GeV, 1, rad], padded with `pt = 0`.

    Returns:
        `(events, 6)`: transverse thrust, transverse sphericity, sphericity, aplanarity, scalar sum and missing
        transverse momentum [GeV].
    """
    px, py, pz, _ = to_cartesian(pt, eta, phi, 0.0)
    scalar_sum = np.hypot(px, py).sum(axis=-1)
    missing = np.hypot(px.sum(axis=-1), py.sum(axis=-1))
    spherical = (transverse_sphericity(px, py), *sphericity_and_aplanarity(px, py, pz))
    return np.stack([transverse_thrust(px, py), *spherical, scalar_sum, missing], axis=-1)


def transverse_thrust(px: ArrayLike, py: ArrayLike) -> Floats:
    """Largest share of the transverse momenta along one axis: `max_n sum |p_i . n| / sum |p_i|`, exactly.

    It is 1 for momenta along one line and 2/pi for an even ring. The axis enters through the signs of `p_i . n` only,
    and for given signs the best axis is that of the signed sum. With each momentum reversed into the upper half-plane,
    a turning axis reverses the signs one by one in the order of azimuth: so the optimum is among as many signed sums as
    there are objects.

    Args:
        px, py: `(..., objects)` [GeV], padded with zeros.

    Returns:
        `(...)`; 0 for an event without transverse momentum. Source: Banfi, Salam, Zanderighi, arXiv:1001.4082.
    """
    px, py = np.asarray(px, np.float64), np.asarray(py, np.float64)
    lower = (py < 0.0) | ((py == 0.0) & (px < 0.0))
    upper_x, upper_y = (np.where(lower, -component, component) for component in (px, py))
    order = np.argsort(np.arctan2(upper_y, upper_x), axis=-1)
    signed = []
    for component in (upper_x, upper_y):
        turned = np.cumsum(np.take_along_axis(component, order, axis=-1), axis=-1)
        signed.append(turned[..., -1:] - 2.0 * turned)
    return _share(np.hypot(*signed).max(axis=-1, initial=0.0), np.hypot(px, py).sum(axis=-1))


def transverse_sphericity(px: ArrayLike, py: ArrayLike) -> Floats:
    """Twice the smaller eigenvalue of the transverse momentum tensor over the sum of both, in its linear form.

    The tensor is `sum (p_a p_b / |p|)` over the objects, with one power of momentum: the split of an object into
    parallel ones does not change it. It is 0 for momenta along one line and 1 for an even ring.

    Args:
        px, py: `(..., objects)` [GeV], padded with zeros.

    Returns:
        `(...)`; 0 for an event without transverse momentum. Source: ALICE, arXiv:1205.3963.
    """
    px, py = np.asarray(px, np.float64), np.asarray(py, np.float64)
    pt = np.hypot(px, py)
    along, across, mixed = (_share(product, pt).sum(axis=-1) for product in (px * px, py * py, px * py))
    apart = np.hypot(along - across, 2.0 * mixed)
    return _share(np.maximum(along + across - apart, 0.0), along + across)


def sphericity_and_aplanarity(px: ArrayLike, py: ArrayLike, pz: ArrayLike) -> tuple[Floats, Floats]:
    """From the quadratic momentum tensor `sum p_a p_b / sum p^2` with eigenvalues l1 >= l2 >= l3.

    Sphericity `3/2 (l2 + l3)` is 0 for a line and 1 for a ball; aplanarity `3/2 l3` is 0 for a plane, 1/2 for a ball.

    Args:
        px, py, pz: `(..., objects)` [GeV], padded with zeros.

    Returns:
        `(...)` each; 0 for an event without momentum. Source: Bjorken and Brodsky, Phys. Rev. D 1 (1970) 1416, in
        the form of the PYTHIA 6.4 manual, hep-ph/0603175.
    """
    momentum = np.stack([np.asarray(component, np.float64) for component in (px, py, pz)], axis=-1)
    tensor = np.swapaxes(momentum, -1, -2) @ momentum
    smallest, middle, _ = np.moveaxis(np.maximum(np.linalg.eigvalsh(tensor), 0.0), -1, 0)
    total = np.trace(tensor, axis1=-2, axis2=-1)
    return 1.5 * _share(middle + smallest, total), 1.5 * _share(smallest, total)


def _share(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
