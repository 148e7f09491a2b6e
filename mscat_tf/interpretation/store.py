"""The files `attention.h5` and `gradcam.h5`: arrays, and where they come from. `mscat_tf.explanation` reads them."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.files import atomic_path
from mscat_tf.hdf5_placing import Shapes, placed_file

Arrays = dict[str, NDArray[Any]]
Chunks = Callable[[], Iterator[Arrays]]


def _none() -> Iterator[Arrays]:
    return iter(())


def write_arrays(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any], chunks: Chunks = _none
) -> None:
    """Write arrays (a name may hold `/`) and attributes as JSON, atomically; the same input gives the same bytes.

    Args:
        path: where. arrays: by name. attributes: by name, of the file.
        chunks: gives, every time anew, an iterator over further arrays, which are joined along their first axis; only
            one of these dictionaries is held in memory at a time.

    Raises:
        OutputError: it cannot be written.
    """
    texts = {key: json.dumps(attributes[key], sort_keys=True) for key in sorted(attributes)}
    shapes = {name: (arrays[name].shape, arrays[name].dtype) for name in sorted(arrays)}
    with atomic_path(path) as temporary, placed_file(temporary, texts, {**shapes, **_joined_shapes(chunks)}) as append:
        append(arrays)
        for chunk in chunks():
            append(chunk)


def _joined_shapes(chunks: Chunks) -> Shapes:
    """Of all chunks together, after a look at how long each is."""
    found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    for chunk in chunks():
        for name, values in chunk.items():
            (before, *_), _ = found.get(name, ((0,), values.dtype))
            found[name] = (before + len(values), *values.shape[1:]), values.dtype
    return {name: found[name] for name in sorted(found)}
