"""Streaming: the same scores whatever the batches and files, memory that does not grow, nothing half-written."""

import gc
import tracemalloc
from dataclasses import replace

import h5py
import numpy as np
import pytest

from mscat_tf.cli import importing
from mscat_tf.cli import predict as command
from mscat_tf.config import DataSettings
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.subjets import SubjetSettings
from mscat_tf.data import Sample
from mscat_tf.data.flat import read_flat
from mscat_tf.data.mock import mock_arrays, mock_header, write_mock_sample
from mscat_tf.data.splits import assign_splits
from mscat_tf.errors import InputError
from mscat_tf.inference import predict as streaming
from mscat_tf.inference.predict import predict, scores
from mscat_tf.inference.scorer import EnsembleScorer, NetworkScorer, TreesScorer, score_of
from mscat_tf.inference.signature import InputField
from mscat_tf.models.boosted_trees import BoostedTrees
from mscat_tf.schema import SUBJET_COLUMNS, write_sample
from tests.inference.conftest import numpy_forward, signature

ABOUT = {"run": "none"}


def written(scorer, folder, out, **options):
    with Sample(folder) as sample:
        events = predict(scorer, sample, out, ABOUT, DataSettings(), **options)
    with h5py.File(out) as file:
        found = {name: file[name][()] for name in file}
    assert {len(values) for values in found.values()} == {events}
    return found


def test_columns_are_those_of_the_sample(mock_folder, numpy_scorer, tmp_path):
    found = written(numpy_scorer(), mock_folder, tmp_path / "s.h5")
    with Sample(mock_folder) as sample:
        for name in ("event_id", "group_id", "label", "process"):
            np.testing.assert_array_equal(found[name], sample.column(name))
        weights = sample.column("weights").astype(float)
        np.testing.assert_allclose(found["weight_fb"], weights.prod(axis=1) * 10.0 / 3000.0)  # 10 fb, 3 files of 1000
        np.testing.assert_array_equal(found["weight_tag"], weights[:, 1].astype("f4"))
        np.testing.assert_array_equal(found["split"], assign_splits(sample.column("group_id"), 0.64, 0.16))
        whole = {name: sample.column(name) for name in ("constituents", "constituents_mask", "kinematics")}
    expected = numpy_forward(signature().inputs(whole))
    np.testing.assert_array_equal(found["logit"], expected)
    np.testing.assert_allclose(found["score"], 1 / (1 + np.exp(-expected.astype(float))), rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 100, 300, 1000])
def test_batches_files_and_pieces_change_nothing(mock_folder, numpy_scorer, tmp_path, monkeypatch, batch_size):
    expected = written(numpy_scorer(), mock_folder, tmp_path / "a.h5")
    monkeypatch.setattr(streaming, "READ_EVENTS", 13)
    monkeypatch.setattr(streaming, "PIECE_EVENTS", 31)
    told = []
    found = written(numpy_scorer(batch_size), mock_folder, tmp_path / "b.h5", progress=told.append)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    assert told == [min(done, 300) for done in range(batch_size, 300 + batch_size, batch_size)]


def test_memory_does_not_grow_with_the_sample(numpy_scorer, tmp_path, monkeypatch):
    monkeypatch.setattr(streaming, "READ_EVENTS", 64)
    monkeypatch.setattr(streaming, "PIECE_EVENTS", 128)

    def collect(_):
        gc.collect()  # else the peak tells when Python last looked for closed files that refer to themselves

    peaks = []
    for events in (600, 6000):
        folder = write_mock_sample(tmp_path / str(events), events=events, shards=2)
        with Sample(folder) as sample:
            tracemalloc.start()
            predict(numpy_scorer(), sample, tmp_path / "s.h5", ABOUT, DataSettings(), progress=collect)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]  # of a few blocks; keeping no more than the scores would triple it


def test_arrays_samples_and_paths_give_the_same(mock_folder, numpy_scorer):
    scorer = numpy_scorer()
    with Sample(mock_folder) as sample:
        expected = scores(scorer, sample)
        arrays = {name: sample.column(name) for name in scorer.data_sets}
    for events in (mock_folder, str(mock_folder), arrays, scorer.signature.inputs(arrays)):
        np.testing.assert_array_equal(scores(scorer, events), expected)
    assert scores(scorer, {name: values[:0] for name, values in arrays.items()}).shape == (0,)
    others = {"m_H": np.full(len(expected), np.nan), "raw/offsets": np.zeros((len(expected) + 1, 3))}
    np.testing.assert_array_equal(scores(scorer, {**others, **arrays}), expected)


def test_scores_of_large_logits_are_finite():
    logits = np.array([-2000.0, -30.0, 0.0, 30.0, 2000.0], "f4")
    np.testing.assert_allclose(score_of(logits), [0.0, np.exp(-30.0), 0.5, 1.0, 1.0], rtol=1e-6)


def test_arrays_that_do_not_fit_are_one_sentence(mock_folder, numpy_scorer):
    scorer = numpy_scorer()
    with Sample(mock_folder) as sample:
        arrays = sample.read(sample.blocks[0], scorer.data_sets)
    inputs = scorer.signature.inputs(arrays)
    with pytest.raises(InputError, match=r"events: mask_2 missing; give the inputs .*constituents_mask"):
        scores(scorer, {name: values for name, values in inputs.items() if name != "mask_2"})
    with pytest.raises(InputError, match=r"'mask_1' has shape .*, the network reads \(64, 8\)"):
        scores(scorer, {**inputs, "mask_1": inputs["mask_1"][:, :3]})
    with pytest.raises(InputError, match=r"not those of the schema .*schema\.md"):
        scores(scorer, {**arrays, "constituents": arrays["constituents"][:, :1]})
    with pytest.raises(InputError, match=r"'kinematics' has shape \(64, 3, 2\)"):
        scores(scorer, {**arrays, "kinematics": arrays["kinematics"][..., :2]})
    with pytest.raises(InputError, match=r"different numbers of events \('constituents' 100, .*'kinematics' 200"):
        scores(scorer, {**arrays, "kinematics": np.concatenate([arrays["kinematics"]] * 2)})
    with pytest.raises(InputError, match="'kinematics' holds NaN"):
        scores(scorer, {**arrays, "kinematics": np.full_like(arrays["kinematics"], np.nan)})


def test_nothing_is_left_of_an_interrupted_or_failed_prediction(numpy_scorer, tmp_path):
    folder = write_mock_sample(tmp_path / "data", events=600, shards=2)
    out = tmp_path / "out" / "s.h5"
    before = written(numpy_scorer(), folder, out)

    def interrupt(done):
        if done > 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(numpy_scorer(), folder, out, progress=interrupt)
    with h5py.File(folder / "mock-0001.h5", "a") as file:
        file["kinematics"][250, 0, 0] = np.nan
    with pytest.raises(InputError, match=r"mock-0001\.h5: 'kinematics' column 'm' is nan in event 250"):
        written(numpy_scorer(), folder, out)
    assert list(out.parent.iterdir()) == [out]
    with h5py.File(out) as file:
        np.testing.assert_array_equal(file["score"][()], before["score"])


def test_another_network_and_an_empty_sample_are_one_sentence(mock_folder, numpy_scorer, tmp_path):
    with pytest.raises(InputError, match="2 jets in every event, but the network reads 3"):
        written(numpy_scorer(jets=3), mock_folder, tmp_path / "s.h5")
    folder = write_mock_sample(tmp_path / "empty", events=0, shards=1)
    with pytest.raises(InputError, match="holds no events"):
        written(numpy_scorer(), folder, tmp_path / "s.h5")
    assert not (tmp_path / "s.h5").exists()


def test_a_network_that_reads_fewer_jets_scores_the_leading_ones(mock_folder, numpy_scorer):
    with Sample(mock_folder) as sample:
        arrays = sample.read(sample.blocks[0], ("constituents", "constituents_mask", "kinematics"))
    found = scores(numpy_scorer(jets=1), mock_folder)[: len(arrays["kinematics"])]
    log_pt = np.where(arrays["constituents_mask"], arrays["constituents"][..., 3], 0.0)[:, 0].sum(axis=1)
    logit = log_pt - 0.01 * arrays["kinematics"][:, 0, 0]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), rtol=1e-5)


def test_trees_predict_too(mock_folder):
    leaf = [1, 2]  # one question: is the leading jet's mass at most 125 GeV?
    nodes = {"feature": [0, 0, 0], "left": [1, *leaf], "right": [2, *leaf], "value": [0.0, -2.0, 3.0]}
    arrays = {
        name: np.array(values) for name, values in {**nodes, "threshold": [125.0, 0.0, 0.0], "roots": [0]}.items()
    }
    scorer = TreesScorer(BoostedTrees(("kinematics/0/m",), 0.5, **arrays), 64)
    with Sample(mock_folder) as sample:
        mass = sample.column("kinematics")[:, 0, 0]
    np.testing.assert_allclose(
        scores(scorer, mock_folder), 1 / (1 + np.exp(np.where(mass <= 125, 1.5, -3.5))), rtol=1e-6
    )
    with pytest.raises(InputError, match="give the data sets kinematics"):
        scores(scorer, {"mass": mass})
    for columns, message in ((("kinematics/3/m",), "has 3 rows"), (("high_level/0/c2",), r"high_level=\[c2\]")):
        with pytest.raises(InputError, match=message):
            scores(TreesScorer(BoostedTrees(columns, 0.5, **arrays), 64), mock_folder)


def test_trees_read_jet_variables_by_name(tmp_path):
    """Of samples with other columns they say what to do, or find theirs at another place."""
    header = replace(mock_header(8, 0), high_level=("multiplicity", "tau_1"))
    own = mock_arrays(6, 8, np.random.default_rng(0))
    own["high_level"] = np.random.default_rng(1).normal(size=(6, 2, 2))
    write_sample(tmp_path / "own.h5", header, own)
    more = {**own, "high_level": np.insert(own["high_level"], 0, 7.0, axis=2)}
    write_sample(tmp_path / "more.h5", replace(header, high_level=("mass", *header.high_level)), more)
    write_sample(
        tmp_path / "fewer.h5", replace(header, high_level=("tau_1",)), {**own, "high_level": own["high_level"][..., :1]}
    )
    nodes = {
        "feature": [0, 0, 0],
        "left": [1, 1, 2],
        "right": [2, 1, 2],
        "value": [0.0, -2.0, 3.0],
        "threshold": [0.0] * 3,
    }
    columns = tuple(f"high_level/{jet}/{name}" for jet in (0, 1) for name in header.high_level)
    trees = BoostedTrees(columns, 0.5, **{name: np.array(v) for name, v in nodes.items()}, roots=np.array([0]))
    scorer = TreesScorer(trees, 64)
    expected = 1 / (1 + np.exp(np.where(own["high_level"][:, 0, 0] <= 0.0, 1.5, -3.5)))
    np.testing.assert_allclose(scores(scorer, tmp_path / "own.h5"), expected, rtol=1e-6)
    assert scorer.token_settings == ("tokens.high_level=[multiplicity,tau_1]",)
    rows = np.arange(6)
    with (
        Sample(tmp_path / "own.h5") as sample,
        Sample(tmp_path / "more.h5") as other,
        Sample(tmp_path / "fewer.h5") as few,
    ):
        np.testing.assert_array_equal(read_flat(other, rows, columns), read_flat(sample, rows, columns))
        with pytest.raises(InputError, match=r"no column 'multiplicity'.*high_level=\[multiplicity,tau_1\]"):
            read_flat(few, rows, columns)
    np.testing.assert_array_equal(scores(scorer, tmp_path / "more.h5"), scores(scorer, tmp_path / "own.h5"))
    with pytest.raises(InputError, match="'high_level' has no column 'multiplicity', which the trees read"):
        scores(scorer, tmp_path / "fewer.h5")


def test_ensemble_gives_the_mean_score(mock_folder, numpy_scorer):
    first, second = numpy_scorer(), NetworkScorer(signature(), lambda inputs: 1.0 - numpy_forward(inputs), 64)
    found = scores(EnsembleScorer([first, second]), mock_folder)
    np.testing.assert_allclose(found, (scores(first, mock_folder) + scores(second, mock_folder)) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "{sample}"), "nowhere: no run here"),
        (("x.onnx", "{sample}"), "x.onnx: no such file; write it with `mscat export"),
        (("x.onnx", "{sample}", "--backend", "keras"), "read by onnxruntime; leave --backend out"),
        (("nowhere", "{sample}", "--backend", "torch"), "--backend torch: unknown; choose from keras, onnx"),
        (("nowhere", "{sample}", "--out", "x.csv"), "x.csv: scores cannot be written so"),
        (("nowhere", "{sample}", "{sample}"), "a second sample; give one file or folder"),
        (("nowhere", "no-sample"), "no-sample: no such file or folder"),
    ],
)
def test_commands_that_cannot_be_followed_are_one_sentence(mscat, mock_folder, arguments, message):
    status, _, complaint = mscat("predict", *(argument.format(sample=mock_folder) for argument in arguments))
    assert status == 2
    assert complaint.startswith("mscat: ")
    assert message in complaint


def test_truncated_sample_and_a_file_that_is_no_network(mscat, tmp_path):
    file = next(write_mock_sample(tmp_path / "s", events=30, shards=1).glob("*.h5"))
    (tmp_path / "x.onnx").write_text("not a network")
    assert "x.onnx: onnxruntime cannot load it" in mscat("predict", "x.onnx", file)[2]
    file.write_bytes(file.read_bytes()[:-1000])
    assert "mock-0000.h5: truncated" in mscat("predict", "x.onnx", file)[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "x.onnx"]


@pytest.mark.parametrize("prepared", [True, False])
def test_imported_files_get_the_subjets_of_the_training(mscat, numpy_scorer, monkeypatch, prepared):
    found = SubjetSettings(algorithm="kt", radius=0.3)
    data = DataSettings(preparation=Preparation(subjets=found if prepared else None))
    tokens = {"subjets": (SubjetSettings() if prepared else found).model_dump(mode="json")}
    about = {"data_digest": "", "configuration": {"sample": {"tokens": tokens}}}
    scorer = numpy_scorer()
    fields = (*scorer.signature.fields, InputField("subjets_1", "float32", (7, 6), SUBJET_COLUMNS))
    scorer.signature = replace(scorer.signature, fields=fields)
    asked = []

    def import_files(settings, *_):
        asked.append(settings.tokens.subjets)
        raise InputError("enough")

    monkeypatch.setattr(importing, "import_files", import_files)
    monkeypatch.setattr(command, "_open", lambda *_: (scorer, about, data))
    assert mscat("predict", "r", "--import", "delphes", "a.root", "--out", "x.h5")[0] == 2
    assert asked == [found.model_copy(update={"number": 7})]


def test_files_of_others_are_imported_first_as_the_network_needs_them(mscat, numpy_scorer, monkeypatch, tmp_path):
    asked = []

    def import_files(settings, folder, *_):
        asked.append((settings, folder))
        write_mock_sample(folder, events=30, shards=1, constituents=11)

    scorer = numpy_scorer(constituents=11)
    monkeypatch.setattr(importing, "import_files", import_files)
    monkeypatch.setattr(command, "_open", lambda *_: (scorer, {"data_digest": ""}, DataSettings()))
    status, output, _ = mscat("predict", "r", "--import", "delphes", "a.root", "b.root", "--out", "x.h5")
    assert status == 0
    assert output.startswith("x.h5: scores of 30 events")
    ((settings, folder),) = asked
    assert settings.tokens.constituents == 11
    assert settings.processes["unknown"].files == ("a.root", "b.root")
    with h5py.File(tmp_path / "x.h5") as file:
        assert (file.attrs["sample"], len(file["score"])) == ("a.root and 1 more", 30)
    assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]
