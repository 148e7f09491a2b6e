"""What is made of measured numbers: errors, verdicts, and the page."""

import math

import pytest

from mscat_tf.config.study import Study, load_study, studies
from mscat_tf.errors import ConfigError
from mscat_tf.studies.measured import standard_errors
from mscat_tf.studies.page import comparison, page


def against(difference=0.02, of_events=0.003, of_seeds=0.004):
    seeds = None if of_seeds is None else {"difference": difference, "error": of_seeds}
    return {"row": "other", "ensembles": {"difference": difference, "error": of_events}, "seeds": seeds}


def row(seeds=5, **changes):
    single = {"mean": 0.91, "standard_deviation": 0.012, "error": 0.005}
    rejection = {"value": 20.4, "error": 3.2, "lower_limit": 17.0, "quote_lower_limit": False}
    return {
        "run": "runs/one",
        "seeds": list(range(seeds)),
        "data_digest": "abc",
        "events": {"signal": 100, "background": 200},
        "auc": {"value": 0.92, "error": 0.006},
        "single": single if seeds > 1 else None,
        "rejection": {"0.3": {**rejection, "value": 99.0}, "0.5": rejection},
        "training": {"parameters": 1234, "seconds_per_epoch": 7.25},
        "against": against(),
        **changes,
    }


def measured(**rows):
    return {"study": "one", "title": "One", "question": "Which?", "scale": "demo", "rows": rows}


def test_errors_of_events_and_seeds_add_in_quadrature():
    assert standard_errors(against()) == pytest.approx(0.02 / math.hypot(0.003, 0.004))
    assert standard_errors(against(of_seeds=None)) == pytest.approx(0.02 / 0.003)
    assert standard_errors(against(0.0, 0.0, 0.0)) == 0.0


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (0.0099, "no difference that"),
        (0.0101, "better, at the edge"),
        (0.0151, "better."),
        (-0.0101, "worse, at the edge"),
        (-0.05, "worse."),
    ],
)
def test_verdict_follows_the_number(difference, words):
    sentence = comparison("mine", row(against=against(difference)))
    assert sentence.startswith(f"- mine less other: AUC {difference:+.4f} ± 0.0030 (events) ± 0.0040 (seeds)")
    assert words in sentence


def test_page_has_every_number_and_says_what_is_weak():
    weak = {"0.5": {"value": 50.0, "error": 9.0, "lower_limit": 31.0, "quote_lower_limit": True}}
    text = page([measured(good=row(), weak=row(seeds=1, rejection=weak, against=None))])
    assert "| good | 0.9100 ± 0.0120 | 0.9200 ± 0.0060 | 20 ± 3 | 1234 | 7.2 |" in text
    assert "| weak | one training | 0.9200 ± 0.0060 | > 31 (95 %) |" in text
    assert "With 1 seed(s) each" in text
    assert "- good less other" in text
    assert "- weak less" not in text
    assert "data digest abc" in text
    assert "With" not in page([measured(good=row())])


@pytest.mark.parametrize("name", studies())
def test_shipped_studies_name_trainings_by_what_decides_them(name):
    study = load_study(name)
    for scale in study.scales:
        plan = study.configurations(scale)
        assert len({config.name for config in plan.values()}) == len(plan)
        assert {config.train.repeats for config in plan.values()} == {study.scales[scale].seeds}
        more = next(iter(plan.values())).updated(["train.repeats=77", "train.strategy=one_device"])
        assert more.decisive_digest == next(iter(plan.values())).decisive_digest
        assert more.updated(["seed=9"]).decisive_digest != more.decisive_digest


def test_two_studies_share_what_is_the_same_training():
    table, theta = (load_study(name).configurations("demo") for name in ("main_table", "theta"))
    assert table["mscat"].name == theta["mscat, theta"].name
    assert table["mscat"].name != theta["mscat, no theta"].name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reference": "gone"}, "no row 'gone'"),
        ({"rows": {"a": {"against": "b"}}}, "no row 'b'"),
        ({"rows": {"a": {"sets": []}}}, "unknown key 'sets'; did you mean 'set'"),
    ],
)
def test_wrong_study(changes, words):
    right = {"name": "s", "title": "", "question": "", "reference": "a", "scales": {"demo": {"seeds": 1}}}
    with pytest.raises(ValueError, match=words):
        Study(**{**right, "rows": {"a": {}}, **changes})


def test_what_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="unknown key 'main_tabel'; did you mean 'main_table'"):
        load_study("main_tabel")
    with pytest.raises(ConfigError, match="study theta: unknown key 'big'"):
        load_study("theta").configurations("big")
