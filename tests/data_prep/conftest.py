"""Quick settings (no multi-parton interactions, loose cuts) and some generated events to share."""

import pytest

from data_prep.generator import Generator
from data_prep.processes import pythia_lines
from mscat_tf.config import SampleSettings
from tests.data_prep.toy_samples import write_toy_sample

QUICK = ("PartonLevel:MPI = off",)
LOOSE = {"leading_pt_min": 250.0, "subleading_pt_min": 200.0, "abs_eta_max": 2.5, "mass_min": 20.0, "mass_max": 400.0}


def quick_settings(**changes):
    values = {
        "name": "quick",
        "events": 24,
        "shard_events": 8,
        "selection": LOOSE,
        "processes": {
            "signal": {"kind": "heavy_higgs", "pythia": QUICK},
            "4b": {"kind": "collinear_4b", "pythia": QUICK},
        },
    }
    return SampleSettings(**{**values, **changes})


@pytest.fixture(scope="session")
def signal_particles():
    """100 signal events with everything switched on."""
    process = quick_settings(processes={"signal": {"kind": "heavy_higgs"}}).processes["signal"]
    return Generator(pythia_lines(process, 14_000.0, 7), "process 'signal'").next_particles(100)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """27 events of two jets in two files; read only."""
    return write_toy_sample(tmp_path_factory.mktemp("toy") / "sample")
