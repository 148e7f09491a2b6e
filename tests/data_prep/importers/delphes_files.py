"""Small files with the layout of Delphes, written by uproot. It cannot write references, so they have no fat jets."""

import awkward as ak
import numpy as np
import uproot

COLLECTIONS = {
    "EFlowTrack": ("PT", "Eta", "Phi", "Mass", "Charge", "PID"),
    "EFlowPhoton": ("ET", "Eta", "Phi"),
    "EFlowNeutralHadron": ("ET", "Eta", "Phi"),
    "TrackJet": ("PT", "Eta", "Phi", "Flavor", "BTag"),
    "Jet": ("PT", "Eta", "Phi", "Flavor", "BTag"),
}
INTEGERS = ("Charge", "PID", "Flavor", "BTag")

HARD = [(500.0, 0.3, 1.0), (100.0, 0.6, 1.4), (400.0, -0.2, -2.0), (80.0, 0.1, -2.3)]
"""Photons (ET, eta, phi) that make two fat jets inside all cuts."""


def event(photons=(), neutral_hadrons=(), tracks=(), track_jets=None, jets=None):
    """One event: a list of rows for each collection; collections that are None are left out of the file."""
    rows = {"EFlowPhoton": photons, "EFlowNeutralHadron": neutral_hadrons, "EFlowTrack": tracks}
    optional = {"TrackJet": track_jets, "Jet": jets}
    return rows | {name: values for name, values in optional.items() if values is not None}


def write(path, *trees, name="Delphes", weights=None, cross_section_pb=1.0, without=()):
    """Write one cycle of the tree for each list of events; return the path."""
    with uproot.recreate(path) as file:
        for events in trees:
            columns = {key: _records(key, events) for key in events[0] if key not in without}
            if cross_section_pb is not None:
                values = np.full((len(events), 1), cross_section_pb, np.float32)
                error = 0.1 * values
                weight = np.ones(len(events)) if weights is None else np.asarray(weights)
                fields = {"Weight": weight[:, np.newaxis].astype(np.float32), "CrossSection": values}
                fields["CrossSectionError"] = error
                jagged = {key: ak.from_regular(ak.Array(value)) for key, value in fields.items()}
                columns["Event"] = ak.zip(jagged)
            types = {key: column.type.content for key, column in columns.items()}
            tree = file.mktree(name, types, field_name=_field, counter_name=lambda counted: f"{counted}_size")
            tree.extend(columns)
    return path


def _field(outer, inner):
    return f"{outer}.{inner}"


def _records(name, events):
    fields = COLLECTIONS[name]
    counts = [len(one[name]) for one in events]
    rows = np.array([row for one in events for row in one[name]], np.float64).reshape(-1, len(fields))
    columns = {
        field: rows[:, index].astype(np.int32 if field in INTEGERS else np.float32)
        for index, field in enumerate(fields)
    }
    return ak.unflatten(ak.zip(columns), counts)
