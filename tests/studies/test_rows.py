"""Rows of a study: of some scales, of another row's training, and on a sample of their own."""

import pytest

from mscat_tf.config.study import Scale, Study, load_study

RIGHT = {
    "name": "s",
    "title": "",
    "question": "",
    "base": "networks",
    "reference": "a",
    "scales": {"demo": {"seeds": 2, "of_base": {"masses": ["sample.name=other"]}}, "paper": {"seeds": 3}},
}


def study(**rows):
    return Study(**{**RIGHT, "rows": {"a": {}, **rows}})


def test_row_is_in_its_scales_alone():
    made = study(b={"scales": ["paper"], "set": ["train.epochs=7"]})
    assert list(made.configurations("demo")) == ["a"]
    assert list(made.configurations("paper")) == ["a", "b"]


def test_settings_of_a_base_reach_its_rows_alone():
    plan = study(b={"base": "masses"}).configurations("demo")
    assert (plan["a"].sample.name, plan["b"].sample.name) == ("demo", "other")


def test_a_base_may_have_settings_instead_of_those_of_the_scale():
    """Single jets have no four-b process, whose files the paper scale names."""
    demo = Scale(seeds=2, set=("sample.name=all",), instead={"jet_tagging": ("sample.events=50",)})
    made = study(b={"base": "jet_tagging"}).model_copy(update={"scales": {"demo": demo}})
    plan = made.configurations("demo")
    assert (plan["a"].sample.name, plan["b"].sample.name, plan["b"].sample.events) == ("all", "jet_tagging", 50)


def test_network_of_another_row_is_told_from_one_that_is_trained_so():
    """Evaluated at 1500 GeV is not trained at 1500 GeV, though all settings are the same."""
    plan = study(
        at_1000={"base": "masses", "set": ["data.mass_hypothesis=1000"]},
        at_1500={"base": "masses", "set": ["data.mass_hypothesis=1500"]},
        moved={"trained_as": "at_1000", "set": ["data.mass_hypothesis=1500"]},
    ).configurations("demo")
    assert plan["moved"].decisive_digest == plan["at_1500"].decisive_digest
    assert plan["moved"].name == f"{plan['at_1000'].name}-on-{plan['at_1500'].decisive_digest[:8]}"
    assert plan["moved"].train == plan["at_1000"].train


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"b": {"trained_as": "c"}}, "row 'b': trained_as: 'c' is no row above it"),
        ({"b": {"trained_as": "c"}, "c": {}}, "'c' is no row above it that is trained"),
        ({"b": {"trained_as": "a", "set": ["train.epochs=3"]}}, "train.epochs=3.* may not stand beside trained_as"),
        ({"b": {"varies": "energy scale"}}, "varies needs trained_as"),
        ({name: {"trained_as": "a", "varies": "x"} for name in "bcd"}, "'x' of row 'a' has 3 rows"),
        ({"b": {"trained_as": "a", "base": "demo"}}, "base may not stand beside trained_as"),
        ({"b": {"scales": ["paper"]}, "c": {"against": "b"}}, "row 'c' needs row 'b', which is not in scale demo"),
    ],
)
def test_wrong_row_is_one_sentence(rows, words):
    with pytest.raises(ValueError, match=words):
        study(**rows)


def test_learning_curve_has_one_protocol():
    """At one scale all rows may take the same number of steps and differ in network and events alone."""
    for scale in ("demo", "paper"):
        plan = load_study("learning_curve").configurations(scale)
        steps = {config.train.epochs * (config.train.steps_per_epoch or 0) for config in plan.values()}
        assert len(steps) == 1
        assert len({config.train.model_dump_json() for config in plan.values()}) == 1


def test_mass_scan_has_one_sample_and_a_place_for_every_point():
    made = load_study("mass_scan")
    plan = made.configurations("demo")
    assert len({config.sample.model_dump_json() for config in plan.values()}) == 1
    for name, row in made.rows.items():
        assert row.x == plan[name].data.mass_hypothesis
        assert (row.series is None) == (row.x is None)
    assert sorted(process.m_H for process in made.acceptance_configuration().sample.processes.values()) == [
        600, 800, 1000, 1500, 2000,
    ]  # fmt: skip
