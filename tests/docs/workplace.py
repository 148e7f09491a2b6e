"""A folder in which the commands of the pages find what they name, made from the smoke run and from toy files."""

import json
import shutil
from pathlib import Path

from tests.docs.blocks import ROOT

RUNS = {
    "demo-mscat": "smoke-mscat",
    "demo-mscat-2": "smoke-mscat",
    "demo-concatenation": "smoke-concatenation",
    "demo-kinematics_only": "smoke-kinematics_only",
    "mine": "smoke-kinematics_only",
}
"""Names of runs in the pages, and the run of the smoke configuration that stands for each."""
SAMPLES = ("demo", "new", "other")
WORDS = {
    "CONFIG": "demo",
    "RUN": "runs/demo-mscat",
    "FILE|FOLDER": "data/demo",
    "runs/my-run": "runs/demo-mscat",
    "FORMAT": "delphes",
    "FILES...": "signal-1.root",
    "FILES": "signal-1.root",
}
"""What stands for a placeholder, or spares to do the same with another run."""


def make_workplace(folder, smoke):
    """Copies of the smoke run under the names of the pages; Delphes files; configurations.

    Args:
        smoke: folder with `data/smoke` and `runs/smoke-...`, which is left as it is.
    """
    shutil.copytree(smoke / "data", folder / "data")
    for name in SAMPLES:
        (folder / "data" / name).symlink_to("smoke")
    for name, source in RUNS.items():
        shutil.copytree(smoke / "runs" / source, folder / "runs" / name)
    write_toys(folder)
    shutil.copy(next((folder / "data/smoke").glob("signal-*.h5")), folder / "events.h5")
    return folder


def write_toys(folder):
    """`signal-1.root` and `background-1.root`, by the code of the notebook that shows how to bring one's own files."""
    notebook = json.loads((ROOT / "docs/04_bring_your_own_process.ipynb").read_text(encoding="utf-8"))
    (source,) = ("".join(cell["source"]) for cell in notebook["cells"] if "def write_toy(" in "".join(cell["source"]))
    names = {"Path": Path}
    exec(source.partition("toys = ")[0], names)
    for name, prongs in (("signal", 2), ("signal-1", 2), ("background-1", 1), ("ttbar-1", 1)):
        names["write_toy"](folder / f"{name}.root", prongs, seed=prongs + len(name))
