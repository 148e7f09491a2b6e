"""Tables of pandas are opened only where PyTables would unpickle nothing but plain values."""

import os
import pickle

import h5py
import numpy as np
import pandas as pd
import pytest

from data_prep.importers.safe_tables import check_tables
from mscat_tf.errors import InputError
from tests.data_prep.public_sets import random_jets, write_top_tagging


class Evil:
    """Would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("layout", ["table", "fixed"])
def test_tables_of_the_set_pass(layout, tmp_path):
    check_tables(write_top_tagging(tmp_path / "a.h5", random_jets(), layout))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("place", ["/", "table", "table/table"])
def test_attributes_that_would_run_code(protocol, place, tmp_path):
    path = write_top_tagging(tmp_path / "a.h5", random_jets())
    with h5py.File(path, "a") as file:
        file[place].attrs["harmless"] = np.void(pickle.dumps(Evil(tmp_path / "canary"), protocol))
        file[place].attrs["info"] = np.bytes_(pickle.dumps(Evil(tmp_path / "canary"), protocol))
    with pytest.raises(InputError, match=r"a\.h5: attribute 'info' of '.*' holds a pickle"):
        check_tables(path)
    assert not (tmp_path / "canary").exists()


@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
def test_columns_of_objects(tmp_path):
    frame = pd.DataFrame({"a": [{1}, {2}]})
    frame.to_hdf(tmp_path / "a.h5", key="table", format="fixed")
    with pytest.raises(InputError, match=r"holds a pickle"):
        check_tables(tmp_path / "a.h5")


def test_absurd_sizes(tmp_path):
    path = write_top_tagging(tmp_path / "a.h5", random_jets())
    with h5py.File(path, "a") as file:
        file["table/table"].resize((10**12,))
    with pytest.raises(InputError, match=r"a\.h5: 'table/table' promises"):
        check_tables(path)
