"""The selection and its cut flow. Units: GeV."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.cluster import FatJetPairs
from mscat_tf.config.sample import Selection
from mscat_tf.physics.four_vectors import Floats

TAG = "double b tag"
"""Last row of the cut flow where two tags per fat jet are asked for, with probabilities as weights."""

TAG_NAMES = {0: None, 1: "b tag", 2: TAG}
"""That row, by the tags asked for in each fat jet."""

NUMBERS = ("no", "a", "two", "three", "four", "five", "six", "seven", "eight")


def cut_names(selection: Selection, jets: int, leptons: int = 0) -> tuple[str, ...]:
    """Rows of the cut flow in order, before that of the tag: cuts that are switched off have none.

    Args:
        selection: the cuts. jets, leptons: asked for in an event.
    """
    pair = jets == 2
    rows = {
        "generated": True,
        _counted(leptons, "lepton"): leptons > 0,
        _counted(jets, "fat jet"): True,
        "leading pT": True,
        "subleading pT": jets > 1,
        "|eta|": True,
        "mass window": True,
        "|delta eta|": pair and selection.abs_delta_eta_max is not None,
        "X_hh": pair and selection.x_hh_max is not None,
        f"{selection.jets_contain} in jet": selection.jets_contain is not None,
    }
    return tuple(name for name, on in rows.items() if on)


def _counted(number: int, what: str) -> str:
    return f"{NUMBERS[number]} {what}{'s' * (number > 1)}"


def cuts_passed(
    pairs: FatJetPairs,
    events: int,
    selection: Selection,
    enough_leptons: NDArray[np.bool_] | None = None,
    contained: NDArray[np.bool_] | None = None,
) -> Ints:
    """How many rows of `cut_names` each event survives, the first included; all of them means selected.

    Args:
        pairs: the leading fat jets of the events that have so many, and enough leptons.
        events: number of generated events.
        selection: the cuts.
        enough_leptons: `(events,)`, None where no leptons are asked for.
        contained: `(pairs,)` from `data_prep.contained`; None where no decay is looked for: all events pass that cut.

    Returns:
        `(events,)` from 1 to `len(cut_names(...))`.
    """
    pt, eta, mass = pairs.jets.pt, pairs.jets.eta, pairs.jets.mass
    cuts: list[NDArray[np.bool_]] = [
        (pt[:, 0] > selection.leading_pt_min) & (pt[:, 0] < (selection.leading_pt_max or np.inf))
    ]
    two = pt.shape[1] == 2
    if pt.shape[1] > 1:
        cuts.append(np.all(pt[:, 1:] > selection.subleading_pt_min, axis=1))
    cuts.append(np.all(np.abs(eta) < selection.abs_eta_max, axis=1))
    heavy = (mass > selection.mass_min) | (selection.mass_min == 0.0)
    cuts.append(np.all(heavy & (mass < selection.mass_max), axis=1))
    if two and selection.abs_delta_eta_max is not None:
        cuts.append(np.abs(eta[:, 0] - eta[:, 1]) < selection.abs_delta_eta_max)
    if two and selection.x_hh_max is not None:
        cuts.append(x_hh(mass, selection.x_hh_centres, selection.x_hh_resolution) < selection.x_hh_max)
    if selection.jets_contain is not None:
        cuts.append(np.ones(len(pt), np.bool_) if contained is None else contained)
    passed = np.ones(events, np.int64) + (0 if enough_leptons is None else enough_leptons)
    passed[pairs.event] += 1 + np.cumprod(cuts, axis=0).sum(axis=0)
    return passed


def x_hh(mass: Floats, centres: tuple[float, float], resolution: float) -> Floats:
    """`sqrt(sum over jets of ((m - centre) / (resolution m))^2)`, the distance of two jets from a pair of Higgs bosons.

    Infinite where a jet has no mass.

    Args:
        mass: `(events, 2)` [GeV]. centres: of the leading and the subleading jet [GeV].
        resolution: relative, of the mass.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.linalg.norm((mass - np.asarray(centres)) / (resolution * mass), axis=1))


def cut_flow(
    names: tuple[str, ...],
    passed: Ints,
    weights: Floats,
    tag_probability: Floats,
    tag_weights: Floats,
    tag: str | None = TAG,
) -> list[dict[str, Any]]:
    """Rows of raw and weighted counts.

    Args:
        names: from `cut_names`.
        passed: `(events,)` from `cuts_passed`. weights: `(events,)` generator weights.
        tag_probability, tag_weights: `(selected,)` probability of the tag; the same times the generator weight.
        tag: name of its row, one of `TAG_NAMES`; None where no tag is asked for.

    Returns:
        `{"cut": name, "raw": events, "weighted": sum of weights}` for each cut. In the row of the tag, raw counts the
        selected events that can be tagged at all.
    """
    rows = [
        {"cut": cut, "raw": int(np.sum(passed > row)), "weighted": float(np.sum(weights[passed > row]))}
        for row, cut in enumerate(names)
    ]
    if tag is None:
        return rows
    return [*rows, {"cut": tag, "raw": int(np.sum(tag_probability > 0.0)), "weighted": float(np.sum(tag_weights))}]


def largest_loss(names: tuple[str, ...], passed: Ints) -> str:
    """Name of the cut that loses most events.

    Args:
        names: from `cut_names`. passed: `(events,)` from `cuts_passed`.
    """
    survivors = np.array([np.sum(passed > row) for row in range(len(names))])
    return names[1 + int(np.argmax(survivors[:-1] - survivors[1:]))]
