"""What a trained network reads: its inputs by name with columns and units, and how a sample becomes them.

Loads no TensorFlow, so an exported network needs none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.features import (
    CONSTITUENTS,
    HIGH_LEVEL,
    LUND,
    SUBJETS,
    data_sets,
    model_inputs,
    of_whole_events,
    with_event_columns,
)
from mscat_tf.errors import InputError
from mscat_tf.physics.high_level_columns import COLUMNS, written_choice
from mscat_tf.schema import DATA_SETS, KNOWN_LOGIT, MASS

Arrays = Mapping[str, NDArray[Any]]

_SOURCES = {
    "constituents": ("constituents", "constituent_features"),
    "mask": ("constituents_mask", None),
    "kinematics": ("kinematics", "kinematic_features"),
    "event_shapes": ("event_shapes", "event_shapes"),
    "lund": ("lund/declusterings", "declustering_features"),
    "lund_mask": ("lund/mask", None),
    "lund_parent": ("lund/parent", None),
    "subjets": ("subjets/subjets", "subjet_features"),
    "subjets_mask": ("subjets/mask", None),
    HIGH_LEVEL: (HIGH_LEVEL, "high_level_features"),
}
"""Data set that an input is made from and setting of its columns, by its name without the number of the jet."""

_PADDED_WITH = {"lund_parent": -1}


@dataclass(frozen=True)
class InputField:
    """One input.

    Attributes:
        name: e.g. `constituents_1`. dtype: NumPy's name of its type.
        shape: without the batch axis; None where any length is read (`train.length_buckets`).
        columns, units: of the last axis, empty for masks and indices.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    columns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name without the number of the jet."""
        return self.name.rstrip("0123456789").rstrip("_")

    @property
    def data_set(self) -> str:
        """The data set of the schema that it is made from."""
        return _SOURCES[self.stem][0]


@dataclass(frozen=True)
class Signature:
    """All inputs of a network, in its order, and the settings by which it reads a sample."""

    fields: tuple[InputField, ...]
    data: DataSettings

    @classmethod
    def of(cls, tensors: Sequence[Any], data: DataSettings) -> "Signature":
        """From the input tensors of a network (each has `name`, `shape` with the batch axis, `dtype`)."""
        return cls(tuple(_field(tensor, data) for tensor in tensors), data)

    def at_mass(self, mass: float) -> "Signature":
        """The same for one mass hypothesis [GeV], which all events get.

        Raises:
            InputError: the network does not read it.
        """
        if not self.reads_mass:
            raise InputError("the network does not read the mass hypothesis m_H; leave --mass-hypothesis out")
        return replace(self, data=self.data.model_copy(update={"mass_hypothesis": mass}))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(field.name for field in self.fields)

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Data sets of a sample that the inputs are made from."""
        return (*data_sets(self.names), *((KNOWN_LOGIT,) if self._reads(KNOWN_LOGIT) else ()))

    @property
    def high_level(self) -> tuple[str, ...]:
        """Named jet variables that the network reads, in its order."""
        return next((field.columns for field in self.fields if field.stem == HIGH_LEVEL), ())

    @property
    def reads_mass(self) -> bool:
        """Whether the mass hypothesis is one of the kinematic columns."""
        return self._reads(MASS)

    def _reads(self, column: str) -> bool:
        return any(column in field.columns for field in self.fields)

    @property
    def token_settings(self) -> tuple[str, ...]:
        """Settings `tokens.*` of `mscat import` with which a sample holds what the network reads."""
        sizes = {field.stem: field.shape[0] for field in self.fields if field.shape[0] is not None}
        found = [f"tokens.constituents={sizes['constituents']}"] if "constituents" in sizes else []
        found += [f"tokens.declusterings={sizes['lund']}"] if "lund" in sizes else []
        found += [f"tokens.subjets.number={sizes['subjets']}"] if "subjets" in sizes else []
        found += ["tokens.event_shapes=true"] if "event_shapes" in sizes else []
        return (*found, *([f"tokens.high_level={written_choice(self.high_level)}"] if self.high_level else []))

    def check(self, sample: Sample) -> tuple[str, ...]:
        """See whether a sample can be read, and say what will be done to make it fit.

        Returns:
            A sentence for each thing that differs from the training and can be mended.

        Raises:
            InputError: it cannot be read; the sentence says why.
        """
        self._need_mass()
        if self._reads(KNOWN_LOGIT):
            sample.need(
                KNOWN_LOGIT, "the network reads", "make it with `mscat prepare` and data.preparation.known.scores=FILE"
            )
        sample.need_high_level(self.high_level, "the network reads")
        header, notes, seen = sample.header, [], set()
        jets = max((int(field.name.rpartition("_")[2]) for field in self.fields if field.name[-1].isdigit()), default=0)
        if jets > header.jets:
            raise InputError(
                f"{sample.path}: {header.jets} jets in every event, but the network reads {jets}; choose a network "
                "that was trained on such events"
            )
        if 0 < jets < header.jets:
            notes.append(f"{header.jets} jets in every event: the network reads the leading {jets} alone")
        have = {"constituents": header.constituents, "lund": header.declusterings, "subjets": header.subjets}
        for field in self.fields:
            if field.name == "kinematics" and field.shape[0] != header.tokens:
                raise InputError(
                    f"{sample.path}: {header.tokens} kinematic tokens in every event, but the network reads "
                    f"{field.shape[0]}; choose a network that was trained on such events"
                )
            if field.stem in _ADVICE:
                sample.need(field.data_set, "the network reads", f"make it again with {_ADVICE[field.stem]}")
            if field.stem in have and field.stem not in seen:
                seen.add(field.stem)
                notes += _size_note(field, have[field.stem])
        return tuple(notes)

    def inputs(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Inputs by name from the data sets of the schema; tokens beyond those of the network are cut, missing padded.

        Tokens stand in order (constituents by pt, declusterings as the tree is opened), so a cut leaves the first.

        Raises:
            InputError: the arrays are not as the schema has them.
        """
        self._need_mass()
        try:
            found = model_inputs(self._with_event_columns(arrays), self.data)
            return {field.name: _fit(found[field.name], field) for field in self.fields}
        except (IndexError, KeyError, ValueError) as error:
            raise InputError(
                f"events: the arrays are not those of the schema for the inputs {', '.join(self.names)} ({error}); see "
                "docs/schema.md"
            ) from error

    def _with_event_columns(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        names = of_whole_events(self.data.kinematic_features)
        if not names or "kinematics" not in arrays:
            return dict(arrays)
        events = len(arrays["kinematics"])
        columns = [np.full(events, self.data.mass_hypothesis) if name == MASS else arrays[name] for name in names]
        return with_event_columns(dict(arrays), np.stack(columns, axis=1).astype(np.float32))

    def _need_mass(self) -> None:
        if self.reads_mass and self.data.mass_hypothesis is None:
            raise InputError(
                "the network reads the mass hypothesis m_H; say which one the scores are for, e.g. with "
                "--mass-hypothesis 1000 [GeV]"
            )

    def checked(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Inputs that somebody gives by name, in the types of the network.

        Raises:
            InputError: one is missing or has another shape.
        """
        missing = [name for name in self.names if name not in inputs]
        if missing:
            raise InputError(
                f"events: {', '.join(missing)} missing; give the inputs {', '.join(self.names)}, or the data sets "
                f"{', '.join(self.data_sets)}"
            )
        events = len(inputs[self.names[0]])
        found = {}
        for field in self.fields:
            values = np.asarray(inputs[field.name])
            wanted = (events, *field.shape)
            if len(values.shape) != len(wanted) or any(
                size not in (None, its_own) for size, its_own in zip(wanted, values.shape, strict=True)
            ):
                raise InputError(f"events: '{field.name}' has shape {values.shape}, the network reads {wanted}")
            found[field.name] = values.astype(field.dtype, copy=False)
        return found

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"inputs": [asdict(field) for field in self.fields], "data": self.data.model_dump(mode="json")}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Signature":
        """The signature that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: something else was written.
        """
        fields = tuple(
            InputField(entry["name"], entry["dtype"], *(tuple(entry[key]) for key in ("shape", "columns", "units")))
            for entry in values["inputs"]
        )
        return cls(fields, DataSettings.model_validate(values["data"]))


_ADVICE = {
    "event_shapes": "sample.tokens.event_shapes=true",
    **dict.fromkeys(("lund", "lund_mask", "lund_parent"), "sample.tokens.declusterings=50"),
    **dict.fromkeys(("subjets", "subjets_mask"), "`mscat prepare` and data.preparation.subjets={}"),
}


def _field(tensor: Any, data: DataSettings) -> InputField:
    bare = InputField(tensor.name, str(tensor.dtype), tuple(tensor.shape[1:]))
    name, setting = _SOURCES[bare.stem]
    columns: tuple[str, ...] = getattr(data, setting) if setting else ()
    if name == HIGH_LEVEL:
        return InputField(bare.name, bare.dtype, bare.shape, columns, tuple(COLUMNS[column].unit for column in columns))
    units = dict(zip((*DATA_SETS[name].columns, MASS, KNOWN_LOGIT), (*DATA_SETS[name].units, "GeV", "1"), strict=False))
    return InputField(bare.name, bare.dtype, bare.shape, columns, tuple(units[column] for column in columns))


def _size_note(field: InputField, tokens: int) -> list[str]:
    wanted, what = field.shape[0], {"lund": "declusterings"}.get(field.stem, field.stem)
    if wanted is None:
        return []
    if tokens > wanted:
        return [f"{tokens} {what} a jet, the network reads {wanted}: the first {wanted} are kept"]
    if tokens < wanted:
        return [
            f"{tokens} {what} a jet, the network was trained with up to {wanted}: jets that had more were cut before, "
            "which it has not seen"
        ]
    return []


def _fit(values: NDArray[Any], field: InputField) -> NDArray[Any]:
    tokens = field.shape[0]
    if field.data_set not in _TOKENS or tokens is None or values.shape[1] == tokens:
        return values.astype(field.dtype, copy=False)
    kept = values[:, :tokens]
    full = np.full((len(values), tokens, *values.shape[2:]), _PADDED_WITH.get(field.stem, 0), field.dtype)
    full[:, : kept.shape[1]] = kept
    return full


_TOKENS = (*CONSTITUENTS, *LUND, *SUBJETS)
