"""Fat jets of Delphes events with their constituents, from the references that Delphes keeps. Units: GeV, radians."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mscat_tf.analysis.library import awkward
from mscat_tf.errors import InputError
from mscat_tf.physics.object_references import repeated_numbers, resolve

ENERGY_FLOW = ("EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron")


def delphes_fat_jets(events: Any, fat_jets: str = "FatJet", objects: Sequence[str] = ENERGY_FLOW) -> Any:
    """The fat jets of events in coffea's `DelphesSchema`, each with a list `constituents` of pt, eta, phi and mass.

    Args:
        events: awkward array. fat_jets, objects: collections of the jets, and of what they may consist of.

    Returns:
        `(events, jets)`, the collection of the fat jets with one more field.

    Raises:
        InputError: the jets have no references, or one leads nowhere or to two objects.
    """
    ak = awkward()
    missing = [name for name in (fat_jets, *objects) if name not in events.fields]
    if missing or "Constituents" not in events[fat_jets].fields:
        raise InputError(
            f"events: no {', '.join(missing) or f'references {fat_jets}.Constituents'}; keep the EFlow branches in the "
            "TreeWriter of the Delphes card, or find jets anew"
        )
    pool = ak.concatenate([_momenta(events[name]) for name in objects], axis=1)
    references = events[fat_jets].Constituents.refs
    sizes = ak.num(references, axis=2)
    place = _resolved(pool, references, f"{fat_jets}.Constituents")
    members = ak.flatten(pool)[["pt", "eta", "phi", "mass"]][place]
    constituents = ak.unflatten(ak.unflatten(members, ak.flatten(sizes)), ak.num(sizes))
    return ak.with_field(events[fat_jets], constituents, "constituents")


def _momenta(collection: Any) -> Any:
    names = ("pt", "eta", "phi", "mass")
    return awkward().zip({**{name: collection[name] for name in names}, "number": collection.fUniqueID})


def _resolved(pool: Any, references: Any, name: str) -> Any:
    """Place of what each reference means among all objects, `(references,)`."""
    ak = awkward()
    event = np.repeat(np.arange(len(pool)), ak.to_numpy(ak.num(pool)))
    number = ak.to_numpy(ak.flatten(pool.number)).astype(np.int64)
    wanted_event = np.repeat(np.arange(len(pool)), ak.to_numpy(ak.sum(ak.num(references, axis=2), axis=1)))
    place = resolve(event, number, wanted_event, ak.to_numpy(ak.flatten(references, axis=None)).astype(np.int64))
    way_out = "find jets anew"
    if np.any(place < 0):
        raise InputError(f"events: {np.sum(place < 0)} of {len(place)} references {name} lead nowhere; {way_out}")
    if len(repeated_numbers(event, number)):
        raise InputError(
            f"events: objects share a number (fUniqueID), so the references {name} are ambiguous; {way_out}"
        )
    return place
