"""What is sound: samples, trained runs and files of others, each made once for the whole campaign."""

import shutil
from functools import cached_property
from pathlib import Path

from experiments.faults.command import mscat
from mscat_tf.data.mock import write_mock_sample
from tests.data_prep import public_sets
from tests.data_prep.importers import delphes_files

TINY = ("--set", "train.epochs=2", "--set", "evaluate.bootstrap_replicas=5", "--set", "model.name=kinematics_mlp")


class Stock:
    """Made when first asked for.

    Args:
        folder: keeps everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def sample(self) -> Path:
        """Mock sample of 240 events in three files."""
        return write_mock_sample(self.folder / "data" / "mock", events=240, shards=3)

    @cached_property
    def run(self) -> Path:
        """Evaluated run of a small network on `sample`."""
        self._must("train", "smoke", "--set", f"data.path={self.sample}", *TINY, "--name", "sound")
        self._must("evaluate", "runs/sound")
        return self.folder / "runs" / "sound"

    @cached_property
    def onnx(self) -> Path:
        """The network of `run`, exported."""
        self._must("export", str(self.run), "--format", "onnx")
        return self.run / "model.onnx"

    def _must(self, *arguments: str) -> None:
        ended = mscat(arguments, self.folder)
        if ended.status != 0:
            raise RuntimeError(f"mscat {' '.join(arguments)} failed: {ended.complaint}")

    def copy_of(self, path: Path, folder: Path) -> Path:
        """A copy in `folder` that may be spoilt."""
        target = folder / path.name
        if path.is_dir():
            return Path(shutil.copytree(path, target))
        return Path(shutil.copy(path, target))

    def shard(self, folder: Path) -> Path:
        """A single file of events that may be spoilt."""
        return self.copy_of(next(iter(sorted(self.sample.glob("*.h5")))), folder)

    @cached_property
    def delphes(self) -> Path:
        """60 events with two fat jets each."""
        rows = [[(pt + n, eta, phi + 0.001 * n) for pt, eta, phi in delphes_files.HARD] for n in range(60)]
        events = [delphes_files.event(photons) for photons in rows]
        return Path(delphes_files.write(self.folder / "delphes.root", events))

    def public(self, format: str) -> Path:
        """File in the layout of a public set of single jets."""
        jets = public_sets.random_jets()
        name, write = {
            "top_tagging": ("top.h5", public_sets.write_top_tagging),
            "quark_gluon": ("quark_gluon.npz", public_sets.write_quark_gluon),
            "jet_class": ("jet_class.root", public_sets.write_jet_class),
            "released_arrays": ("released.npz", public_sets.write_released),
        }[format]
        path = self.folder / name
        return path if path.exists() else Path(write(path, jets))

    def outside(self, format: str) -> Path:
        """File of any format that `mscat import` reads."""
        return self.delphes if format == "delphes" else self.public(format)
