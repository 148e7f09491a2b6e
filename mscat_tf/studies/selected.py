"""What the cuts of a study's rows select: sculpting of each, tighter cuts before the reference, other detectors.

Numbers are those of `selection.json` in the run folders (`mscat evaluate` writes it), and counts of stored scores.
"""

import json
from typing import Any

from mscat_tf.config.study import Study
from mscat_tf.errors import InputError
from mscat_tf.evaluation.efficiency import trials
from mscat_tf.evaluation.intervals import wilson
from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.evaluation.scores import Scores, read_scores
from mscat_tf.evaluation.selection_study import FILE
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import ALL
from mscat_tf.studies.conclusion import quoted_names
from mscat_tf.studies.significance import TWO_SIGMA, Part, holm, significance

Found = dict[str, Any]
MASSES = ("m_J1", "m_J2", "m_JJ")
FEWEST = 10.0
"""Effective events below which a shape is not compared."""


def measure_selected(study: Study, runs: dict[str, Run]) -> Found:
    """By row: sculpting, what passes at the cuts of the row that it was trained as; of the reference all else too."""
    stored = {name: _stored(run) for name, run in runs.items()}
    found: Found = {
        name: {
            "sculpting": {mass: _of_all(entry) for mass, entry in stored[name]["sculpting"].items()},
            "at_cuts_of": study.rows[name].trained_as or name,
        }
        for name in runs
    }
    for row in found.values():
        row["thresholds"] = stored.get(row["at_cuts_of"], {}).get("thresholds", {})
    for name, run in runs.items():
        scores = read_scores(run.path / "scores.h5")
        found[name]["passing"] = {
            point: _passing(scores, threshold) for point, threshold in found[name]["thresholds"].items()
        }
    reference = stored.get(study.reference, {})
    return {"rows": found, **{name: reference.get(name) for name in ("tightened", "efficiency", "luminosity_fb")}}


def _stored(run: Run) -> Found:
    path = run.path / FILE
    if not path.is_file():
        raise InputError(f"{path}: not there yet; run `mscat evaluate {run.path}` first")
    return dict(json.loads(path.read_text()))


def _of_all(entry: Found) -> Found:
    return {point: by_background[ALL] for point, by_background in entry.items()}


def _passing(scores: Scores, threshold: float) -> Found:
    """By process the share above a cut on the score, with its Wilson interval at 68 %."""
    passed, found = scores.logit >= threshold, {}
    for index, name in enumerate(scores.processes):
        own = scores.process == index
        weight = scores.weight_fb[own]
        if weight.sum() > 0:
            share = float(weight[passed[own]].sum() / weight.sum())
            low, high = wilson(share, trials(weight, passed[own], scores.group_id[own]))
            found[name] = {"label": int(scores.process_labels[index]), "share": share}
            found[name] |= {"low": float(low), "high": float(high)}
    return found


def selected_lines(found: Found) -> list[str]:
    """Lines of Markdown: sculpting, robustness, tighter cuts."""
    return [*_sculpting_lines(found["rows"]), *_passing_lines(found["rows"]), *_tightened_lines(found)]


def selected_conclusion(found: Found) -> list[str]:
    """Sentences: whose cuts sculpt, at the loosest working point; which tighter selection changes the significance."""
    return [*_who_sculpts(found["rows"]), *_what_tightening_changes(found["tightened"] or {})]


def _who_sculpts(rows: Found) -> list[str]:
    own = {name: row["sculpting"] for name, row in rows.items() if row["at_cuts_of"] == name}
    sentences = []
    for mass in MASSES:
        entries = {name: _loosest(masses[mass]) for name, masses in own.items() if mass in masses}
        known = {name: entry for name, entry in entries.items() if entry is not None}
        if known:
            p_values = holm([entry["p_value"] for entry in known.values()])
            shaped = [name for name, p_value in zip(known, p_values, strict=True) if p_value < TWO_SIGMA]
            sentences.append(
                f"The loosest cut changes the shape of {mass} of the background in {len(shaped)} of {len(known)} "
                f"networks{': ' * bool(shaped)}{quoted_names(shaped)} (p, by Holm, below {TWO_SIGMA:.2g})."
            )
    return [" ".join(sentences)] if sentences else []


def _loosest(points: Found) -> Found | None:
    entry = points[max(points, key=float)]
    return entry if entry["distance"] is not None and entry["effective_events"] >= FEWEST else None


def _what_tightening_changes(tightened: Found) -> list[str]:
    tried = {
        name: each["gain"] for name, each in list(tightened.items())[1:] if each.get("gain", {}).get("error", 0) > 0
    }
    if not tried:
        return []
    p_values = holm([significance(each["value"], [Part(each["error"])]).p_value for each in tried.values()])
    changed = [name for name, p_value in zip(tried, p_values, strict=True) if p_value < TWO_SIGMA]
    better = [name for name in changed if tried[name]["value"] > 0]
    worse = [name for name in changed if tried[name]["value"] < 0]
    return [
        f"Of {len(tried)} tighter selections before the network {len(better)} raise and {len(worse)} lower the "
        "significance at the working point of each"
        + "".join(
            f"; {word}: {quoted_names(names)}" for word, names in (("raised", better), ("lowered", worse)) if names
        )
        + ". A working point needs as many effective background events behind every cut, so in a small sample a tight "
        "one is judged at a looser score."
    ]


def _sculpting_lines(rows: Found) -> list[str]:
    if not any(MASSES[-1] in row["sculpting"] for row in rows.values()):
        return []
    points = list(next(iter(rows.values()))["sculpting"][MASSES[0]])
    columns = ["", *(f"{mass}, {_percent(point)}" for mass in MASSES for point in points)]
    return [
        "Sculpting: Jensen-Shannon distance (root of the divergence in bits) between the masses of all background "
        "events and of those that pass at a signal efficiency; in brackets what masses dealt at random give on "
        f"average, then p. '-': fewer than {FEWEST:g} effective events pass.",
        "",
        *table_lines(columns, [[name, *_sculpting_cells(row, points)] for name, row in rows.items()]),
        "",
    ]


def _sculpting_cells(row: Found, points: list[str]) -> list[str]:
    entries = [row["sculpting"].get(mass, {}).get(point) for mass in MASSES for point in points]
    return [
        f"{entry['distance']:.2f} ± {entry['error']:.2f} ({entry['by_chance']:.2f}), {entry['p_value']:.2g}"
        if entry and entry["distance"] is not None and entry["effective_events"] >= FEWEST
        else "-"
        for entry in entries
    ]


def _passing_lines(rows: Found) -> list[str]:
    """Only where a row has other events than the one whose cuts it has."""
    moved = {name: row for name, row in rows.items() if row["at_cuts_of"] in rows and row["at_cuts_of"] != name}
    if not moved:
        return []
    shown = {name: rows[name] for name in dict.fromkeys(row["at_cuts_of"] for row in moved.values())} | moved
    points = list(next(iter(shown.values()))["passing"])
    processes = list(next(iter(shown.values()))["passing"][points[0]])
    columns = ["", *(f"{process}, {_percent(point)}" for point in points for process in processes)]
    cells = [
        [name, *(_share(row["passing"][point].get(process)) for point in points for process in processes)]
        for name, row in shown.items()
    ]
    return [
        "Robustness: share of each process that passes the cut which keeps so much of the nominal signal, in per cent, "
        "with the statistical error (Wilson); rows share most of their events, so differences are known better.",
        "",
        *table_lines(columns, cells),
        "",
    ]


def _share(entry: Found | None) -> str:
    if entry is None:
        return "-"
    share, up, down = (100 * value for value in (entry["share"], entry["high"], entry["low"]))
    return f"{share:.3g} (+{up - share:.2g} -{share - down:.2g})"


def _tightened_lines(found: Found) -> list[str]:
    tightened = {name: entry for name, entry in (found["tightened"] or {}).items() if "missing" not in entry}
    if not tightened:
        return []
    points = list(next(iter(tightened.values()))["rejection"])
    columns = [
        "",
        "signal kept",
        "background kept",
        "AUC behind it",
        *(f"1/eff_B of both at {_percent(point)}" for point in points),
        "significance",
        "gain",
    ]
    return [
        "Tighter selection before the network, reference row: rejections are those of cut and network together at one "
        f"signal efficiency; significance is S / sqrt(B + (0.4 B)^2) at {found['luminosity_fb']:g} /fb above the score "
        "that is best on validation events, gain its paired difference from the selection as it is.",
        "",
        *table_lines(columns, [[name, *_tightened_cells(entry)] for name, entry in tightened.items()]),
        "",
    ]


def _tightened_cells(entry: Found) -> list[str]:
    return [
        f"{100 * entry['signal_efficiency']['value']:.1f} %",
        f"{100 * entry['background_efficiency']['value']:.1f} %",
        _with_error(entry["auc"], ".4f"),
        *("-" if value is None else _with_error(value, ".1f") for value in entry["rejection"].values()),
        _with_error(entry["significance"], ".3f"),
        _with_error(entry["gain"], "+.3f"),
    ]


def _with_error(entry: Found, digits: str) -> str:
    return f"{entry['value']:{digits}} ± {entry['error']:{digits.replace('+', '')}}"


def _percent(point: str) -> str:
    return f"{100 * float(point):g} %"
