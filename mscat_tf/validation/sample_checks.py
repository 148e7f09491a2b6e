"""Checks that need the whole sample: numbers that must be unique, groups, splits, sums of weights, cut flow, manifest.

Of each event three 64-bit numbers are kept, `event_id`, `group_id` and a hash of its kinematics, with process and
file: about 32 bytes an event, the one thing of a validation that grows with the sample.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.sample import Sample
from mscat_tf.data.splits import assign_splits
from mscat_tf.schema import MANIFEST, Header
from mscat_tf.validation.blocks import EventBlock
from mscat_tf.validation.result import CheckResult

Identifiers = NDArray[np.uint64]

AGREEMENT = 1e-5
"""Relative agreement of sums of float32 weights with sums that the generation made in float64."""


@dataclass
class Totals:
    """Of one process in one file: events, generator weights, generator x tag, events that can be tagged."""

    events: int = 0
    generator: float = 0.0
    tagged: float = 0.0
    taggable: int = 0
    negative: bool = False


@dataclass
class Ledger:
    """What is kept of the blocks for the checks of the whole sample."""

    event_id: list[Identifiers] = field(default_factory=list)
    group_id: list[Identifiers] = field(default_factory=list)
    content: list[Identifiers] = field(default_factory=list)
    process: list[NDArray[np.int32]] = field(default_factory=list)
    totals: dict[tuple[int, str], Totals] = field(default_factory=lambda: defaultdict(Totals))

    def add(self, block: EventBlock) -> None:
        """Keep the identifiers of a block and add up its weights."""
        self.event_id.append(block["event_id"])
        self.group_id.append(block["group_id"])
        self.content.append(content_hash(block["kinematics"]))
        self.process.append(block["process"])
        generator, tag = block.weight_column("generator"), block.weight_column("tag")
        for index, name in enumerate(block.header.processes):
            own = block["process"] == index
            if own.any():
                totals = self.totals[block.shard, name]
                totals.events += int(own.sum())
                totals.generator += float(generator[own].sum())
                totals.tagged += float((generator * tag)[own].sum())
                totals.taggable += int((tag[own] > 0.0).sum())
                totals.negative |= bool((generator[own] < 0.0).any())

    def column(self, name: str) -> NDArray[Any]:
        """`(n,)` of all blocks so far."""
        parts = getattr(self, name)
        return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def content_hash(kinematics: NDArray[Any]) -> Identifiers:
    """A 64-bit hash of each event's kinematics `(n, K, 6)`: equal bits, equal hash. FNV-1a over 32-bit words.

    Source: Fowler, Noll, Vo, IETF draft-eastlake-fnv, with a final shift-multiply so that high bits mix downwards.
    """
    words = np.ascontiguousarray(kinematics, np.float32).reshape(len(kinematics), -1).view(np.uint32)
    state = np.full(len(words), 0xCBF29CE484222325, np.uint64)
    for column in words.T:
        state = (state ^ column.astype(np.uint64)) * np.uint64(0x100000001B3)
        state ^= state >> np.uint64(29)
    return state


def shared(first: Identifiers, second: Identifiers) -> int:
    """Events of the first sample whose content the second holds too."""
    return int(np.isin(first, second).sum())


def unique_ids(ledger: Ledger) -> CheckResult:
    """`event_id` occurs once over all files."""
    values, counts = np.unique(ledger.column("event_id"), return_counts=True)
    twice = values[counts > 1]
    if len(twice):
        return _failed("event_id", f"{len(twice)} numbers occur more than once over all files, e.g. {twice[0]}")
    return _passed("event_id", f"{len(values)} numbers, each once over all files")


def groups(ledger: Ledger) -> CheckResult:
    """All events of one parton-level event belong to one process."""
    group, process = ledger.column("group_id"), ledger.column("process")
    mixed = _differing(group, process.astype(np.uint64))
    if len(mixed):
        return _failed("groups", f"{len(mixed)} groups hold events of more than one process, e.g. {mixed[0]}")
    number = len(np.unique(group))
    return _passed("groups", f"{number} parton-level events for {len(group)} events, each of one process")


def duplicates(ledger: Ledger) -> CheckResult:
    """No two groups hold an event of the same kinematics."""
    copies = _differing(ledger.column("content"), ledger.column("group_id"))
    if len(copies):
        return _failed("duplicates", f"{len(copies)} events have the same kinematics as one of another group_id")
    return _passed("duplicates", "no event has the same kinematics as one of another group_id")


def leakage(ledger: Ledger, settings: DataSettings) -> CheckResult:
    """No group and no content lies in two of the splits."""
    split = assign_splits(ledger.column("group_id"), settings.train_fraction, settings.validation_fraction)
    across = {name: len(_differing(ledger.column(name), split.astype(np.uint64))) for name in ("group_id", "content")}
    if any(across.values()):
        return _failed(
            "leakage",
            f"{across['group_id']} groups and {across['content']} events of equal kinematics lie in more than one of "
            "train, validation and test",
        )
    shares = np.bincount(split, minlength=3) / max(len(split), 1)
    return _passed(
        "leakage", "train, validation and test hold {:.1%}, {:.1%} and {:.1%}, nothing twice".format(*shares)
    )


def generator_weights(sample: Sample, ledger: Ledger) -> CheckResult:
    """Recorded sums of generator weights are positive and equal the first row of the cut flow."""
    faults = []
    for shard, header in enumerate(sample.headers):
        where = sample.files[shard].name
        for name, norm in header.normalisation.items():
            stored = ledger.totals[shard, name]
            if not (np.isfinite(norm.sum_of_weights) and norm.sum_of_weights > 0.0):
                faults.append(f"{where}: the sum of weights of {name} is {norm.sum_of_weights}")
            elif not stored.negative and stored.generator > norm.sum_of_weights * (1.0 + AGREEMENT):
                faults.append(
                    f"{where}: stored events of {name} weigh {stored.generator:.7g}, more than the "
                    f"{norm.sum_of_weights:.7g} that were generated"
                )
            elif not (np.isfinite(norm.cross_section_fb) and norm.cross_section_fb > 0.0):
                faults.append(f"{where}: the cross-section of {name} is {norm.cross_section_fb} fb")
            first = next(iter(header.cut_flow.get(name, [])), None)
            if first and (first["raw"] != norm.generated_events or _unequal(first["weighted"], norm.sum_of_weights)):
                faults.append(f"{where}: the cut flow of {name} starts from other events than the sum of weights")
    sums = ", ".join(f"{name} {norm.sum_of_weights:.7g}" for name, norm in sample.normalisation.items())
    return _verdict("generator weights", faults, f"sums of generated weight: {sums}")


def cut_flow(sample: Sample, ledger: Ledger) -> CheckResult:
    """Counts never rise, and the end of the cut flow is what is stored.

    Where events carry tag weights the last row is the tag: events that can be tagged, and generator x tag summed; the
    row before it counts the stored events. With random tagging, and without a tag, the last row counts them.
    """
    faults = []
    for shard, header in enumerate(sample.headers):
        for name in header.normalisation:
            found = _cut_flow_fault(header, header.cut_flow.get(name, []), ledger.totals[shard, name])
            faults += [f"{sample.files[shard].name}, {name}: {found}"] if found else []
    return _verdict("cut flow", faults, "raw and weighted counts never rise and end at the stored events")


def manifest(sample: Sample) -> CheckResult:
    """Files are those that the manifest lists, byte for byte."""
    path = sample.path / MANIFEST
    if not path.is_file():
        return CheckResult("manifest", "skipped", f"no {MANIFEST} lists the files")
    entries = json.loads(path.read_text())["shards"]
    faults = []
    for entry, file, header in zip(entries, sample.files, sample.headers, strict=True):
        with open(file, "rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        if digest != entry.get("sha256", digest):
            faults.append(f"{file.name} is not the file that {MANIFEST} describes (SHA-256 differs)")
        elif header.events != entry.get("events", header.events):
            faults.append(f"{file.name} holds {header.events} events, {MANIFEST} says {entry['events']}")
    return _verdict("manifest", faults, f"{len(entries)} files are those of {MANIFEST}, byte for byte")


def _cut_flow_fault(header: Header, rows: list[dict[str, Any]], totals: Totals) -> str | None:
    if not rows:
        return "no cut flow is recorded"
    for before, after in pairwise(rows):
        rises = after["weighted"] > before["weighted"] * (1.0 + AGREEMENT) and not totals.negative
        if after["raw"] > before["raw"] or rises:
            return f"counts rise from '{before['cut']}' to '{after['cut']}'"
    random = bool((header.configuration.get("b_tagging") or {}).get("random"))
    tag = rows[-1] if len(rows) > 1 and rows[-1]["cut"].endswith("tag") and not random else None
    last = rows[-2] if tag else rows[-1]
    if last["raw"] != totals.events or _unequal(last["weighted"], totals.generator):
        return (
            f"'{last['cut']}' ends at {last['raw']} events of weight {last['weighted']:.7g}, but {totals.events} of "
            f"weight {totals.generator:.7g} are stored"
        )
    if tag and (tag["raw"] != totals.taggable or _unequal(tag["weighted"], totals.tagged)):
        return (
            f"'{tag['cut']}' ends at {tag['raw']} events of weight {tag['weighted']:.7g}, but the stored tag weights "
            f"give {totals.taggable} and {totals.tagged:.7g}"
        )
    return None


def _unequal(first: float, second: float) -> bool:
    return abs(first - second) > AGREEMENT * max(abs(first), abs(second))


def _differing(key: Identifiers, value: Identifiers) -> Identifiers:
    """Keys that stand beside more than one value."""
    order = np.lexsort((value, key))
    key, value = key[order], value[order]
    return np.unique(key[1:][(key[1:] == key[:-1]) & (value[1:] != value[:-1])])


def _verdict(name: str, faults: list[str], fine: str) -> CheckResult:
    if not faults:
        return _passed(name, fine)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return _failed(name, faults[0] + more)


def _passed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name, "passed", sentence)


def _failed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name, "failed", sentence)
