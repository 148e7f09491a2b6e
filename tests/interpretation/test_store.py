"""Files of an explanation: the same bytes again, damage, full disks."""

import hashlib

import numpy as np
import pytest

from mscat_tf.errors import InputError, OutputError
from mscat_tf.explanation import StoredMaps
from mscat_tf.interpretation.store import write_arrays
from tests.full_disk import files_no_longer_than

PROVENANCE = {"seed": 4, "configuration": {"name": "mock"}}


def test_files_are_reproducible_and_damage_is_reported(tmp_path):
    arrays = {"b/values": np.arange(6.0).reshape(2, 3), "a": np.ones(2, bool)}
    for name in ("one.h5", "two.h5"):
        write_arrays(tmp_path / name, arrays, PROVENANCE)
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("one.h5", "two.h5")}
    assert len(digests) == 1
    found = StoredMaps(tmp_path / "one.h5")
    assert found.attributes == PROVENANCE
    np.testing.assert_array_equal(found["b/values"], arrays["b/values"])
    (tmp_path / "bad.h5").write_text("no")
    with pytest.raises(InputError, match=r"bad\.h5.*mscat explain"):
        StoredMaps(tmp_path / "bad.h5")


@pytest.mark.parametrize("in_chunks", [False, True])
def test_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, in_chunks):
    path, arrays = tmp_path / "gradcam.h5", {"jet_1/maps": np.ones((5000, 50), np.float32)}
    path.write_text("of before")
    given = [{}, {}, lambda: iter([arrays, arrays])] if in_chunks else [arrays, {}]
    with files_no_longer_than(100_000), pytest.raises(OutputError, match=r"gradcam\.h5: cannot be written \(File too"):
        write_arrays(path, *given)
    assert path.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [path]
