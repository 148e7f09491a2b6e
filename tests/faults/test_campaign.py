"""The campaign's own machinery, and some of its cases in real processes; `make faults` runs all of them."""

import json

import pytest

from experiments.faults import campaign, kills
from experiments.faults.case import Case, Place, UnexpectedError, need
from experiments.faults.command import mscat
from experiments.faults.page import write_page
from experiments.faults.stock import Stock

QUICK = (
    "sample: truncated",
    "sample: number of jets in words",
    "YAML: nested 20 000 deep",
    "YAML code: !!python/object/apply in file",
    "code: attributes of tables",
    "code: objects in tables",
    "size: sample, inspection",
    "size: JetClass",
)
"""Cases of about a second each, none with TensorFlow."""


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    return Stock(tmp_path_factory.mktemp("stock"))


@pytest.mark.parametrize("name", QUICK)
def test_quick_cases(name, stock, tmp_path):
    (case,) = (case for case in campaign.all_cases() if case.name == name)
    assert case.act(Place(tmp_path, stock, seed=1, kills=1))


@pytest.mark.slow
def test_an_import_killed_twice(stock, tmp_path):
    seen = kills.killed(kills.CHAINS["import"], Place(tmp_path, stock, seed=3, kills=2), 2)
    assert seen.startswith("2 kills")


def case(name, act):
    return Case(name, "group", "done", "expected", act)


def fails(_):
    raise UnexpectedError("something else")


def breaks(_):
    raise KeyError("oh")


def test_rows_page_and_resuming(tmp_path, monkeypatch):
    """What an interrupted campaign has behind it is not done again; every kind of end is a row."""
    done = []

    def interrupted(place):
        done.append("third")
        if len(done) == 2:
            raise KeyboardInterrupt
        return "well"

    cases = [case("a", lambda _: done.append("first") or "well | a"), case("b", interrupted), case("c", fails)]
    monkeypatch.setattr(campaign, "all_cases", lambda: [*cases, case("d", breaks)])
    results = tmp_path / "faults.json"
    with pytest.raises(KeyboardInterrupt):
        campaign.campaign([], 1, 1, results, lambda _: None)
    assert not results.exists()
    rows = campaign.campaign([], 1, 1, results, lambda _: None)
    assert done == ["first", "third", "third"]
    assert [row["expected_seen"] for row in rows] == [True, True, False, False]
    assert [row["seen"] for row in rows[2:]] == ["something else", "the case itself failed: KeyError: 'oh'"]
    assert [path.name for path in tmp_path.iterdir()] == ["faults.json"]
    write_page(results, tmp_path / "faults.md")
    page = (tmp_path / "faults.md").read_text()
    assert "| **all** | **4** | **2** |" in page
    assert "Not all cases" not in page
    assert "well \\| a" in page
    assert campaign.campaign(["d"], 1, 1, results, lambda _: None)[0]["seen"] == rows[3]["seen"]
    assert [row["case"] for row in json.loads(results.read_text())["rows"]] == ["a", "b", "c", "d"]
    assert not list(tmp_path.glob("*.unfinished.json")), "else the next `--only d` would show this row again"


def test_what_was_mended_is_done_again_where_a_campaign_goes_on(tmp_path, monkeypatch):
    """`a` failed before the interruption in `b`; a campaign of `a` alone keeps the other rows that are done."""

    def interrupted(_):
        raise KeyboardInterrupt

    def cases(first):
        return [case("a", first), case("c", lambda _: "well"), case("b", interrupted)]

    monkeypatch.setattr(campaign, "all_cases", lambda: cases(fails))
    results = tmp_path / "faults.json"
    with pytest.raises(KeyboardInterrupt):
        campaign.campaign([], 1, 1, results, lambda _: None)
    monkeypatch.setattr(campaign, "all_cases", lambda: cases(lambda _: "mended"))
    (row,) = campaign.campaign(["a"], 1, 1, results, lambda _: None)
    assert row["seen"] == "mended"
    assert list(json.loads((tmp_path / "faults.unfinished.json").read_text())["rows"]) == ["c"]


def test_a_kill_chain_sees_what_is_wrong(stock, tmp_path):
    """Of a command whose output differs from one time to the next."""
    numbers = iter("123")
    chain = kills.Chain(lambda *_: None, ("models", "--help"), lambda _: {"a": next(numbers)})
    with pytest.raises(UnexpectedError, match="these outputs differ: a"):
        kills.killed(chain, Place(tmp_path, stock, 1, 1), 1)


def test_peak_memory_and_status_are_those_of_the_process(tmp_path):
    import sys

    ended = mscat(("-c", "bytearray(400 * 2**20); raise SystemExit(7)"), tmp_path, program=(sys.executable,))
    assert ended.status == 7
    assert ended.peak_bytes > 400 * 2**20


def test_need():
    need(True, "fine")
    with pytest.raises(UnexpectedError, match="not fine"):
        need(False, "not fine")
