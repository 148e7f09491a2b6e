"""Files that promise far more than they hold, or unpack to far more than they are: refused before memory is taken."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from experiments.faults.bad_networks import columns
from experiments.faults.case import Case, Place, need, sentence, shortened
from experiments.faults.command import mscat

MOST_MEMORY = 1200 * 2**20
"""Bytes: less than a third of what any of these files would take, more than `mscat` with TensorFlow needs."""

MOST_SECONDS = 120.0
EXPECTED = f"status 2, one sentence that names the file, below {MOST_MEMORY // 2**20} MiB"
HUGE = 10**12
BOMB_BYTES = 4 * 2**30


def _resized(path: Path, name: str, shape: tuple[int, ...], **options: Any) -> None:
    """Replace a data set by one that has this shape and no data."""
    with h5py.File(path, "a") as file:
        attributes, kind = dict(file[name].attrs), file[name].dtype
        del file[name]
        made = file.create_dataset(name, shape=shape, dtype=kind, **options)
        made.attrs.update(attributes)


def _huge_sample(place: Place) -> tuple[str, ...]:
    """Every data set with 10^12 events, none of them stored."""
    path = place.stock.shard(place.folder).rename(place.folder / "huge.h5")
    with h5py.File(path) as file:
        found: dict[str, tuple[int, ...]] = {}
        file.visititems(
            lambda name, item: found.__setitem__(name, item.shape) if isinstance(item, h5py.Dataset) else None
        )
    for name, shape in found.items():
        events = {"raw/offsets": 2 * HUGE + 1}.get(name, HUGE)
        _resized(path, name, (events, *shape[1:]), chunks=(256, *shape[1:]))
    return ("train", "smoke", "--set", "data.path=huge.h5", "--set", "model.name=kinematics_mlp")


def _huge_inspected(place: Place) -> tuple[str, ...]:
    _huge_sample(place)
    return ("inspect", "huge.h5")


def _chunk_bomb(place: Place) -> tuple[str, ...]:
    """One compressed chunk that unpacks to 4 GiB less a little, the most that HDF5 allows."""
    path = place.stock.shard(place.folder).rename(place.folder / "bomb.h5")
    with h5py.File(path, "a") as file:
        attributes, kind = dict(file["raw/constituents"].attrs), file["raw/constituents"].dtype
        columns_ = file["raw/constituents"].shape[1]
        rows = (BOMB_BYTES - 64) // (columns_ * kind.itemsize)
        del file["raw/constituents"]
        made = file.create_dataset(
            "raw/constituents", (rows, columns_), kind, chunks=(rows, columns_), compression="gzip"
        )
        made.attrs.update(attributes)
        made.id.write_direct_chunk((0, 0), _zeros_compressed(rows * columns_ * kind.itemsize))
    return ("convert", "bomb.h5", "--to", "npz", "--out", "converted.npz")


def _zeros_compressed(size: int) -> bytes:
    """So many zero bytes in one zlib stream, made without holding them."""
    packer, pieces, piece = zlib.compressobj(9), [], bytes(2**24)
    while size > 0:
        pieces.append(packer.compress(piece[: min(size, len(piece))]))
        size -= len(piece)
    return b"".join([*pieces, packer.flush()])


def _header(shape: tuple[int, ...], kind: str = "<f8") -> bytes:
    """Beginning of an `.npy` file."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _archive(path: Path, members: dict[str, tuple[bytes, int]]) -> None:
    """Archive of members that begin with these bytes and go on with so many zeros, compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (head, zeros) in members.items():
            with archive.open(name, "w", force_zip64=True) as stream:
                stream.write(head)
                for start in range(0, zeros, 2**24):
                    stream.write(bytes(min(2**24, zeros - start)))


def _lying_npz(place: Place) -> tuple[str, ...]:
    _archive(place.folder / "huge.npz", {"X.npy": (_header((HUGE, 3, 4)), 96), "y.npy": (_header((HUGE,)), 8)})
    return _quark_gluon("huge.npz")


def _wide_npz(place: Place) -> tuple[str, ...]:
    """A true archive of 4 GiB of zeros: one jet of 134 million constituents."""
    row = BOMB_BYTES // 32
    _archive(place.folder / "bomb.npz", {"X.npy": (_header((1, row, 4)), BOMB_BYTES), "y.npy": (_header((1,)), 8)})
    return _quark_gluon("bomb.npz")


def _quark_gluon(name: str) -> tuple[str, ...]:
    return ("import", "quark_gluon", name, "--out", "out", "--workers", "1")


def _lying_scores(place: Place) -> tuple[str, ...]:
    _archive(place.folder / "huge.npz", {f"{name}.npy": (_header((HUGE,)), 8) for name in columns()})
    return ("evaluate", "--scores", "huge.npz")


def _bomb_scores(place: Place) -> tuple[str, ...]:
    _archive(
        place.folder / "bomb.npz", {f"{name}.npy": (_header((BOMB_BYTES // 8,)), BOMB_BYTES) for name in columns()}
    )
    return ("evaluate", "--scores", "bomb.npz")


def _lying_npy(place: Place) -> tuple[str, ...]:
    (place.folder / "huge.npy").write_bytes(_header((HUGE,)) + bytes(800))
    np.save(place.folder / "label.npy", np.ones(100))
    return ("evaluate", "--scores", "huge.npy", "--labels", "label.npy")


def _huge_scores(place: Place) -> tuple[str, ...]:
    with h5py.File(place.folder / "huge.h5", "w") as file:
        for name in columns():
            file.create_dataset(name, (HUGE,), "f8", chunks=(1024,))
    return ("evaluate", "--scores", "huge.h5")


def _huge_tables(place: Place) -> tuple[str, ...]:
    """The table of a top-tagging file with 10^12 rows."""
    path = place.stock.copy_of(place.stock.public("top_tagging"), place.folder).rename(place.folder / "huge.h5")
    with h5py.File(path, "a") as file:
        table = file["table/table"]
        table.resize((HUGE,))
        table.attrs["NROWS"] = HUGE
    return ("import", "top_tagging", "huge.h5", "--out", "out", "--workers", "1")


def _huge_tree(place: Place) -> tuple[str, ...]:
    """A ROOT tree that says it has 10^12 entries."""
    path = place.stock.copy_of(place.stock.public("jet_class"), place.folder).rename(place.folder / "huge.root")
    _entries_changed(path)
    return ("import", "jet_class", "huge.root", "--out", "out", "--workers", "1")


def _huge_delphes(place: Place) -> tuple[str, ...]:
    path = place.stock.copy_of(place.stock.delphes, place.folder).rename(place.folder / "huge.root")
    _entries_changed(path)
    return ("import", "delphes", "huge.root", "--process", "p", "--out", "out", "--workers", "1")


def _entries_changed(path: Path) -> None:
    """Every 8-byte number that equals the entries of the tree: uproot writes its description uncompressed."""
    import uproot

    with uproot.open(path) as file:
        entries = next(iter(file.iteritems(filter_classname="TTree")))[1].num_entries
    data, wanted = path.read_bytes(), struct.pack(">q", entries)
    need(wanted in data, "the number of entries is not found in the file")
    path.write_bytes(data.replace(wanted, struct.pack(">q", HUGE)))


def _long_yaml(place: Place) -> tuple[str, ...]:
    (place.folder / "huge.yaml").write_text("base: smoke\n" + "# nothing\n" * 6_000_000)
    return ("generate", "huge.yaml", "--workers", "1")


def _event_bomb(place: Place) -> tuple[str, ...]:
    """A gzip file that unpacks to one line of 4 GiB."""
    with gzip.open(place.folder / "bomb.lhe.gz", "wb") as stream:
        for _ in range(BOMB_BYTES // 2**24):
            stream.write(b"x" * 2**24)
    process = "sample.processes={signal: {kind: lhe, files: [bomb.lhe.gz], label: 1, cross_section_fb: 1.0}}"
    return ("generate", "smoke", "--workers", "1", "--set", process)


def _network_bomb(place: Place) -> tuple[str, ...]:
    """A network whose archive unpacks to 4 GiB."""
    run = place.stock.copy_of(place.stock.run, place.folder)
    with zipfile.ZipFile(run / "model.keras") as archive:
        members = {name: (archive.read(name), 0) for name in archive.namelist()}
    members["config.json"] = (b" ", BOMB_BYTES)
    _archive(run / "model.keras", members)
    return ("predict", "sound", str(place.stock.sample), "--out", "scores.h5")


FILES: dict[str, tuple[str, Callable[[Place], tuple[str, ...]], str]] = {
    "sample, training": ("sample of 10^12 events without data; `mscat train`", _huge_sample, "huge.h5"),
    "sample, inspection": ("sample of 10^12 events without data; `mscat inspect`", _huge_inspected, "huge.h5"),
    "sample, chunk": ("sample with a compressed chunk that unpacks to 4 GiB", _chunk_bomb, "bomb.h5"),
    "EnergyFlow, header": ("EnergyFlow .npz whose header says 10^12 jets", _lying_npz, "huge.npz"),
    "EnergyFlow, bomb": ("EnergyFlow .npz that unpacks to one jet of 4 GiB", _wide_npz, "bomb.npz"),
    "scores, header": ("scores in .npz whose header says 10^12 events", _lying_scores, "huge.npz"),
    "scores, bomb": ("scores in .npz that unpack to 8 GiB", _bomb_scores, "bomb.npz"),
    "scores, npy": ("scores in .npy whose header says 10^12 events", _lying_npy, "huge.npy"),
    "scores, HDF5": ("scores in HDF5 of 10^12 events without data", _huge_scores, "huge.h5"),
    "top tagging": ("top-tagging table of 10^12 rows without data", _huge_tables, "huge.h5"),
    "JetClass": ("JetClass tree that says it has 10^12 entries", _huge_tree, "huge.root"),
    "Delphes": ("Delphes tree that says it has 10^12 entries", _huge_delphes, "huge.root"),
    "YAML": ("configuration of 60 MB", _long_yaml, "huge.yaml"),
    "event file": ("LHE file that unpacks to a line of 4 GiB", _event_bomb, "bomb.lhe.gz"),
    "network": ("`model.keras` that unpacks to 4 GiB", _network_bomb, "model.keras"),
}


def _case(name: str, done: str, make: Callable[[Place], tuple[str, ...]], word: str) -> Case:
    def act(place: Place) -> str:
        ended = mscat(make(place), place.folder, timeout=MOST_SECONDS)
        need(ended.seconds < MOST_SECONDS, f"not finished after {MOST_SECONDS:g} s, {_mebibytes(ended.peak_bytes)}")
        said = shortened(sentence(ended, word))
        need(ended.peak_bytes < MOST_MEMORY, f"took {_mebibytes(ended.peak_bytes)}: {said}")
        return f"{_mebibytes(ended.peak_bytes)}, {said}"

    return Case(f"size: {name}", "absurd sizes", done, EXPECTED, act)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def cases() -> list[Case]:
    """Every reader that could be made to take memory."""
    return [_case(name, *rest) for name, rest in FILES.items()]
