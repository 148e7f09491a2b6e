"""Scores of other tools: every format gives the same events, our own files are understood, bad ones are named."""

from dataclasses import fields

import h5py
import numpy as np
import pandas as pd
import pytest

from mscat_tf.config import EvaluationSettings
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import InputError, SchemaError
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.evaluation.plain import evaluate_plain
from mscat_tf.evaluation.plain_files import READERS, read_plain
from mscat_tf.evaluation.scores import Scores, write_scores
from mscat_tf.inference.score_files import TYPES, score_file
from mscat_tf.run_metrics import ALL
from tests.evaluation.test_bootstrap import scores


def columns(events=200, seed=1):
    rng = np.random.default_rng(seed)
    label = np.arange(events) % 2
    score = 1 / (1 + np.exp(-rng.normal(2 * label - 1, 1.5)))
    return {"score": score, "label": label, "weight": rng.uniform(0, 2, events).round(3)}


def write(path, values):
    """A file as another tool would make it."""
    names = list(values)
    if path.suffix == ".npz":
        np.savez(path, **values)
    elif path.suffix == ".npy":
        np.save(path, np.rec.fromarrays([np.asarray(values[name]) for name in names], names=names))
    elif path.suffix == ".csv":
        pd.DataFrame(values).to_csv(path, index=False)
    elif path.suffix == ".parquet":
        pd.DataFrame(values).to_parquet(path)
    elif path.suffix == ".root":
        uproot = pytest.importorskip("uproot")
        with uproot.recreate(path) as file:
            file["scores"] = {name: np.asarray(values[name]) for name in names}
    else:
        with h5py.File(path, "w") as file:
            for name in names:
                file[name] = values[name]
    return path


@pytest.mark.parametrize("ending", READERS)
def test_every_format_gives_the_same_events(tmp_path, ending):
    values = columns()
    found = read_plain(write(tmp_path / f"x{ending}", {"index": np.arange(200), **values}))
    np.testing.assert_array_equal(found.test.label, values["label"])
    np.testing.assert_array_equal(found.test.weight, values["weight"])
    np.testing.assert_allclose(found.test.logit, values["score"], rtol=1e-15)
    assert found.validation is None
    assert found.weights == "weight"


def test_bare_arrays_with_labels_and_weights_beside_them(tmp_path):
    values = columns()
    for name, array in values.items():
        np.save(tmp_path / f"{name}.npy", array)
    paths = [tmp_path / f"{name}.npy" for name in ("score", "label", "weight")]
    found = read_plain(*paths).test
    np.testing.assert_array_equal(found.score, values["score"])
    np.testing.assert_array_equal(found.weight, values["weight"])
    from_table = read_plain(paths[0], write(tmp_path / "truth.csv", {"label": values["label"]})).test
    np.testing.assert_array_equal(from_table.label, values["label"])
    np.testing.assert_array_equal(from_table.weight, 1)


@pytest.mark.parametrize("ending", [".h5", ".parquet", ".root"])
def test_files_of_predict_are_split_balanced_and_ranked_by_logit(tmp_path, ending):
    rng, events = np.random.default_rng(2), 600
    values = {name: np.zeros(events, kind) for name, kind in TYPES.items()}
    values |= {"label": np.arange(events) % 2, "split": np.arange(events) // 2 % 3, "event_id": np.arange(events) + 7}
    values |= {"logit": rng.normal(40, 10, events), "score": np.ones(events), "group_id": np.arange(events) // 6}
    values["weight_fb"] = np.where(values["label"] == 1, 1e-3, rng.uniform(0, 5, events))
    with score_file(tmp_path / f"scores{ending}", events, {"sample": "x"}) as append:
        append({name: values[name].astype(kind) for name, kind in TYPES.items()})
    found = read_plain(tmp_path / f"scores{ending}")
    chosen = values["split"] == SPLITS.index("test")
    np.testing.assert_array_equal(found.test.event_id, values["event_id"][chosen])
    np.testing.assert_array_equal(found.test.group_id, values["group_id"][chosen])
    np.testing.assert_array_equal(found.test.logit, values["logit"][chosen].astype("f4"))
    assert len(found.validation) == np.sum(values["split"] == SPLITS.index("validation"))
    whole = np.concatenate([found.test.weight, found.validation.weight])
    assert whole.mean() == pytest.approx(1, rel=0.1)
    assert found.test.weight[found.test.label == 1].sum() == pytest.approx(chosen.sum() / 2)


def test_scores_of_a_run_give_the_figures_of_the_run(tmp_path):
    """`scores.h5`, read as a plain file: the same AUC and rejections."""
    own = scores(n=600)
    write_scores(tmp_path / "scores.h5", own, {}, seed=1)
    settings = EvaluationSettings(bootstrap_replicas=5)
    found = evaluate_plain([tmp_path / "scores.h5"], None, None, settings, 1, tmp_path / "out")["scores"][ALL]
    assert found["auc"]["value"] == pytest.approx(weighted_auc(own.logit, own.label, own.weight), abs=1e-12)
    assert found["events"] == {"signal": 300, "background": 300}
    assert {path.name for path in (tmp_path / "out/figures").iterdir()} == {
        "roc.png", "roc.pdf", "calibration.png", "calibration.pdf",
    }  # fmt: skip


def test_nothing_of_the_events_is_lost_in_a_split(tmp_path):
    values = {**columns(), "split": np.repeat([1, 2], 100)}
    found = read_plain(write(tmp_path / "x.npz", values))
    for part, rows in ((found.validation, slice(100)), (found.test, slice(100, None))):
        assert isinstance(part, Scores)
        held = [getattr(part, field.name) for field in fields(part) if field.name != "member_logits"]
        assert {len(values) for values in held} == {100, 2}  # two names of processes
        np.testing.assert_array_equal(part.score, values["score"][rows])


BAD = {
    "no column 'label'": lambda v: v.pop("label"),
    "no column 'score'": lambda v: v.pop("score"),
    "NaN or infinite in 2 of 200 events, first in event 3": lambda v: v["score"].put([3, 9], [np.nan, np.inf]),
    "'label' has 150 values, 'score' 200": lambda v: v.update(label=v["label"][:150]),
    "event 5 has the label 2": lambda v: v["label"].put(5, 2),
    "no background": lambda v: v["label"].fill(1),
    "no signal": lambda v: v["label"].fill(0),
    "every 'weight' is zero or negative": lambda v: v.update(weight=-v["weight"]),
    "'weight' is negative in 1 of 200 events, first in event 4": lambda v: v["weight"].put(4, -1),
    "every weight of the signal": lambda v: v.update(weight=v["weight"] * (v["label"] == 0)),
    "holds no events": lambda v: v.update({name: array[:0] for name, array in v.items()}),
    "has the shape": lambda v: v.update(score=np.ones((200, 2))),
    "holds no numbers": lambda v: v.update(label=np.where(v["label"] == 1, "top", "qcd")),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_columns_are_named(tmp_path, sentence):
    values = columns()
    BAD[sentence](values)
    with pytest.raises(InputError, match=r"x\.npz: ") as found:
        read_plain(write(tmp_path / "x.npz", values))
    assert sentence in str(found.value)


@pytest.mark.parametrize("ending", [".npz", ".npy", ".parquet", ".h5"])
def test_damaged_files_are_named(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    path.write_bytes(b"not at all such a file")
    with pytest.raises(SchemaError, match=f"x{ending}: cannot be read"):
        read_plain(path)


def test_numbers_that_would_run_code_are_not_read(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"score": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SchemaError, match="cannot be read"):
        read_plain(tmp_path / "x.npy")


def test_too_few_events_for_a_working_point(tmp_path):
    path, settings = write(tmp_path / "x.csv", columns(40)), EvaluationSettings(signal_efficiencies=(0.5, 0.1))
    with pytest.raises(InputError, match=r"too few signal events for the working point at 50%"):
        evaluate_plain([path], None, None, settings, 1, tmp_path / "out")
    few = columns(300)
    few["weight"] = np.where(few["label"] == 1, 1.0, 0.0)
    few["weight"][:10] = 1.0  # five of them background
    with pytest.raises(InputError, match=r"5.0 effective background events"):
        evaluate_plain([write(tmp_path / "y.csv", few)], None, None, settings, 1, tmp_path / "out")
    assert not (tmp_path / "out").exists()
