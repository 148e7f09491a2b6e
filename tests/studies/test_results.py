"""The results that are committed: what the page says is in its files, and these belong to today's configurations."""

import json
import shutil
from pathlib import Path

import pytest

from mscat_tf.cli import reproduce as reproducing
from mscat_tf.config.study import load_study

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FILES = sorted((EXPERIMENTS / "results").glob("*/*.json"))


def test_the_page_is_made_of_the_files_alone(tmp_path):
    shutil.copytree(EXPERIMENTS / "results", tmp_path / "results")
    reproducing._write_page(tmp_path)
    assert (tmp_path / "RESULTS.md").read_text() == (EXPERIMENTS / "RESULTS.md").read_text()


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_rows_are_those_of_the_study(file):
    found = json.loads(file.read_text())
    plan = load_study(found["study"]).configurations(found["scale"])
    assert {*found["rows"], *found["missing"]} == plan.keys()
    for name, row in found["rows"].items():
        assert row["configuration_digest"] == plan[name].decisive_digest, name
        assert row["run"] == f"runs/{plan[name].name}"
