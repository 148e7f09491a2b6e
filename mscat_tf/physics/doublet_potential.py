"""The quartic part and the vacuum of the CP-conserving two-Higgs-doublet potential. Units: GeV.

Standard convention (Gunion, Haber, hep-ph/0207010; Branco et al., arXiv:1106.0034), all parameters real:

    V = m11^2 P1+P1 + m22^2 P2+P2 - [m12^2 P1+P2 + h.c.] + lambda_1/2 (P1+P1)^2 + lambda_2/2 (P2+P2)^2
      + lambda_3 (P1+P1)(P2+P2) + lambda_4 (P1+P2)(P2+P1)
      + {lambda_5/2 (P1+P2)^2 + [lambda_6 P1+P1 + lambda_7 P2+P2] P1+P2 + h.c.}

with <P_i> = (0, v_i / sqrt 2), tan beta = v2 / v1 and v^2 = v1^2 + v2^2.
`Quartics.from_talk` translates the normalisation printed in the talk on arXiv:2401.00452.
"""

from dataclasses import astuple, dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.polynomial import Polynomial

from mscat_tf.errors import ConfigError
from mscat_tf.physics.four_vectors import Floats

UNITARITY_LIMIT = 8.0 * np.pi
"""Largest permitted size of an eigenvalue 16 pi a_0 of the tree-level scattering matrix: |Re a_0| < 1/2."""


@dataclass(frozen=True)
class Quartics:
    """The dimensionless parameters lambda_1 to lambda_7 in the standard convention."""

    lambda_1: float
    lambda_2: float
    lambda_3: float
    lambda_4: float
    lambda_5: float
    lambda_6: float = 0.0
    lambda_7: float = 0.0

    @classmethod
    def from_talk(cls, *printed: float) -> Self:
        """From lambda_1 to lambda_7 (six and seven may be left out) as the talk on arXiv:2401.00452 prints them.

        There lambda_1 and lambda_2 stand without the factor 1/2, and lambda_6 and lambda_7 inside the bracket that has
        one. The mass parameters agree with the standard ones.
        """
        factors = (2.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.5)
        return cls(*(factor * value for factor, value in zip(factors, printed, strict=False)))

    @property
    def lambda_345(self) -> float:
        """lambda_3 + lambda_4 + lambda_5."""
        return self.lambda_3 + self.lambda_4 + self.lambda_5

    def is_bounded_from_below(self) -> bool:
        """Whether the quartic part is positive in every direction of field space.

        In the bilinears r = (P1+P1 + P2+P2, 2 Re P1+P2, 2 Im P1+P2, P1+P1 - P2+P2), which fill the forward light cone,
        it is a quadratic form L. This is positive on the cone if and only if L - mu g is positive definite for some
        mu >= 0, where g is the metric; such mu lie between the two largest eigenvalues of g L (Ivanov,
        hep-ph/0609018). No assumption on lambda_6 and lambda_7.
        """
        form, metric = self._bilinear_form(), np.diag([1.0, -1.0, -1.0, -1.0])
        eigenvalues = np.sort(np.linalg.eigvals(metric @ form).real)
        between = 0.5 * (eigenvalues[3] + max(eigenvalues[2], 0.0))
        return bool(between > 0.0 and np.linalg.eigvalsh(form - between * metric)[0] > 0.0)

    def _bilinear_form(self) -> Floats:
        """`(4, 4)`: eight times the quartic part of the potential is `r L r`."""
        one, two, three, four, five, six, seven = astuple(self)
        return np.array(
            [
                [one + two + 2.0 * three, 2.0 * (six + seven), 0.0, one - two],
                [2.0 * (six + seven), 2.0 * (four + five), 0.0, 2.0 * (six - seven)],
                [0.0, 0.0, 2.0 * (four - five), 0.0],
                [one - two, 2.0 * (six - seven), 0.0, one + two - 2.0 * three],
            ]
        )

    def unitarity_eigenvalues(self) -> Floats:
        """`(12,)` eigenvalues 16 pi a_0 of the scattering of two scalars into two at high energy.

        By (hypercharge, isospin) = (1, 1), (1, 0), (0, 1), (0, 0). Source: Ginzburg, Ivanov, hep-ph/0508020.
        """
        one, two, three, four, five, six, seven = astuple(self)
        off_6, off_7 = np.sqrt(2.0) * six, np.sqrt(2.0) * seven
        charged_triplet = [[one, five, off_6], [five, two, off_7], [off_6, off_7, three + four]]
        triplet = [
            [one, four, six, six],
            [four, two, seven, seven],
            [six, seven, three, five],
            [six, seven, five, three],
        ]
        mixed, diagonal = 2.0 * three + four, three + 2.0 * four
        singlet = [
            [3.0 * one, mixed, 3.0 * six, 3.0 * six],
            [mixed, 3.0 * two, 3.0 * seven, 3.0 * seven],
            [3.0 * six, 3.0 * seven, diagonal, 3.0 * five],
            [3.0 * six, 3.0 * seven, 3.0 * five, diagonal],
        ]
        blocks = (charged_triplet, [[three - four]], triplet, singlet)
        return np.concatenate([np.linalg.eigvalsh(np.array(block)) for block in blocks])


class Vacuum(NamedTuple):
    """A neutral CP-conserving vacuum: `v` [GeV], `tan_beta` (either sign, or infinite), `depth` V there [GeV^4]."""

    v: float
    tan_beta: float
    depth: float


def deepest_vacuum(quartics: Quartics, m11_squared: float, m22_squared: float, m12_squared: float) -> Vacuum:
    """The global minimum of a bounded potential.

    Along the ray v2 = t v1 the potential is a v1^2 / 2 + b v1^4 / 4 with polynomials a(t) and b(t), so its lowest
    value there is -a^2 / (4 b) where a < 0; the best ray is a root of 2 a' b - a b'. No vacuum that breaks charge or CP
    lies below a neutral minimum (Ferreira, Santos, Barroso, hep-ph/0406231), so only rays of real ratio count.

    Args:
        quartics: bounded from below.
        m11_squared, m22_squared, m12_squared: [GeV^2].

    Raises:
        ConfigError: the symmetry is not broken: the minimum is at v = 0.
    """
    a, b = _along_a_ray(quartics, m11_squared, m22_squared, m12_squared)
    stationary = (2.0 * a.deriv() * b - a * b.deriv()).roots()
    found = [_minimum_on_ray(a(t), b(t), float(t)) for t in np.unique(np.real(stationary)) if a(t) < 0.0]
    if m22_squared < 0.0:  # the ray v1 = 0, at infinite t
        second = Vacuum(
            np.sqrt(-2.0 * m22_squared / quartics.lambda_2), np.inf, -(m22_squared**2) / quartics.lambda_2 / 2
        )
        found.append(second)
    if not found:
        raise ConfigError(
            f"the potential with m11_squared = {m11_squared:g}, m22_squared = {m22_squared:g} and m12_squared = "
            f"{m12_squared:g} GeV^2 has no vacuum but v = 0; make m11_squared or m22_squared negative"
        )
    lowest = min(vacuum.depth for vacuum in found)
    # Without lambda_6, lambda_7 and m12^2 the signs of t are equivalent; then the positive one counts.
    return max(
        (vacuum for vacuum in found if vacuum.depth <= lowest * (1.0 - 1e-10)), key=lambda vacuum: vacuum.tan_beta
    )


def _along_a_ray(quartics: Quartics, m11: float, m22: float, m12: float) -> tuple[Polynomial, Polynomial]:
    one, two, _, _, _, six, seven = astuple(quartics)
    quadratic = Polynomial([m11, -2.0 * m12, m22])
    return quadratic, Polynomial([one / 2.0, 2.0 * six, quartics.lambda_345, 2.0 * seven, two / 2.0])


def _minimum_on_ray(a: float, b: float, t: float) -> Vacuum:
    return Vacuum(float(np.sqrt(-a * (1.0 + t**2) / b)), t, float(-(a**2) / (4.0 * b)))
