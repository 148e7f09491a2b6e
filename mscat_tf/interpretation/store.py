"""The files `attention.h5` and `gradcam.h5`: arrays, and where they come from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.files import atomic_path

Arrays = dict[str, NDArray[Any]]


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]) -> None:
    """Write arrays (a name may hold `/`) and attributes as JSON, atomically; the same input gives the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        for key in sorted(attributes):
            file.attrs[key] = json.dumps(attributes[key], sort_keys=True)
        for name in sorted(arrays):
            file.create_dataset(name, data=arrays[name], track_times=False)


def read_arrays(path: str | Path) -> tuple[Arrays, dict[str, Any]]:
    """Arrays by name and attributes of such a file.

    Raises:
        InputError: it is missing or unreadable.
    """
    arrays: Arrays = {}

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(collect)
            return arrays, {key: json.loads(value) for key, value in file.attrs.items()}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); make it again with `mscat explain`") from error
