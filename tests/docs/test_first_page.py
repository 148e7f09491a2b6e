"""README: one screen, and its result is the committed one."""

import json
import re

import pytest

from experiments import first_page
from mscat_tf.errors import InputError
from tests.docs.blocks import ROOT


def test_readme_gives_the_committed_result():
    text = first_page.README.read_text(encoding="utf-8")
    comparison = json.loads(first_page.COMPARISON.read_text(encoding="utf-8"))
    assert first_page.with_result(text, comparison) == text, "run python -m experiments.first_page"
    for name, found in comparison["auc"].items():  # by another road than the rows
        assert f"{found['value']:.4f} ± {found['error']:.4f}" in text, name
    assert len(text.splitlines()) <= 70, "one screen"


def test_figures_of_readme_are_there():
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", first_page.README.read_text(encoding="utf-8"))
    assert len(shown) == 2
    for name in shown:
        assert (ROOT / name).read_bytes()[:4] == b"\x89PNG"


def test_a_run_gives_table_and_figures(tmp_path, smoke_run, monkeypatch):
    """The JSON that `train-mirror` writes is what the first page reads."""
    monkeypatch.setattr(first_page, "FIGURES", tmp_path)
    runs = smoke_run[0] / "runs"
    first_page.copy_result(runs / "smoke-comparison", runs / "smoke-mscat")
    assert {path.name for path in tmp_path.iterdir()} == {"comparison.json", "roc.png", "attention.png"}
    lines = first_page.result_lines(json.loads((tmp_path / "comparison.json").read_text()))
    printed = (runs / "smoke-comparison/table.md").read_text().splitlines()
    assert lines[:2] == printed[:2]
    assert set(lines[2:-2]) < set(printed)
    assert "AUC of `mscat`: " in lines[-1]


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(InputError, match=r"comparison.json: no such file; `make train-mirror` writes it"):
        first_page.copy_result(tmp_path, tmp_path)
    with pytest.raises(InputError, match="put them around the result"):
        first_page.with_result("# no marker", {})
