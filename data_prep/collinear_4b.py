"""`pp -> g g` with both gluons split to `b bbar`: a fast model of the four-b background.

Pythia makes `gg -> gg` and `qqbar -> gg` at leading order. Both gluons then get a mass and split by the
quasi-collinear kernel for massive quarks (Catani, Dittmaier, Seymour, Trocsanyi, hep-ph/0201036, azimuth averaged),

    dP = alpha_s(m^2) / (2 pi)  dm^2 / m^2  dz  T_R [1 - 2 z (1 - z) + 2 m_b^2 / m^2],

and the cross-section is that of the two gluons times the square of the integral of `dP`.

Limits of the model: it is right only for pairs whose mass is well below the transverse momentum. It has no
interference, no `g -> b bbar` inside one jet beside a light jet, no gluon polarisation (the azimuth of the splitting is
flat, so it may carry no conclusion about theta), factorised colour, and no Sudakov factor for radiation above the
splitting (which makes the cross-section too large). The scattering angle and the invariant mass of the hard process
stay as they were. Units: GeV, radians, femtobarn.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.generator import BATCH_EVENTS, Generator, Particles
from data_prep.parton_shower import PartonEvent, PartonShower
from data_prep.processes import pythia_lines
from mscat_tf.config.processes import CollinearFourB
from mscat_tf.constants import BOTTOM_MASS
from mscat_tf.errors import ConfigError
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.heavy_higgs_decays import STRONG_COUPLING_AT_Z, Z_MASS

LIGHT_FLAVOURS = 5
"""That make the strong coupling run, at one loop."""

COLOUR_FACTOR = 0.5
"""T_R of `g -> q qbar`."""

TABLE_POINTS = 4001
PARTON_LEVEL_ONLY = [
    "PartonLevel:ISR = off",
    "PartonLevel:FSR = off",
    "PartonLevel:MPI = off",
    "PartonLevel:Remnants = off",
    "HadronLevel:all = off",
    "Check:event = off",
]
INCOMING, OUTGOING = -21, 23


class GluonPairs(NamedTuple):
    """Events `incoming, incoming -> gluon, gluon` of Pythia.

    Attributes:
        pdg_id, colour, anticolour: `(events, 4)` incoming ones first.
        momentum: `(events, 4, 4)` px, py, pz, energy [GeV].
        scale: `(events,)` [GeV].
    """

    pdg_id: Ints
    colour: Ints
    anticolour: Ints
    momentum: Floats
    scale: Floats


def alpha_s(mass: Floats | float) -> Floats:
    """Strong coupling at the scale `mass` [GeV], one loop."""
    slope = (33.0 - 2.0 * LIGHT_FLAVOURS) / (12.0 * np.pi)
    logarithm = np.log(np.asarray(mass) / Z_MASS)
    return np.asarray(STRONG_COUPLING_AT_Z / (1.0 + 2.0 * slope * STRONG_COUPLING_AT_Z * logarithm))


def splitting_density(mass: Floats) -> Floats:
    """Probability of `g -> b bbar` per unit of log m^2 at the pair mass `mass` [GeV], the integral over z done:
    `alpha_s / (2 pi) T_R 2/3 beta (1 + 2 m_b^2 / m^2)` with the velocity `beta = sqrt(1 - 4 m_b^2 / m^2)`."""
    ratio = (BOTTOM_MASS / mass) ** 2
    integral_over_z = 2.0 / 3.0 * np.sqrt(1.0 - 4.0 * ratio) * (1.0 + 2.0 * ratio)
    return alpha_s(mass) / (2.0 * np.pi) * COLOUR_FACTOR * integral_over_z


def splitting_probability(mass_min: float, mass_max: float) -> float:
    """Probability that one gluon splits to `b bbar` with a pair mass in this range [GeV]."""
    return float(_cumulative(mass_min, mass_max)[1][-1])


def sample_masses(rng: np.random.Generator, shape: tuple[int, ...], mass_min: float, mass_max: float) -> Floats:
    """Pair masses [GeV] distributed as `splitting_density`."""
    log_mass, cumulative = _cumulative(mass_min, mass_max)
    return np.asarray(np.exp(np.interp(rng.random(shape) * cumulative[-1], cumulative, log_mass)))


def sample_cosines(rng: np.random.Generator, mass: Floats) -> Floats:
    """Cosine of the b quark's angle to the gluon's flight in the pair's rest frame, `z = (1 + beta cosine) / 2`.

    The kernel is `a + b c^2` in the cosine c; its cumulative distribution is a cubic with one real root (Cardano).
    """
    ratio = (BOTTOM_MASS / mass) ** 2
    a, b = 0.5 + 2.0 * ratio, 0.5 * (1.0 - 4.0 * ratio)
    p = 3.0 * a / b
    q = (3.0 * a / b + 1.0) * (1.0 - 2.0 * rng.random(mass.shape))
    root = -2.0 * np.sqrt(p / 3.0) * np.sinh(np.arcsinh(1.5 * q / p * np.sqrt(3.0 / p)) / 3.0)
    return np.clip(root, -1.0, 1.0)


def split_gluons(gluons: GluonPairs, mass: Floats, cosine: Floats, azimuth: Floats) -> Floats:
    """Four-momenta of the b and anti-b quarks.

    Args:
        gluons: the hard process.
        mass, cosine, azimuth: `(events, 2)` of the splitting of each gluon.

    Returns:
        `(events, 4, 4)`: b and anti-b of the first gluon, then of the second; px, py, pz, energy [GeV]. Their sum is
        that of the incoming partons.
    """
    total = gluons.momentum[:, :2].sum(axis=1)
    velocity = total[:, 2] / total[:, 3]
    invariant = np.sqrt((total[:, 3] - total[:, 2]) * (total[:, 3] + total[:, 2]))
    flight = _boost_along_z(gluons.momentum[:, 2:3], -velocity)[:, 0, :3]
    flight /= np.linalg.norm(flight, axis=-1, keepdims=True)
    axis = np.stack([flight, -flight], axis=1)
    quark, antiquark = _decay(axis, _pair_momentum(invariant, mass), mass, cosine, azimuth)
    return _boost_along_z(np.stack([quark, antiquark], axis=2).reshape(len(mass), 4, 4), velocity)


class FourBGenerator:
    """Gluon pairs from one Pythia, split here, showered by a second one.

    Args:
        process: its settings. sqrt_s: centre-of-mass energy [GeV].
        seeds: of the hard process, of the shower. rng: of the splittings. where: begins every message.

    Raises:
        ConfigError: the pairs may be too heavy for the hard process.
        GenerationError: Pythia refuses a setting.
    """

    def __init__(
        self, process: CollinearFourB, sqrt_s: float, seeds: tuple[int, int], rng: np.random.Generator, where: str
    ) -> None:
        if not process.pair_mass_min < process.pair_mass_max <= process.pt_hat_min:
            raise ConfigError(
                f"{where}: pair_mass_min = {process.pair_mass_min:g}, pair_mass_max = {process.pair_mass_max:g}, "
                f"pt_hat_min = {process.pt_hat_min:g} GeV, but they must rise in this order, so that both pairs fit "
                "into every event; lower pair_mass_max or raise pt_hat_min"
            )
        self._process, self._rng = process, rng
        lines = pythia_lines(process, sqrt_s, seeds[0])
        self._hard = Generator([*lines, *PARTON_LEVEL_ONLY], where)
        beam = 0.5 * sqrt_s
        self._shower = PartonShower(self._events(), (2212, 2212), (beam, beam), list(process.pythia), seeds[1], where)

    def next_particles(self, events: int = BATCH_EVENTS) -> Particles:
        """The next events after shower and hadronisation."""
        return self._shower.next_particles(events)[0]

    def cross_section_fb(self) -> tuple[float, float]:
        """Cross-section of the model so far, and the statistical error of its hard process [fb]."""
        both = splitting_probability(self._process.pair_mass_min, self._process.pair_mass_max) ** 2
        value, error = self._hard.cross_section_fb()
        return value * both, error * both

    def _events(self) -> Iterator[PartonEvent]:
        while True:
            yield from _parton_events(*self._next_quarks())

    def _next_quarks(self) -> tuple[GluonPairs, Floats]:
        gluons = gluon_pairs(self._hard.next_records(BATCH_EVENTS))
        shape = (len(gluons.scale), 2)
        mass = sample_masses(self._rng, shape, self._process.pair_mass_min, self._process.pair_mass_max)
        cosine = sample_cosines(self._rng, mass)
        return gluons, split_gluons(gluons, mass, cosine, self._rng.uniform(-np.pi, np.pi, shape))


def gluon_pairs(records: Any) -> GluonPairs:
    """The hard process from Pythia's record of events without a shower."""
    particles = records.prt
    particles = particles[(particles.status == INCOMING) | (particles.status == OUTGOING)]

    def column(values: Any) -> NDArray[Any]:
        return np.asarray(ak.to_numpy(ak.flatten(values))).reshape(-1, 4)

    momentum = [column(particles.p[name]) for name in ("px", "py", "pz", "e")]
    return GluonPairs(
        pdg_id=column(particles.id).astype(np.int64),
        colour=column(particles.col).astype(np.int64),
        anticolour=column(particles.acol).astype(np.int64),
        momentum=np.stack(momentum, axis=-1),
        scale=column(particles.scale)[:, 3],
    )


def _cumulative(mass_min: float, mass_max: float) -> tuple[Floats, Floats]:
    """Integral of `splitting_density` from `mass_min` on a grid of log m, by the trapezoidal rule."""
    log_mass = np.linspace(np.log(mass_min), np.log(mass_max), TABLE_POINTS)
    density = 2.0 * splitting_density(np.exp(log_mass))  # per log m: log m^2 = 2 log m
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(log_mass)
    return log_mass, np.concatenate([[0.0], np.cumsum(steps)])


def _pair_momentum(invariant: Floats, mass: Floats) -> Floats:
    """Momentum `(events, 1)` of either pair in the rest frame of the hard process (two-body kinematics)."""
    total, difference = mass.sum(axis=-1), mass[:, 0] - mass[:, 1]
    squared = (invariant**2 - total**2) * (invariant**2 - difference**2)
    momentum: Floats = np.sqrt(np.maximum(squared, 0.0)) / (2.0 * invariant)
    return momentum[:, np.newaxis]


def _decay(axis: Floats, momentum: Floats, mass: Floats, cosine: Floats, azimuth: Floats) -> tuple[Floats, Floats]:
    """Momenta `(events, 2, 4)` of quark and antiquark; `axis` `(events, 2, 3)` is the flight of the pair."""
    speed = np.sqrt(1.0 - (2.0 * BOTTOM_MASS / mass) ** 2)
    along, across = 0.5 * mass * speed * cosine, 0.5 * mass * speed * np.sqrt(1.0 - cosine**2)
    helper = np.where(np.abs(axis[..., :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    angle = azimuth[..., np.newaxis]
    transverse = across[..., np.newaxis] * (np.cos(angle) * first + np.sin(angle) * np.cross(axis, first))
    gamma, boost = np.hypot(momentum, mass) / mass, momentum / mass
    return tuple(  # type: ignore[return-value]
        np.concatenate(
            [
                (gamma * sign * along + 0.5 * boost * mass)[..., np.newaxis] * axis + sign * transverse,
                (0.5 * gamma * mass + boost * sign * along)[..., np.newaxis],
            ],
            axis=-1,
        )
        for sign in (1.0, -1.0)
    )


def _boost_along_z(momentum: Floats, velocity: Floats) -> Floats:
    """Boost `(events, particles, 4)` by `(events,)` velocities."""
    gamma = 1.0 / np.sqrt((1.0 - velocity) * (1.0 + velocity))[:, np.newaxis]
    velocity, pz, energy = velocity[:, np.newaxis], momentum[..., 2], momentum[..., 3]
    boosted = momentum.copy()
    boosted[..., 2], boosted[..., 3] = gamma * (pz + velocity * energy), gamma * (energy + velocity * pz)
    return boosted


def _parton_events(gluons: GluonPairs, quarks: Floats) -> Iterator[PartonEvent]:
    numbers, colours, anticolours = gluons.pdg_id.tolist(), gluons.colour.tolist(), gluons.anticolour.tolist()
    rows = zip(
        numbers,
        colours,
        anticolours,
        gluons.momentum[:, :2].tolist(),
        quarks.tolist(),
        gluons.scale.tolist(),
        strict=True,
    )
    for number, colour, anticolour, incoming, outgoing, scale in rows:
        particles = [(number[i], -1, 0, 0, colour[i], anticolour[i], *incoming[i], 0.0, 0.0, 9.0, -1.0) for i in (0, 1)]
        for gluon in (2, 3):
            quark, antiquark = outgoing[2 * gluon - 4], outgoing[2 * gluon - 3]
            particles.append((5, 1, 1, 2, colour[gluon], 0, *quark, BOTTOM_MASS, 0.0, 9.0, -1.0))
            particles.append((-5, 1, 1, 2, 0, anticolour[gluon], *antiquark, BOTTOM_MASS, 0.0, 9.0, -1.0))
        yield PartonEvent(0, 1.0, scale, float(alpha_s(scale)), particles)
