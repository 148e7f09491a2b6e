"""Figures of an explanation, from files alone: what is drawn where, with which numbers, and without a framework."""

import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mscat_tf.errors import InputError
from mscat_tf.explanation import StoredMaps
from mscat_tf.interpretation import explain_figures
from mscat_tf.interpretation.check_figures import draw_importance, draw_insertion_deletion, draw_randomisation
from mscat_tf.interpretation.explain_figures import Material, differences, draw_all, draw_attributions, draw_places
from mscat_tf.interpretation.figures import BINS, PLANE, figure_of, plane_density
from mscat_tf.interpretation.plane_figures import draw_planes, shares, signed_density
from mscat_tf.interpretation.store import write_arrays
from tests.interpretation.explained_files import write_explanation

CONFIGURATION = {"processes": {"signal": {"kind": "heavy_higgs"}}, "sqrt_s": 14000.0}
SIGNAL, FOUR_B = r"$H\to hh\to 4b$", r"$b\bar{b}b\bar{b}$"


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    return folder, write_explanation(folder)


@pytest.fixture(scope="module")
def drawn(explained):
    """Axes of every figure by name, not written."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explain_figures, "save_figure", lambda axes, _, name: [found.setdefault(name, axes)])
        draw_all(*explained, CONFIGURATION)
    plt.close("all")  # pyplot forgets them, they stay
    return found


def test_every_array_has_its_figure(explained, drawn):
    """A process without events is left out."""
    folder, _ = explained
    planes = {f"attention_plane{kind}_jet_{jet}" for kind in ("", "_difference") for jet in (1, 2)}
    blocks = ("constituents_block_1", "cross_block_1", "cross_block_1_right_and_wrong", "kinematics_block_1")
    others = {"attention_heads", "attention_rollout", "attention_by_rank", "attention_by_b_distance"}
    attributions = {"gradcam", "integrated_gradients", "insertion_deletion", "randomisation", "importance"}
    assert set(drawn) == planes | {f"attention_{block}" for block in blocks} | others | attributions
    titles = [place.get_title() for place in drawn["attention_cross_block_1"].flat]
    assert titles == [f"{name}: {jet}" for name in (SIGNAL, FOUR_B) for jet in ("leading jet", "subleading jet")]
    maps = StoredMaps(folder / "attention.h5")
    wrong = drawn["attention_cross_block_1_right_and_wrong"]
    assert [place.get_title().split(":")[0] for place in wrong[:, 0]] == [
        f"{name}, {verdict}" for name in (SIGNAL, FOUR_B) for verdict in ("right", "wrong")
    ]
    np.testing.assert_allclose(np.asarray(wrong[1, 1].images[0].get_array()), maps["cross_block_1/mean"][6, :, 5:])


def test_files_are_the_same_again(explained):
    folder, numbers = explained
    only = {**numbers, "files": [], "tokens": []}
    for study in ("insertion_deletion", "randomisation"):
        only[study] = {"refused": "no constituents"}
    first = draw_all(folder, only)
    assert [path.rsplit("/", 1)[1] for path in first] == ["importance.png", "importance.pdf"]
    before = [Path(path).read_bytes() for path in first]
    assert [Path(path).read_bytes() for path in draw_all(folder, only)] == before
    assert [start[:4] for start in before] == [b"\x89PNG", b"%PDF"]


def test_a_damaged_file_is_named(explained, tmp_path):
    (tmp_path / "attention.h5").write_text("no")
    with pytest.raises(InputError, match=r"attention\.h5.*mscat explain"):
        draw_all(tmp_path, explained[1])


def test_places_in_the_jet(explained):
    folder, numbers = explained
    maps = StoredMaps(folder / "attention.h5")
    drawn = draw_places(Material(folder, numbers, CONFIGURATION))
    less = drawn["attention_plane_difference_jet_2"]
    assert less.shape == (3, 1)
    assert less[2, 0].get_title() == f"{SIGNAL} $-$ {FOUR_B}\nsum reads subleading jet"
    plane = maps["plane/cross_block_1/jet_2"]
    np.testing.assert_allclose(np.asarray(less[2, 0].images[0].get_array()).T, plane[0, 2] - plane[1, 2])
    rank = drawn["attention_by_rank"][1, 0].lines
    np.testing.assert_allclose(rank[2].get_ydata(), maps["rank/cross_block_1/jet_1"][1, 1])
    np.testing.assert_allclose(rank[3].get_ydata(), maps["rank_even/cross_block_1/jet_1"][1, 1])
    truth = [patch for patch in drawn["attention_by_b_distance"][2, 1].patches if patch.get_label() == FOUR_B]
    np.testing.assert_allclose(truth[0].get_data().values, maps["truth/cross_block_1/jet_2"][1, 2])
    assert truth[0].get_data().edges[-1] == pytest.approx(0.6)  # the open bin is drawn as wide as its neighbour


def test_differences_of_signal_and_each_background():
    plane = np.arange(24.0).reshape(3, 2, 2, 2)
    found, names = differences(plane, ["a", "s", "b"], [False, True, False])
    np.testing.assert_array_equal(found[1, 0], plane[1, 1] - plane[0, 1])
    np.testing.assert_array_equal(found[0, 1], plane[1, 0] - plane[2, 0])
    assert names == ["s $-$ a", "s $-$ b"]


def test_attributions_keep_their_sign_and_share(explained):
    folder, numbers = explained
    cams = StoredMaps(folder / "gradcam.h5")
    drawn = draw_attributions(Material(folder, numbers, CONFIGURATION))
    area = (2 * PLANE / BINS) ** 2
    own = cams["process"] == 1
    signed = np.asarray(drawn["integrated_gradients"][0, 1].images[0].get_array())
    assert signed.sum() * area == pytest.approx(cams["jet_1/integrated_gradients"][own].sum(axis=1).mean(), rel=1e-4)
    top = plane_density(cams["jet_2/eta"][own], cams["jet_2/phi"][own], shares(cams["jet_2/maps"][own]))
    drawn_top = np.asarray(drawn["gradcam"][1, 1].images[0].get_array())
    assert drawn_top.max() == pytest.approx(top.max())


def test_of_many_events_the_first_of_each_process_are_drawn(explained, monkeypatch):
    folder, numbers = explained
    cams = StoredMaps(folder / "gradcam.h5")
    monkeypatch.setattr(explain_figures, "DRAWN_EVENTS", 7)
    drawn = draw_attributions(Material(folder, numbers, CONFIGURATION))
    first = np.flatnonzero(cams["process"] == 1)[:7]
    top = signed_density(*(cams[f"jet_2/{name}"][first] for name in ("eta", "phi", "integrated_gradients")))
    shown = np.asarray(drawn["integrated_gradients"][1, 1].images[0].get_array())
    np.testing.assert_allclose(shown, top.T)


def test_one_event_has_a_curve_without_errors(explained):
    study = explained[1]["insertion_deletion"]
    methods = {name: {kind: {**of, "error": [None] * 3} for kind, of in both.items()}
               for name, both in study["methods"].items()}  # fmt: skip
    axes = draw_insertion_deletion({**study, "methods": methods})
    assert len(axes[0, 0].containers) == len(methods)


def test_shares_of_signed_values_and_of_nothing():
    np.testing.assert_allclose(shares(np.array([[3.0, -1.0], [0.0, 0.0]])), [[0.75, 0.25], [0, 0]])
    point = signed_density(np.array([[0.51], [0.51]]), np.array([[-0.99], [-0.99]]), np.array([[-1.0], [0.0]]))
    assert point[30, 0] * (2 * PLANE / BINS) ** 2 == pytest.approx(-0.5)


def test_empty_planes_are_drawn():
    axes = draw_planes(np.zeros((1, 2, 4, 4)), ["jet"], ["a", "b"], "share")
    figure_of(axes).draw_without_rendering()
    assert [place.get_title() for place in axes[0]] == ["a\njet", "b\njet"]


def test_studies_show_their_numbers(explained):
    numbers = explained[1]
    (bars,) = draw_importance(numbers["importance"]).flat
    assert [bar.get_width() for bar in bars.patches] == [0.3, 0.1, 0.2, -0.01]  # streams, then columns
    (curves,) = draw_randomisation(numbers["randomisation"]).flat
    labels = curves.get_legend_handles_labels()[1]
    assert labels == ["Grad-CAM", "integrated gradients"]
    left, _ = draw_insertion_deletion(numbers["insertion_deletion"]).flat
    wanted = numbers["insertion_deletion"]["methods"]["random"]["deletion"]["logit"]
    np.testing.assert_allclose(left.containers[-1].lines[0].get_ydata(orig=False), wanted)


@pytest.mark.parametrize("name", ["attention_heads", "attention_by_rank", "attention_cross_block_1", "importance"])
def test_no_two_labels_lie_on_each_other(drawn, name):
    """Titles, axis titles and upright labels of ticks, as they are laid out."""
    figure = figure_of(drawn[name])
    figure.draw_without_rendering()
    texts = [text for place in figure.axes for text in (place.title, place.xaxis.label, place.yaxis.label)]
    for axis in (axis for place in figure.axes for axis in (place.xaxis, place.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        texts += [label for tick in ticks for label in (tick.label1, tick.label2)]
    shown = [text for text in texts if text.get_visible() and text.get_text() and text.get_rotation() in (0, 90)]
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in shown]
    both = [(one, other) for (one, box), (other, place) in itertools.combinations(boxes, 2) if box.overlaps(place)]
    assert both == []


def test_drawing_needs_no_framework():
    code = "import sys, mscat_tf.interpretation.explain_figures, mscat_tf.explanation; "
    code += "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_block_of_each_jet_is_drawn_for_all_jets(tmp_path):
    """`mscat_swapped` has blocks `constituents_j_cross_b`, each of its own jet; pooling is no block."""
    numbers = write_explanation(tmp_path)
    stored = StoredMaps(tmp_path / "attention.h5")
    maps, about = dict(stored), stored.attributes
    for jet in (1, 2):
        for name in ("plane", "rank", "rank_error", "rank_even"):
            maps[f"{name}/constituents_{jet}_cross_2/jet_{jet}"] = maps.pop(f"{name}/cross_block_1/jet_{jet}")
            maps[f"{name}/constituents_{jet}_pooled/jet_{jet}"] = maps[f"{name}/constituents_{jet}_cross_2/jet_{jet}"]
    about["readers"] = {f"constituents_{jet}_cross_2": ["jet 1", "jet 2", "sum"] for jet in (1, 2)}
    write_arrays(tmp_path / "attention.h5", maps, about)
    drawn = draw_places(Material(tmp_path, numbers, None))
    assert drawn["attention_by_rank"].shape == (3, 2)
    for jet in (1, 2):
        shown = drawn[f"attention_plane_difference_jet_{jet}"][0, 0].images[0].get_array()
        plane = maps[f"plane/constituents_{jet}_cross_2/jet_{jet}"]
        np.testing.assert_allclose(np.asarray(shown).T, plane[0, 0] - plane[1, 0])
