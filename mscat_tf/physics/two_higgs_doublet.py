"""The CP-conserving two-Higgs-doublet model at tree level: masses, mixing and couplings. Units: GeV.

The potential and its convention are those of `mscat_tf.physics.doublet_potential`. The neutral CP-even states are

    H = rho_1 cos alpha + rho_2 sin alpha,   h = -rho_1 sin alpha + rho_2 cos alpha,   -pi/2 <= alpha <= pi/2,

where rho_i / sqrt 2 is the real part of the neutral component of P_i, less its vacuum value; h is the lighter one.
Formulas: Gunion, Haber, hep-ph/0207010; Branco et al., arXiv:1106.0034.
"""

from dataclasses import astuple, dataclass
from typing import Literal, NamedTuple, Self

import numpy as np

from mscat_tf.errors import ConfigError
from mscat_tf.physics.doublet_potential import Quartics, deepest_vacuum
from mscat_tf.physics.four_vectors import Floats

VACUUM_EXPECTATION_VALUE = 246.22
"""v = (sqrt 2 G_F)^(-1/2) [GeV]; G_F of PDG 2024."""

YukawaType = Literal["I", "II", "X", "Y"]
"""Which doublet gives mass: P2 to up quarks always; P1 to down quarks in II and Y, to leptons in II and X."""


class Masses(NamedTuple):
    """Masses [GeV] of the CP-even `h` and `H`, the CP-odd `A` and the `charged` Higgs bosons."""

    h: float
    H: float
    A: float
    charged: float


class Couplings(NamedTuple):
    """Couplings of a Higgs boson to up quarks, down quarks, leptons, W and Z over those in the Standard Model."""

    up: float
    down: float
    lepton: float
    vector: float


class Trilinears(NamedTuple):
    """Third derivatives of the potential in the fields named [GeV]; `Hcc` is H with H+ and H-."""

    hhh: float
    Hhh: float
    HAA: float
    Hcc: float


@dataclass(frozen=True)
class TwoHiggsDoubletModel:
    """A potential and its vacuum; m11^2 and m22^2 follow from the conditions of the minimum.

    Args:
        quartics: lambda_1 to lambda_7.
        m12_squared: [GeV^2].
        tan_beta: v2 / v1, positive.
        v: [GeV].

    Raises:
        ConfigError: the potential is not bounded from below, a squared mass is not positive, or a deeper vacuum exists.
    """

    quartics: Quartics
    m12_squared: float
    tan_beta: float
    v: float = VACUUM_EXPECTATION_VALUE

    def __post_init__(self) -> None:
        _require_bounded(self.quartics)
        self._require_positive_masses()
        self._require_deepest()

    @classmethod
    def from_mass_parameters(
        cls, quartics: Quartics, m11_squared: float, m22_squared: float, m12_squared: float
    ) -> Self:
        """The model whose vacuum is the global minimum of this potential (arguments in GeV^2).

        Raises:
            ConfigError: as the class; or there is no vacuum in which both doublets take part, with tan beta > 0.
        """
        _require_bounded(quartics)
        vacuum = deepest_vacuum(quartics, m11_squared, m22_squared, m12_squared)
        if not 1e-6 < abs(vacuum.tan_beta) < 1e6:
            raise ConfigError(
                "only one doublet has a vacuum value, so nothing mixes and H does not decay to hh; "
                "give m12_squared a value other than 0"
            )
        if vacuum.tan_beta < 0.0:
            raise ConfigError(
                f"the vacuum has tan beta = {vacuum.tan_beta:.6g}; turn the signs of m12_squared, lambda_6 and "
                "lambda_7, which is the same physics with a positive tan beta"
            )
        return cls(quartics, m12_squared, vacuum.tan_beta, vacuum.v)

    @classmethod
    def from_masses(  # the physical basis of hep-ph/0207010, appendix on the inversion
        cls,
        masses: Masses,
        alpha: float,
        m12_squared: float,
        tan_beta: float,
        lambda_6: float = 0.0,
        lambda_7: float = 0.0,
    ) -> Self:
        """The model with these masses [GeV] and mixing angle [rad] at v = 246.22 GeV."""
        t, vv = tan_beta, VACUUM_EXPECTATION_VALUE**2
        s, c = np.sin(np.arctan(t)), np.cos(np.arctan(t))
        h, heavy, odd, charged = (mass**2 for mass in masses)
        sin, cos = np.sin(alpha), np.cos(alpha)
        hard = 0.5 * (lambda_6 / t + lambda_7 * t)
        soft = m12_squared / (vv * s * c)
        quartics = Quartics(
            (heavy * cos**2 + h * sin**2 - m12_squared * t) / (vv * c**2) - 1.5 * lambda_6 * t + 0.5 * lambda_7 * t**3,
            (heavy * sin**2 + h * cos**2 - m12_squared / t) / (vv * s**2) + 0.5 * lambda_6 / t**3 - 1.5 * lambda_7 / t,
            (heavy - h) * sin * cos / (vv * s * c) + 2.0 * charged / vv - soft - hard,
            (odd - 2.0 * charged) / vv + soft - hard,
            soft - odd / vv - hard,
            lambda_6,
            lambda_7,
        )
        return cls(quartics, m12_squared, tan_beta)

    @property
    def beta(self) -> float:
        """[rad], in (0, pi/2)."""
        return float(np.arctan(self.tan_beta))

    @property
    def alpha(self) -> float:
        """Mixing angle of the CP-even states [rad], in [-pi/2, pi/2]."""
        cos, sin = np.linalg.eigh(self._even_squared_masses())[1][:, 1]
        return float(np.arctan2(sin, cos) if cos >= 0.0 else np.arctan2(-sin, -cos))

    @property
    def masses(self) -> Masses:
        """Tree-level masses [GeV]."""
        light, heavy = np.linalg.eigvalsh(self._even_squared_masses())
        odd, charged = self._odd_and_charged_squared_masses()
        return Masses(*(float(np.sqrt(squared)) for squared in (light, heavy, odd, charged)))

    @property
    def mass_parameters(self) -> tuple[float, float, float]:
        """m11^2, m22^2, m12^2 [GeV^2]."""
        one, two, _, _, _, six, seven = astuple(self.quartics)
        s, c, t = self._angles()
        mixed, half_vv = self.quartics.lambda_345, 0.5 * self.v**2
        first = one * c**2 + mixed * s**2 + 3.0 * six * s * c + seven * s**2 * t
        second = two * s**2 + mixed * c**2 + six * c**2 / t + 3.0 * seven * s * c
        return self.m12_squared * t - half_vv * first, self.m12_squared / t - half_vv * second, self.m12_squared

    def couplings(self, yukawa: YukawaType) -> dict[str, Couplings]:
        """Couplings of `h` and `H` over those of a Standard-Model Higgs boson (arXiv:1106.0034, table of types)."""
        s, c, _ = self._angles()
        result = {}
        for name, first, second in (
            ("h", -np.sin(self.alpha), np.cos(self.alpha)),
            ("H", np.cos(self.alpha), np.sin(self.alpha)),
        ):
            by_doublet = {1: float(first / c), 2: float(second / s)}
            down, lepton = by_doublet[1 if yukawa in ("II", "Y") else 2], by_doublet[1 if yukawa in ("II", "X") else 2]
            result[name] = Couplings(by_doublet[2], down, lepton, float(first * c + second * s))
        return result

    @property
    def trilinears(self) -> Trilinears:
        """Third derivatives of the potential at the vacuum [GeV]."""
        s, c, _ = self._angles()
        heavy, light = (
            np.array([np.cos(self.alpha), np.sin(self.alpha)]),
            np.array([-np.sin(self.alpha), np.cos(self.alpha)]),
        )
        goldstone_free = np.array([-s, c])
        even = self._even_third_derivatives()
        odd, charged = self._odd_and_charged_third_derivatives()
        return Trilinears(
            float(np.einsum("ijk,i,j,k", even, light, light, light)),
            float(np.einsum("ijk,i,j,k", even, heavy, light, light)),
            float(np.einsum("kij,k,i,j", odd, heavy, goldstone_free, goldstone_free)),
            float(np.einsum("kij,k,i,j", charged, heavy, goldstone_free, goldstone_free)),
        )

    def _angles(self) -> tuple[float, float, float]:
        """sin beta, cos beta, tan beta."""
        return float(np.sin(self.beta)), float(np.cos(self.beta)), self.tan_beta

    def _even_squared_masses(self) -> Floats:
        """`(2, 2)` second derivatives in rho_1, rho_2 [GeV^2]."""
        one, two, _, _, _, six, seven = astuple(self.quartics)
        s, c, t = self._angles()
        first = one * c**2 + 1.5 * six * s * c - 0.5 * seven * s**2 * t
        second = two * s**2 - 0.5 * six * c**2 / t + 1.5 * seven * s * c
        mixed = self.quartics.lambda_345 * s * c + 1.5 * six * c**2 + 1.5 * seven * s**2
        soft = self.m12_squared * np.array([[t, -1.0], [-1.0, 1.0 / t]])
        return np.asarray(soft + self.v**2 * np.array([[first, mixed], [mixed, second]]))

    def _odd_and_charged_squared_masses(self) -> tuple[float, float]:
        q = self.quartics
        s, c, t = self._angles()
        odd = self.m12_squared / (s * c) - 0.5 * self.v**2 * (2.0 * q.lambda_5 + q.lambda_6 / t + q.lambda_7 * t)
        return odd, odd + 0.5 * self.v**2 * (q.lambda_5 - q.lambda_4)

    def _even_third_derivatives(self) -> Floats:
        """`(2, 2, 2)` in rho_i, rho_j, rho_k [GeV]."""
        q = self.quartics
        s, c, _ = self._angles()
        first, second = 3.0 * (q.lambda_1 * c + q.lambda_6 * s), 3.0 * (q.lambda_2 * s + q.lambda_7 * c)
        twice_1, twice_2 = q.lambda_345 * s + 3.0 * q.lambda_6 * c, q.lambda_345 * c + 3.0 * q.lambda_7 * s
        return self.v * np.array([[[first, twice_1], [twice_1, twice_2]], [[twice_1, twice_2], [twice_2, second]]])

    def _odd_and_charged_third_derivatives(self) -> tuple[Floats, Floats]:
        """`(2, 2, 2)` each: in rho_k and two CP-odd components, and in rho_k and two opposite charges [GeV]."""
        one, two, three, four, five, six, seven = astuple(self.quartics)
        s, c, _ = self._angles()
        results = []
        for cross, mixed in ((three + four - five, five), (three, 0.5 * (four + five))):
            along_1 = [[one * c + six * s, six * c + mixed * s], [six * c + mixed * s, cross * c + seven * s]]
            along_2 = [[cross * s + six * c, mixed * c + seven * s], [mixed * c + seven * s, two * s + seven * c]]
            results.append(self.v * np.array([along_1, along_2]))
        return results[0], results[1]

    def _require_positive_masses(self) -> None:
        odd, charged = self._odd_and_charged_squared_masses()
        for name, squared in (("h", np.linalg.eigvalsh(self._even_squared_masses())[0]), ("A", odd), ("H+", charged)):
            if not squared > 0.0:
                raise ConfigError(
                    f"the squared mass of {name} is {squared:.6g} GeV^2 at tan beta = {self.tan_beta:.6g}, "
                    "so this is no minimum of the potential; a larger m12_squared raises the masses of A, H and H+"
                )

    def _require_deepest(self) -> None:
        m11, m22, m12 = self.mass_parameters
        s, c, _ = self._angles()
        quadratic = m11 * c**2 + m22 * s**2 - 2.0 * m12 * s * c
        deepest = deepest_vacuum(self.quartics, m11, m22, m12)
        if deepest.depth < 0.25 * quadratic * self.v**2 * (1.0 + 1e-6):
            raise ConfigError(
                f"the minimum at tan beta = {self.tan_beta:.6g} is not the vacuum, a deeper one is at "
                f"tan beta = {deepest.tan_beta:.6g} with v = {deepest.v:.6g} GeV; choose other lambdas or m12_squared"
            )


def _require_bounded(quartics: Quartics) -> None:
    if not quartics.is_bounded_from_below():
        raise ConfigError(
            f"the potential is not bounded from below with lambda_1 to lambda_7 = "
            f"{', '.join(f'{value:g}' for value in astuple(quartics))} (standard convention); "
            "it needs lambda_1, lambda_2 > 0, and lambda_3 and lambda_4 not too negative"
        )
