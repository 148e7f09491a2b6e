"""docs/tutorial.md from its beginning to its end, on toy Delphes files and with a network that learns in seconds."""

import pytest

from mscat_tf.run_folder import load_run
from tests.docs.blocks import blocks_of, commands
from tests.docs.commands import parsed, run_mscat
from tests.docs.workplace import write_toys

pytestmark = pytest.mark.slow
QUICK = ("model.name=kinematics_mlp", "train.epochs=2", "train.repeats=2", "train.tensorboard=false")
SMALLER = {
    "train": [word for setting in QUICK for word in ("--set", setting)],
    "evaluate": ["--set", "evaluate.bootstrap_replicas=20"],
    "explain": ["--dry-run"],  # on a true run in tests/cli/test_end_to_end.py
}
"""What is added to a command."""
PARSED = {
    "validate": "draws for ten seconds; tests/validation/test_run.py runs it",
    "reach": "the toys tell nothing of a limit; tests/cli/test_reach.py runs it",
}
"""Only the arguments of these are checked."""


def test_tutorial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_toys(tmp_path)
    names = {}
    for block in blocks_of("docs/tutorial.md"):
        if block.language == "yaml":
            (tmp_path / "mine.yaml").write_text(block.text)
        elif block.language == "python":
            exec(compile(block.text, str(block), "exec"), names)
        else:
            for words in commands(block):
                parsed(words)
                if words[1] not in PARSED:
                    run_mscat([*words, *SMALLER.get(words[1], [])])
    assert names["auc"]["value"] > 0.7  # two prongs against one: any network tells them apart
    assert load_run(tmp_path / "runs/mine").metrics["all backgrounds"]["auc"] == names["auc"]
    assert (tmp_path / "mine.pdf").read_bytes()[:5] == b"%PDF-"
    assert (tmp_path / "runs/mine/seed-1/report.html").stat().st_size > 10_000
    assert {path.suffix for path in (tmp_path / "runs/mine/seed-1").glob("model.*")} == {".keras", ".onnx"}
