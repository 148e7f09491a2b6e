"""Import rules of the house (setup.cfg, section importlinter), and what ships."""

import subprocess
import sys
from pathlib import Path

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
