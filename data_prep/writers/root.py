"""ROOT by uproot: the tree `events`.

Trees hold no lists of lists, so constituents are flat, with the number of their jet. Branches: the fields of
`data_prep.writers.records` joined by underscores (`jets_pt`, `sum_mass`); constituents of all jets of an event one
after the other (`constituents_pt`), where `constituents_jet` counts jets from 0; subjets, declusterings and b hadrons
alike. `jets_high_level_area_disc_0p1_pt_0`: a point in the name of a jet variable would end the name of a branch.
"""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from data_prep import extras
from data_prep.writers.records import PARTS, records
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample

TREE = "events"

RECORDS = ("sum", "missing_momentum", "event_shapes")
"""Fields that hold one record for each event."""


def write(sample: Sample, settings: DataSettings, path: Path) -> None:
    """Write the events of a sample.

    Raises:
        InputError: a value is not finite.
        MissingExtraError: uproot is not installed.
    """
    with extras.uproot().recreate(path) as file:
        tree = None
        for events in records(sample, settings):
            branches = _branches(events)
            if tree is None:
                tree = file.mktree(TREE, {name: values.type.content for name, values in branches.items()})
            tree.extend(branches)


def _branches(events: Any) -> dict[str, Any]:
    branches = {name: events[name] for name in events.fields if name not in ("jets", *RECORDS)}
    for record in (name for name in RECORDS if name in events.fields):
        branches |= {f"{record}_{name}": events[record][name] for name in events[record].fields}
    jets = events.jets
    parts = [name for name in PARTS if name in jets.fields]
    columns = {name: jets[name] for name in jets.fields if name not in (*parts, "high_level")}
    if "high_level" in jets.fields:
        variables = jets.high_level
        columns |= {f"high_level_{name.replace('.', 'p')}": variables[name] for name in variables.fields}
    branches["jets"] = ak.zip(columns)
    return branches | {name: _flat(jets, jets[name]) for name in parts}


def _flat(jets: Any, lists: Any) -> Any:
    """`(events, var)` records from `(events, jets, var)`, with the number of their jet."""
    columns = {name: lists[name] for name in lists.fields}
    columns["jet"] = ak.values_astype(
        ak.broadcast_arrays(ak.local_index(jets, axis=1), lists[lists.fields[0]])[0], np.int32
    )
    return ak.zip({name: ak.flatten(values, axis=2) for name, values in columns.items()})
