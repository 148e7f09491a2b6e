import numpy as np
import pytest
from scipy import integrate, stats

from data_prep import collinear_4b as model
from data_prep.generator import Generator
from data_prep.processes import pythia_lines
from mscat_tf.constants import BOTTOM_MASS
from tests.data_prep.conftest import quick_settings


@pytest.fixture(scope="module")
def gluons():
    process = quick_settings().processes["4b"]
    hard = Generator([*pythia_lines(process, 14_000.0, 5), *model.PARTON_LEVEL_ONLY], "process '4b'")
    return model.gluon_pairs(hard.next_records(300))


def test_probability_agrees_with_a_quadrature_of_the_kernel():
    """The double integral over m^2 and z itself, by scipy: nothing integrated by hand."""

    def kernel(z, m2):
        running = 0.118 / (1.0 + 0.118 * 23.0 / (12.0 * np.pi) * np.log(m2 / 91.1876**2))
        return running / (2.0 * np.pi) / m2 * 0.5 * (1.0 - 2.0 * z * (1.0 - z) + 2.0 * BOTTOM_MASS**2 / m2)

    def edge(sign):
        return lambda m2: 0.5 * (1.0 + sign * np.sqrt(1.0 - 4.0 * BOTTOM_MASS**2 / m2))

    expected, _ = integrate.dblquad(kernel, 12.0**2, 400.0**2, edge(-1), edge(+1), epsrel=1e-9)
    assert model.splitting_probability(12.0, 400.0) == pytest.approx(expected, rel=1e-6)


def test_masses_follow_the_density():
    mass = model.sample_masses(np.random.default_rng(1), (4000, 2), 12.0, 400.0)
    assert mass.shape == (4000, 2)

    def cumulative(m):
        values = [
            integrate.quad(lambda x: 2 * model.splitting_density(np.exp(x)), np.log(12.0), np.log(v))[0] for v in m
        ]
        return np.array(values) / model.splitting_probability(12.0, 400.0)

    assert stats.kstest(mass.ravel()[::20], cumulative).pvalue > 1e-3


@pytest.mark.parametrize("mass", [12.0, 30.0, 400.0])
def test_cosines_follow_the_kernel(mass):
    cosine = model.sample_cosines(np.random.default_rng(2), np.full(20_000, mass))
    ratio = (BOTTOM_MASS / mass) ** 2
    grid = np.linspace(-1.0, 1.0, 20_001)
    z = 0.5 * (1.0 + np.sqrt(1.0 - 4.0 * ratio) * grid)
    cumulative = integrate.cumulative_simpson(1.0 - 2.0 * z * (1.0 - z) + 2.0 * ratio, x=grid, initial=0.0)
    assert stats.kstest(cosine, lambda c: np.interp(c, grid, cumulative / cumulative[-1])).pvalue > 1e-3


def test_momentum_is_conserved_and_masses_are_right(gluons):
    rng = np.random.default_rng(3)
    mass = model.sample_masses(rng, (300, 2), 12.0, 400.0)
    azimuth = rng.uniform(-np.pi, np.pi, (300, 2))
    quarks = model.split_gluons(gluons, mass, model.sample_cosines(rng, mass), azimuth)
    np.testing.assert_allclose(quarks.sum(axis=1), gluons.momentum[:, :2].sum(axis=1), rtol=1e-9, atol=1e-6)
    squared = quarks[..., 3] ** 2 - np.sum(quarks[..., :3] ** 2, axis=-1)
    np.testing.assert_allclose(squared, BOTTOM_MASS**2, atol=1e-12 * quarks[..., 3].max() ** 2)
    pairs = quarks.reshape(300, 2, 2, 4).sum(axis=2)
    found = np.sqrt(pairs[..., 3] ** 2 - np.sum(pairs[..., :3] ** 2, axis=-1))
    np.testing.assert_allclose(found, mass, rtol=1e-6)


def test_light_pairs_fly_where_the_gluons_flew(gluons):
    mass = np.full((300, 2), 2.0 * BOTTOM_MASS + 1e-3)
    flat = np.zeros((300, 2))
    pairs = model.split_gluons(gluons, mass, flat, flat).reshape(300, 2, 2, 4).sum(axis=2)
    np.testing.assert_allclose(pairs, gluons.momentum[:, 2:], rtol=5e-3, atol=0.5)


def test_colour_flows_from_gluons_to_quarks(gluons):
    quarks = np.zeros((300, 4, 4))
    for event in model._parton_events(gluons, quarks):
        particles = event.particles
        ends = [(-1 if p[1] == -1 else 1, p[4], p[5]) for p in particles]
        incoming = sorted([c for s, c, _ in ends if s < 0 and c] + [a for s, _, a in ends if s > 0 and a])
        outgoing = sorted([c for s, c, _ in ends if s > 0 and c] + [a for s, _, a in ends if s < 0 and a])
        assert incoming == outgoing, "each colour line has two ends"
        assert [p[0] for p in particles[2:]] == [5, -5, 5, -5]


def test_events_hold_four_b_quarks_and_the_model_has_a_cross_section():
    process = quick_settings().processes["4b"]
    source = model.FourBGenerator(process, 14_000.0, (1, 2), np.random.default_rng(4), "process '4b'")
    particles = source.next_particles(30)
    assert len(particles.weights) == 30
    assert np.all(particles.weights == 1.0)
    value, error = source.cross_section_fb()
    hard, hard_error = source._hard.cross_section_fb()
    probability = model.splitting_probability(12.0, 400.0)
    assert (value, error) == pytest.approx((hard * probability**2, hard_error * probability**2))
    for event in range(30):
        mine = (particles.event == event) & (np.abs(particles.pdg_id) == 5)
        assert mine.sum() >= 4


def test_massless_limit_of_the_closed_form():
    """T_R 2/3 alpha_s / (2 pi) far above threshold (textbook: 1/3 per flavour)."""
    assert model.splitting_density(np.array(5e4)) == pytest.approx(model.alpha_s(5e4) / (6 * np.pi), rel=1e-6)
    assert model.alpha_s(91.1876) == pytest.approx(0.118)
