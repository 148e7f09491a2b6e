"""HDF5 files of pandas, looked through with h5py before PyTables opens them.

PyTables unpickles attributes that look like pickles, and columns of objects: a file could run any code. Pickles of
plain values, in which pandas keeps names of columns, cannot: they name no class and no function.
"""

import pickletools
from pathlib import Path
from typing import Any

import h5py

from mscat_tf.errors import InputError
from mscat_tf.plausible_size import data_set_problem

PLAIN = frozenset(
    [
        *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET"),
        *("POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE", "FLOAT", "BINFLOAT"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
        *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
    ]
)
"""Opcodes of pickles that make numbers, words, lists, tuples and dictionaries, nothing else."""


def check_tables(path: Path) -> None:
    """See that opening the file with PyTables runs no code and takes no absurd memory.

    Raises:
        InputError: an attribute is a pickle of more than plain values; a data set holds pickles, or promises far more
            than the file has. OSError: it is not HDF5.
    """
    with h5py.File(path, "r") as file:
        _check(path, "/", file)
        file.visititems(lambda name, item: _check(path, name, item))


def _check(path: Path, name: str, item: Any) -> None:
    attributes = {key: _bytes_of(item, key) for key in item.attrs}
    hostile = [key for key, value in attributes.items() if value.endswith(b".") and not _plain(value)]
    if hostile or "object" in _words(attributes, "PSEUDOATOM") + _words(attributes, "FLAVOR"):
        what = f"attribute '{hostile[0]}' of '{name}'" if hostile else f"'{name}'"
        raise InputError(
            f"{path}: {what} holds a pickle, which could run any code; write the table again with numbers only, or "
            "leave the file out"
        )
    if isinstance(item, h5py.Dataset) and (problem := data_set_problem(item)):
        raise InputError(f"{path}: '{name}' {problem}; copy it again, or leave it out")


def _bytes_of(item: Any, key: str) -> bytes:
    value = item.attrs[key]
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    return bytes(value) if isinstance(value, bytes) else b""


def _words(attributes: dict[str, bytes], key: str) -> str:
    return attributes.get(key, b"").decode("latin-1").lower()


def _plain(value: bytes) -> bool:
    """Whether unpickling makes plain values only; False too for what is no pickle, since PyTables would try it."""
    try:
        return all(opcode.name in PLAIN for opcode, _, _ in pickletools.genops(value))
    except Exception:  # on damaged pickles it raises nearly every class there is
        return False
