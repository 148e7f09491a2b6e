"""`RESULTS.md`: every measured study as a table and sentences made of its numbers; nothing in it is typed by hand."""

from typing import Any

from mscat_tf.studies.measured import standard_errors

HEAD = """# Results

Written by `mscat reproduce` from the JSON files in `results/`; do not edit. Each number stands there with its run
folder, seeds, and the digests of configuration and events. AUC on test events under their tag weights, classes
balanced: mean and standard deviation over single trainings, then of their ensemble with the error of the events
(bootstrap).

Events are ours (Pythia 8, Delphes-like smearing, the selection of the paper as far as it is known; docs/physics.md),
not the authors': numbers compare networks here, and are not to be set beside those of arXiv:2401.00452.
"""


def page(studies: list[dict[str, Any]]) -> str:
    """The whole file, studies in the given order."""
    return HEAD + "".join(f"\n{section(found)}" for found in studies)


def section(found: dict[str, Any]) -> str:
    """Heading, question, table, comparisons, where it comes from."""
    columns = ["", "AUC, single training", "AUC, ensemble", "1/eff_B at eff_S = 50 %", "parameters", "s per epoch"]
    lines = [
        f"## {found['title']} (`{found['study']}`, scale {found['scale']})",
        "",
        found["question"],
        "",
        *_few_seeds(found),
        "| " + " | ".join(columns) + " |",
        "|---" + "|---:" * (len(columns) - 1) + "|",
        *("| " + " | ".join(_cells(name, row)) + " |" for name, row in found["rows"].items()),
        "",
        *(comparison(name, row) for name, row in found["rows"].items() if row["against"]),
        "",
        *_origins(found),
    ]
    return "\n".join(lines) + "\n"


def comparison(name: str, row: dict[str, Any]) -> str:
    """One sentence: how far a row is from the one that it is compared with, and what that allows to say."""
    against = row["against"]
    pull, events, seeds = standard_errors(against), against["ensembles"], against["seeds"]
    if seeds:
        size = f"{seeds['difference']:+.4f} ± {events['error']:.4f} (events) ± {seeds['error']:.4f} (seeds)"
    else:
        size = f"{events['difference']:+.4f} ± {events['error']:.4f} (events; one seed, whose spread is not known)"
    return f"- {name} less {against['row']}: AUC {size}, {pull:+.1f} standard errors: {_verdict(pull)}."


def _verdict(pull: float) -> str:
    if abs(pull) < 2:
        return "no difference that these events and seeds can show"
    side = "better" if pull > 0 else "worse"
    return f"{side}, at the edge of what they can show" if abs(pull) < 3 else side


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    single, auc, training = row["single"], row["auc"], row["training"]
    middle = min(row["rejection"], key=lambda efficiency: abs(float(efficiency) - 0.5))
    seconds = training["seconds_per_epoch"]
    return [
        name,
        f"{single['mean']:.4f} ± {single['standard_deviation']:.4f}" if single else "one training",
        f"{auc['value']:.4f} ± {auc['error']:.4f}",
        _rejection(row["rejection"][middle]),
        f"{training['parameters']}",
        "-" if seconds is None else f"{seconds:.1f}",
    ]


def _rejection(entry: dict[str, Any]) -> str:
    if entry["quote_lower_limit"]:
        return f"> {entry['lower_limit']:.0f} (95 %)"
    return f"{entry['value']:.0f} ± {entry['error']:.0f}"


def _few_seeds(found: dict[str, Any]) -> list[str]:
    fewest = min(len(row["seeds"]) for row in found["rows"].values())
    return [] if fewest >= 5 else [f"**With {fewest} seed(s) each, a spread of trainings is hardly known.**", ""]


def _origins(found: dict[str, Any]) -> list[str]:
    rows = found["rows"].values()
    events = next(iter(rows))["events"]
    digests = sorted({row["data_digest"] for row in rows})
    return [
        f"Test events: {events['signal']} of signal, {events['background']} of background. Events: data digest "
        f"{', '.join(digests)}.",
        "Runs: " + ", ".join(f"`{row['run']}` ({len(row['seeds'])} seeds)" for row in rows) + ".",
    ]
