"""Small files in exactly the layouts of public sets of single jets, made from random jets."""

from typing import NamedTuple

import awkward as ak
import numpy as np
import pandas as pd
import uproot
import vector

from data_prep.importers import jet_class
from mscat_tf.config.importing import ImportSettings

PUBLISHED = 200
"""Constituents of a row of the top-tagging set."""

KEEP = 12
TOKENS = {"constituents": KEEP, "subjets": {"number": 3}, "high_level": ["pt_spectrum_all"]}
JETS = 23
FORMATS = ("top_tagging", "quark_gluon", "jet_class", "released_arrays")


class Jets(NamedTuple):
    """Random jets: `counts` `(jets,)`; the others `(total,)`, each jet's constituents in any order."""

    counts: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    mass: np.ndarray
    pdg_id: np.ndarray

    @property
    def momenta(self):
        """`(4, total)` px, py, pz, energy, by the vector library."""
        v = vector.array({"pt": self.pt, "eta": self.eta, "phi": self.phi, "mass": self.mass})
        return np.stack([v.px, v.py, v.pz, v.E])

    @property
    def charge(self):
        return np.where(np.isin(np.abs(self.pdg_id), (11, 13)), -np.sign(self.pdg_id), np.sign(self.pdg_id)) * (
            ~np.isin(self.pdg_id, (22, 130))
        )


def random_jets(jets=JETS, seed=1):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 30, jets)
    total = counts.sum()
    axis = np.repeat(rng.uniform(-2, 2, jets), counts), np.repeat(rng.uniform(-3.1, 3.1, jets), counts)
    phi = (axis[1] + rng.normal(0, 0.3, total) + np.pi) % (2 * np.pi) - np.pi
    pdg_id = rng.choice([22, 130, 211, -211, 11, -11, 13, -13], total)
    masses = {22: 0.0, 130: 0.497611, 211: 0.13957039, 11: 0.00051099895, 13: 0.1056583755}
    mass = np.array([masses[abs(number)] for number in pdg_id])
    return Jets(counts, rng.exponential(20, total) + 1, axis[0] + rng.normal(0, 0.3, total), phi, mass, pdg_id)


def padded(jets, values, width):
    """`(jets, width)` with zeros at the end of each row."""
    result = np.zeros((len(jets.counts), width), values.dtype)
    result[np.arange(width) < jets.counts[:, None]] = values
    return result


LABEL = np.arange(JETS) % 2


def write_top_tagging(path, jets, layout="table"):
    names = [f"{name}_{i}" for i in range(PUBLISHED) for name in ("E", "PX", "PY", "PZ")]
    values = np.stack([padded(jets, values, PUBLISHED) for values in jets.momenta[[3, 0, 1, 2]]], axis=-1)
    frame = pd.DataFrame(values.reshape(len(values), -1).astype("f4"), columns=names)
    truth = pd.DataFrame(np.zeros((len(values), 4), "f4"), columns=["truthE", "truthPX", "truthPY", "truthPZ"])
    frame = pd.concat([frame, truth], axis=1).assign(ttv=1, is_signal_new=LABEL)
    frame.to_hdf(path, key="table", format=layout)
    return path


def write_quark_gluon(path, jets, save=np.savez_compressed):
    v = vector.array({"pt": jets.pt, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass})
    columns = (jets.pt, v.rapidity, jets.phi % (2 * np.pi), jets.pdg_id.astype(float))
    x = np.stack([padded(jets, values, jets.counts.max() + 2) for values in columns], axis=-1)
    save(path, X=x, y=LABEL.astype(float))
    return path


def write_jet_class(path, jets, **changes):
    number = np.abs(jets.pdg_id)
    flags = {"Electron": 11, "Muon": 13, "Photon": 22, "ChargedHadron": 211, "NeutralHadron": 130}
    values = dict(zip(("part_px", "part_py", "part_pz", "part_energy"), jets.momenta.astype("f4"), strict=True))
    values["part_charge"] = jets.charge.astype("f4")
    values |= {f"part_is{name}": (number == kind).astype("f4") for name, kind in flags.items()}
    branches = {name: ak.unflatten(column, jets.counts) for name, column in values.items()}
    for name in jet_class.JET_CLASSES:
        branches[f"label_{name}"] = np.where({"Hbb": LABEL == 1, "QCD": LABEL == 0}.get(name, False), 1, 0 * LABEL)
    branches |= changes
    with uproot.recreate(path) as file:
        tree = file.mktree(
            "tree",
            {
                name: column.type if hasattr(column, "type") else column.dtype
                for name, column in branches.items()
                if column is not None
            },
        )
        tree.extend({name: column for name, column in branches.items() if column is not None})
    return path


def write_released(path, jets, select=slice(None)):
    """Directions as they are: the arrays keep differences, so the axis of these jets is the origin."""
    energy = jets.momenta[3]
    ratios = (
        np.log(values / np.repeat(np.add.reduceat(values, offsets(jets)), jets.counts)) for values in (jets.pt, energy)
    )
    columns = (jets.eta, jets.phi, jets.pt, energy, *ratios, np.ones(len(jets.pt)))
    np.savez(path, np.stack([padded(jets, values, 50) for values in columns], axis=-1)[select])
    return path


def offsets(jets):
    return np.cumsum(jets.counts) - jets.counts


def settings(format, files, **changes):
    values = {"name": "public", "format": format, "files": tuple(map(str, files)), "tokens": TOKENS}
    return ImportSettings(**{**values, **changes})


def written(format, folder, jets):
    """A file of this format and the settings that import it."""
    if format == "top_tagging":
        return settings(format, [write_top_tagging(folder / "val.h5", jets)])
    if format == "quark_gluon":
        return settings(format, [write_quark_gluon(folder / "QG_jets.npz", jets)])
    if format == "jet_class":
        return settings(format, [write_jet_class(folder / "HToBB_000.root", jets)])
    files = [write_released(folder / f"{name}.npz", jets, label == LABEL) for label, name in enumerate(("bkg", "sig"))]
    processes = {path.stem: {"files": (str(path),), "label": label} for label, path in enumerate(files)}
    return settings(format, (), processes=processes)


NAMES = {
    "top_tagging": ("qcd", "top"),
    "quark_gluon": ("gluon", "quark"),
    "jet_class": ("QCD", "Hbb"),
    "released_arrays": ("bkg", "sig"),
}
