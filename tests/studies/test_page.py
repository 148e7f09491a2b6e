"""What is made of measured numbers: verdicts, conclusions and the page."""

import pytest

from mscat_tf.studies.conclusion import comparison, conclusion
from mscat_tf.studies.page import page
from tests.studies.toys import against, reach, row, study


@pytest.mark.parametrize(
    ("difference", "p_value", "words"),
    [
        (0.01, 0.0456, "no difference that"),
        (0.01, 0.0454, "better, at the edge"),
        (0.01, 0.0026, ": better."),
        (-0.01, 0.0454, "worse, at the edge"),
        (-0.01, 0.0026, ": worse."),
    ],
)
def test_verdict_follows_the_adjusted_number(difference, p_value, words):
    sentence = comparison("mine", against(difference, p_value=1e-9, adjusted=p_value), 4)
    assert sentence.startswith(f"- `mine` less `other`: AUC {difference:+.4f} ± 0.0030 (events) ± 0.0040 (seeds), ")
    assert "standard errors, p = 1e-09, 0.00" in sentence.replace("0.04", "0.00")
    assert "among 4: " in sentence
    assert words in sentence


def test_one_seed_says_so():
    assert "(events; one seed, whose spread is not known)" in comparison("mine", against(of_seeds=None), 1)


def test_conclusion_counts_and_names():
    rows = {
        "other": row(against=None),
        "good": row(against=against(0.02, p_value=1e-5)),
        "so-so": row(against=against(0.004, p_value=0.4)),
        "bad": row(against=against(-0.02, p_value=0.01)),
    }
    text = " ".join(conclusion(study(rows)))
    assert text.startswith("1 of 3 comparisons shows no difference. ")
    assert "Better: `good` (than `other`); worse, at the edge of what they can show: `bad` (than `other`)" in text
    assert "The median error of a difference is 0.0050: a true difference of 0.0100" in text
    assert conclusion(study({"alone": row(against=None)})) == ["No two rows are compared."]


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (0.001, "the quoted range is excluded, at 2.2 standard errors"),
        (-0.004, "the quoted range is not excluded, at 1.2 standard errors"),
        (-0.015, "lies inside the quoted range"),
    ],
)
def test_quoted_effect(difference, words):
    rows = {"other": row(against=None), "without": row(against=against(difference, p_value=0.4))}
    text = conclusion(study(rows, quoted={"source": "them", "rows": ["without"], "low": -0.02, "high": -0.01}))
    assert "Here the AUC differs in 0 of 1 pairs; `without` less `other`" in text[0]
    assert words in text[0]
    relative, error = -100 * difference / (1 - 0.91), 100 * 0.005 / (1 - 0.91)
    assert f"`without` {relative:+.1f} ± {error:.1f} %" in text[1]


def test_page_has_every_number_and_says_what_is_weak():
    weak = {
        name: {"value": 50.0, "error": 9.0, "lower_limit": 31.0, "quote_lower_limit": True} for name in ("0.3", "0.5")
    }
    none = {"missing": "pyhf is not installed; install it"}
    rows = {
        "good": row(against=against(-0.02, p_value=1e-5)),
        "weak": row(seeds=1, rejection=weak, reach=none, calibration=None, against=None),
    }
    text = page([study(rows, missing=["later"])])
    separation = (
        "| good | 0.9100 ± 0.0120 | 0.9200 ± 0.0060 | 99.0 ± 3.2 | 20.4 ± 3.2 | 0.050 (0.030) | 0.040 (0.030) |"
    )
    assert f"{separation} 1234 | 60 | 7.2 |" in text
    assert "| weak | one training | 0.9200 ± 0.0060 | > 31 | > 31 | - | - | 1234 | 60 | 7.2 |" in text
    assert "| good | 0.25 | 1.5 (1.05 to 2.1) | 7.5 | 1.75 | 1.5 (1.05 to 2.1) | 7.5 |" in text
    assert "No reach of `weak`: pyhf is not installed; install it." in text
    assert "**Not measured yet:** `later`." in text
    assert "With 1 seed(s) each" in text
    assert "- `good` less `other`" in text
    assert "- `weak` less" not in text
    assert "data digest abc" in text
    assert "(results/demo/one/auc.png)" in text
    assert "What these numbers are not" in text
    same = {**row()["single"], "values": [0.9, 0.9], "mean": 0.9, "standard_deviation": 0.0}
    assert "| good | 0.9000, the same for every seed | 0.9200" in page([study({"good": row(single=same)})])
    varied = {"uncertainties": ["energy scale", "resolution"], **reach(limit=2.0)}
    text = page([study({"good": row(reach_with_variations=varied)})])
    assert "| good, detector varied | 0.25 | 2 (1.4 to 2.8) | 10 |" in text
    assert "In the fit of 'good, detector varied': energy scale, resolution." in text
    full = page([study({"good": row()})])
    assert "With" not in full.replace("Without", "")
    assert "Not measured yet" not in full
