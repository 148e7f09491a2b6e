"""Settings of a two-Higgs-doublet potential from which the signal follows. Units: GeV."""

from typing import Literal

import numpy as np
from pydantic import FiniteFloat, PositiveFloat, model_validator

from mscat_tf.config.base import Settings
from mscat_tf.physics.doublet_potential import UNITARITY_LIMIT, Quartics
from mscat_tf.physics.heavy_higgs_decays import partial_widths
from mscat_tf.physics.two_higgs_doublet import VACUUM_EXPECTATION_VALUE, TwoHiggsDoubletModel, YukawaType

HEAVY_MASS_RANGE = (251.0, 5000.0)
"""The heavy Higgs boson's mass must lie above the first and not above the second [GeV]."""

RELATIVE_WIDTH_MAX = 0.2
"""A resonance broader than this part of its mass is no Breit-Wigner peak."""


class TwoHiggsDoublet(Settings):
    """A CP-conserving potential, docs/two_higgs_doublet.md. Give `tan_beta`, or both `m11_squared` and `m22_squared`.

    Attributes:
        lambda_1, ..., lambda_7: quartic parameters.
        m11_squared, m22_squared, m12_squared: mass parameters [GeV^2]; those of the first two must give v = 246.22.
        tan_beta: v2 / v1; m11_squared and m22_squared then follow.
        yukawa: type of the Yukawa couplings.
        convention: `standard` (hep-ph/0207010), or `talk`: lambdas as the talk on arXiv:2401.00452 prints them.
    """

    lambda_1: FiniteFloat
    lambda_2: FiniteFloat
    lambda_3: FiniteFloat
    lambda_4: FiniteFloat
    lambda_5: FiniteFloat
    lambda_6: FiniteFloat = 0.0
    lambda_7: FiniteFloat = 0.0
    m12_squared: FiniteFloat
    tan_beta: PositiveFloat | None = None
    m11_squared: FiniteFloat | None = None
    m22_squared: FiniteFloat | None = None
    yukawa: YukawaType = "II"
    convention: Literal["standard", "talk"] = "standard"

    @model_validator(mode="after")
    def _physical(self) -> "TwoHiggsDoublet":
        self._require_one_choice()
        model = self.model()
        _require_scale(model)
        _require_unitarity(model.quartics)
        _require_signal(model, self.relative_width())
        return self

    def model(self) -> TwoHiggsDoubletModel:
        """Masses, mixing and couplings.

        Raises:
            ConfigError: the potential is unphysical.
        """
        low = (self.lambda_1, self.lambda_2, self.lambda_3, self.lambda_4, self.lambda_5)
        values = (*low, self.lambda_6, self.lambda_7)
        quartics = Quartics.from_talk(*values) if self.convention == "talk" else Quartics(*values)
        if self.tan_beta is not None:
            return TwoHiggsDoubletModel(quartics, self.m12_squared, self.tan_beta)
        assert self.m11_squared is not None  # validated, like the next
        assert self.m22_squared is not None
        return TwoHiggsDoubletModel.from_mass_parameters(quartics, self.m11_squared, self.m22_squared, self.m12_squared)

    def relative_width(self) -> float:
        """Tree-level total width of H over its mass."""
        model = self.model()
        return sum(partial_widths(model, self.yukawa).values()) / model.masses.H

    def _require_one_choice(self) -> None:
        given = tuple(value is not None for value in (self.tan_beta, self.m11_squared, self.m22_squared))
        if given not in ((True, False, False), (False, True, True)):
            raise ValueError("give either tan_beta, or both m11_squared and m22_squared; each follows from the other")


def _require_scale(model: TwoHiggsDoubletModel) -> None:
    if not np.isclose(model.v, VACUUM_EXPECTATION_VALUE, rtol=1e-3):
        factor = (VACUUM_EXPECTATION_VALUE / model.v) ** 2
        raise ValueError(
            f"these mass parameters give v = {model.v:.6g} GeV instead of {VACUUM_EXPECTATION_VALUE}; "
            f"multiply m11_squared, m22_squared and m12_squared by {factor:.6g}"
        )


def _require_unitarity(quartics: Quartics) -> None:
    largest = float(np.abs(quartics.unitarity_eigenvalues()).max())
    if largest > UNITARITY_LIMIT:
        raise ValueError(
            f"tree-level unitarity is broken: an eigenvalue of scattering is {largest:.4g}, above 8 pi = "
            f"{UNITARITY_LIMIT:.4g}, so tree-level masses and widths mean nothing; choose smaller lambdas"
        )


def _require_signal(model: TwoHiggsDoubletModel, relative_width: float) -> None:
    light, heavy, _, _ = model.masses
    low, high = HEAVY_MASS_RANGE
    if not max(low, 2.0 * light) < heavy <= high:
        raise ValueError(
            f"m_H = {heavy:.6g} GeV with m_h = {light:.6g} GeV; m_H must lie above 2 m_h and {low:g}, and not above "
            f"{high:g}; a larger m12_squared raises m_H"
        )
    if abs(model.trilinears.Hhh) < 1e-6 * model.v:
        raise ValueError("H does not couple to hh (exact alignment), so there is no signal; change a lambda a little")
    if relative_width > RELATIVE_WIDTH_MAX:
        raise ValueError(
            f"H is {relative_width:.3g} of its mass wide, more than {RELATIVE_WIDTH_MAX:g}, and so no peak; "
            "choose smaller lambdas or a tan_beta nearer to 1"
        )
