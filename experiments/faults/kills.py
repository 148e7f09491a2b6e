"""SIGKILL at random moments: whatever was on the way, the same command again ends with the same result.

Kills follow each other: a command that was killed is started again and killed again, at moments that are spread evenly
over the time of an undisturbed command, in random order. Where one comes to its end before its moment, its output is
compared and a new round begins in an empty folder; at the end the command runs to its end once more.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from experiments.faults.case import Case, Place, need
from experiments.faults.command import ROOT, Ended, mscat, start
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.files import PART, file_digest
from mscat_tf.schema import UNFINISHED

Digests = dict[str, str]
SHORTEST = 0.03
"""No kill comes before this share of the undisturbed time: Python itself would not have started."""


@dataclass(frozen=True)
class Chain:
    """A command that is killed again and again.

    Attributes:
        prepare: puts what the command needs into an empty folder. arguments: of `mscat`.
        outputs: digests of all that must be the same in the end.
    """

    prepare: Callable[[Place, Path], None]
    arguments: tuple[str, ...]
    outputs: Callable[[Path], Digests]


def killed(chain: Chain, place: Place, kills: int) -> str:
    """Run the chain; what was seen.

    Raises:
        UnexpectedError: a command failed, an output differs from the undisturbed one, or something is left behind.
    """
    straight, folder = place.folder / "straight", place.folder / "killed"
    undisturbed = _fresh(chain, place, straight)
    wanted = chain.outputs(straight)
    need(bool(wanted), "the undisturbed command left no output")
    rng = np.random.default_rng(place.seed)
    moments = list(SHORTEST + (1.0 - SHORTEST) * (rng.permutation(kills) + rng.random(kills)) / kills)
    done, rounds, begun = 0, 0, False
    while moments:
        if not begun:
            _emptied(chain, place, folder)
        process = start(chain.arguments, folder)
        if process.alive_after(moments[0] * undisturbed.seconds):
            process.kill()
            moments.pop(0)
            done, begun = done + 1, True
            place.say(f"{done} of {kills} killed")
            continue
        _check_end(process.ended(), chain, folder, wanted, done)
        rounds += 1
        if not begun:  # an undisturbed command that was faster than the first one
            moments[0] *= 0.8
        begun = False
    _check_end(mscat(chain.arguments, folder), chain, folder, wanted, done)
    return (
        f"{done} kills within {undisturbed.seconds:.1f} s each, {rounds + 1} rounds came to their end: "
        f"{len(wanted)} outputs equal, nothing left behind"
    )


def _fresh(chain: Chain, place: Place, folder: Path) -> Ended:
    _emptied(chain, place, folder)
    ended = mscat(chain.arguments, folder)
    need(ended.status == 0, f"undisturbed: status {ended.status}: {ended.complaint[-300:]}")
    return ended


def _emptied(chain: Chain, place: Place, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    chain.prepare(place, folder)


def _check_end(ended: Ended, chain: Chain, folder: Path, wanted: Digests, after: int) -> None:
    need(ended.status == 0, f"after {after} kills: status {ended.status}: {ended.complaint[-300:]}")
    found = chain.outputs(folder)
    other = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    need(not other, f"after {after} kills these outputs differ: {', '.join(other[:5])}")
    left = leftovers(folder)
    need(not left, f"after {after} kills these are left: {', '.join(left[:5])}")


def leftovers(folder: Path) -> list[str]:
    """Temporary files and folders, and marks of what is not finished."""
    found = [path for pattern in (f"{PART}*", ".import-*", UNFINISHED) for path in folder.rglob(pattern)]
    return sorted(str(path.relative_to(folder)) for path in found)


def sample_digests(folder: Path) -> Digests:
    """Of every file of events, and of the list of them."""
    files = [*folder.glob("data/*/[!.]*.h5"), *folder.glob("data/*/sample.json")]
    return {str(path.relative_to(folder)): file_digest(path) for path in files}


def array_digests(path: Path) -> Digests:
    """Of every data set of an HDF5 file: the files themselves may hold times."""
    found: Digests = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[f"{path.name}/{name}"] = hashlib.sha256(np.ascontiguousarray(item[()]).tobytes()).hexdigest()

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def run_digests(folder: Path) -> Digests:
    """Weights of every network, the losses of every epoch, and the scores where there are some."""
    found: Digests = {}
    for model in sorted(folder.glob("runs/**/model.keras")):
        run = model.parent
        with zipfile.ZipFile(model) as archive:
            weights = Path(archive.extract("model.weights.h5", folder / "unpacked"))
        rows = np.genfromtxt(run / "history.csv", delimiter=",", names=True)
        losses = {name: rows[name].tolist() for name in rows.dtype.names if name in ("loss", "val_loss", "val_auc")}
        parts = {**array_digests(weights), "losses": json.dumps(losses)}
        if (run / "scores.h5").is_file():
            parts |= array_digests(run / "scores.h5")
        found |= {f"{run.relative_to(folder)}/{name}": value for name, value in parts.items()}
    shutil.rmtree(folder / "unpacked", ignore_errors=True)
    return found


def _score_digests(folder: Path) -> Digests:
    return array_digests(folder / "scores.h5") if (folder / "scores.h5").is_file() else {}


def _study_digests(folder: Path) -> Digests:
    """What was measured, without times and machine."""
    found = run_digests(folder) | sample_digests(folder)
    measured = json.loads((folder / "out/results/demo/tiny.json").read_text())
    found["tiny.json"] = json.dumps(_timeless(measured), sort_keys=True)
    return found


def _timeless(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _timeless(value) for key, value in values.items() if not _of_machine(key)}
    return [_timeless(value) for value in values] if isinstance(values, list) else values


def _of_machine(key: str) -> bool:
    return any(word in key for word in ("seconds", "memory", "cpu", "per_second", "machine", "started"))


def _nothing(_place: Place, _folder: Path) -> None:
    """The command needs nothing."""


def _delphes(place: Place, folder: Path) -> None:
    place.stock.copy_of(place.stock.delphes, folder)


def _sample(_place: Place, folder: Path) -> None:
    write_mock_sample(folder / "data" / "mock", events=2000, shards=3)


def _run_and_sample(place: Place, folder: Path) -> None:
    place.stock.copy_of(place.stock.run, folder)
    write_mock_sample(folder / "mock", events=20_000, shards=3)


def _run_and_delphes(place: Place, folder: Path) -> None:
    place.stock.copy_of(place.stock.run, folder)
    _delphes(place, folder)


STUDY = """
name: tiny
title: The smallest study
question: Does a study go on where it was killed?
base: smoke
reference: mlp
scales:
  demo: {seeds: 2, set: [sample.events=60, train.epochs=2, evaluate.bootstrap_replicas=5]}
rows:
  mlp: {set: [model.name=kinematics_mlp]}
  wide: {set: [model.name=kinematics_mlp, "model.head_units=[24]"]}
"""


def _study(_place: Place, folder: Path) -> None:
    """A package `experiments` of its own: the one of the working folder comes first."""
    studies = folder / "experiments" / "studies"
    studies.mkdir(parents=True)
    (folder / "experiments" / "__init__.py").touch()
    for name in ("demo.yaml", "smoke.yaml"):
        shutil.copy(ROOT / "experiments" / name, folder / "experiments")
    (studies / "scales.yaml").write_text("{}\n")
    (studies / "tiny.yaml").write_text(STUDY)


CHAINS = {
    "generate": Chain(
        _nothing,
        ("generate", "smoke", "--workers", "2", "--set", "sample.events=60", "--set", "sample.shard_events=4"),
        sample_digests,
    ),
    "import": Chain(
        _delphes,
        (
            *("import", "delphes", "delphes.root", "--process", "signal", "--label", "1", "--out", "data/imported"),
            *("--set", "chunk_entries=3", "--workers", "2"),
        ),
        sample_digests,
    ),
    "train": Chain(
        _sample,
        ("train", "smoke", "--set", "data.path=data/mock", "--set", "train.epochs=6", "--name", "killed"),
        run_digests,
    ),
    "predict": Chain(
        _run_and_sample, ("predict", "sound", "mock", "--batch", "8", "--out", "scores.h5"), _score_digests
    ),
    "predict --import": Chain(
        _run_and_delphes,
        ("predict", "sound", "delphes.root", "--import", "delphes", "--out", "scores.h5"),
        _score_digests,
    ),
    "reproduce": Chain(_study, ("reproduce", "tiny", "--folder", "out", "--workers", "2"), _study_digests),
}


def cases() -> list[Case]:
    """One row for each chain."""
    return [
        Case(
            f"kill {name}",
            "killed",
            f"`mscat {name}` killed (SIGKILL to the whole process group) at random moments",
            "the same command ends well, with the output of an undisturbed one; no temporary file stays",
            lambda place, chain=chain: killed(chain, place, place.kills),  # type: ignore[misc]
        )
        for name, chain in CHAINS.items()
    ]
