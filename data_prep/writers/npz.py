"""NumPy's `.npz`: flat arrays, read by `numpy.load` alone. Written piece by piece, each array in a pass of its own.

Constituents of jet j of event i (J jets an event) are rows `offsets[i * J + j]` to `offsets[i * J + j + 1]` of
`constituents`. `process` and `split` count in `processes` and `splits`. What a sample may lack has the name and the
padded shape that it has there (`subjets/subjets`, `lund/parent`, `high_level`, ...).
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from data_prep.arrays import offsets_of
from data_prep.writers.records import groups
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.blocks import Block
from mscat_tf.data.census import fb_per_weight
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.errors import SchemaError
from mscat_tf.physics.tokens import token_names
from mscat_tf.schema import (
    B_HADRON_COLUMNS,
    DATA_SETS,
    EVENT_SHAPE_COLUMNS,
    KINEMATIC_COLUMNS,
    LUND_COLUMNS,
    OPTIONAL,
    RAW_COLUMNS,
    SUBJET_COLUMNS,
    WEIGHT_COLUMNS,
)

COPIED = ("event_id", "group_id", "label", "process", "weights", "kinematics", "multiplicity", *sorted(OPTIONAL))
NAMES = {
    "kinematic_columns": KINEMATIC_COLUMNS,
    "event_shape_columns": EVENT_SHAPE_COLUMNS,
    "constituent_columns": RAW_COLUMNS,
    "weight_columns": WEIGHT_COLUMNS,
    "declustering_columns": LUND_COLUMNS,
    "subjet_columns": SUBJET_COLUMNS,
    "track_jet_columns": DATA_SETS["truth/track_jets"].columns,
    "b_hadron_columns": B_HADRON_COLUMNS,
    "splits": SPLITS,
}

Piece = Callable[[Block], NDArray[Any]]


def write(sample: Sample, settings: DataSettings, path: Path) -> None:
    """Write the events of a sample.

    Raises:
        InputError: a value is not finite.
        SchemaError: a file is damaged, or its multiplicities contradict its constituents.
    """
    jets, per_weight = sample.header.jets, fb_per_weight(sample)

    def column(name: str) -> Piece:
        return lambda block: sample.read(block, (name,))[name]

    def weight_fb(block: Block) -> NDArray[Any]:
        arrays = sample.read(block, ("weights", "process"))
        return np.asarray(arrays["weights"].astype(np.float64).prod(axis=1) * per_weight[arrays["process"]])

    def split(block: Block) -> NDArray[Any]:
        ids = sample.read(block, ("group_id",))["group_id"]
        return assign_splits(ids, settings.train_fraction, settings.validation_fraction)

    with zipfile.ZipFile(path, "w") as archive:
        tokens = sample.header.token_names or token_names(jets)
        own = {"kinematic_tokens": tokens, "processes": sample.header.processes}
        own["high_level_columns"] = sample.header.high_level
        for name, names in {**NAMES, **own}.items():
            values = np.array(names, str)
            _write_array(archive, name, values.dtype, (len(values),), iter([values]))

        def put(name: str, dtype: DTypeLike, shape: tuple[int, ...], piece: Piece) -> None:
            _write_array(archive, name, np.dtype(dtype), shape, map(piece, groups(sample)))

        for name in (name for name in COPIED if sample.has(name)):
            shape = sample.read(Block(0, 0, 0, 0), (name,))[name].shape[1:]
            put(name, DATA_SETS[name].dtype, (len(sample), *shape), column(name))
        put("weight_fb", "f8", (len(sample),), weight_fb)
        put("split", "i1", (len(sample),), split)
        total = sum(int(column("multiplicity")(block).sum()) for block in groups(sample))
        put("constituents", "f4", (total, len(RAW_COLUMNS)), lambda block: sample.read_raw(block)[0])
        _write_array(archive, "offsets", np.dtype("i8"), (len(sample) * jets + 1,), _offsets(sample))


def _offsets(sample: Sample) -> Iterator[NDArray[np.int64]]:
    last = np.zeros(1, np.int64)
    yield last
    for block in groups(sample):
        here = last + offsets_of(sample.read_raw(block)[1].ravel())[1:]
        yield here
        last = here[-1:]


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    pieces: Iterator[NDArray[Any]],
) -> None:
    rows = 0
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as stream:
        description = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(stream, description)
        for piece in pieces:
            stream.write(np.ascontiguousarray(piece, dtype).tobytes())
            rows += len(piece)
    if rows != shape[0]:
        raise SchemaError(
            f"'{name}': {rows} rows, but the multiplicities of the sample add up to {shape[0]}; make the sample again"
        )
