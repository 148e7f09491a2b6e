"""What a folder of imported shards holds: its manifest `sample.json`, read, extended and written."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_prep.event_files import checksum
from mscat_tf import files, schema
from mscat_tf.errors import OutputError
from mscat_tf.schema import MANIFEST

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Input:
    """One file of a reader: its name, the SHA-256 of its content, and its entries."""

    file: str
    sha256: str
    entries: int


@dataclass(frozen=True)
class Shard:
    """One shard: its file, its reader, the digest of what decided its events, and its number in the input."""

    file: str
    reader: str
    content: str
    number: int


@dataclass(frozen=True)
class Inventory:
    """Everything of a sample but the events.

    Attributes:
        digest: of the settings that all shards share.
        found: choices that the content of the files decided, the same for all of them.
        labels: by reader, then by process. inputs: by reader. shards: in the order in which the sample is read.
    """

    digest: str
    found: dict[str, str]
    labels: dict[str, dict[str, int]]
    inputs: dict[str, list[Input]]
    shards: list[Shard]

    @property
    def all_labels(self) -> dict[str, int]:
        """Of every process of the sample."""
        return {name: label for own in self.labels.values() for name, label in own.items()}


def load(folder: Path, digest: str) -> Inventory | None:
    """What an earlier import left in the folder, or None.

    Args:
        folder: of the sample. digest: of the settings of the import that is to follow.

    Raises:
        OutputError: something else was made there, or with other settings.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text())
        earlier = Inventory(
            digest=values["digest"],
            found=values["found"],
            labels={name: entry["labels"] for name, entry in values["readers"].items()},
            inputs={name: [Input(**one) for one in entry["inputs"]] for name, entry in values["readers"].items()},
            shards=[Shard(one["file"], one["reader"], one["content"], one["number"]) for one in values["shards"]],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{folder}: holds another kind of sample ({MANIFEST} is not one of an import); choose another folder"
        ) from error
    if earlier.digest != digest:
        raise OutputError(
            f"{folder}: was imported with other settings (digest {earlier.digest}, now {digest}), and mixing them "
            f"would spoil the sample; give the same settings, choose another folder, or delete {folder}"
        )
    return earlier


def write(folder: Path, name: str, inventory: Inventory) -> int:
    """Write the manifest, then delete the shards that the former one listed and this one does not.

    Returns:
        Events of the sample.
    """
    path = folder / MANIFEST
    former = {one["file"] for one in json.loads(path.read_text())["shards"]} if path.is_file() else set()
    shards = [_described(folder, shard) for shard in inventory.shards]
    manifest: dict[str, Any] = {
        "name": name,
        "digest": inventory.digest,
        "events": sum(shard["events"] for shard in shards),
        "found": inventory.found,
        "readers": {
            reader: {"labels": inventory.labels[reader], "inputs": [asdict(one) for one in inputs]}
            for reader, inputs in sorted(inventory.inputs.items())
        },
        "shards": shards,
    }
    files.write_json(path, manifest)
    listed = {shard.file for shard in inventory.shards}
    for file in former - listed:
        (folder / file).unlink(missing_ok=True)
    surplus = {one.name for one in folder.glob(f"[!.]*{schema.EXTENSION}")} - listed
    if surplus:
        logger.warning("%s: %d files are not part of this sample: %s", folder, len(surplus), ", ".join(sorted(surplus)))
    return int(manifest["events"])


def _described(folder: Path, shard: Shard) -> dict[str, Any]:
    path = folder / shard.file
    return {**asdict(shard), "events": schema.read_header(path).events, "sha256": checksum(path)}
