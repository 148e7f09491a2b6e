"""Settings and readers of imports."""

from pathlib import Path

import pytest

from data_prep.event_files import checksum
from data_prep.importers.base import Chunk, readers
from mscat_tf.config.importing import ImportSettings


def settings_for(*files, process="signal", label=1, cross_section_fb=1.0, **changes):
    own = {"files": [str(file) for file in files], "label": label, "cross_section_fb": cross_section_fb}
    return ImportSettings(**{"name": "test", "format": "delphes", "processes": {process: own}, **changes})


def read(path, start=0, stop=None, **changes):
    """Everything that a reader finds in (a range of entries of) one file."""
    (reader,) = readers(settings_for(path, **changes))
    plan = reader.plan(Path(path))
    return reader.read(Chunk(Path(path), checksum(Path(path)), plan, 0, start, plan.entries if stop is None else stop))


@pytest.fixture(scope="session")
def signal_file(reference_data):
    """300 events of real Delphes."""
    return reference_data / "delphes" / "signal.root"
