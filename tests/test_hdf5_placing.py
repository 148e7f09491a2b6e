"""HDF5 files whose values HDF5 does not write are those that it reads."""

import h5py
import numpy as np
import pytest

from mscat_tf.hdf5_placing import placed_file
from tests.full_disk import files_no_longer_than


def rows_of(arrays, part):
    return {name: values[part] for name, values in arrays.items()}


def test_values_of_every_type_come_back(tmp_path):
    rng = np.random.default_rng(3)
    arrays = {
        "a/half": rng.normal(size=(7, 2, 3)).astype("f2"), "a/b/real": rng.random((7, 5)) > 0.5,
        "number": rng.integers(-9, 9, 7), "identity": rng.integers(0, 2**63, 7).astype("u8"),
        "nothing": np.zeros((7, 0), "f4"), "turned": rng.normal(size=(4, 7)).T,
    }  # fmt: skip
    shapes = {name: (values.shape, values.dtype) for name, values in arrays.items()}
    with placed_file(tmp_path / "x.h5", {"text": "y" * 100_000, "whole": 3}, shapes) as append:
        append(rows_of(arrays, slice(2)))
        append(rows_of(arrays, slice(2, 2)))
        append(rows_of(arrays, slice(2, 7)))
    with h5py.File(tmp_path / "x.h5") as file:
        assert (len(file.attrs["text"]), file.attrs["whole"]) == (100_000, 3)
        for name, values in arrays.items():
            assert file[name].dtype == values.dtype
            np.testing.assert_array_equal(file[name], values)


@pytest.mark.parametrize("most", [1_000, 100_000, 250_000])
def test_a_full_disk_is_known_before_the_first_row(tmp_path, most):
    shapes = {"x": ((50_000,), np.dtype("f4"))}
    with (
        files_no_longer_than(most),
        pytest.raises(OSError, match="File too large"),
        placed_file(tmp_path / "x.h5", {}, shapes),
    ):
        pytest.fail("no row may be written")
