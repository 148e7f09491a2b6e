"""A small sample in which everything agrees: jets are sums of their constituents, frames and cut flow fit them."""

import json
from dataclasses import replace

import h5py
import numpy as np

from mscat_tf import schema
from mscat_tf.data.mock import PROCESSES, mock_header
from mscat_tf.physics import Cylindrical, add_four_vectors, kinematic_tokens, to_cartesian, to_jet_frame
from mscat_tf.physics.event_shapes import event_shapes
from mscat_tf.physics.tokens import missing_momentum, token_names

KEEP, MOST = 8, 14
SELECTION = {"leading_pt_min": 20.0, "subleading_pt_min": 10.0, "abs_eta_max": 3.0, "mass_min": 0.1, "mass_max": 900.0}


LEPTONS = {"pt_min": 25.0, "abs_eta_max": 2.5}


def write_sound_sample(folder, events=60, shards=2, jets=2, seed=0, shift=0.0, optional=True, most=MOST, leptons=0):
    """Write `shards` files of so many events each; `shift` scales momenta, `most` bounds the constituents.

    With leptons there are missing momentum and event shapes too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        rng = np.random.default_rng((seed, number))
        arrays = sound_arrays(events, jets, rng, number * events, shift, most, leptons)
        if not optional:
            arrays = {name: values for name, values in arrays.items() if name not in schema.OPTIONAL}
        schema.write_sample(folder / f"sound-{number:04d}.h5", sound_header(arrays, jets, seed, leptons), arrays)
    return folder


def sound_arrays(events, jets, rng, first_id=0, shift=0.0, most=MOST, leptons=0):
    """Random jets and leptons, their frames and tokens, all from float32 constituents."""
    counts = rng.integers(min(3, most), most + 1, (events, jets))
    mask = np.arange(MOST) < counts[..., None]
    pt = np.where(mask, -np.sort(-(1 + rng.exponential(60.0, (events, jets, MOST))) * mask, axis=-1), 0.0)
    order = np.argsort(-pt.sum(axis=-1), axis=1)  # roughly: the jets are ordered again below
    pt, mask = (np.take_along_axis(values, order[..., None], axis=1) for values in (pt, mask))
    eta = rng.uniform(-1.5, 1.5, (events, jets, 1)) + rng.normal(0, 0.25, pt.shape)
    phi = rng.uniform(-np.pi, np.pi, (events, jets, 1)) + rng.normal(0, 0.25, pt.shape)
    phi = np.pi - np.mod(np.pi - phi, 2 * np.pi)
    mass = np.where(mask, 0.13957, 0.0)
    rows = np.stack([pt * (1 + shift), eta, phi, mass], axis=-1).astype("f4").astype("f8")
    momenta = add_four_vectors(*np.moveaxis(rows * mask[..., None], -1, 0))
    order = np.argsort(-momenta.pt, axis=1)
    rows, mask = (
        np.take_along_axis(values, order[(...,) + (None,) * n], axis=1) for values, n in ((rows, 2), (mask, 1))
    )
    pt, eta, phi, mass = np.moveaxis(rows * mask[..., None], -1, 0)
    momenta = add_four_vectors(pt, eta, phi, mass)
    frame = to_jet_frame(pt, eta, phi, to_cartesian(pt, eta, phi, mass).energy, mask, KEEP)
    process = np.arange(events) % 4 % 3
    number = first_id + np.arange(events, dtype=np.uint64)
    raw = np.zeros((int(mask.sum()), len(schema.RAW_COLUMNS)))
    raw[:, :4] = rows[mask]
    others, shapes = (), {}
    if leptons:
        ranges = ((30.0, 90.0), (-2.0, 2.0), (-np.pi, np.pi), (0.0, 0.2))
        others = (Cylindrical(*(rng.uniform(*limits, (events, leptons)) for limits in ranges)),)
        others = (*others, missing_momentum(momenta.pt, momenta.phi))
        shapes = {"event_shapes": event_shapes(momenta.pt, momenta.eta, momenta.phi)}
    return {
        **shapes,
        **hardest_as_subjets(frame),
        "constituents": frame.constituents,
        "constituents_mask": frame.mask,
        "kinematics": kinematic_tokens(*momenta, frame.theta, *others),
        "multiplicity": frame.multiplicity,
        "raw/constituents": raw,
        "raw/offsets": np.append(0, np.cumsum(frame.multiplicity)),
        "label": (process == 0).astype("i4"),
        "process": process,
        "event_id": number,
        "group_id": number,
        "weights": np.stack([rng.uniform(0.5, 1.5, events), rng.uniform(0.2, 1.0, events)], axis=-1).astype("f4"),
        "m_H": np.where(process == 0, 1000.0, np.nan),
        "truth/track_jets": rng.integers(0, 3, (events, jets, 3)),
    }


def hardest_as_subjets(frame):
    """The two hardest constituents of each jet, each a subjet of its own."""
    eta, phi, pt, _ = np.moveaxis(frame.constituents[..., :2, :], -1, 0)
    values = np.stack([pt, eta, phi, np.full_like(pt, 0.14), np.ones_like(pt), np.zeros_like(pt)], axis=-1)
    mask = frame.mask[..., :2]
    return {"subjets/subjets": np.where(mask[..., None], values, 0.0), "subjets/mask": mask}


def sound_header(arrays, jets, seed, leptons=0):
    """Attributes that belong to these events: 1000 generated for each process."""
    header = mock_header(KEEP, seed)
    flow = {}
    for index, name in enumerate(PROCESSES):
        generator, tag = arrays["weights"][arrays["process"] == index].astype("f8").T
        flow[name] = [
            {"cut": "generated", "raw": 1000, "weighted": 1000.0},
            {"cut": "mass window", "raw": len(generator), "weighted": float(generator.sum())},
            {"cut": "double b tag", "raw": int((tag > 0).sum()), "weighted": float((generator * tag).sum())},
        ]
    configuration = {"selection": SELECTION, "leptons": LEPTONS}
    names = token_names(jets, leptons, missing_momentum=leptons > 0)
    header = replace(header, cut_flow=flow, configuration=configuration, jets=jets, tokens=len(names))
    header = replace(header, subjets=arrays["subjets/mask"].shape[-1] if "subjets/mask" in arrays else 0)
    return replace(header, token_names=names) if leptons else header


def broken(folder, change):
    """Change the first file of a folder: `change` gets it open."""
    file = sorted(folder.glob("*.h5"))[0]
    with h5py.File(file, "a") as opened:
        change(opened)
    return folder


def change_attribute(file, key, change):
    """Change a JSON attribute in place."""
    value = json.loads(file.attrs[key])
    change(value)
    file.attrs[key] = json.dumps(value)
