"""ROOT by uproot: the tree `events`.

Trees hold no lists of lists, so constituents are flat, with the number of their jet. Branches: the fields of
`data_prep.writers.records` joined by underscores (`jets_pt`, `sum_mass`); constituents of all jets of an event one
after the other (`constituents_pt`), where `constituents_jet` counts jets from 0.
"""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from data_prep import extras
from data_prep.writers.records import records
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
    branches["jets"] = ak.zip({name: jets[name] for name in jets.fields if name != "constituents"})
    constituents = jets.constituents
    columns = {name: constituents[name] for name in constituents.fields}
    columns["jet"] = ak.values_astype(ak.broadcast_arrays(ak.local_index(jets, axis=1), columns["pt"])[0], np.int32)
    branches["constituents"] = ak.zip({name: ak.flatten(values, axis=2) for name, values in columns.items()})
    return branches
