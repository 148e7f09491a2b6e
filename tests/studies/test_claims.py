"""Studies of the talk's claims: what their rows differ in."""

import pytest

from mscat_tf.config.study import Study, load_study
from mscat_tf.run_folder import RUNS

CLAIMS = ("preprocessing", "streams", "pretraining", "redundancy", "graph_networks")


def test_a_row_begins_with_the_weights_of_another():
    plan = load_study("pretraining").configurations("demo")
    parent = plan["substructure alone"]
    for name in ("pre-trained and frozen", "pre-trained and tuned"):
        assert plan[name].train.start_from == str(RUNS / parent.name)
        assert plan[name].model.name == "mscat"
    assert plan["pre-trained and frozen"].train.freeze == ("constituents",)
    assert plan["end to end"].train.start_from is None


def test_another_parent_is_another_training():
    rows = {"a": {}, "b": {"set": ["seed=5"]}, "c": {"start_from_row": "a"}, "d": {"start_from_row": "b"}}
    study = Study(name="s", title="", question="", reference="a", scales={"demo": {"seeds": 1}}, rows=rows)
    plan = study.configurations("demo")
    assert len({config.name for config in plan.values()}) == 4


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"start_from_row": "c"}, "row 'b': start_from_row: 'c' is no row above it"),
        ({"start_from_row": "a", "trained_as": "a"}, "start_from_row may not stand beside trained_as"),
    ],
)
def test_wrong_parent(row, words):
    with pytest.raises(ValueError, match=words):
        Study(name="s", title="", question="", reference="a", scales={"demo": {"seeds": 1}}, rows={"a": {}, "b": row})


def test_claims_share_the_trainings_of_other_studies():
    """Rows that another study trains anyway cost nothing; `preprocessing` throws no symmetries, as no other does."""
    others = {
        config.name
        for name in ("main_table", "learning_curve")
        for config in load_study(name).configurations("demo").values()
    }
    for name in set(CLAIMS) - {"preprocessing"}:
        assert others & {config.name for config in load_study(name).configurations("demo").values()}, name


def test_preprocessing_rows_differ_from_theirs_in_preparation_alone():
    study = load_study("preprocessing")
    plan = study.configurations("demo")
    for name, config in plan.items():
        other = plan[study.compared_with(name) or name]
        assert config.data.train_events == other.data.train_events or name.startswith("as it is")
        assert config.train == other.train
        assert config.data.preparation.departs == (not name.startswith("as it is"))
