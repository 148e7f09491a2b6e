"""The selection and its cut flow. Units: GeV."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.cluster import FatJetPairs
from mscat_tf.config.sample import Selection
from mscat_tf.physics.four_vectors import Floats

CUTS = ("generated", "two fat jets", "leading pT", "subleading pT", "|eta|", "mass window")
"""Rows of the cut flow in order; `TAG` follows, with probabilities as weights."""

TAG = "double b tag"


def cuts_passed(pairs: FatJetPairs, events: int, selection: Selection) -> Ints:
    """How many rows of `CUTS` each event survives, the first included; `len(CUTS)` means selected.

    Args:
        pairs: the two leading fat jets of the events that have two.
        events: number of generated events.
        selection: the cuts.

    Returns:
        `(events,)` from 1 to `len(CUTS)`.
    """
    pt, eta, mass = pairs.jets.pt, pairs.jets.eta, pairs.jets.mass
    cuts: list[NDArray[np.bool_]] = [
        pt[:, 0] > selection.leading_pt_min,
        pt[:, 1] > selection.subleading_pt_min,
        np.all(np.abs(eta) < selection.abs_eta_max, axis=1),
        np.all((mass > selection.mass_min) & (mass < selection.mass_max), axis=1),
    ]
    passed = np.ones(events, np.int64)
    passed[pairs.event] = 2 + np.cumprod(cuts, axis=0).sum(axis=0)
    return passed


def cut_flow(passed: Ints, weights: Floats, tag_probability: Floats, tag_weights: Floats) -> list[dict[str, Any]]:
    """Rows of raw and weighted counts.

    Args:
        passed: `(events,)` from `cuts_passed`. weights: `(events,)` generator weights.
        tag_probability, tag_weights: `(selected,)` probability of the tag; the same times the generator weight.

    Returns:
        `{"cut": name, "raw": events, "weighted": sum of weights}` for each cut. In the row of the tag, raw counts the
        selected events that can be tagged at all.
    """
    rows = [
        {"cut": cut, "raw": int(np.sum(passed > row)), "weighted": float(np.sum(weights[passed > row]))}
        for row, cut in enumerate(CUTS)
    ]
    tagged = {"cut": TAG, "raw": int(np.sum(tag_probability > 0.0)), "weighted": float(np.sum(tag_weights))}
    return [*rows, tagged]


def largest_loss(passed: Ints) -> str:
    """Name of the cut that loses most events.

    Args:
        passed: `(events,)` from `cuts_passed`.
    """
    survivors = np.array([np.sum(passed > row) for row in range(len(CUTS))])
    return CUTS[1 + int(np.argmax(survivors[:-1] - survivors[1:]))]
