"""Names of processes, what is written above figures, expected events, and the look of what is saved."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from mscat_tf.evaluation.figures import draw_scores, draw_yields
from mscat_tf.evaluation.process_labels import PLAIN, process_labels
from mscat_tf.evaluation.style import label_axes, label_collisions, new_axes, process_colours, save
from tests.studies.toys import toy_scores

DEMO = {
    "sqrt_s": 14000.0,
    "processes": {
        "signal": {"kind": "heavy_higgs", "m_H": 1000.0},
        "4b": {"kind": "lhe"},
        "ttbar": {"kind": "ttbar"},
    },
}


def test_processes_are_named_by_what_they_are():
    labels = process_labels(("signal", "4b", "ttbar", "w_jets"), DEMO)
    assert labels == {
        "signal": r"$H\to hh\to 4b$", "4b": r"$b\bar{b}b\bar{b}$", "ttbar": r"$t\bar{t}$", "w_jets": "w_jets",
    }  # fmt: skip
    assert process_labels(["signal"])["signal"] == "signal"  # of an unknown origin: not said to be H -> hh
    assert process_labels(["zz"], {"processes": {"zz": {"kind": "boson_and_jet", "boson": "Z"}}})["zz"][:3] == "$Z("
    assert PLAIN["50$"] == r"50\$"


def test_processes_of_one_kind_are_told_apart():
    two = {"processes": {f"H{mass}": {"kind": "heavy_higgs", "m_H": mass} for mass in (800.0, 1200.0)}}
    assert list(process_labels(["H800.0", "H1200.0"], two).values()) == [
        rf"$H\to hh\to 4b$, $m_H = {mass}$ GeV" for mass in (800, 1200)
    ]
    same = {"processes": {name: {"kind": "qcd_jets"} for name in ("low", "high")}}
    assert process_labels(["low", "high"], same) == {"low": "QCD jets, low", "high": "QCD jets, high"}


def test_every_label_can_be_set():
    kinds = [{"kind": kind} for kind in ("heavy_higgs", "collinear_4b", "qcd_jets", "boson_and_jet", "ttbar", "hepmc")]
    known = {f"p_{number}": settings for number, settings in enumerate(kinds)}
    labels = process_labels(list(known), {"processes": known})
    for label in labels.values():
        assert MathTextParser("agg").parse(label, 100, None).width > 0


def test_energy_and_luminosity_come_from_the_sample():
    _, (axes,) = new_axes()
    assert label_collisions(axes, DEMO, 450.0).get_title("right") == (
        r"simulation, $\sqrt{s} = 14$ TeV, $450\,\mathrm{fb}^{-1}$"
    )
    _, (other,) = new_axes()
    assert label_collisions(other, {}).get_title("right") == ""


def test_expected_events_add_up():
    """In every bin, and with the error of the weights; the signal stands alone."""
    scores = toy_scores((1.5,), 300, 400, 1)
    yields = {name: {"expected": 90.0 * (index + 1)} for index, name in enumerate(scores.processes)}
    _, (axes,) = new_axes()
    draw_yields(axes, scores, yields)
    drawn = {patch.get_label(): patch.get_data() for patch in axes.patches}
    for name in scores.processes:
        heights = drawn[name].values - (
            drawn[name].baseline if scores.process_labels[scores.processes.index(name)] == 0 else 0
        )
        assert heights.sum() == pytest.approx(yields[name]["expected"])
    background = scores.label == 0
    scale = sum(
        yields[name]["expected"]
        for name, label in zip(scores.processes, scores.process_labels, strict=True)
        if label == 0
    )
    weight = scores.weight_fb[background] * scale / scores.weight_fb[background].sum()
    error = np.sqrt(np.histogram(scores.score[background], np.linspace(0, 1, 26), weights=weight**2)[0])
    total = np.histogram(scores.score[background], np.linspace(0, 1, 26), weights=weight)[0]
    np.testing.assert_allclose(drawn["simulation statistics"].values, total + error, rtol=1e-6)


def test_the_same_figure_gives_the_same_bytes_in_one_font(tmp_path):
    """Also for texts that were made outside the style; labels are those that are asked for."""
    found = []
    for name in ("one", "two"):
        figure, (axes,) = new_axes()
        draw_scores(axes, toy_scores((1.5,), 30, 40, 1), process_labels(("signal", "4b"), DEMO))
        label_axes(axes, "score", r"$1/\epsilon_B$", "title")
        path = save(figure, tmp_path, name)
        assert {text.get_fontfamily()[0] for text in figure.findobj(plt.Text)} == {"sans-serif"}
        assert not axes.get_legend().get_frame_on()
        found.append([path.read_bytes(), path.with_suffix(".pdf").read_bytes()])
    assert found[0] == found[1]
    assert not plt.fignum_exists(figure.number)


def test_the_first_signal_is_red_whatever_comes_first():
    assert process_colours([0, 1, 0])[1] == process_colours([1, 0])[0]
    assert len(set(process_colours([0, 1, 0, 1]))) == 4
