"""A small sample in which raw constituents, tokens, jets and selection belong together, made without a generator."""

from dataclasses import replace

import numpy as np

from data_prep import prepare as prepare_module
from data_prep.arrays import concatenated, offsets_of
from data_prep.prepared_shard import Maker
from mscat_tf import schema
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.sample import Selection
from mscat_tf.data import Sample
from mscat_tf.data.mock import mock_arrays, mock_header
from mscat_tf.physics import from_cartesian, kinematic_tokens, to_cartesian, to_jet_frames
from mscat_tf.physics.tokens import token_names

KEEP = 8
TOKENS = ("constituents", "constituents_mask", "kinematics")
FLOW = [{"cut": "generated", "raw": 1000, "weighted": 1000.0}, {"cut": "double b tag", "raw": 900, "weighted": 500.0}]


def write_toy_sample(folder, events=(15, 12), jets=2, seed=0, label=None, files=None):
    """Write one file for each entry of `events`; every jet has 3 to 15 constituents, pT falls from jet to jet.

    Args:
        label: function of the labels that a file would have, giving those that it gets. files: names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for number, count in enumerate(events):
        header, arrays = toy_file(count, jets, np.random.default_rng((seed, number)), first)
        if label is not None:
            arrays["label"] = label(arrays["label"])
        name = files[number] if files else f"toy-{number:04d}.h5"
        schema.write_sample(folder / name, header, arrays)
        first += count
    return folder


def columns(path, names=TOKENS):
    """Whole columns of a sample, by name."""
    with Sample(path) as sample:
        return {name: sample.column(name) for name in names}


def derived(path, **switches):
    """Columns of the derived sample, which is not written."""
    with Sample(path) as sample:
        maker, numbers = Maker(sample, Preparation(**switches)), range(len(sample.files))
        dealt = [None for _ in numbers]
        if switches.get("theta") == "shuffled_events":
            dealt = prepare_module._dealt_angles(maker, len(numbers))
        return concatenated([maker.make(number, angles)[1] for number, angles in zip(numbers, dealt, strict=True)])


def toy_file(events, jets, rng, first):
    """Header and arrays of one file."""
    arrays = mock_arrays(events, KEEP, rng, first)
    arrays.pop("truth/track_jets")
    counts = rng.integers(3, 16, (events, jets))
    raw = _raw(counts, rng)
    momenta = _momenta(raw, counts)
    flat = raw[:, :4].astype(np.float64)
    energy = to_cartesian(*flat.T).energy
    frame = to_jet_frames(flat[:, 0], flat[:, 1], flat[:, 2], energy, counts.ravel(), KEEP)
    arrays |= {
        "constituents": frame.constituents.reshape(events, jets, KEEP, 4),
        "constituents_mask": frame.mask.reshape(events, jets, KEEP),
        "kinematics": kinematic_tokens(*momenta, frame.theta.reshape(events, jets)),
        "multiplicity": counts,
        "raw/constituents": raw,
        "raw/offsets": offsets_of(counts.ravel()),
    }
    header = mock_header(KEEP, 0)
    header = replace(
        header,
        jets=jets,
        tokens=len(token_names(jets)),
        token_names=token_names(jets),
        configuration={
            "selection": Selection(leading_pt_min=1.0, subleading_pt_min=1.0, mass_min=0.0).model_dump(mode="json"),
            "fat_jets": {"radius": 0.8},
        },
        cut_flow={name: [dict(row) for row in FLOW] for name in header.processes},
    )
    return header, arrays


def _raw(counts, rng):
    """`(total, 6)` in float32, hardest first in each jet; the axes of an event's jets lie back to back."""
    events, jets = counts.shape
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    eta = rng.uniform(-1.0, 1.0, counts.size)
    phi = (rng.uniform(-np.pi, np.pi, events)[:, np.newaxis] + np.pi * np.arange(jets)).ravel()
    share = rng.exponential(1.0, len(jet)) + 0.05
    total = np.bincount(jet, share)
    pt = share / total[jet] * (500.0 - 150.0 * (np.arange(counts.size) % jets))[jet]
    angle, along = rng.uniform(-np.pi, np.pi, counts.size)[jet], rng.normal(0.0, 0.2, len(jet))
    across = rng.normal(0.0, 0.05, len(jet))
    eta = eta[jet] + np.cos(angle) * along - np.sin(angle) * across
    phi = np.remainder(phi[jet] + np.sin(angle) * along + np.cos(angle) * across + np.pi, 2 * np.pi) - np.pi
    rows = np.stack([pt, eta, phi, np.full_like(pt, 0.14), np.ones_like(pt), np.full_like(pt, 211)], axis=1)
    return rows[np.lexsort((-pt, jet))].astype(np.float32)


def _momenta(raw, counts):
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    parts = to_cartesian(*raw[:, :4].astype(np.float64).T)
    found = from_cartesian(*(np.bincount(jet, part, counts.size) for part in parts))
    return [values.reshape(counts.shape) for values in found]
