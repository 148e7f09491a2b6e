"""Import rules of the house (setup.cfg, section importlinter), and what ships."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def test_imports_point_down():
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_making_data_loads_no_deep_learning_framework_and_training_no_generator():
    for module, forbidden in (
        ("data_prep.run", {"tensorflow", "keras"}),
        ("mscat_tf.training.run", {"pythia8mc", "fastjet"}),
    ):
        script = f"import sys, {module}; print(sorted({forbidden!r} & set(sys.modules)))"
        result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "[]"


def test_pinned_versions_run_on_every_python_311():
    """Debian's is 3.11.2; a package that wants a later one leaves `make` without an environment there."""
    pinned = [line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    wanted = {}
    for name in pinned:
        try:
            wanted[name] = metadata(name).get("Requires-Python") or ""
        except PackageNotFoundError:  # of an extra that is not installed here
            continue
    assert len(wanted) > 0.8 * len(pinned)
    assert [name for name, python in wanted.items() if "3.11.0" not in SpecifierSet(python)] == []


@pytest.mark.parametrize(
    "code", ["import mscat_tf", "sys.argv = ['mscat', '--help']; from mscat_tf.cli.main import main; main()"]
)
def test_what_answers_at_once_loads_no_slow_library(code):
    """How long it takes: experiments/benchmarks/import_time.py."""
    slow = {"tensorflow", "keras", "pandas", "matplotlib", "scipy", "h5py", "numpy"}
    script = f"import atexit, sys; atexit.register(lambda: print(sorted({slow!r} & set(sys.modules)))); {code}"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert ("train-mirror" in result.stdout) == ("--help" in code)
