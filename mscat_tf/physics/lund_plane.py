"""Coordinates of a declustering in the Lund plane (Dreyer, Salam, Soyez, arXiv:1807.04758). Units: GeV, radians."""

import numpy as np

from mscat_tf.physics.directions import direction
from mscat_tf.physics.four_vectors import Cartesian, Floats, delta_phi, from_cartesian

DELTA_MIN = 1e-5
"""Least distance of two branches: below the granularity of any detector, above the rounding of azimuths in float32."""

KT_MIN = 1e-6
"""Least transverse momentum of one branch about the other [GeV]."""

Z_MIN = 1e-6
"""Least share of the softer branch."""

MASS_MIN = 1e-3
"""Least mass of a pair [GeV]: above the rounding of `E^2 - p^2`, and collinear massless branches have none."""


def lund_coordinates(harder: Cartesian, softer: Cartesian) -> Floats:
    """Where a declustering into two branches lies.

    With pT, rapidity y and azimuth phi of the harder branch a and the softer branch b (arXiv:1807.04758):
    `Delta^2 = (y_b - y_a)^2 + (phi_b - phi_a)^2`, `kT = pT_b Delta`, `z = pT_b / (pT_a + pT_b)`, `m^2 = (p_a + p_b)^2`,
    `psi = atan2(y_b - y_a, phi_b - phi_a)`: the azimuth of the softer branch about the harder one. The logarithms are
    those that LundNet reads (Dreyer, Qu, arXiv:2012.08526). Delta, kT, z and m are not let below
    `DELTA_MIN`, `KT_MIN`, `Z_MIN`, `MASS_MIN`, so all values are finite; psi of branches in one direction is 0.

    Args:
        harder, softer: `(...)` momenta of the branches, of which the first has the larger transverse momentum.

    Returns:
        `(..., 5)` columns `ln(1/Delta)`, `ln(kT / GeV)`, `ln z`, `ln(m / GeV)`, `psi`, as `mscat_tf.schema` orders
        them.
    """
    hard, soft = direction(harder), direction(softer)
    up, around = soft.rapidity - hard.rapidity, delta_phi(soft.phi, hard.phi)
    delta = np.maximum(np.hypot(up, around), DELTA_MIN)
    kt = np.maximum(soft.pt * delta, KT_MIN)
    total = hard.pt + soft.pt
    z = np.maximum(soft.pt / np.where(total > 0.0, total, 1.0), Z_MIN)
    mass = from_cartesian(*(a + b for a, b in zip(harder, softer, strict=True))).mass
    logarithms = (-np.log(delta), np.log(kt), np.log(z), np.log(np.maximum(mass, MASS_MIN)))
    return np.stack([*logarithms, np.arctan2(up, around)], axis=-1)
