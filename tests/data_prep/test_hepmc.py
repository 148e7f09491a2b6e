"""HepMC3 files: Pythia's own events through a file and back, units, gzip, faults."""

import gzip

import numpy as np
import pyhepmc
import pytest

from data_prep.generator import Generator
from data_prep.hepmc import HepMcSource
from data_prep.processes import pythia_lines
from data_prep.shard import ShardJob, make_shard
from data_prep.sources import check_supply
from mscat_tf.errors import ConfigError, InputError
from tests.data_prep.conftest import QUICK, quick_settings


@pytest.fixture(scope="module")
def particles():
    process = quick_settings().processes["signal"]
    return Generator(pythia_lines(process, 14_000.0, 3), "process 'signal'").next_particles(40)


@pytest.fixture(scope="module")
def written(particles, tmp_path_factory):
    """The same events in a file in GeV and in one in MeV."""
    paths, run = [], pyhepmc.GenRunInfo()
    run.weight_names = ["nominal"]
    for unit, factor in ((pyhepmc.Units.GEV, 1.0), (pyhepmc.Units.MEV, 1000.0)):
        path = tmp_path_factory.mktemp("hepmc") / "events.hepmc"
        with pyhepmc.open(str(path), "w") as file:
            for number in range(40):
                file.write(_event(particles, number, unit, factor, run))
        paths.append(path)
    return paths


def _event(particles, number, unit, factor, run):
    event = pyhepmc.GenEvent(unit, pyhepmc.Units.MM)
    event.event_number = number
    event.run_info = run
    event.weights = [0.5 + number]
    section = pyhepmc.GenCrossSection()
    section.set_cross_section(12.0, 0.5, 100, 100)
    event.cross_section = section
    vertex = pyhepmc.GenVertex()
    beam = pyhepmc.GenParticle((0, 0, 7000 * factor, 7000 * factor), 2212, 4)
    vertex.add_particle_in(beam)
    own = particles.event == number
    for index in np.flatnonzero(own):
        momentum = [factor * getattr(particles, name)[index] for name in ("px", "py", "pz", "energy")]
        vertex.add_particle_out(pyhepmc.GenParticle(momentum, int(particles.pdg_id[index]), _status(particles, index)))
    event.add_vertex(vertex)
    return event


def _status(particles, index):
    neutrino = abs(particles.pdg_id[index]) in (12, 14, 16)
    return 1 if particles.visible[index] or neutrino else 2


@pytest.mark.parametrize("unit", [0, 1])
def test_events_come_back(written, particles, unit):
    source = HepMcSource((str(written[unit]),), 40, 0, "process 'x'")
    found = source.next_particles(40)
    np.testing.assert_allclose(found.weights, 0.5 + np.arange(40))
    place, wanted = (np.lexsort((p.px, p.pdg_id, p.event)) for p in (found, particles))
    place, wanted = place[found.visible[place]], wanted[particles.visible[wanted]]
    np.testing.assert_array_equal(found.pdg_id[place], particles.pdg_id[wanted])
    for name in ("px", "py", "pz", "energy"):
        np.testing.assert_allclose(getattr(found, name)[place], getattr(particles, name)[wanted], rtol=1e-9, atol=1e-9)
    assert source.cross_section_fb() == (12_000.0, 500.0)
    assert len(source.next_particles(5).weights) == 0


def test_blocks_and_files_share_no_event(written, tmp_path):
    packed = tmp_path / "events.hepmc.gz"
    packed.write_bytes(gzip.compress(written[0].read_bytes()[:-1] + b"\n\n"))
    files = (str(written[0]), str(packed))
    groups = [HepMcSource(files, 30, number, "").next_particles(100).group_id.tolist() for number in range(3)]
    assert [len(part) for part in groups] == [30, 30, 20]
    assert len({group for part in groups for group in part}) == 80


def test_a_shard_from_hadrons(written):
    settings = quick_settings(
        processes={
            "mine": {"kind": "hepmc", "files": [str(written[0])], "label": 0},
            "signal": {"kind": "heavy_higgs", "pythia": QUICK},
        }
    )
    header, arrays = make_shard(settings, ShardJob("mine", 0, 4))
    assert header.normalisation["mine"].cross_section_fb == 12_000.0
    assert len(set(arrays["group_id"].tolist())) == 4
    assert np.all(arrays["weights"][:, 0] >= 0.5)
    with pytest.raises(ConfigError, match=r"there are 40; lower sample\.events"):
        check_supply(settings.processes["mine"], 2, 8, "process 'mine'")


def test_faults_are_named(written, tmp_path):
    cut = tmp_path / "cut.hepmc"
    cut.write_bytes(written[0].read_bytes()[: written[0].stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut off after \d+ events"):
        HepMcSource((str(cut),), 5, 0, "")
    with pytest.raises(InputError, match="process 'x': no such event file"):
        HepMcSource((str(tmp_path / "none"),), 5, 0, "process 'x'")
    text = written[0].read_text()
    line = next(line for line in text.splitlines() if line.startswith("P 9 "))
    fields = line.split()
    broken = tmp_path / "nan.hepmc"
    broken.write_text(text.replace(line, " ".join([*fields[:4], "nan", *fields[5:]]), 1))
    with pytest.raises(InputError, match="not finite"):
        HepMcSource((str(broken),), 5, 0, "").next_particles(5)
    weightless = tmp_path / "weight.hepmc"
    weightless.write_text(text.replace("\nW 5.0000000000000000000000e-01\n", "\nW nan\n", 1))
    with pytest.raises(InputError, match=r"weight\.hepmc: an event cannot be read \(.*number of weights"):
        HepMcSource((str(weightless),), 5, 0, "").next_particles(5)
    spoilt = tmp_path / "spoilt.hepmc"
    spoilt.write_text(text.replace(line, "P 9 nonsense", 1))
    with pytest.raises(InputError, match=r"spoilt\.hepmc: event 0 of \d+ .* cannot be read"):
        HepMcSource((str(spoilt),), 5, 0, "").next_particles(5)
    wordy = tmp_path / "words.hepmc"
    wordy.write_text(text.replace("E 0 ", "A 0 GenCrossSection much\nE 0 ", 1))
    with pytest.raises(InputError, match=r"words\.hepmc: 'A 0 GenCrossSection much' gives no cross-section"):
        HepMcSource((str(wordy),), 5, 0, "")
    endless = tmp_path / "endless.hepmc"
    endless.write_text("x" * 2**20)
    with pytest.raises(InputError, match=r"endless\.hepmc: has a line of 1048576 characters"):
        HepMcSource((str(endless),), 5, 0, "")
