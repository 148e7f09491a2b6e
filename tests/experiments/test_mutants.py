"""The summary of mutants, from a folder as mutmut leaves it."""

import json

import pytest
import yaml

from experiments import mutants
from mscat_tf.cli.console import out

SOURCE = """
def x_twice__mutmut_orig(x):
    return 2 * x


def x_twice__mutmut_1(x):
    return 3 * x


def x_twice__mutmut_2(x):
    return 2 / x


class Layer:
    def xǁLayerǁcall__mutmut_orig(self, x):
        return x + 0


    def xǁLayerǁcall__mutmut_1(self, x):
        return x - 0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three mutants of one module: one that no test reaches, one that survived with a reason; one was killed."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/module.py").write_text(SOURCE)
    states = {
        "own.module.x_twice__mutmut_1": 1,
        "own.module.x_twice__mutmut_2": 33,
        "own.module.xǁLayerǁcall__mutmut_1": 0,
    }
    (tmp_path / "own/module.py.meta").write_text(json.dumps({"exit_code_by_key": states}))
    (tmp_path / "own/untouched.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    reasons = [{"reason": "0 is 0", "lines": {"own/module.py": ["return x - 0"]}}]
    (tmp_path / "reasons.yaml").write_text(yaml.safe_dump(reasons))
    monkeypatch.setattr(mutants, "REASONS", tmp_path / "reasons.yaml")
    return tmp_path


def test_survivors_are_named_with_their_lines_and_reasons(folder):
    found = mutants.summary(folder)["modules"]
    assert list(found) == ["own/module.py"]
    numbers = found["own/module.py"]
    assert (numbers["mutants"], numbers["killed"], numbers["untried"]) == (3, 1, 0)
    assert numbers["survivors"] == [
        {"function": "twice", "was": "return 2 * x", "now": "return 2 / x", "reason": ""},
        {"function": "Layer.call", "was": "return x + 0", "now": "return x - 0", "reason": "0 is 0"},
    ]


def test_command_prints_what_has_no_reason_and_fails_below_the_share_that_is_wanted(folder, monkeypatch):
    arguments = [str(folder), "--out", str(folder / "mutation.json")]
    with out.capture() as capture:
        assert mutants.main(arguments) == 1
    assert "1 of    3 killed   33.3%" in capture.get()
    assert "return 2 / x" in capture.get()
    assert "return x - 0" not in capture.get()
    assert json.loads((folder / "mutation.json").read_text())["modules"]["own/module.py"]["killed"] == 1
    monkeypatch.setattr(mutants, "WANTED", 0.3)
    assert mutants.main(arguments) == 0
    states = {"own.module.x_twice__mutmut_1": None, "own.module.x_twice__mutmut_2": 1}
    (folder / "own/module.py.meta").write_text(json.dumps({"exit_code_by_key": states}))
    with out.capture() as capture:
        assert mutants.main(arguments) == 1
    assert "1 mutants are not tried yet" in capture.get()
