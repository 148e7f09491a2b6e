"""The wheel: everything that the tree ships is in it, it works without the tree, and what is missing is named."""

import ast
import configparser
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("mscat_tf", "data_prep", "experiments")
NOT_SHIPPED = ("experiments/results/", "experiments/RESULTS.md", "experiments/faults/")
"""What studies gave, which the documentation shows, and the fault campaign, which works with files of `tests/`."""

IMPORTED_AS = {
    "scikit-learn": "sklearn",
    "pyyaml": "yaml",
    "keras-tuner": "keras_tuner",
    "tf-keras-vis": "tf_keras_vis",
}


def requirements():
    """Import names of the libraries by extra, from setup.cfg; those that are always installed under an empty name."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lists = {"": settings["options"]["install_requires"], **settings["options.extras_require"]}
    return {extra: {_module(line) for line in text.split("\n") if line.strip()} for extra, text in lists.items()}


def _module(requirement):
    name = re.split(r"[\[<>=]", requirement.strip())[0].lower()
    return IMPORTED_AS.get(name, name.replace("-", "_"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built by setuptools in a copy of the tree, so that nothing is left here."""
    tree = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    made = subprocess.run([sys.executable, "-c", build], cwd=tree, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (file,) = (tree / "dist").glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Python of an environment with the wheel and, behind it, the libraries of this one; the checkout is not there."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    command = ["-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel]
    subprocess.run([sys.executable, *command], check=True)
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python, *arguments, **options):
    """Isolated (-I) from this folder and from PYTHONPATH."""
    return subprocess.run([python, "-I", *arguments], capture_output=True, text=True, check=False, **options)


def test_everything_that_ships_is_in_the_wheel(wheel):
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not {"__pycache__", ".part-"} & set(path.parts) and not path.name.startswith(".")
    }
    expected = {name for name in expected if not name.startswith(NOT_SHIPPED)}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
        entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "mscat = mscat_tf.cli.main:main" in archive.read(entry_points).decode()
    assert found == expected
    for ending in (".yaml", ".lhe.gz", ".css", ".js", ".html", ".keras", ".npz", "py.typed"):  # none is all there is
        assert any(name.endswith(ending) for name in found), ending


def test_it_works_without_the_checkout(installed, tmp_path):
    where = run(
        installed, "-c", "import mscat_tf, experiments; print(mscat_tf.__file__, experiments.__file__)", cwd=tmp_path
    )
    assert where.returncode == 0, where.stderr
    assert all(str(installed.parents[1]) in path for path in where.stdout.split())
    mscat = installed.with_name("mscat")
    for config in ("smoke", "demo", "ablations/pooling_mean", "presets/mixer-small"):
        made = run(installed, mscat, "train", config, "--dry-run", cwd=tmp_path)
        assert (made.returncode, f"name: {config.rpartition('/')[2]}" in made.stdout) == (0, True), made.stderr
    cards = run(installed, mscat, "presets", cwd=tmp_path)
    assert (cards.returncode, "mscat-small" in cards.stdout) == (0, True), cards.stderr
    assert not list(tmp_path.iterdir())


def test_other_package_of_the_same_name_is_named(installed, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").touch()
    script = "import sys; sys.path.insert(0, '.'); from mscat_tf.config import load_config; load_config('demo')"
    failed = run(installed, "-c", script, cwd=tmp_path)
    assert "ConfigError" in failed.stderr
    assert "another package 'experiments' hides" in failed.stderr


def test_every_library_that_is_imported_is_required_somewhere():
    known = set().union(*requirements().values()) | {*PACKAGES, *sys.stdlib_module_names}
    for package in ("mscat_tf", "data_prep"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                unknown = {name.partition(".")[0] for name in names} - known
                assert not unknown, f"{path} imports {unknown}, which setup.cfg does not name"


WALK = """
import contextlib, io, json, sys
blocked, commands = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(blocked))  # importing them raises ModuleNotFoundError
from typer.main import get_command
from mscat_tf.cli import main, outcome
for command in commands:
    sys.argv, said = ["mscat", *command], io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = outcome.status_of(get_command(main.app))
    print("RESULT" + json.dumps([status, said.getvalue()]))
"""

EVENTS = "events.h5"
NEED_GENERATE = [
    ["generate", "smoke"],
    ["make-4b", "x.lhe.gz"],
    ["import", "delphes", "x.root", "--process", "x", "--out", "data/x"],
    ["prepare", "smoke", "--set", "data.preparation.theta=zero"],
    ["convert", EVENTS, "--to", "parquet", "--out", "x.parquet"],
]
NEED_TRAIN = [
    ["train", "smoke"],
    ["models"],
    ["cost", "demo"],
    ["search", "search"],
    ["cross-fit", "runs/x"],
    ["evaluate", "--scores", EVENTS],
    ["validate", EVENTS],
    ["inspect", EVENTS, "--figures", "figures"],
    ["compare", "smoke"],
    ["figures", "smoke"],
    ["reach", "runs/x"],
    ["report", "runs/x"],
    ["reproduce", "--dry-run"],
    ["train-mirror", "smoke"],
    ["predict", "--preset", "mscat-small", EVENTS],
    ["export", "--preset", "mscat-small"],
    ["presets", "mscat-small", "--check"],
]
NEED_NOTHING = [
    ["--help"],
    ["inspect", EVENTS],
    ["train", "smoke", "--dry-run"],
    ["generate", "smoke", "--dry-run"],
    ["presets"],
    ["presets", "mixer-small"],
]


def outcomes(folder, extras, commands):
    """Status and complaint of each command where only these extras are installed."""
    lists = requirements()
    there = set().union(*(lists[extra] for extra in ("", *extras)))
    blocked = sorted(
        set().union(*(lists[extra] for extra in ("generate", "train", "export", "report", "reach"))) - there
    )
    request = json.dumps([blocked, commands])
    found = subprocess.run(
        [sys.executable, "-c", WALK, request], cwd=folder, capture_output=True, text=True, check=False
    )
    results = [
        json.loads(line.removeprefix("RESULT")) for line in found.stdout.splitlines() if line.startswith("RESULT")
    ]
    assert len(results) == len(commands), found.stderr
    return zip(commands, results, strict=True)


def check_names(extra, command, status, complaint):
    assert status == 2, (command, complaint)
    assert complaint.count("mscat: ") == 1, (command, complaint)
    assert f"install it with: pip install 'mscat-tf[{extra}]'" in complaint, (command, complaint)


@pytest.mark.parametrize(
    ("extras", "missing"),
    [((), {"generate": NEED_GENERATE, "train": NEED_TRAIN}), (("train",), {"generate": NEED_GENERATE})],
)
def test_missing_extra_is_named(mock_folder, tmp_path, extras, missing):
    shutil.copy(sorted(mock_folder.glob("*.h5"))[0], tmp_path / EVENTS)
    for extra, commands in missing.items():
        for command, (status, complaint) in outcomes(tmp_path, extras, commands):
            check_names(extra, command, status, complaint)


def test_data_without_a_framework(mock_folder, tmp_path):
    """With [generate] alone, what needs TensorFlow or Matplotlib says so; SciPy and pandas are there."""
    shutil.copy(sorted(mock_folder.glob("*.h5"))[0], tmp_path / EVENTS)
    shared = (["cross-fit"], ["reach"], ["report"], ["reproduce"], ["evaluate"])
    commands = [command for command in NEED_TRAIN if command[:1] not in shared]
    for command, (status, complaint) in outcomes(tmp_path, ("generate",), commands):
        check_names("train", command, status, complaint)
    convert = ["convert", EVENTS, "--to", "npz", "--out", "x.npz"]
    for command, (status, complaint) in outcomes(tmp_path, ("generate",), [convert, *NEED_NOTHING]):
        assert status == 0, (command, complaint)


def test_nothing_but_the_floor(mock_folder, tmp_path):
    shutil.copy(sorted(mock_folder.glob("*.h5"))[0], tmp_path / EVENTS)
    for command, (status, complaint) in outcomes(tmp_path, (), NEED_NOTHING):
        assert status == 0, (command, complaint)
