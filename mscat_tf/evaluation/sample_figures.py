"""Figures of a sample before any training: masses, transverse momenta, multiplicity, theta, tag weights."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.events import EventTable
from mscat_tf.data.sample import Sample
from mscat_tf.evaluation.figures import draw_distribution
from mscat_tf.evaluation.process_labels import process_labels
from mscat_tf.evaluation.style import label_axes, label_collisions, new_axes, save
from mscat_tf.physics.tokens import SUM, token_names
from mscat_tf.schema import KINEMATIC_COLUMNS, WEIGHT_COLUMNS

TAILS = 0.005
"""Share of the events on either side that a range of another process than the paper's may leave out."""


def draw_sample(sample: Sample, table: EventTable, folder: Path) -> list[Path]:
    """Distributions per process, weighted by the tag probability; returns the PNG paths."""
    kinematics = dict(zip(KINEMATIC_COLUMNS, np.moveaxis(sample.column("kinematics"), -1, 0), strict=True))
    names = sample.header.token_names or token_names(sample.header.jets)
    jets, sums = tuple(range(sample.header.jets)), tuple(place for place, name in enumerate(names) if name == SUM)
    pair = names == token_names(2)
    labels = process_labels(table.processes, sample.configuration)
    pictures = {
        "fat_jet_mass": ("m", jets, np.linspace(50, 250, 41), r"fat-jet mass $m_J$ [GeV]"),
        "fat_jet_pt": ("pt", jets, np.linspace(250, 1250, 41), r"fat-jet $p_T$ [GeV]"),
        "di_jet_mass" if pair else "mass_of_sum": (
            "m",
            sums,
            np.linspace(600, 2400, 46),
            r"$m_{JJ}$ [GeV]" if pair else "mass of the sum [GeV]",
        ),
        "theta": ("theta", jets, np.linspace(-np.pi / 2, np.pi / 2, 25), r"rotation angle $\theta$ [rad]"),
    }
    paths = []
    for name, (column, tokens, edges, symbol) in pictures.items():
        if not tokens:  # an object alone has no sum
            continue
        figure, both = new_axes(columns=len(tokens))
        for axes, token in zip(both, tokens, strict=True):
            values = kinematics[column][:, token]
            shown = edges if pair or name == "theta" else _edges(values, len(edges))
            draw_distribution(axes, values, table, shown, labels=labels)
            label_axes(axes, symbol, "fraction of events", _jet_name(token, len(jets)))
        label_collisions(both[-1], sample.configuration)
        paths.append(save(figure, folder, name))
    paths.append(_multiplicity(sample, table, folder))
    paths.append(_tag_weights(sample, table, folder))
    return paths


def _edges(values: NDArray[Any], number: int) -> NDArray[Any]:
    """So many edges of even bins that hold nearly all values."""
    low, high = np.quantile(values, (TAILS, 1.0 - TAILS))
    return np.linspace(low, max(high, low + 1e-3), number)


def _jet_name(token: int, jets: int) -> str:
    """Title of a panel; none for the only jet, and for the sum."""
    if jets == 1 or token >= jets:
        return ""
    return f"{('leading', 'subleading')[token]} fat jet" if jets == 2 else f"fat jet {token + 1}"


def _multiplicity(sample: Sample, table: EventTable, folder: Path) -> Path:
    multiplicity = sample.column("multiplicity")
    jets = sample.header.jets
    figure, both = new_axes(columns=jets)
    for jet, axes in enumerate(both):
        edges = np.arange(0, 145, 5)
        labels = process_labels(table.processes, sample.configuration)
        draw_distribution(axes, multiplicity[:, jet], table, edges, labels=labels)
        axes.axvline(sample.header.constituents, color="grey", linestyle=":")
        label_axes(axes, "constituents before truncation", "fraction of events", _jet_name(jet, jets))
    label_collisions(both[-1], sample.configuration)
    return save(figure, folder, "multiplicity")


def _tag_weights(sample: Sample, table: EventTable, folder: Path) -> Path:
    tag = sample.column("weights")[:, WEIGHT_COLUMNS.index("tag")]
    figure, (axes,) = new_axes()
    values = np.log10(np.maximum(tag, 1e-9))
    labels = process_labels(table.processes, sample.configuration)
    draw_distribution(axes, values, table, np.linspace(-9, 0, 37), np.ones(len(tag)), labels)
    label_axes(axes, r"$\log_{10}$ of the double-double b-tag probability", "fraction of selected events")
    label_collisions(axes, sample.configuration)
    return save(figure, folder, "tag_weight")
