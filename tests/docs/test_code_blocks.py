"""Every code block of README and docs/ is run, or checked as far as it goes; what is not run is listed, with why."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.docs import commands as checks
from tests.docs.blocks import DIRECTIVES, LANGUAGES, ROOT, all_blocks, blocks_of, commands, pages
from tests.docs.workplace import make_workplace
from tests.docs.yaml_blocks import check_yaml

pytestmark = pytest.mark.slow
TUTORIAL = "docs/tutorial.md"
"""Run from its beginning to its end in `test_tutorial.py`."""

NOT_COMPILED = {
    "docs/inference.md": "no package that we need has its headers; tests/inference/test_cpp.py",
}
"""Pages with C++, and why it is not compiled here."""

RUN_ELSEWHERE = {
    ("docs/pyhf_example.md", ""): "tests/cli/test_reach.py",
    ("docs/analysis.md", "ProcessorABC"): "tests/analysis/test_page.py",
}
"""Python of a page with this phrase in it, and the test that runs it on what it needs."""


def given_to_reach():
    """Arrays that the block of docs/reach.md begins with."""
    rng = np.random.default_rng(1)
    names = np.repeat(["signal", "4b"], 4000)
    log_odds = rng.normal(np.where(names == "signal", 1.0, -1.0), 1.0)
    return {
        "log_odds": log_odds,
        "names": names,
        "weights": np.ones(8000),
        "splits": np.tile(["validation", "test"], 4000),
        "m_jj": rng.uniform(500.0, 1500.0, 8000),
        "group_id": np.arange(8000),
    }


GIVEN = {"docs/reach.md": given_to_reach}
"""What stands before the Python of a page, and is not in it."""


def elsewhere(block):
    """The test that runs this block of Python, or None."""
    entries = ((page, phrase, test) for (page, phrase), test in RUN_ELSEWHERE.items())
    return next((test for page, phrase, test in entries if page == block.page and phrase in block.text), None)


def runnable(page):
    """Shell and Python blocks of a page that are run here."""
    return [block for block in blocks_of(page) if block.language in ("sh", "python") and not elsewhere(block)]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, smoke_run):
    """See `make_workplace`; with an exported network, and the YAML files that commands read."""
    folder = make_workplace(tmp_path_factory.mktemp("docs"), smoke_run[0])
    for block in all_blocks("yaml"):
        check_yaml(block.text, folder)
    for wanted, made in {"samples": "x", "site": "block"}.items():
        (folder / f"{made}.yaml").rename(folder / f"{wanted}.yaml")
    best = folder / "runs/demo-search/best.yaml"
    best.parent.mkdir()
    best.write_text("base: demo\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        checks.run_mscat(["mscat", "export", "runs/demo-mscat", "--format", "onnx"])
        checks.run_mscat(["mscat", "convert", "data/demo", "--to", "parquet", "--out", "demo.parquet"])
        imported = ["--process", "signal", "--label", "1", "--cross-section", "1", "--out", "data/mine"]
        checks.run_mscat(["mscat", "import", "delphes", "signal.root", *imported])
    (folder / "model.onnx").write_bytes((folder / "runs/demo-mscat/model.onnx").read_bytes())
    return folder


@pytest.fixture(scope="module")
def done():
    """Commands that were checked, as they stand in the pages."""
    return set()


def test_every_block_says_its_language():
    for page in pages():
        for block in blocks_of(page):
            assert block.language, f"{block}: indented; put it between ``` lines with one of {sorted(LANGUAGES)}"
            assert block.language in LANGUAGES | DIRECTIVES, f"{block}: what is {block.language!r}?"


@pytest.mark.parametrize("page", [page for page in pages() if page != TUTORIAL and runnable(page)])
def test_page(page, workplace, done, monkeypatch):
    """From top to bottom: shell commands that no page before had, and Python in one namespace."""
    monkeypatch.chdir(workplace)
    names = GIVEN.get(page, dict)()
    for block in runnable(page):
        if block.language == "python":
            exec(compile(block.text, str(block), "exec"), names)
            continue
        for words in map(checks.resolved, commands(block)):
            if tuple(words) not in done:
                checks.check_command(words)
                done.add(tuple(words))


def test_exceptions_are_still_needed():
    """An entry that fits no command any more is taken out."""
    found = [words for block in all_blocks("sh") for words in commands(block)]
    lines = [" ".join(checks.resolved(words)) for words in found]
    programs = {line.partition(" ")[0] for line in lines}
    assert set(checks.NOT_RUN) <= programs
    assert {p for p in checks.PARSED if not any(checks.fnmatch.fnmatchcase(line, p) for line in lines)} == set()
    assert set(NOT_COMPILED) == {block.page for block in all_blocks("cpp")}
    assert {elsewhere(block) for block in all_blocks("python")} - {None} == set(RUN_ELSEWHERE.values())
    for (page, _), test in RUN_ELSEWHERE.items():
        assert page in (ROOT / test).read_text()


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_yaml(block, tmp_path):
    check_yaml(block.text, tmp_path)


def test_json():
    for block in all_blocks("json"):
        json.loads(block.text)


def test_what_is_wrong_is_found(tmp_path, monkeypatch):
    """So the tests above can fail."""
    monkeypatch.chdir(tmp_path)
    for line, wrong in {
        "mscat train demo --epoch 3": "No such option",
        "mscat convert data/demo": "Missing option",
        "mscat train demo --set train.epoch=3": "status 2",
        "mscat report runs/nowhere": "status 2",
        "pip install -e '.[trian]'": "no such extra",
        "python experiments/benchmarks/predict.py --wrong": "has no",
        "rm -rf data": "say in NOT_RUN why not",
    }.items():
        (words,) = commands(type("Line", (), {"text": line}))
        with pytest.raises(AssertionError, match=wrong):
            checks.check_command(words)
    with pytest.raises(ValueError, match="epoch"):
        check_yaml("train: {epoch: 3}", Path(tmp_path))
