"""Mock samples that follow the schema, for tests and documentation: no physics, made in milliseconds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf import schema
from mscat_tf.config import digest
from mscat_tf.files import make_folder
from mscat_tf.physics.high_level_columns import COLUMNS, STANDARD
from mscat_tf.schema import Header, Normalisation

PROCESSES = ("signal", "4b", "ttbar")
LABELS = (1, 0, 0)


def write_mock_sample(
    folder: str | Path,
    events: int = 300,
    shards: int = 3,
    constituents: int = 8,
    seed: int = 0,
    declusterings: int = 0,
    subjets: int = 0,
    high_level: tuple[str, ...] = (),
) -> Path:
    """Write `shards` files of random events in which signal differs from background; return the folder.

    Args:
        folder: where. events: in all shards together. shards: number of files.
        constituents: P of the schema. seed: of everything random.
        declusterings: D of the schema; above 0 the files hold Lund trees, event shapes, high-level variables and b
            hadrons too.
        subjets: S of the schema; above 0 the files hold subjets too.
        high_level: names of jet variables that the files hold, instead of the standard ones beside Lund trees.
    """
    folder = make_folder(folder)
    counts = np.full(shards, events // shards) + (np.arange(shards) < events % shards)
    first = 0
    for number, count in enumerate(counts):
        rng = np.random.default_rng((seed, number))
        arrays = mock_arrays(int(count), constituents, rng, first_id=first)
        if declusterings:
            arrays |= mock_optional(arrays["label"] == 1, declusterings, rng)
        if subjets:
            arrays |= mock_subjets(arrays["label"] == 1, subjets, rng)
        if high_level:
            arrays["high_level"] = mock_variables(arrays["label"] == 1, high_level, rng)
        header = mock_header(constituents, seed, declusterings, subjets)
        header = replace(header, high_level=high_level or header.high_level)
        schema.write_sample(folder / f"mock-{number:04d}.h5", header, arrays)
        first += int(count)
    return folder


def mock_header(constituents: int, seed: int, declusterings: int = 0, subjets: int = 0) -> Header:
    """Attributes of a mock file: every process 10 fb from 1000 generated events."""
    configuration = {"mock": True, "constituents": constituents}
    row = {"cut": "generated", "raw": 1000, "weighted": 1000.0}
    return Header(
        processes=PROCESSES,
        labels=LABELS,
        normalisation={name: Normalisation(1000, 1000.0, 10.0, 0.1) for name in PROCESSES},
        cut_flow={name: [dict(row)] for name in PROCESSES},
        configuration=configuration,
        digest=digest(configuration),
        seed=seed,
        versions={"mscat_tf": "mock"},
        constituents=constituents,
        declusterings=declusterings,
        subjets=subjets,
        high_level=STANDARD if declusterings else (),
    )


def mock_arrays(events: int, constituents: int, rng: np.random.Generator, first_id: int = 0) -> dict[str, NDArray[Any]]:
    """Random arrays for every data set of the schema; half of the events are signal."""
    process = np.arange(events) % 4 % 3  # signal, 4b, ttbar, signal
    signal = process == 0
    multiplicity = rng.integers(1, 2 * constituents, (events, 2))
    mask = np.arange(constituents) < multiplicity[..., None]
    pt = -np.sort(-rng.exponential(30.0, (events, 2, constituents)) - 0.5, axis=-1)
    eta, phi = rng.normal(0, np.where(signal, 0.2, 0.35)[:, None, None], (2, events, 2, constituents))
    cloud = np.where(mask[..., None], np.stack([eta, phi, pt, np.log(pt)], axis=-1), 0.0)
    id_ = first_id + np.arange(events, dtype=np.uint64)
    total = int(multiplicity.sum())
    return {
        "constituents": cloud,
        "constituents_mask": mask,
        "kinematics": _kinematics(events, signal, rng),
        "multiplicity": multiplicity,
        "raw/constituents": rng.normal(size=(total, len(schema.RAW_COLUMNS))),
        "raw/offsets": np.append(0, np.cumsum(multiplicity)),
        "label": signal.astype("i4"),
        "process": process,
        "event_id": id_,
        "group_id": id_,
        "weights": np.stack([np.ones(events), rng.uniform(0.2, 1.0, events)], axis=-1),
        "m_H": np.where(signal, 1000.0, np.nan),
        "truth/track_jets": rng.integers(0, 3, (events, 2, 3)),
    }


def mock_optional(signal: NDArray[np.bool_], declusterings: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Lund trees, event shapes and high-level variables: random, larger for signal; b hadrons, another's score.

    Args:
        signal: `(events,)`. declusterings: D of the schema. rng: every random number comes from here.
    """
    events, shift = len(signal), signal.astype("f4")
    mask = np.arange(declusterings) < rng.integers(0, declusterings + 1, (events, 2, 1))
    tree = rng.normal(shift[:, None, None, None], 1.0, (events, 2, declusterings, len(schema.LUND_COLUMNS)))
    parent = rng.integers(0, np.maximum(np.arange(declusterings), 1), (events, 2, declusterings))
    parent[..., 0] = -1
    shapes = rng.uniform(0.1, 1.0, (events, len(schema.EVENT_SHAPE_COLUMNS)))
    variables = rng.uniform(0.1, 1.0, (events, 2, len(STANDARD)))
    return {
        "lund/declusterings": np.where(mask[..., None], tree, 0.0),
        "lund/mask": mask,
        "lund/parent": np.where(mask, parent, -1),
        "event_shapes": shapes + 0.5 * shift[:, None],
        "high_level": variables + 0.5 * shift[:, None, None],
        "truth/b_hadrons": np.where(rng.random((events, 2, 1)) < 0.8, rng.normal(0, 0.3, (events, 2, 4)), np.nan),
        "known_logit": shift - 0.5 + np.cos(np.arange(events)),
    }


def mock_subjets(signal: NDArray[np.bool_], subjets: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Random subjets, at least one of each jet, ordered by pt, closer together for signal.

    Args:
        signal: `(events,)`. subjets: S of the schema. rng: every random number comes from here.
    """
    shape = (len(signal), 2, subjets)
    mask = np.arange(subjets) < rng.integers(1, subjets + 1, (*shape[:2], 1))
    pt = -np.sort(-rng.exponential(100.0, shape) - 1.0, axis=-1)
    eta, phi = rng.normal(0.0, np.where(signal, 0.2, 0.35)[:, None, None], (2, *shape))
    columns = [pt, eta, phi, 0.1 * pt, rng.integers(1, 20, shape), rng.uniform(0.0, 0.2, shape)]
    return {"subjets/subjets": np.where(mask[..., None], np.stack(columns, axis=-1), 0.0), "subjets/mask": mask}


def mock_variables(
    signal: NDArray[np.bool_], columns: tuple[str, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Random named jet variables `(events, 2, columns)`, some of them 0, larger for signal.

    Args:
        signal: `(events,)`. columns: names. rng: every random number comes from here.
    """
    sizes = np.array([{"GeV": 100.0, "GeV^2": 1e4}.get(COLUMNS[name].unit, 1.0) for name in columns])
    values = rng.exponential(1.0 + 0.5 * signal[:, None, None], (len(signal), 2, len(columns)))
    found: NDArray[np.float64] = np.where(rng.random(values.shape) < 0.2, 0.0, values) * sizes
    return found


def _kinematics(events: int, signal: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    mass = np.where(signal[:, None], rng.normal(125, 15, (events, 2)), rng.uniform(50, 250, (events, 2)))
    pt = np.stack([rng.uniform(450, 900, events), rng.uniform(250, 450, events)], axis=1)
    eta, phi = rng.uniform(-2, 2, (events, 2)), rng.uniform(-np.pi, np.pi, (events, 2))
    theta = rng.uniform(-np.pi / 2, np.pi / 2, (events, 2))
    energy = np.hypot(mass, pt * np.cosh(eta))
    jets = np.stack([mass, eta, phi, pt, energy, theta], axis=-1)
    both = jets.sum(axis=1)
    both[:, 5] = 0.0
    return np.concatenate([jets, both[:, None]], axis=1)
