"""Four-b events of the matrix element: thinning loses nothing on average, and the shipped file is what it says."""

import numpy as np
import pylhe
import pytest

from data_prep import lhe
from data_prep import matrix_element_4b as matrix_element
from data_prep.matrix_element_4b import PartonEvents, convert, keep_probability, read_events
from mscat_tf.constants import BOTTOM_MASS
from mscat_tf.errors import ConfigError, InputError

ENERGY = 7000.0


@pytest.fixture(scope="module")
def shipped():
    files = lhe.LheFiles(["4b-14TeV"], "process '4b'")
    events = list(lhe.events_of(files.files[0].path))
    momentum = np.array([[(p.px, p.py, p.pz, p.e) for p in event.particles] for event in events])
    return files, events, momentum


def write_sherpa_file(path, events=60, seed=1):
    """As Sherpa writes: no colours, trials as an attribute; two back-to-back pairs of random mass and momentum."""
    rng = np.random.default_rng(seed)
    lines = ['<LesHouchesEvents version="1.0">\n<header>\n<SHRunCard>\nA && B\n</SHRunCard>\n</header>\n<init>\n']
    lines.append(f"2212 2212 {ENERGY} {ENERGY} 0 0 93300 93300 3 1\n1 1 1 1\n</init>\n")
    for _ in range(events):
        pt, angle = rng.uniform(350, 700), rng.uniform(-np.pi, np.pi)
        quarks = []
        for sign in (1.0, -1.0):
            along = sign * np.array([np.cos(angle), np.sin(angle), 0.0])
            across = rng.uniform(20, 80) * np.array([-along[1], along[0], 0.0])
            quarks += [0.5 * pt * along + across, 0.5 * pt * along - across]
        energies = [np.sqrt(q @ q + BOTTOM_MASS**2) for q in quarks]
        half = 0.5 * sum(energies)
        lines.append(f"<event trials='{rng.integers(1, 9)}' muf2='1' mur2='1'>\n 6 1 2.5 500.0 -1.0 0.1\n")
        for pz in (half, -half):
            lines.append(f"21 -1 0 0 0 0 0.0 0.0 {pz:.12g} {half:.12g} 0.0 0 9\n")
        for place, identity in ((0, 5), (2, 5), (1, -5), (3, -5)):
            q = quarks[place]
            lines.append(
                f"{identity} 1 1 2 0 0 {q[0]:.12g} {q[1]:.12g} {q[2]:.12g} {energies[place]:.12g} {BOTTOM_MASS} 0 9\n"
            )
        lines.append("</event>\n")
    path.write_text("".join([*lines, "</LesHouchesEvents>\n"]))
    return path


def test_conversion_keeps_momenta_gives_colours_and_weighs(tmp_path):
    source = write_sherpa_file(tmp_path / "sherpa.lhe")
    made = read_events(source)
    value, error = made.cross_section_pb()
    assert value == pytest.approx(2.5 * 60 / made.trials)
    found = convert(source, tmp_path / "out.lhe.gz", seed=3)
    again = convert(source, tmp_path / "again.lhe.gz", seed=3)
    assert (tmp_path / "out.lhe.gz").read_bytes() == (tmp_path / "again.lhe.gz").read_bytes()
    assert (found.kept, found.cross_section_error_pb) == (again.kept, error)
    assert 0 < found.kept < 60
    files = lhe.LheFiles([str(tmp_path / "out.lhe.gz")], "")
    assert files.cross_section_pb() == (pytest.approx(value, rel=1e-5), pytest.approx(error, rel=1e-2))
    events = pylhe.LHEFile.fromfile(tmp_path / "out.lhe.gz", generator=False).events
    assert np.mean([event.eventinfo.weight for event in events]) == pytest.approx(value, rel=1e-4)
    kept = np.array([[(p.px, p.py, p.pz, p.e) for p in event.particles] for event in events])
    place = [int(np.argmin(np.abs(made.momentum[:, 2, 0] - one[2, 0]))) for one in kept]
    np.testing.assert_allclose(kept, made.momentum[place], rtol=1e-8, atol=1e-6)
    wanted = 1.0 / keep_probability(made)[place]
    weights = np.array([event.eventinfo.weight for event in events])
    np.testing.assert_allclose(weights / weights.mean(), wanted / wanted.mean(), rtol=1e-4)


def test_the_probability_follows_its_formula():
    """Two pairs along x and -x: the jets are the pairs, so momentum and mass are known without a jet finder."""
    pt, gap = np.array([600.0, 450.0, 450.0]), np.array([60.0, 60.0, 10.0])
    momentum = np.zeros((3, 6, 4))
    for jet, sign in ((2, 1.0), (4, -1.0)):
        momentum[:, jet : jet + 2, 0] = sign * 0.5 * pt[:, np.newaxis]
        momentum[:, jet : jet + 2, 1] = np.stack([gap, -gap], axis=-1)
    momentum[..., 3] = np.linalg.norm(momentum[..., :3], axis=-1)
    ones = np.ones(3)
    events = PartonEvents(np.tile([21, 21, 5, -5, 5, -5], (3, 1)), momentum, ones, ones, ones, 3)
    energy = 2 * np.hypot(0.5 * pt, gap)
    mass = np.sqrt(energy**2 - pt**2)
    wanted = np.minimum(pt / 500, 1) ** 3.5 * np.minimum(mass / 70, 1) ** 0.6
    np.testing.assert_allclose(keep_probability(events), wanted, rtol=1e-6)


def test_the_shipped_events_are_what_the_card_asks_for(shipped):
    files, events, momentum = shipped
    assert files.energies == (ENERGY, ENERGY)
    assert len(events) == len(files) > 8000
    for event in events:
        assert sorted(p.id for p in event.particles[2:]) == [-5, -5, 5, 5]
    incoming, outgoing = momentum[:, :2].sum(axis=1), momentum[:, 2:].sum(axis=1)
    np.testing.assert_allclose(incoming, outgoing, atol=2e-4)
    mass = np.sqrt(momentum[:, 2:, 3] ** 2 - np.sum(momentum[:, 2:, :3] ** 2, axis=-1))
    np.testing.assert_allclose(mass, BOTTOM_MASS, atol=5e-3)
    assert np.hypot(momentum[:, 2:, 0], momentum[:, 2:, 1]).min() > matrix_element.QUARK_PT_MIN
    weights = np.array([event.eventinfo.weight for event in events])
    value, error = files.cross_section_pb()
    assert weights.mean() == pytest.approx(value, rel=1e-3)
    assert 0 < error < 0.02 * value


def test_the_weights_of_the_shipped_events_are_those_of_the_formula(shipped):
    _, events, momentum = shipped
    ones = np.ones(len(events))
    identities = np.array([[p.id for p in event.particles] for event in events])
    probability = keep_probability(PartonEvents(identities, momentum, ones, ones, ones, len(events)))
    weights = np.array([event.eventinfo.weight for event in events])
    product = weights * probability
    np.testing.assert_allclose(product, product.mean(), rtol=1e-3)


def test_faults_are_named(tmp_path):
    with pytest.raises(ConfigError, match="Sherpa: no program /none"):
        matrix_element.make(tmp_path / "x.lhe.gz", 10, 1, 14_000.0, "/none", tmp_path / "work")
    source = write_sherpa_file(tmp_path / "sherpa.lhe", events=2)
    text = source.read_text()
    for fault in (text.replace("trials", "tries"), text[: text.index("<event")] + "</LesHouchesEvents>\n"):
        source.write_text(fault)
        with pytest.raises(InputError, match="not what Sherpa writes"):
            convert(source, tmp_path / "x.lhe.gz", 1)
    assert not (tmp_path / "x.lhe.gz").exists()
