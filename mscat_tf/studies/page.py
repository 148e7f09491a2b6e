"""`RESULTS.md`: every measured study as tables, figures and sentences made of its numbers; none is typed by hand."""

from typing import Any

from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.number_text import estimate_text, rejection_text
from mscat_tf.studies.acceptance import acceptance_lines
from mscat_tf.studies.conclusion import comparison, comparisons, conclusion, few_seeds, quoted_names
from mscat_tf.studies.further_lines import further_lines
from mscat_tf.studies.pictures import pictures
from mscat_tf.studies.selected import selected_conclusion, selected_lines

Found = dict[str, Any]

HEAD = """# Results

Written by `mscat reproduce` from the JSON files in `results/`; do not edit. Each number stands there with its run
folder, seeds, and the digests of configuration and events; figures are drawn from the same files.

AUC on test events under their tag weights, classes balanced: mean and standard deviation over single trainings, then of
their ensemble with the error of the events (bootstrap over parton-level events). A difference has the paired error of
the events and that of the seeds, added in quadrature; p is two-sided, by Student's t with the degrees of freedom of
Welch and Satterthwaite; "among n" is p adjusted by Holm for the n comparisons of the study, and the words follow
from it: no difference above 0.046 (two Gaussian standard deviations), at the edge above 0.0027 (three).
"""

TAIL = """
## What these numbers are not

* **Not those of arXiv:2401.00452.** Its events are not public. Ours come from Pythia 8 (signal and ttbar at leading
  order, default tune) and a four-b matrix element showered by it, with a detector response of our own that has the
  numbers of Delphes cards, without pile-up and magnetic field; the cut on |eta| and all that the paper leaves open are
  our choice ([physics](../docs/physics.md)). Networks are compared here under equal conditions; an AUC here is not to
  be set beside one there.
* **Not a search.** Rates are of leading order (the four-b one has 40 % in the fit); QCD jets without four b quarks and
  single Higgs bosons are left out, b tags are probabilities by flavour, and nothing is measured in control regions.
* **Not the last word on a network.** Errors hold test events and seeds. The seeds of a row share their training events,
  unless the study limits the number of these, so what another training sample would give is not in them; nor are other
  hyperparameters: each network has one setting.
* **Not larger than the sample.** A rejection that rests on fewer than ten effective events is a lower limit. The reach
  with the statistics of the simulation says how small the sample is, "endless simulation" what the score is worth if it
  were not; both stand there because neither alone is honest.
"""


def page(studies: list[Found]) -> str:
    """The whole file, studies in the given order."""
    return HEAD + "".join(f"\n{section(found)}" for found in studies) + TAIL


def section(found: Found) -> str:
    """Heading, question, figures, tables, comparisons, conclusion, where it comes from."""
    sentences = comparisons(found)
    lines = [
        f"## {found['title']} (`{found['study']}`, scale {found['scale']})",
        "",
        found["question"],
        "",
        *_remarks(found),
        *_pictures(found),
        *table_lines(*separation(found)),
        "",
        *_reach_part(found),
        *(acceptance_lines(found["acceptance"]) if found.get("acceptance") else []),
        *(comparison(name, against, len(sentences)) for name, against in sentences.items()),
        *([""] if sentences else []),
        *further_lines(found.get("further", {})),
        *(selected_lines(found["further"]["selection"]) if "selection" in found.get("further", {}) else []),
        "**Conclusion.** " + "\n\n".join(_conclusions(found)),
        "",
        *_origins(found),
    ]
    return "\n".join(lines) + "\n"


def separation(found: Found) -> tuple[list[str], list[list[str]]]:
    """How well each row separates, how well it is calibrated, what it costs."""
    efficiencies = list(next(iter(found["rows"].values()))["rejection"])
    columns = [
        "",
        "AUC, single training",
        "AUC, ensemble",
        *(f"1/eff_B at {100 * float(efficiency):g} %" for efficiency in efficiencies),
        "ECE",
        "ECE, scaled",
        "parameters",
        "s per training",
        "s per epoch",
    ]
    return columns, [_separation_cells(name, row, efficiencies) for name, row in found["rows"].items()]


def reach(found: Found) -> tuple[list[str], list[list[str]]]:
    """What each row reaches, with the statistics of the simulation and without."""
    columns = [
        "",
        "significance",
        "limit [fb], 68 % of experiments",
        "discovery at [fb]",
        "significance, endless simulation",
        "limit [fb], endless simulation",
        "discovery at [fb], endless simulation",
    ]
    rows = {name: row["reach"] for name, row in found["rows"].items()} | {
        f"{name}, detector varied": row["reach_with_variations"] for name, row in _varied(found).items()
    }
    return columns, [
        [name, *_reach_cells(of), *_reach_cells(of["endless_simulation"])]
        for name, of in rows.items()
        if "missing" not in of
    ]


def _varied(found: Found) -> dict[str, Found]:
    """Rows that have variations of the detector; JSON files written before there were any have none."""
    return {name: row for name, row in found["rows"].items() if row.get("reach_with_variations")}


def _separation_cells(name: str, row: Found, efficiencies: list[str]) -> list[str]:
    single, auc, training, quality = row["single"], row["auc"], row["training"], row["calibration"]
    trainings = len(row["seeds"])
    return [
        name,
        _single_training(single),
        estimate_text(auc),
        *(rejection_text(row["rejection"][efficiency]) for efficiency in efficiencies),
        _calibration(quality["before"] if quality else None),
        _calibration(quality["after"] if quality else None),
        f"{training['parameters'] // trainings}",
        "-" if training["seconds"] is None else f"{training['seconds'] / trainings:.0f}",
        "-" if training["seconds_per_epoch"] is None else f"{training['seconds_per_epoch']:.1f}",
    ]


def _single_training(single: Found | None) -> str:
    if single is None:
        return "one training"
    if max(single["values"]) == min(single["values"]):
        return f"{single['mean']:.4f}, the same for every seed"
    return f"{single['mean']:.4f} ± {single['standard_deviation']:.4f}"


def _calibration(entry: Found | None) -> str:
    """`0.048 (0.036)`: calibration error, and what a calibrated score would show by chance."""
    return (
        "-" if entry is None else f"{entry['expected_calibration_error']:.3f} ({entry['expected_if_calibrated']:.3f})"
    )


def _reach_cells(of: Found) -> list[str]:
    limit = of["limit_fb"]
    return [
        f"{of['significance']:.2f}",
        f"{limit['0']:.3g} ({limit['-1']:.3g} to {limit['+1']:.3g})",
        f"{of['discovery_fb']:.3g}",
    ]


def _reach_part(found: Found) -> list[str]:
    """Table of the reach, and why rows have none."""
    columns, rows = reach(found)
    reasons: dict[str, list[str]] = {}
    for name, row in found["rows"].items():
        if "missing" in row["reach"]:
            reasons.setdefault(row["reach"]["missing"], []).append(name)
    lines = []
    if rows:
        first = next(row["reach"] for row in found["rows"].values() if "missing" not in row["reach"])
        lines = [
            f"Reach of the ensembles at {first['luminosity_fb']:g} /fb, expected: significance of a signal of "
            f"{first['signal_fb']:g} fb, 95 % CLs limit and discovery on cross-section x BR.",
            "",
            *table_lines(columns, rows),
            "",
            *_variation_lines(found),
        ]
    return [*lines, *(line for why in reasons for line in (f"No reach of {quoted_names(reasons[why])}: {why}.", ""))]


def _variation_lines(found: Found) -> list[str]:
    """Which variations are uncertainties of the fit, or why the fit with them failed."""
    lines = []
    for name, row in _varied(found).items():
        varied = row["reach_with_variations"]
        words = f"In the fit of '{name}, detector varied': {', '.join(varied['uncertainties'])}"
        lines += [f"{words}; not to be had: {varied['missing']}." if "missing" in varied else f"{words}.", ""]
    return lines


def _remarks(found: Found) -> list[str]:
    missing = found["missing"]
    remarks = [f"**Not measured yet:** {quoted_names(missing)}."] if missing else []
    few = few_seeds(found)
    return [line for remark in [*remarks, *([few] if few else [])] for line in (remark, "")]


def _conclusions(found: Found) -> list[str]:
    selection = found.get("further", {}).get("selection")
    return [*conclusion(found), *(selected_conclusion(selection) if selection else [])]


def _pictures(found: Found) -> list[str]:
    place = f"results/{found['scale']}/{found['study']}"
    return [line for name, words in pictures(found).items() for line in (f"![{words}]({place}/{name}.png)", "")]


def _origins(found: Found) -> list[str]:
    rows = found["rows"].values()
    digests = sorted({row["data_digest"] for row in rows})
    numbers = {(row["events"]["signal"], row["events"]["background"]) for row in rows}
    events = "; ".join(f"{signal} of signal, {background} of background" for signal, background in sorted(numbers))
    return [
        f"Test events: {events}. Events: data digest {', '.join(digests)}. '>' is a limit at 95 %: fewer effective "
        "background events pass than a figure can rest on. ECE: expected calibration error of the ensemble (in "
        "brackets what a calibrated score would show by chance), as it is and after temperature scaling on validation "
        "events. Seconds are those of one training by the clock, on as many cores as it had (`cpu_count` of its "
        "`training.json`), whatever else ran; ratios of speed are measured by `experiments/benchmarks/`.",
        "Runs: " + ", ".join(f"`{row['run']}` ({len(row['seeds'])} seeds)" for row in rows) + ".",
    ]
