"""Partial widths of the heavy CP-even Higgs boson of the two-Higgs-doublet model, at tree level. Units: GeV.

Source: Gunion, Haber, Kane, Dawson, The Higgs Hunter's Guide (1990); Djouadi, hep-ph/0503173. Pole masses, but for the
bottom quark, whose Yukawa coupling is that of the leading-logarithmic running mass at m_H. Decays to two gluons or
photons (loops) and to light fermions are left out; so are decays below threshold.
"""

import numpy as np

from mscat_tf.constants import TOP_MASS
from mscat_tf.physics.two_higgs_doublet import TwoHiggsDoubletModel, YukawaType

W_MASS = 80.377
"""Mass of the W boson [GeV]; PDG 2022."""

Z_MASS = 91.1876
"""Mass of the Z boson [GeV]; PDG 2024."""

TAU_MASS = 1.77693
"""Mass of the tau lepton [GeV]; PDG 2024."""

BOTTOM_MSBAR_MASS = 4.18
"""Mass of the bottom quark m_b(m_b) in the MS-bar scheme [GeV]; PDG 2024."""

STRONG_COUPLING_AT_Z = 0.118
"""alpha_s(m_Z); PDG 2024."""


def partial_widths(model: TwoHiggsDoubletModel, yukawa: YukawaType) -> dict[str, float]:
    """Partial widths [GeV] of H by final state; their sum is the total width.

    Keys: `hh`, `tt`, `bb`, `tautau`, `WW`, `ZZ`, `AA`, `charged pair`, `AZ`, `charged W` (both charges).
    """
    masses, couplings, trilinears = model.masses, model.couplings(yukawa), model.trilinears
    heavy, like_h, like_standard_model = masses.H, couplings["h"], couplings["H"]
    per_fermion = heavy / (8.0 * np.pi * model.v**2)
    per_vector = heavy**3 / (32.0 * np.pi * model.v**2) * like_standard_model.vector**2
    per_scalar_and_vector = like_h.vector**2 / (2.0 * np.pi * model.v**2)
    bottom = running_bottom_mass(heavy)
    widths = {
        "hh": _to_two_scalars(trilinears.Hhh, heavy, masses.h) / 2.0,
        "tt": per_fermion * 3.0 * (like_standard_model.up * TOP_MASS) ** 2 * _velocity(heavy, TOP_MASS) ** 3,
        "bb": per_fermion * 3.0 * (like_standard_model.down * bottom) ** 2 * _velocity(heavy, bottom) ** 3,
        "tautau": per_fermion * (like_standard_model.lepton * TAU_MASS) ** 2 * _velocity(heavy, TAU_MASS) ** 3,
        "WW": per_vector * 2.0 * _to_two_vectors(heavy, W_MASS),
        "ZZ": per_vector * _to_two_vectors(heavy, Z_MASS),
        "AA": _to_two_scalars(trilinears.HAA, heavy, masses.A) / 2.0,
        "charged pair": _to_two_scalars(trilinears.Hcc, heavy, masses.charged),
        "AZ": per_scalar_and_vector * _momentum(heavy, masses.A, Z_MASS) ** 3,
        "charged W": 2.0 * per_scalar_and_vector * _momentum(heavy, masses.charged, W_MASS) ** 3,
    }
    return {state: float(width) for state, width in widths.items()}


def running_bottom_mass(scale: float) -> float:
    """MS-bar mass of the bottom quark at a scale above m_b [GeV]: leading logarithms, five flavours."""
    slope = (33.0 - 2.0 * 5.0) / (6.0 * np.pi)

    def inverse_coupling(at: float) -> float:
        return 1.0 / STRONG_COUPLING_AT_Z + slope * float(np.log(at / Z_MASS))

    return float(BOTTOM_MSBAR_MASS * (inverse_coupling(BOTTOM_MSBAR_MASS) / inverse_coupling(scale)) ** (12.0 / 23.0))


def _to_two_scalars(trilinear: float, heavy: float, light: float) -> float:
    """Width to two distinct scalars of one mass; identical ones take half."""
    return trilinear**2 / (16.0 * np.pi * heavy) * _velocity(heavy, light)


def _to_two_vectors(heavy: float, vector: float) -> float:
    ratio = (vector / heavy) ** 2
    return _velocity(heavy, vector) * (1.0 - 4.0 * ratio + 12.0 * ratio**2)


def _velocity(heavy: float, light: float) -> float:
    """Velocity of each of two equal decay products, 0 below threshold."""
    return float(np.sqrt(max(1.0 - (2.0 * light / heavy) ** 2, 0.0)))


def _momentum(heavy: float, first: float, second: float) -> float:
    """Momentum of two decay products in the rest frame [GeV], 0 below threshold."""
    if first + second >= heavy:
        return 0.0
    return float(np.sqrt((heavy**2 - (first + second) ** 2) * (heavy**2 - (first - second) ** 2)) / (2.0 * heavy))
