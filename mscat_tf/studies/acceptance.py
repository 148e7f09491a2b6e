"""What the selection leaves of each process of a sample, from the cut flow in its files, and how a page says it."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from mscat_tf.data import Sample
from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.markdown import table_lines

Found = dict[str, Any]


def acceptance(folder: str | Path) -> dict[str, Found]:
    """What is left of each process.

    By name: `m_H` [GeV] or None, numbers `generated` and `selected`, shares `acceptance` (all cuts but the b tag) and
    `tagged` (with it) under generator weights, relative errors `error` and `tagged_error`, and the `cut_flow`.

    A shard stops before selected event k + 1, so k / n is unbiased and scatters by sqrt((1 - p) / k), relative. With
    the tag k is the effective number of events.

    Raises:
        InputError: there is no such sample.
    """
    with Sample(folder) as sample:
        settings, found = sample.configuration.get("processes", {}), {}
        weight, process = sample.column("weights").astype(np.float64).prod(axis=1), sample.column("process")
        for name, rows in sample.cut_flow.items():
            generated, selected, tagged = rows[0], rows[-2], rows[-1]
            share = selected["raw"] / generated["raw"]
            effective = effective_events(weight[process == sample.header.processes.index(name)])
            found[name] = {
                "m_H": settings.get(name, {}).get("m_H"),
                "generated": generated["raw"],
                "selected": selected["raw"],
                "acceptance": selected["weighted"] / generated["weighted"],
                "tagged": tagged["weighted"] / generated["weighted"],
                "error": math.sqrt((1 - share) / selected["raw"]) if selected["raw"] else None,
                "tagged_error": math.sqrt(1 / effective) if effective else None,
                "cut_flow": rows,
            }
    return found


def acceptance_lines(found: dict[str, Found]) -> list[str]:
    """A table: by process, what is left after each cut, relative to all generated events."""
    cuts = [row["cut"] for row in next(iter(found.values()))["cut_flow"]][1:]
    columns = ["", "m_H [GeV]", "generated", *cuts]
    rows = sorted(found.items(), key=lambda item: (item[1]["m_H"] or math.inf, item[0]))
    return [
        "Share of the generated events that is left after each cut, under their weights; the last but one is the "
        "acceptance of the selection:",
        "",
        *table_lines(columns, [_cells(name, row) for name, row in rows]),
        "",
    ]


def _cells(name: str, row: Found) -> list[str]:
    whole = row["cut_flow"][0]["weighted"]
    shares = [f"{cut['weighted'] / whole:.3g}" for cut in row["cut_flow"][1:]]
    if row["error"] is not None:
        shares[-2] = f"{row['acceptance']:.3g} ± {row['acceptance'] * row['error']:.1g}"
    if row["tagged_error"] is not None:
        shares[-1] = f"{row['tagged']:.3g} ± {row['tagged'] * row['tagged_error']:.1g}"
    return [name, "-" if row["m_H"] is None else f"{row['m_H']:g}", str(row["generated"]), *shares]
