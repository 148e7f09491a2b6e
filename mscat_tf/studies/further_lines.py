"""Tables and sentences of `RESULTS.md` on learning, worth of streams and cost (`further.py`)."""

from typing import Any

import numpy as np

from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.number_text import estimate_text, limit_text
from mscat_tf.studies.conclusion import p_text, verdict
from mscat_tf.studies.further import SUBSTRUCTURE

Found = dict[str, Any]


def further_lines(found: Found) -> list[str]:
    """Lines of Markdown for the kinds that were measured."""
    writers = {
        "learning": _learning,
        "fewer_events": _fewer_events,
        "importance": _importance,
        "cost": _cost,
        "working_points": _working_points,
    }
    return [line for kind, writer in writers.items() if found.get(kind) for line in writer(found[kind])]


def _part(said: str, sentences: list[str], table: list[str] | None = None) -> list[str]:
    """What is measured, the table if there is one, a sentence for each difference; an empty line after each."""
    return [line for block in ([said], table, sentences) if block for line in (*block, "")]


def _verdict(test: Found, more: str, less: str) -> str:
    """`+0.20 ± 0.05, p = 0.01 among all: more`, or that nothing can be said."""
    among = p_text(test["adjusted_p_value"])
    return f"p = {p_text(test['p_value'])}, {among} among all of these: {verdict(test, more, less)}."


def _learning(rows: Found) -> list[str]:
    cells = [
        [name, f"{row['target']:.4f}", _mean(row["epochs"], 2), _mean(row["steps"], 0), f"{row['best']:.4f}"]
        for name, row in rows.items()
    ]
    sentences = [
        f"- {name} less {test['row']}: {test['difference']:+.2f} ± {test['error']:.2f} epochs, "
        f"{_verdict(test, 'slower', 'faster')}"
        for name, row in rows.items()
        if (test := row["against"])
    ]
    return _part(
        "Speed of learning: until the validation AUC is what the worst row with as many events has at its best; "
        "mean and standard deviation over seeds.",
        sentences,
        table_lines(["", "to AUC", "epochs", "steps", "best validation AUC"], cells),
    )


def _mean(values: list[float | None], digits: int) -> str:
    there = [value for value in values if value is not None]
    if not there:
        return f"not reached by {len(values)}"
    spread = f" ± {np.std(there, ddof=1):.{digits}f}" if len(there) > 1 else ""
    missing = f", {len(values) - len(there)} never" if len(there) < len(values) else ""
    return f"{np.mean(there):.{digits}f}{spread}{missing}"


def _fewer_events(rows: Found) -> list[str]:
    sentences = [
        f"- {name}: AUC {test['few']:+.4f} against {test['many']:+.4f} of {test['row']}, {test['difference']:+.4f} ± "
        f"{test['error']:.4f}, {_verdict(test, 'it costs less', 'it costs more')}"
        for name, test in rows.items()
    ]
    return _part(
        "What the same change does to the AUC where training events are few, and where all are there:", sentences
    )


def _importance(rows: Found) -> list[str]:
    streams = list(dict.fromkeys(stream for row in rows.values() for stream in row["streams"]))
    cells = [[stream, *(_lost(row["streams"].get(stream)) for row in rows.values())] for stream in streams]
    sentences = [
        f"- Substructure ({SUBSTRUCTURE}): {name} loses {test['difference']:+.4f} ± {test['error']:.4f} more than "
        f"{test['row']}, {_verdict(test, 'it is worth more', 'it is worth less')}"
        for name, row in rows.items()
        if (test := row["against"])
    ]
    return _part(
        "What each stream is worth: AUC lost when it comes from another test event, mean over single trainings, with "
        "the errors of events, permutations and seeds.",
        sentences,
        table_lines(["without", *rows], cells),
    )


def _lost(entry: Found | None) -> str:
    if entry is None:
        return "-"
    return f"{entry['lost']:.4f} ± {np.hypot(entry['events_error'], entry['seeds_error'] or 0.0):.4f}"


def _cost(rows: Found) -> list[str]:
    columns = ["", "parameters", "MFLOP per event", "MB per event", "MB per batch", "s per epoch", "events/s"]
    columns.append("s per 1000 events at inference")
    return _part(
        "Cost of one training. MFLOP: products of one forward pass of one event. MB: all activations of one event, "
        "nothing freed; a batch in training holds about as much for each of its events. Inference: forward pass of "
        "a batch without reading the events, all rows in turns. Times depend on the machine and on what else it did.",
        [],
        table_lines(columns, [[name, *_cost_cells(row)] for name, row in rows.items()]),
    )


def _cost_cells(row: Found) -> list[str]:
    size, inference = row["activation_bytes_per_event"], row.get("inference")
    return [
        _number(row["parameters"], 1, 0),
        _number(row["flops_per_event"], 1e6, 1),
        _number(size, 1e6, 2),
        _number(size, 1e6 / row["batch_size"], 0),
        _number(row["seconds_per_epoch"], 1, 1),
        _number(row["events_per_second"], 1, 0),
        _number(inference["seconds"], inference["events"] / 1000, 3) if inference else "-",
    ]


def _number(value: float | None, unit: float, digits: int) -> str:
    return "-" if value is None else f"{value / unit:.{digits}f}"


def _working_points(rows: Found) -> list[str]:
    efficiencies = list(dict.fromkeys(point for row in rows.values() for point in row["rejection"] or {}))
    columns = ["", "accuracy", *(f"1/eff_B at {100 * float(point):g} %" for point in efficiencies)]
    columns += ["accuracy, ensemble"]
    cells = [
        [
            name,
            _spread(row["accuracy"]["single"], 4),
            *(_rejection((row["rejection"] or {}).get(point)) for point in efficiencies),
            estimate_text(row["accuracy"]["ensemble"]) if row["accuracy"]["ensemble"] else "-",
        ]
        for name, row in rows.items()
    ]
    return _part(
        "Working points of single trainings: mean and standard deviation over seeds. Accuracy: share of test events on "
        "the right side of a score of 0.5, classes balanced; that of the ensemble has its binomial error. '>': too few "
        "effective background events pass in one of the trainings; the least of their limits at 95 %.",
        [],
        table_lines(columns, cells),
    )


def _rejection(entry: Found | None) -> str:
    if entry and entry.get("quote_lower_limit"):  # results before version 0.2 do not say
        return limit_text(entry)
    return _spread(entry, 0)


def _spread(entry: Found | None, digits: int) -> str:
    if entry is None:
        return "one training"
    return f"{entry['mean']:.{digits}f} ± {entry['standard_deviation']:.{digits}f}"
