"""Profiles of hypothesis, quiet TensorFlow, and fixtures that several folders share."""

import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import HealthCheck, settings

from mscat_tf.config import load_config
from mscat_tf.data.mock import write_mock_sample
from tests.chromium import browser
from tests.smoke_run import smoke_run

__all__ = ["browser", "smoke_run"]  # fixtures

quick = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("dev", max_examples=20, deadline=None, suppress_health_check=quick)
settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True, suppress_health_check=quick)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

LONGEST = (
    "cli/test_end_to_end.py",
    "training/test_training.py",
    "data_prep/test_run.py",
    "interpretation/test_explain.py",
    "training/test_workers.py",
    "models/test_models.py",
    "data_prep/test_faults.py",
    "data_prep/test_other_processes.py",
    "training/test_replicas.py",
    "models/test_switches.py",
    "report/test_browser.py",
)
"""Files that take longest, longest first."""


def pytest_collection_modifyitems(items):
    """The longest files first, so that the processes of `make test` end together; the others stay in their order."""
    places = {str(Path(__file__).parent / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))


def pytest_collection_finish():
    """What is imported stays: the garbage collector need not go through TensorFlow again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _figures_closed():
    """What a test draws and does not write stays open in pyplot, which complains from twenty on, in whoever is next."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def reference_data():
    """Folder of outside reference data; the test is skipped when it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MSCAT_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"outside reference data not found at {folder}; set MSCAT_REFERENCE_DATA")
    return folder


@pytest.fixture(scope="session")
def mock_folder(tmp_path_factory):
    """A mock sample of 300 events in three files; read only."""
    return write_mock_sample(tmp_path_factory.mktemp("mock"), events=300, shards=3)


@pytest.fixture
def mock_config(mock_folder):
    """A tiny training on the mock sample, of the network that is traced fastest."""

    def make(*overrides):
        settings = [f"data.path={mock_folder}", "train.tensorboard=false", "model.name=kinematics_mlp"]
        return load_config("smoke", [*settings, *overrides])

    return make
