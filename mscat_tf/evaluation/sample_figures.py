"""Figures of a sample before any training: masses, transverse momenta, multiplicity, theta, tag weights."""

from pathlib import Path

import numpy as np

from mscat_tf.data.events import EventTable
from mscat_tf.data.sample import Sample
from mscat_tf.evaluation.figures import draw_distribution
from mscat_tf.evaluation.style import label_axes, new_axes, save
from mscat_tf.schema import KINEMATIC_COLUMNS, WEIGHT_COLUMNS


def draw_sample(sample: Sample, table: EventTable, folder: Path) -> list[Path]:
    """Distributions per process, weighted by the tag probability; returns the PNG paths."""
    kinematics = dict(zip(KINEMATIC_COLUMNS, np.moveaxis(sample.column("kinematics"), -1, 0), strict=True))
    jets = tuple(range(sample.header.jets))
    pictures = {
        "fat_jet_mass": ("m", jets, np.linspace(50, 250, 41), r"fat-jet mass $m_J$ [GeV]"),
        "fat_jet_pt": ("pt", jets, np.linspace(250, 1250, 41), r"fat-jet $p_T$ [GeV]"),
        "di_jet_mass": (
            "m",
            tuple(range(len(jets), sample.header.tokens)),
            np.linspace(600, 2400, 46),
            r"$m_{JJ}$ [GeV]",
        ),
        "theta": ("theta", jets, np.linspace(-np.pi / 2, np.pi / 2, 25), r"rotation angle $\theta$ [rad]"),
    }
    paths = []
    for name, (column, tokens, edges, symbol) in pictures.items():
        if not tokens:  # a single jet has no sum
            continue
        figure, both = new_axes(columns=len(tokens))
        for axes, token in zip(both, tokens, strict=True):
            values = kinematics[column][:, token]
            draw_distribution(axes, values, table, edges)
            label_axes(axes, symbol, "fraction of events", _jet_name(token, len(jets)))
        paths.append(save(figure, folder, name))
    paths.append(_multiplicity(sample, table, folder))
    paths.append(_tag_weights(sample, table, folder))
    return paths


def _jet_name(token: int, jets: int) -> str:
    """Title of a panel; none for the only jet, and for the sum."""
    known = ("leading", "subleading")
    return f"{known[token]} fat jet" if jets == len(known) and token < jets else ""


def _multiplicity(sample: Sample, table: EventTable, folder: Path) -> Path:
    multiplicity = sample.column("multiplicity")
    jets = sample.header.jets
    figure, both = new_axes(columns=jets)
    for jet, axes in enumerate(both):
        edges = np.arange(0, 145, 5)
        draw_distribution(axes, multiplicity[:, jet], table, edges)
        axes.axvline(sample.header.constituents, color="grey", linestyle=":")
        label_axes(axes, "constituents before truncation", "fraction of events", _jet_name(jet, jets))
    return save(figure, folder, "multiplicity")


def _tag_weights(sample: Sample, table: EventTable, folder: Path) -> Path:
    tag = sample.column("weights")[:, WEIGHT_COLUMNS.index("tag")]
    figure, (axes,) = new_axes()
    values = np.log10(np.maximum(tag, 1e-9))
    draw_distribution(axes, values, table, np.linspace(-9, 0, 37), np.ones(len(tag)))
    label_axes(axes, r"$\log_{10}$ of the double-double b-tag probability", "fraction of selected events")
    return save(figure, folder, "tag_weight")
