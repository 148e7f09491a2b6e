"""The page as text: its numbers are those of the run, what a run lacks is said, nothing breaks out."""

import base64
import json
import re
from html.parser import HTMLParser

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mscat_tf.errors import InputError, OutputError
from mscat_tf.evaluation.compare import compare_runs
from mscat_tf.evaluation.figures import draw_scores
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.evaluation.style import new_axes
from mscat_tf.number_text import with_error
from mscat_tf.report import write_report
from mscat_tf.report.arrays import halves, steps
from mscat_tf.report.blocks import axes_of
from mscat_tf.report.html import json_text
from mscat_tf.run_folder import load_run, member_names
from tests.report.mock_run import CONSTITUENTS, TOKENS, evaluated, explained, trained, write_sample


class Page(HTMLParser):
    """Data by element, texts by kind of element, selects by name."""

    def __init__(self, path):
        super().__init__()
        self.data, self.tags, self.options, self.text, self._inside = {}, [], {}, "", None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "script":
            self._inside = attributes.get("id")
        if tag == "select":
            self._select = self.options.setdefault(attributes["id"], [])
        if tag == "option":
            self._select.append(attributes["value"])

    def handle_data(self, data):
        if self._inside and self._inside not in self.data:
            self.data[self._inside] = json.loads(data)
        elif self._inside is None and self.tags and self.tags[-1][0] not in ("script", "style"):
            self.text += data

    def handle_endtag(self, tag):
        if tag == "script":
            self._inside = None

    @property
    def figures(self):
        return {attributes["id"] for tag, attributes in self.tags if tag == "figure"}


def unpacked(packed):
    """The array that `arrays.js` reads."""
    content = base64.b64decode(packed["data"])
    if packed["kind"] == "half":
        return np.frombuffer(content, "<f2").reshape(packed["shape"]).astype(float)
    levels = np.frombuffer(content, "u1").reshape(-1, *packed["shape"][-2:]).astype(float)
    low, scale = (np.array(packed[name])[:, None, None] for name in ("low", "scale"))
    return (low + scale * levels).reshape(packed["shape"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    sample = write_sample(folder / "sample")
    first = explained(evaluated(folder / "first", sample))
    return first, evaluated(folder / "other", sample, "model.name=concatenation", "model.width=24", strength=1.0)


@pytest.fixture(scope="module")
def page(runs):
    return Page(write_report(runs))


def test_curves_are_those_of_the_metrics(runs, page):
    metrics = runs[0].metrics
    assert page.options["roc-background"] == ["all backgrounds", "4b", "ttbar"]
    for name, entry in metrics.items():
        if not (isinstance(entry, dict) and "roc" in entry):
            continue
        traces = page.data["data-roc"]["variants"][name]["traces"]
        thin = next(trace for trace in traces if trace["name"] == "curve: few events")
        wanted = [1 / value if value > 0 else None for value in entry["roc"]["background_efficiency"]]
        assert thin["y"] == [value and pytest.approx(value, rel=1e-5) for value in wanted]
        band = next(trace for trace in traces if "fill" in trace)
        low = [value for value in entry["roc"]["low"] if value > 0]
        assert band["y"][: len(low)] == pytest.approx([1 / value for value in low], rel=1e-5)
    assert with_error(metrics["4b"]["auc"]["value"], metrics["4b"]["auc"]["error"]) in page.text


def test_scores_are_those_of_the_figure_of_evaluate(runs, page):
    _, (axes,) = new_axes()
    draw_scores(axes, read_scores(runs[0].path / "scores.h5"))
    drawn = dict(zip(("4b", "signal", "ttbar"), (patch.get_data().values for patch in axes.patches), strict=True))
    traces = page.data["data-scores"]["variants"][""]["traces"]
    assert {trace["name"] for trace in traces} == set(drawn) == {"4b", "signal", "ttbar"}
    for trace in traces:
        heights = [value or 0.0 for value in trace["y"][:-1]]
        np.testing.assert_allclose(heights, drawn[trace["name"]], rtol=1e-5)


def test_efficiencies_cut_flow_training_and_calibration_are_those_of_the_files(runs, page):
    found = json.loads((runs[0].path / "selection.json").read_text())["efficiency"]["m_J1"]["0.5"]["signal"]
    trace = page.data["data-efficiency"]["variants"]["m_J1|0.5"]["traces"][1]
    assert trace["y"] == [share and pytest.approx(share, rel=1e-5) for share in found["share"]]
    flow = page.data["data-cut-flow"]["variants"][""]["traces"][0]
    assert (flow["y"], flow["x"]) == (["generated", "pT &lt; 9"], [1.0, 0.0405])
    losses = {trace["name"]: trace["y"] for trace in page.data["data-loss"]["variants"][""]["traces"]}
    assert losses["first, validation"] == [0.61, 0.5, 0.55]
    bins = runs[0].metrics["calibration"]["bins"]
    shown = page.data["data-reliability"]["variants"][""]["traces"][1]
    assert shown["y"] == [None if value != value else pytest.approx(value, rel=1e-5) for value in bins["observed"]]


def test_maps_are_those_of_the_files(runs, page):
    with h5py.File(runs[0].path / "attention.h5") as file:
        for block, entry in page.data["data-attention-map"]["blocks"].items():
            np.testing.assert_allclose(unpacked(entry["mean"]), file[f"{block}/mean"], rtol=1e-3, atol=1e-7)
            np.testing.assert_allclose(unpacked(entry["per_head"]), file[f"{block}/per_head"], rtol=1e-3, atol=1e-7)
        plane = page.data["data-attention-plane"]["blocks"]["cross_block_1"]["maps"]["2"]
        np.testing.assert_allclose(unpacked(plane), file["plane/cross_block_1/jet_2"], rtol=1e-3)
        truth = page.data["data-attention-curves"]["sources"]["truth"]["cross_block_1"]["jets"]["1"]
        np.testing.assert_allclose(unpacked(truth["pt"]), file["truth_pt/cross_block_1/jet_1"], rtol=1e-3)


def test_events_are_those_of_the_files_without_padding(runs, page):
    events = page.data["shared-events"]["events"]
    with h5py.File(runs[0].path / "attention.h5") as file, h5py.File(runs[0].path / "gradcam.h5") as cams:
        for number, event in enumerate(events):
            masks = [file[f"events/jet_{jet}/mask"][number] for jet in (1, 2)]
            scores = file["events/cross_block_1"][number][..., np.concatenate(masks)].astype(float)
            shown = unpacked(event["attention"]["cross_block_1"])
            assert np.abs(shown - scores).max() <= scores.max() / 500
            place = int(np.flatnonzero(cams["row"][()] == event["row"])[0])
            for jet, mask in zip((1, 2), masks, strict=True):
                own = event["jets"][jet - 1]
                assert own["count"] == mask.sum()
                np.testing.assert_allclose(unpacked(own["pt"]), file[f"events/jet_{jet}/pt"][number][mask], rtol=1e-3)
                wanted = cams[f"jet_{jet}/integrated_gradients"][place][mask]
                np.testing.assert_allclose(unpacked(own["methods"]["integrated_gradients"]), wanted, rtol=1e-3)


def test_grad_cam_density_is_the_share_of_each_cell(runs, page):
    """Against a loop over the constituents of one process."""
    shown = unpacked(page.data["data-grad-cam-map"]["maps"]["maps"])
    with h5py.File(runs[0].path / "gradcam.h5") as file:
        events = np.flatnonzero(file["process"][()] == 2)
        bins, wanted, counted = shown.shape[-1], np.zeros(shown.shape[-2:]), 0
        for event in events:
            maps, eta, phi = (file[f"jet_1/{name}"][event] for name in ("maps", "eta", "phi"))
            counted += bool(maps.sum() > 0)
            for value, x, y in zip(maps, eta, phi, strict=True):
                if value > 0 and abs(x) <= 1 and abs(y) <= 1:
                    wanted[int((x + 1) * bins / 2), int((y + 1) * bins / 2)] += value / maps.sum()
    np.testing.assert_allclose(shown[0, 2], wanted / counted / (2 / bins) ** 2, rtol=2e-3, atol=1e-4)


def test_differences_are_those_of_compare(runs, page, tmp_path):
    first, other = runs
    found = compare_runs(list(runs), first.config.evaluate, first.config.seed, tmp_path)["differences"]["concatenation"]
    assert f"first − other{with_error(found['difference'], found['error'])}" in re.sub(r"\s*\n\s*", "", page.text)
    assert "model.width: 24" in page.text
    assert other.path.name in page.text


def test_numbers_of_the_studies(page):
    for text in ("0.321 ± 0.012", "0.0421 ± 0.0034", "98.7%", "undefined in all events", "at least 0.5"):
        assert text in page.text


def test_the_same_runs_give_the_same_bytes_and_fewer_events_a_smaller_page(runs, tmp_path):
    paths = [write_report(runs, tmp_path / name, events) for name, events in (("a", 3), ("b", 3), ("c", 1), ("d", 0))]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    sizes = [path.stat().st_size for path in paths[1:]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] < 15_000_000
    assert "3 single events are embedded, the first of each process" in Page(paths[2]).text
    assert "shared-events" not in Page(paths[3]).data


def test_a_run_that_lacks_parts_says_which_command_makes_them(tmp_path):
    sample = write_sample(tmp_path / "sample")
    run = trained(tmp_path / "bare", sample, history=False)
    page = Page(write_report([run]))
    assert page.figures == {"cut-flow"}
    assert page.text.count(f"mscat evaluate {run.path}") == 4
    assert page.text.count(f"mscat explain {run.path}") == 5
    (sample / "mock-0000.h5").unlink()
    assert "its cut flow is left out" in Page(write_report([load_run(run.path)])).text


@pytest.mark.parametrize(
    ("settings", "words"),
    [("model.name=boosted_trees", "Boosted trees have no layers"), ("train.repeats=2", "seed-1 explains one of them")],
)
def test_what_cannot_be_explained_is_said(tmp_path, settings, words):
    sample = write_sample(tmp_path / "sample")
    run = trained(tmp_path / "run", sample, settings)
    for name in member_names(run.config):
        trained(run.path / name, sample, f"seed={name[-1]}")
    page = Page(write_report([run]))
    assert words in page.text
    names = [trace["name"] for trace in page.data["data-loss"]["variants"][""]["traces"]]
    assert len(names) == 2 * max(len(run.members), 1)


def test_faults_are_named(runs, tmp_path):
    with pytest.raises(InputError, match="no run is given"):
        write_report([])
    with pytest.raises(InputError, match=r"nowhere: no run here"):
        write_report([tmp_path / "nowhere"])
    with pytest.raises(OutputError):
        write_report(runs, "/proc/report.html")
    unfinished = trained(tmp_path / "run", runs[0].config.data.path)
    unfinished.model_file.unlink()
    with pytest.raises(InputError, match="the training is not finished"):
        write_report([unfinished])
    unfinished.model_file.write_bytes(b"")
    (unfinished.path / "attention.h5").write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=r"attention.h5: cannot be read .* `mscat explain`"):
        write_report([unfinished])


@given(st.text(alphabet="<>/script&\u2028\u2029\"'\\!-é", max_size=30))
def test_json_cannot_end_its_element(text):
    written = json_text({text: [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: [text]}


@given(arrays.arrays(np.float64, (2, 3, 4), elements=st.floats(-50, 50)))
def test_arrays_keep_what_they_promise(values):
    np.testing.assert_allclose(unpacked(halves(values)), values, rtol=1e-3, atol=1e-7)
    width = np.maximum(values.max(axis=(1, 2)), 0) - np.minimum(values.min(axis=(1, 2)), 0)
    error = np.abs(unpacked(steps(values)) - values).max(axis=(1, 2))
    assert (error <= width / 500 + 1e-4).all()


@pytest.mark.parametrize(
    ("block", "queries", "keys", "kinds"),
    [
        ("cross_block_2", 3, 2 * CONSTITUENTS, (TOKENS, ["leading jet", "subleading jet"])),
        ("cross_block_1", 3, CONSTITUENTS, (TOKENS, ["sum of jets"])),
        ("constituents_2_block_1", CONSTITUENTS, CONSTITUENTS, (["subleading jet"], ["subleading jet"])),
        ("constituents_1_class", 2, CONSTITUENTS + 1, (["learned query"], ["class token", "leading jet"])),
        ("constituents_1_cross_1", CONSTITUENTS, 3, (["leading jet"], TOKENS)),
        ("joint_block_1", 15, 15, (["leading jet", "subleading jet", *TOKENS],) * 2),
        ("kinematics_pooled", 1, 3, (["learned query"], TOKENS)),
    ],
)
def test_every_token_of_a_block_has_a_name(block, queries, keys, kinds):
    spans = axes_of(block, queries, keys, TOKENS, jets=2, constituents=CONSTITUENTS)
    assert tuple([span.label for span in axis] for axis in spans) == kinds
    assert [sum(span.count for span in axis) for axis in spans] == [queries, keys]
