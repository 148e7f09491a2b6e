"""`mscat explain` of a run on disk: which events, the threshold, resumption, faults of the user."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from mscat_tf.config import DataSettings, load_config
from mscat_tf.data import Sample, event_table
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import ConfigError, InputError, OutputError
from mscat_tf.files import write_json
from mscat_tf.interpretation import attribution, event_batches
from mscat_tf.interpretation import run as explain_run
from mscat_tf.interpretation.event_batches import EventBatches, chosen_rows
from mscat_tf.interpretation.part import Context
from mscat_tf.interpretation.partial import FOLDER, STATE, Partial
from mscat_tf.lock import locked
from mscat_tf.models import registry
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.run_folder import Run
from mscat_tf.run_start import start_run
from tests.models.mock_inputs import moved_weights, tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_mock_sample(tmp_path_factory.mktemp("sample"), events=400, shards=3)


@pytest.fixture
def run(folder, tmp_path) -> Run:
    """Finished, of a network that was never trained."""
    config = load_config("smoke", [f"data.path={folder}", "explain.batch_size=16", "explain.shown_events=1"])
    config = config.model_copy(update={"model": tiny("kinematics_only"), "name": "mock"})
    keras.utils.set_random_seed(1)
    run = start_run(config, tmp_path / "run", "0" * 16)
    moved_weights(registry.build(config.model, InputSpecification(constituents=8))).save(run.path / "model.keras")
    write_json(run.path / "training.json", {})
    return run


def settings(run, **changes):
    return run.config.explain.model_copy(update={"methods": ("grad_cam",), "studies": (), "events": 30, **changes})


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """They are drawn in other tests."""
    monkeypatch.setattr(explain_run, "draw_all", lambda *_: [])


def context(run, threshold=0.0):
    header = run.sample.header
    return Context(header.processes, header.labels, threshold, run.config.data, header.token_names, header.jets, run)


def test_batches_are_the_events_of_the_sample_from_any_batch_on(run):
    rows = chosen_rows(run.table, 30, 1)
    names = ("kinematics", "constituents_1", "mask_1", "constituents_2", "mask_2")
    source = EventBatches(
        run.sample, run.table, rows, 16, context(run), lambda i: i["kinematics"][:, 0, 0] - 110, names
    )
    every = list(source(0))
    assert [len(batch) for batch in every] == [16] * (len(rows) // 16) + [len(rows) % 16] * (len(rows) % 16 > 0)
    np.testing.assert_array_equal(np.concatenate([batch.row for batch in every]), rows)
    for later, batch in zip(source(2), every[2:], strict=True):
        np.testing.assert_array_equal(later.row, batch.row)
        np.testing.assert_array_equal(later.inputs["constituents_2"], batch.inputs["constituents_2"])
    assert list(source(len(every))) == []
    kinematics, clouds = run.sample.column("kinematics"), run.sample.column("constituents")
    masks, label = run.sample.column("constituents_mask"), run.sample.column("label")
    for batch in every:
        np.testing.assert_array_equal(batch.inputs["kinematics"], kinematics[batch.row])
        np.testing.assert_array_equal(batch.places["jet_2/pt"], clouds[batch.row, 1, :, 2])
        np.testing.assert_array_equal(batch.places["jet_2/mask"], masks[batch.row, 1])
        np.testing.assert_array_equal(batch.right, (kinematics[batch.row, 0, 0] >= 110) == (label[batch.row] == 1))


def test_places_do_not_depend_on_what_the_network_reads(run):
    rows, fewer = chosen_rows(run.table, 5, 1), run.config.data.model_copy(update={"constituent_features": ("log_pt",)})
    small = Context(("signal", "4b", "ttbar"), (1, 0, 0), 0.0, fewer)
    batch = next(EventBatches(run.sample, run.table, rows, 8, small, lambda i: np.zeros(8), ("kinematics",))())
    assert batch.inputs["constituents_1"].shape[-1] == 1
    np.testing.assert_array_equal(batch.places["jet_1/eta"], run.sample.column("constituents")[batch.row, 0, :, 0])


def test_truth_comes_with_the_events_where_the_sample_has_it(tmp_path):
    with Sample(write_mock_sample(tmp_path, events=60, shards=2, declusterings=3)) as sample:
        table = event_table(sample, DataSettings(max_constituents=5), 1)
        rows, few = chosen_rows(table, 9, 1), Context(("signal", "4b", "ttbar"), (1, 0, 0))
        batch = next(EventBatches(sample, table, rows, 90, few, lambda _: np.zeros(len(rows)), ("kinematics",))())
        np.testing.assert_array_equal(batch.truth["b_hadrons"], sample.column("truth/b_hadrons")[rows])
        assert batch.truth["b_distance"].shape == (len(rows), 2, 8)
        assert batch.truth["track_jets"].shape == (len(rows), 2, 3)


def fake_table(label, process):
    return SimpleNamespace(
        label=np.array(label), process=np.array(process), processes=("s", "b"), rows=lambda _: np.arange(len(label))
    )


def test_chosen_events_are_all_or_so_many_at_random():
    table = fake_table([1] * 500 + [0] * 500, [0] * 500 + [1] * 500)
    assert chosen_rows(table, 500, 1).tolist() == list(range(1000))
    rows = chosen_rows(table, 100, 1)
    assert (np.diff(rows) > 0).all()
    assert np.bincount(rows // 500).tolist() == [100, 100]
    assert 150 < rows[:100].mean() < 350  # not the first ones
    assert chosen_rows(table, 100, 2).tolist() != rows.tolist()


@pytest.mark.parametrize(("label", "what"), [([], "no events to explain"), ([0, 0], "no signal events")])
def test_a_test_split_without_signal_is_said_in_a_sentence(label, what):
    with pytest.raises(InputError, match=f"the test split holds {what}.*generate more"):
        chosen_rows(fake_table(label, label), 10, 1)


def test_half_of_the_signal_is_above_the_threshold(run):
    """With and without the file of an evaluation; the weights of the events count."""
    rows, logit = run.predictor.logits(run.sample, run.table, "test")
    found, signal = explain_run.threshold(run), run.table.label[rows] == 1
    weight = run.table.weight_fb[rows]
    above = weight[signal & (logit >= found)].sum() / weight[signal].sum()
    assert 0.5 <= above < 0.5 + 2 * (weight / weight[signal].sum())[signal].max()


def test_explained_once_resumed_and_not_repeated(run, monkeypatch):
    """Killed during the studies: the events are not read again; finished: nothing is done but drawing."""
    asked, read = [], []
    monkeypatch.setattr(event_batches.EventBatches, "_blocks", counted(event_batches.EventBatches._blocks, read))

    def studies(*_):
        asked.append(1)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return {"importance": {"jet 1": 0.5}}

    monkeypatch.setattr(attribution, "studies", studies)
    monkeypatch.setattr(explain_run, "threshold", lambda _: 0.0)
    with pytest.raises(KeyboardInterrupt):
        explain_run.explain(run, settings(run))
    assert (run.path / FOLDER / STATE).is_file()
    first = (run.path / "attention.h5").read_bytes()
    summary = explain_run.explain(run, settings(run))
    assert (read[0], len(read), len(asked)) == (0, 2, 2)
    assert read[1] >= sum(summary["events"].values()) > 60
    assert (run.path / "attention.h5").read_bytes() == first
    assert summary["importance"] == {"jet 1": 0.5}
    assert not (run.path / FOLDER).exists()
    assert json.loads((run.path / "explanation.json").read_text()) == summary
    assert explain_run.explain(run, settings(run)) == summary
    assert len(asked) == 2
    (run.path / "attention.h5").write_bytes(first[: len(first) // 2])  # a truncated file is made again
    explain_run.explain(run, settings(run))
    assert (run.path / "attention.h5").read_bytes() == first
    assert explain_run.finished(run, explain_run.work_key(run, settings(run))) is not None
    assert explain_run.finished(run, explain_run.work_key(run, settings(run, events=20))) is None


def counted(function, calls):
    def call(self, first):
        calls.append(first)
        return function(self, first)

    return call


def test_events_of_one_class_say_nothing_of_the_worth_of_inputs(run):
    found = attribution.studies(run, settings(run, studies=("importance",), study_events=1))
    assert found == {"importance": {"refused": "of 1 events none is of the other class; raise explain.study_events"}}


def test_a_layer_of_a_kind_that_the_network_lacks(run):
    with pytest.raises(ConfigError, match="'kinematics_only' has no constituent block, so no 'constituents_1_block_1'"):
        explain_run.explain(run, settings(run, gradcam_layer="constituents_1_block_1"))


def test_a_truncated_run_folder(run):
    whole = (run.path / "model.keras").read_bytes()
    (run.path / "model.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"model\.keras: cannot be loaded .* delete it and train again"):
        explain_run.explain(Run(run.path))
    (run.path / "model.keras").unlink()
    with pytest.raises(InputError, match="the training is not finished"):
        explain_run.explain(Run(run.path))
    (run.path / "config.yaml").unlink()
    with pytest.raises(InputError, match=r"no run here \(config.yaml is missing\)"):
        Run(run.path)


def test_what_another_process_explains_is_refused(run):
    """The first of two that is done would delete what the other still needs."""
    sentence = r"process \d+ on .* is writing an explanation of this run; wait for it"
    with locked(run.path, "an explanation of this run"), pytest.raises(OutputError, match=sentence):
        explain_run.explain(run, settings(run))
    assert not (run.path / FOLDER).exists()


def test_unfinished_work_that_lost_a_part_is_not_taken_for_whole(tmp_path):
    partial = Partial(tmp_path, "key")
    for batches in (3, 5):
        partial.save(batches, {"rows": np.arange(4)}, {})
    assert len(list(partial.chunks())) == 2
    (tmp_path / FOLDER / "rows-00003.npz").unlink()
    with pytest.raises(OutputError, match=r"rows-00003\.npz: .*delete the folder .*\.explaining"):
        list(partial.chunks())


def test_damaged_unfinished_work_names_the_folder_to_delete(tmp_path):
    partial = Partial(tmp_path, "key")
    partial.save(3, {"rows": np.arange(4)}, {"sum": np.ones(2)})
    assert Partial(tmp_path, "key").load()[0] == 3
    (tmp_path / FOLDER / STATE).write_bytes(b"PK")
    with pytest.raises(OutputError, match=r"damaged .*delete the folder .*\.explaining"):
        Partial(tmp_path, "key")
