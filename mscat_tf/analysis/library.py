"""The awkward-array library, loaded when it is needed."""

import importlib
from typing import Any

from mscat_tf.errors import InputError, MissingExtraError


def awkward() -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module("awkward")
    except ImportError as error:
        raise MissingExtraError(
            "awkward is not installed; install it with: pip install 'mscat-tf[analysis]'"
        ) from error


def check_array(jets: Any) -> None:
    """Raise InputError unless these are an awkward array with its values: those of dask-awkward have none yet."""
    if not isinstance(jets, awkward().Array):
        raise InputError(
            f"events: jets are a {type(jets).__module__}.{type(jets).__qualname__}, but an awkward array is wanted; "
            "compute or convert it first"
        )


def column(records: Any, name: str, what: str) -> Any:
    """A field of records, or a property that their behaviour gives them, as `pt` of momenta in `px`, `py`, `pz`.

    Args:
        records: awkward array. name: of the column. what: these records are, for the error.

    Raises:
        InputError: they have neither.
    """
    if name in records.fields:
        return records[name]
    try:
        return getattr(records, name)
    except AttributeError as error:
        raise InputError(
            f"events: {what} have no column '{name}' (they have {', '.join(records.fields) or 'none'}); say in Columns "
            "what it is called"
        ) from error
