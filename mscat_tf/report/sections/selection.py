"""What a cut on the score selects: efficiency of every process against mass and transverse momentum."""

from typing import Any

import numpy as np

from mscat_tf.evaluation.style import process_colours
from mscat_tf.report.material import Material
from mscat_tf.report.plots import SYMBOLS, axes, points, variants
from mscat_tf.report.section import Choice, Figure, Section, Table, Text

VARIABLES = {
    "m_J1": "mass of the leading jet [GeV]",
    "m_J2": "mass of the subleading jet [GeV]",
    "m_JJ": "mass of both jets [GeV]",
    "pt_J1": "transverse momentum of the leading jet [GeV]",
    "pt_JJ": "transverse momentum of both jets [GeV]",
}
Numbers = dict[str, Any]


def selection_section(material: Material) -> Section:
    """Efficiencies in bins, from `selection.json`."""
    heading, run, found = "Efficiency against mass and transverse momentum", material.first, material.selection
    if not found:
        again = f"No efficiencies in bins (`selection.json`): `mscat evaluate {run.path}` measures them."
        return Section("selection", heading, [Text(again, missing=True)])
    efficiency, cuts = found["efficiency"], list(found["thresholds"])
    colours = dict(zip(material.scores.processes, process_colours(material.scores.process_labels), strict=True))
    drawn = {
        f"{variable}|{cut}": _variant(variable, cut, entry, colours)
        for variable, entry in efficiency.items()
        for cut in cuts
    }
    middle = sorted(cuts, key=lambda cut: abs(float(cut) - 0.5))
    choices = [
        Choice("variable", "Against", [(name, VARIABLES.get(name, name)) for name in efficiency]),
        Choice("cut", "Signal efficiency of the cut", [(cut, f"{float(cut):.0%}") for cut in middle]),
    ]
    figure = Figure(
        "efficiency", "variants",
        "Share of every process that passes the cut on the score, in bins of about equal weight; vertical bars: "
        "Wilson interval at 68 %, showers of one parton-level event drawn together.",
        f"Efficiency of {', '.join(colours)} in bins of "
        f"{', '.join(VARIABLES.get(name, name) for name in efficiency)}, for cuts that keep "
        f"{', '.join(f'{float(cut):.0%}' for cut in cuts)} of the signal.",
        variants(drawn), choices, _table(efficiency, cuts),
    )  # fmt: skip
    return Section("selection", heading, [figure])


def _variant(variable: str, cut: str, entry: Numbers, colours: dict[str, str]) -> tuple[list[Any], Numbers]:
    edges = np.array(entry["edges"])
    centres, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    traces = []
    for number, (process, found) in enumerate(entry[cut].items()):
        shifted = centres + width * 0.08 * (number - (len(entry[cut]) - 1) / 2)  # error bars beside each other
        columns = found["share"], found["low"], found["high"]
        traces.append(points(process, shifted, *columns, colours[process], SYMBOLS[number % len(SYMBOLS)]))
    layout = axes(VARIABLES.get(variable, variable), "efficiency", y_range=[0, 1.05])
    layout["shapes"] = [
        {
            "type": "line",
            "x0": edge,
            "x1": edge,
            "y0": 0,
            "y1": 0.02,
            "yref": "paper",
            "line": {"width": 1, "color": "#808080"},
        }
        for edge in edges.tolist()
    ]
    return traces, layout


def _table(efficiency: Numbers, cuts: list[str]) -> Table:
    rows = []
    for variable, entry in efficiency.items():
        for cut in cuts:
            for process, found in entry[cut].items():
                for number, share in enumerate(found["share"]):
                    if share is not None:
                        inside = f"{entry['edges'][number]:g} to {entry['edges'][number + 1]:g}"
                        low, high = found["low"][number], found["high"][number]
                        rows.append(
                            [variable, f"{float(cut):.0%}", process, inside, f"{share:.3f}", f"{low:.3f} to {high:.3f}"]
                        )
    columns = ["variable", "cut", "process", "bin [GeV]", "efficiency", "68 % interval"]
    return Table("Efficiency in every bin", columns, rows, folded=True)
