"""Checks that look at one event at a time: values, padding, kinematics, weights, labels, cuts.

Each is a function from a block to its faults, a sentence for each kind with the events that have it. Nothing is kept
between blocks but counts, so memory does not grow with the sample. Tolerances cover the rounding of float32.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics import add_four_vectors, delta_phi, to_cartesian
from mscat_tf.physics.tokens import MISSING_MOMENTUM, SUM, token_names
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS, SUBJET_COLUMNS
from mscat_tf.validation.blocks import RAW, EventBlock

Faults = dict[str, NDArray[np.bool_]]
"""What is wrong -> `(n,)` True for the events that have this fault."""

ROUNDING = 1e-5
"""Of momenta, as a share of the energy; of logarithms and angles, absolute."""


def finite(block: EventBlock) -> Faults:
    """No NaN or infinity; only `m_H` may be NaN, where there is no resonance."""
    faults: Faults = {}
    for name, values in block.arrays.items():
        if values.dtype.kind != "f":
            continue
        bad = np.isinf(values) if name == "m_H" else ~np.isfinite(values)
        columns = block.header.columns(name) or ("",)
        for index, column in enumerate(columns):
            own = bad[..., index] if len(columns) > 1 else bad
            faults[f"'{name}' {column} is NaN or infinite".replace("  ", " ")] = _any(own)
    if block.raw is not None and block.raw_counts is not None:
        bad_rows = ~np.isfinite(block.raw).all(axis=1)
        event = np.repeat(np.arange(len(block)), block.raw_counts.sum(axis=1))
        faults[f"'{RAW}' is NaN or infinite"] = np.bincount(event[bad_rows], minlength=len(block)) > 0
    return faults


def padding(block: EventBlock) -> Faults:
    """Constituents and their mask: real ones first and ordered by pT, zeros behind them."""
    cloud, mask = block["constituents"].astype(np.float64), block["constituents_mask"].astype(np.bool_)
    pt, log_pt = (cloud[..., CONSTITUENT_COLUMNS.index(name)] for name in ("pt", "log_pt"))
    expected = np.minimum(block["multiplicity"], block.header.constituents)
    logarithm = np.log(pt, out=np.zeros_like(pt), where=pt > 0.0)
    return {
        "a constituent behind the mask is not zero": _any((cloud != 0.0).any(axis=-1) & ~mask),
        "padding stands before a real constituent": _any(mask[..., 1:] & ~mask[..., :-1]),
        "the mask does not count min(multiplicity, P)": _any(mask.sum(axis=-1) != expected),
        "a real constituent has no transverse momentum": _any((pt <= 0.0) & mask),
        "constituents are not ordered by transverse momentum": _any((np.diff(pt, axis=-1) > 0.0) & mask[..., 1:]),
        "log_pt is not the logarithm of pt": _any((np.abs(log_pt - logarithm) > ROUNDING) & mask & (pt > 0.0)),
    }


def subjets(block: EventBlock) -> Faults:
    """Subjets and their mask: real ones first and ordered by pT, each with its constituents, zeros behind them."""
    values, mask = block["subjets/subjets"].astype(np.float64), block["subjets/mask"].astype(np.bool_)
    pt, number = (values[..., SUBJET_COLUMNS.index(name)] for name in ("pt", "constituents"))
    many = number.sum(axis=-1) > block["multiplicity"]
    return {
        "a subjet behind the mask is not zero": _any((values != 0.0).any(axis=-1) & ~mask),
        "padding stands before a real subjet": _any(mask[..., 1:] & ~mask[..., :-1]),
        "subjets are not ordered by transverse momentum": _any((np.diff(pt, axis=-1) > 0.0) & mask[..., 1:]),
        "a real subjet has no transverse momentum or no constituent": _any(((pt <= 0.0) | (number < 1.0)) & mask),
        "subjets have more constituents than their jet": _any(many),
    }


def kinematics(block: EventBlock) -> Faults:
    """Tokens: on their mass shell, angles in range, jets ordered, the sum that of all jets and leptons."""
    tokens, jets = block["kinematics"].astype(np.float64), block.header.jets
    names = block.header.token_names or token_names(jets)
    m, eta, phi, pt, energy, theta = np.moveaxis(tokens, -1, 0)
    shell = to_cartesian(pt, eta, phi, m).energy
    half = 0.5 * np.pi + ROUNDING
    faults = {
        "a mass or transverse momentum is negative": _any((m < 0.0) | (pt < 0.0)),
        "the energy does not belong to m, pt and eta": _any(np.abs(energy - shell) > ROUNDING * np.abs(energy)),
        "an azimuth lies outside (-pi, pi]": _any(np.abs(phi) > np.pi + ROUNDING),
        "theta lies outside (-pi/2, pi/2]": _any((theta > half) | (theta < -half)),
        "jets are not ordered by transverse momentum": _any(
            np.diff(pt[:, :jets], axis=1) > ROUNDING * pt[:, : jets - 1]
        ),
    }
    if len(names) > jets:
        faults[f"theta of {_listed(names[jets:])} is not 0"] = _any(theta[:, jets:] != 0.0)
    if MISSING_MOMENTUM in names:
        place = names.index(MISSING_MOMENTUM)
        faults["the missing momentum has a mass or eta"] = (m[:, place] != 0.0) | (eta[:, place] != 0.0)
    if SUM in names:
        faults |= _sum_faults(tokens, names)
    return faults


def _sum_faults(tokens: NDArray[np.float64], names: tuple[str, ...]) -> Faults:
    summed = [place for place, name in enumerate(names) if name not in (MISSING_MOMENTUM, SUM)]
    m, eta, phi, pt, _, _ = np.moveaxis(tokens, -1, 0)
    wanted = add_four_vectors(*(column[:, summed] for column in (pt, eta, phi, m)))
    found, scale = tokens[:, names.index(SUM)], ROUNDING * np.abs(tokens[:, names.index(SUM), 4])
    momenta = to_cartesian(found[:, 3], found[:, 1], found[:, 2], found[:, 0]), to_cartesian(*wanted)
    differs = np.any([np.abs(a - b) > scale for a, b in zip(*momenta, strict=True)], axis=0)
    what = "jets" if all(names[place].startswith("jet") for place in summed) else "jets and leptons"
    return {
        f"the last token is not the four-vector sum of the {what}": differs
        | (np.abs(found[:, 0] - wanted.mass) > scale)
    }


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(name if name[-1].isdigit() else f"the {name}" for name in names)


def weights(block: EventBlock) -> Faults:
    """Tag weights are probabilities; generator weights are not zero."""
    generator, tag = block.weight_column("generator"), block.weight_column("tag")
    return {
        "the tag weight lies outside [0, 1]": (tag < 0.0) | (tag > 1.0),
        "the generator weight is zero": generator == 0.0,
    }


def labels(block: EventBlock) -> Faults:
    """`process` points into the list of processes, `label` is that process's, the file counts its normalisation."""
    process, header = block["process"], block.header
    inside = (process >= 0) & (process < len(header.processes))
    known = np.where(inside, process, 0)
    counted = np.array([name in header.normalisation for name in header.processes])
    return {
        "'process' points outside the attribute 'processes'": ~inside,
        "'label' contradicts its process": inside & (np.asarray(header.labels)[known] != block["label"]),
        "the file gives no normalisation for the process": inside & ~counted[known],
    }


def selection(block: EventBlock) -> Faults:
    """Jets and leptons inside the cuts of the recorded configuration, all of them strict inequalities."""
    recorded, header = block.header.configuration, block.header
    tokens = block["kinematics"].astype(np.float64)
    m, eta, pt = (tokens[..., KINEMATIC_COLUMNS.index(name)] for name in ("m", "eta", "pt"))
    jets, cuts = slice(0, header.jets), recorded.get("selection") or {}
    lower = {"leading_pt_min": pt[:, :1], "subleading_pt_min": pt[:, jets][:, 1:], "mass_min": m[:, jets]}
    upper = {"leading_pt_max": pt[:, :1], "abs_eta_max": np.abs(eta[:, jets]), "mass_max": m[:, jets]}
    faults = _outside("a jet", cuts, lower, upper)
    leptons = [place for place, name in enumerate(header.token_names) if name.startswith("lepton")]
    if leptons:
        own = recorded.get("leptons") or {}
        faults |= _outside("a lepton", own, {"pt_min": pt[:, leptons]}, {"abs_eta_max": np.abs(eta[:, leptons])})
    if header.jets == 2:
        faults |= _pair_selection(m[:, jets], eta[:, jets], cuts)
    return faults


def _outside(
    what: str, cuts: dict[str, Any], lower: dict[str, NDArray[np.float64]], upper: dict[str, NDArray[np.float64]]
) -> Faults:
    faults: Faults = {}
    for values, sign in ((lower, 1.0), (upper, -1.0)):
        for name, found in values.items():
            if cuts.get(name) is not None:
                bad = sign * (found - cuts[name]) < -ROUNDING * abs(cuts[name])
                faults[f"{what} lies outside the cut {name} = {cuts[name]:g}"] = _any(bad)
    return faults


def _pair_selection(m: NDArray[np.float64], eta: NDArray[np.float64], cuts: dict[str, Any]) -> Faults:
    """The cuts that are off by default: distance of the jets in eta, and from a pair of Higgs bosons in mass."""
    faults: Faults = {}
    if (widest := cuts.get("abs_delta_eta_max")) is not None:
        bad = np.abs(eta[:, 0] - eta[:, 1]) > widest + ROUNDING
        faults[f"the jets lie outside the cut abs_delta_eta_max = {widest:g}"] = bad
    if (furthest := cuts.get("x_hh_max")) is not None:
        distance = np.linalg.norm((m - np.asarray(cuts["x_hh_centres"])) / (cuts["x_hh_resolution"] * m), axis=1)
        faults[f"the jets lie outside the cut x_hh_max = {furthest:g}"] = distance > furthest * (1.0 + ROUNDING)
    return faults


def jet_momenta(block: EventBlock) -> Faults:
    """Each jet is the vector sum of its raw constituents."""
    if block.raw is None or block.raw_counts is None:
        return {}
    raw = block.raw[:, :4].astype(np.float64)
    edges = np.append(0, np.cumsum(block.raw_counts.ravel()))
    totals = []
    for component in to_cartesian(*raw.T):
        running = np.append(0.0, np.cumsum(component))
        totals.append(np.diff(running[edges]).reshape(block.raw_counts.shape))
    m, eta, phi, pt, energy, _ = np.moveaxis(block["kinematics"][:, : block.header.jets].astype(np.float64), -1, 0)
    stored = to_cartesian(pt, eta, phi, m)
    differs = [np.abs(a - b) > 10 * ROUNDING * energy for a, b in zip(totals, stored, strict=True)]
    return {"a jet is not the vector sum of its raw constituents": _any(np.any(differs, axis=0))}


def raw_counts(block: EventBlock) -> Faults:
    """The offsets cut `raw/constituents` into jets of `multiplicity` rows."""
    if block.raw_counts is None:
        return {}
    none = np.full(len(block), block.raw is None)
    return {
        "'raw/offsets' do not increase or point outside 'raw/constituents'": none,
        "a jet has not 'multiplicity' raw constituents": ~none & _any(block.raw_counts != block["multiplicity"]),
    }


def angle_differs(
    first: NDArray[np.float64], second: NDArray[np.float64], within: NDArray[np.float64] | float
) -> NDArray[np.bool_]:
    """Axes (known modulo pi) that are further apart than `within` [rad]."""
    return np.asarray(0.5 * np.abs(delta_phi(2.0 * first, 2.0 * second)) > within)


def _any(bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Events with some fault, whatever axes follow the first."""
    return np.asarray(bad.reshape(len(bad), -1).any(axis=1))
