"""References of ROOT from one object of an event to another, as Delphes keeps them from jets to constituents.

Every object of an event has a number of its own (`TObject::fUniqueID`); a jet lists the numbers of its constituents
(`TRefArray`). The upper 8 bits name the process that wrote them and may differ between the two places, e.g. in merged
files.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NUMBER_BITS = 24


def resolve(event: Ints, number: Ints, reference_event: Ints, reference: Ints) -> Ints:
    """Index of the object that each reference means, or -1 where there is none.

    Args:
        event, number: `(objects,)` index of the event, `fUniqueID`.
        reference_event, reference: `(references,)` the same for the references.
    """
    keys, wanted = _key(event, number), _key(reference_event, reference)
    if len(keys) == 0:
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][place] == wanted, order[place], -1)


def repeated_numbers(event: Ints, number: Ints) -> Ints:
    """Indices of objects whose number an earlier one of the same event has: references to it would be ambiguous."""
    keys = _key(event, number)
    order = np.argsort(keys, kind="stable")
    return np.asarray(order[1:][np.diff(keys[order]) == 0], np.int64)


def _key(event: Ints, number: Ints) -> Ints:
    return np.asarray((event << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1)), np.int64)
