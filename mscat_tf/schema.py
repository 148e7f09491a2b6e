"""The HDF5 file between simulation and training: the one definition of its data sets and attributes.

n events; J fat jets ordered by transverse momentum; P constituents kept per jet; K kinematic tokens
(leading jet, subleading jet, their four-vector sum). Units: GeV, radians, femtobarn.
`docs/schema.md` describes the same for readers.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError, SchemaError
from mscat_tf.hdf5_writing import hdf5_file
from mscat_tf.physics.high_level_columns import COLUMNS as HIGH_LEVEL
from mscat_tf.plausible_size import data_set_problem

SCHEMA_VERSION = 1

CONSTITUENT_COLUMNS = ("eta", "phi", "pt", "log_pt")
KINEMATIC_COLUMNS = ("m", "eta", "phi", "pt", "energy", "theta")
RAW_COLUMNS = ("pt", "eta", "phi", "mass", "charge", "pdg_id")
WEIGHT_COLUMNS = ("generator", "tag")
LUND_COLUMNS = ("ln_inverse_delta", "ln_kt", "ln_z", "ln_m", "psi")
SUBJET_COLUMNS = ("pt", "eta", "phi", "mass", "constituents", "radius")
B_HADRON_COLUMNS = ("eta_1", "phi_1", "eta_2", "phi_2")
EVENT_SHAPE_COLUMNS = (
    "transverse_thrust",
    "transverse_sphericity",
    "sphericity",
    "aplanarity",
    "scalar_sum_pt",
    "missing_pt",
)
MASS = "m_H"
"""Data set of the mass of the signal [GeV], and the kinematic column in which a network may read a hypothesis of it."""

KNOWN_LOGIT = "known_logit"
"""Data set of what another classifier says of the event, and the kinematic column in which a network may read it."""

CHUNK_EVENTS = 256
EXTENSION = ".h5"
MANIFEST = "sample.json"
"""In a folder of shards: the list of those that are the sample."""

UNFINISHED = ".unfinished"
"""In a folder while its sample is being made, and after an interruption: it may not be read then."""


@dataclass(frozen=True)
class DataSet:
    """One data set: its type, its axes after the first (`events`), its columns and their units."""

    dtype: str
    axes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    first: str = "events"


DATA_SETS: dict[str, DataSet] = {
    "constituents": DataSet(
        "f4", ("jets", "constituents", "columns"), CONSTITUENT_COLUMNS, ("1", "rad", "GeV", "log GeV")
    ),
    "constituents_mask": DataSet("?", ("jets", "constituents")),
    "kinematics": DataSet("f4", ("tokens", "columns"), KINEMATIC_COLUMNS, ("GeV", "1", "rad", "GeV", "GeV", "rad")),
    "multiplicity": DataSet("i4", ("jets",)),
    "raw/constituents": DataSet(
        "f4", ("columns",), RAW_COLUMNS, ("GeV", "1", "rad", "GeV", "e", "1"), first="constituents of all jets"
    ),
    "raw/offsets": DataSet("i8", (), first="jets of all events + 1"),
    "label": DataSet("i4"),
    "process": DataSet("i4"),
    "event_id": DataSet("u8"),
    "group_id": DataSet("u8"),
    "weights": DataSet("f4", ("columns",), WEIGHT_COLUMNS, ("1", "1")),
    MASS: DataSet("f4", (), (), ("GeV",)),
    KNOWN_LOGIT: DataSet("f4", (), (), ("1",)),
    "truth/track_jets": DataSet("i4", ("jets", "columns"), ("b", "c", "light"), ("1", "1", "1")),
    "truth/b_hadrons": DataSet("f4", ("jets", "columns"), B_HADRON_COLUMNS, ("1", "rad", "1", "rad")),
    "lund/declusterings": DataSet(
        "f4", ("jets", "declusterings", "columns"), LUND_COLUMNS, ("1", "log GeV", "1", "log GeV", "rad")
    ),
    "lund/mask": DataSet("?", ("jets", "declusterings")),
    "lund/parent": DataSet("i4", ("jets", "declusterings")),
    "subjets/subjets": DataSet(
        "f4", ("jets", "subjets", "columns"), SUBJET_COLUMNS, ("GeV", "1", "rad", "GeV", "1", "1")
    ),
    "subjets/mask": DataSet("?", ("jets", "subjets")),
    "event_shapes": DataSet("f4", ("columns",), EVENT_SHAPE_COLUMNS, ("1", "1", "1", "1", "GeV", "GeV")),
    "high_level": DataSet("f4", ("jets", "high_level")),
}
"""Every data set that version 1 knows. `raw/offsets` has n * J + 1 entries: jet j of event i owns rows
offsets[i * J + j] to offsets[i * J + j + 1] of `raw/constituents`. The columns of `high_level` are chosen: the header
of a file names them."""

OPTIONAL = frozenset({MASS, KNOWN_LOGIT, "event_shapes", "high_level"}) | {
    name for name in DATA_SETS if name.startswith(("truth/", "lund/", "subjets/"))
}
"""Data sets that a file may lack, all events alike: not asked for, or unknown to a set imported from outside."""


@dataclass(frozen=True)
class Normalisation:
    """What one file knows about the normalisation of one process.

    Attributes:
        generated_events: events tried, before any cut.
        sum_of_weights: their summed generator weights.
        cross_section_fb, cross_section_error_fb: before any cut [fb].
    """

    generated_events: int
    sum_of_weights: float
    cross_section_fb: float
    cross_section_error_fb: float


@dataclass(frozen=True)
class Header:
    """Attributes of a file: everything but the events.

    Attributes:
        processes: name of every process of the sample; `process` indexes it.
        labels: label of each process, in the same order.
        normalisation: by name, for the processes that this file holds.
        cut_flow: by name, rows of `{"cut": str, "raw": int, "weighted": float}`.
        configuration: settings that made the file, of its own processes where the sample has more. digest: SHA-256 of
            those that all files of the sample share.
        seed: of the sample. versions: of every generator and library.
        jets, constituents, tokens: the sizes J, P and K.
        declusterings, subjets: of each jet that are kept at most, D and S; 0 where the file holds none.
        high_level: columns of `high_level`, of those in `mscat_tf.physics.high_level_columns`; none where the file
            holds no such data set.
        token_names: what each of the K kinematic tokens is; empty in files made before names were written, which hold
            the jets and, for J > 1, their sum.
        events, optional: number of events, and the data sets of `OPTIONAL` that the file holds; set by reading.
    """

    processes: tuple[str, ...]
    labels: tuple[int, ...]
    normalisation: dict[str, Normalisation]
    cut_flow: dict[str, list[dict[str, Any]]]
    configuration: dict[str, Any]
    digest: str
    seed: int
    versions: dict[str, str]
    jets: int = 2
    constituents: int = 50
    tokens: int = 3
    declusterings: int = 0
    subjets: int = 0
    high_level: tuple[str, ...] = ()
    token_names: tuple[str, ...] = ()
    events: int = field(default=0, compare=False)
    optional: tuple[str, ...] = field(default=(), compare=False)

    def columns(self, name: str) -> tuple[str, ...]:
        """Names of the columns of a data set of this file; none where it has none."""
        return self.high_level if name == "high_level" else DATA_SETS[name].columns

    def units(self, name: str) -> tuple[str, ...]:
        """Their units."""
        if name == "high_level":
            return tuple(HIGH_LEVEL[column].unit for column in self.high_level)
        return DATA_SETS[name].units


_JSON_FIELDS = ("processes", "labels", "normalisation", "cut_flow", "configuration", "versions")
_PLAIN_FIELDS = ("digest", "seed", "jets", "constituents", "tokens")


def write_sample(path: str | Path, header: Header, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write one file, atomically; the same input gives the same bytes.

    Args:
        path: where. header: the attributes.
        arrays: one array for each key of `DATA_SETS`; those of `OPTIONAL` may be left out.

    Raises:
        SchemaError: an array is missing, not in the schema, or of another shape.
        OutputError: it cannot be written.
    """
    missing, extra = DATA_SETS.keys() - OPTIONAL - arrays.keys(), arrays.keys() - DATA_SETS.keys()
    if missing or extra:
        raise SchemaError(
            f"{path}: missing data sets {sorted(missing)}, unknown data sets {sorted(extra)}; see mscat_tf/schema.py"
        )
    _check_high_level(str(path), header.high_level)
    with hdf5_file(path) as file:
        file.attrs["schema_version"] = SCHEMA_VERSION
        values = asdict(header)
        for key in _JSON_FIELDS:
            file.attrs[key] = json.dumps(values[key], sort_keys=True)
        for key in _PLAIN_FIELDS:
            file.attrs[key] = values[key]
        file.attrs["declusterings"], file.attrs["subjets"] = header.declusterings, header.subjets
        file.attrs["token_names"] = json.dumps(header.token_names)
        for name in (name for name in DATA_SETS if name in arrays):
            definition = DATA_SETS[name]
            array = np.ascontiguousarray(arrays[name], dtype=definition.dtype)
            _check_shape(str(path), name, array.shape, header, len(arrays["label"]))
            rows = CHUNK_EVENTS if definition.first == "events" else 64 * CHUNK_EVENTS
            chunks = (min(rows, len(array)), *array.shape[1:]) if len(array) else None
            stored = file.create_dataset(name, data=array, chunks=chunks, track_times=False)
            for attribute, text in _about(header, name).items():
                stored.attrs[attribute] = json.dumps(text)
            stored.flush()  # else HDF5 orders the chunks on disk by memory addresses, and equal files differ in bytes


def read_header(path: str | Path) -> Header:
    """Open a file, check that it is whole and of this schema, and return its attributes.

    Raises:
        InputError: there is no such file.
        SchemaError: it is truncated or not HDF5, of another version, or a data set is missing or has another shape.
    """
    with open_sample(path) as file:
        return _header(str(path), file)


def open_sample(path: str | Path) -> h5py.File:
    """Open a file for reading after the checks of `read_header` that need no data (close it yourself)."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with `mscat generate`, or check the path")
    try:
        file = h5py.File(path, "r", rdcc_nbytes=0)  # whole chunks are read, so a cache of chunks would only cost memory
    except OSError as error:
        reason = "truncated" if "truncated" in str(error) else "not an HDF5 file, or damaged"
        raise SchemaError(
            f"{path}: {reason}; delete it and run `mscat generate` again, which makes only what is missing"
        ) from error
    try:
        _check_version(str(path), file)
    except SchemaError:
        file.close()
        raise
    return file


def _check_version(path: str, file: h5py.File) -> None:
    found = file.attrs.get("schema_version")
    if found is None:
        raise SchemaError(
            f"{path}: has no attribute schema_version, so it is not a sample of this project; import it first"
        )
    if str(found) != str(SCHEMA_VERSION):
        raise SchemaError(
            f"{path}: schema version {found}, but this code reads version {SCHEMA_VERSION}; "
            "make the file anew with `mscat generate`, or install the matching mscat-tf"
        )


def _header(path: str, file: h5py.File) -> Header:
    try:
        header = _attributes(file)
    except (KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        raise SchemaError(f"{path}: attribute or data set cannot be read ({error}); make the file anew") from error
    _check_high_level(path, header.high_level)
    for name, definition in DATA_SETS.items():
        if name not in file:
            if name in OPTIONAL:
                continue
            raise SchemaError(f"{path}: data set '{name}' is missing; make the file anew with `mscat generate`")
        if np.dtype(definition.dtype) != file[name].dtype:
            raise SchemaError(
                f"{path}: '{name}' has type {file[name].dtype}, the schema wants {np.dtype(definition.dtype)}"
            )
        columns, wanted = _columns(file, name), header.columns(name)
        if columns != wanted:
            raise SchemaError(f"{path}: '{name}' has columns {columns}, the schema wants {wanted}")
        _check_shape(path, name, file[name].shape, header, header.events)
        if problem := data_set_problem(file[name]):
            raise SchemaError(f"{path}: '{name}' {problem}; make the file anew")
    return header


def _attributes(file: h5py.File) -> Header:
    """Whatever is wrong with an attribute ends in an ordinary error of Python; some are younger than version 1."""
    values = {key: json.loads(file.attrs[key]) for key in _JSON_FIELDS}
    if len(values["labels"]) != len(values["processes"]):
        raise ValueError("'labels' and 'processes' differ in length")
    return Header(
        processes=tuple(values["processes"]),
        labels=tuple(values["labels"]),
        normalisation={name: Normalisation(**value) for name, value in values["normalisation"].items()},
        cut_flow={name: list(rows) for name, rows in values["cut_flow"].items()},
        configuration=dict(values["configuration"]),
        versions=values["versions"],
        digest=str(file.attrs["digest"]),
        **{key: int(file.attrs[key]) for key in _PLAIN_FIELDS if key != "digest"},
        declusterings=int(file.attrs.get("declusterings", 0)),
        subjets=int(file.attrs.get("subjets", 0)),
        high_level=_columns(file, "high_level") if "high_level" in file else (),
        token_names=tuple(json.loads(file.attrs.get("token_names", "[]"))),
        events=len(file["label"]),
        optional=tuple(sorted(name for name in OPTIONAL if name in file)),
    )


def _columns(file: h5py.File, name: str) -> tuple[str, ...]:
    return tuple(json.loads(file[name].attrs.get("columns", "[]")))


def _about(header: Header, name: str) -> dict[str, tuple[str, ...]]:
    """Attributes of a data set."""
    about = {"columns": header.columns(name), "units": header.units(name)}
    if name == "high_level":
        chosen = [HIGH_LEVEL[column] for column in header.high_level]
        about["definitions"] = tuple(column.definition for column in chosen)
        about["references"] = tuple(column.reference for column in chosen)
    return about


def _check_high_level(path: str, columns: tuple[str, ...]) -> None:
    """Raise SchemaError unless every column is known and none stands twice."""
    unknown = [name for name in columns if name not in HIGH_LEVEL]
    if unknown or len(set(columns)) < len(columns):
        what = f"an unknown column '{unknown[0]}'" if unknown else "a column twice"
        raise SchemaError(
            f"{path}: 'high_level' has {what}; make the file anew with columns that docs/high_level.md lists, or "
            "install the matching mscat-tf"
        )


def _check_shape(path: str, name: str, shape: tuple[int, ...], header: Header, events: int) -> None:
    definition = DATA_SETS[name]
    sizes = {
        "jets": header.jets,
        "constituents": header.constituents,
        "tokens": header.tokens,
        "declusterings": header.declusterings,
        "subjets": header.subjets,
        "high_level": len(header.high_level),
        "columns": len(definition.columns),
    }
    wanted = tuple(sizes[axis] for axis in definition.axes)
    first = {"events": events, "jets of all events + 1": events * header.jets + 1}.get(definition.first)
    if shape[1:] != wanted or (first is not None and shape[0] != first):
        raise SchemaError(
            f"{path}: '{name}' has shape {shape}, the schema wants {(first if first is not None else 'any', *wanted)} "
            f"({definition.first}, {', '.join(definition.axes)}); make the file anew"
        )
