"""One sample: a file or a folder of shards, read block by block. Memory does not grow with the constituents on disk."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf import schema
from mscat_tf.config import digest
from mscat_tf.config.preparation import PREPARED
from mscat_tf.data.blocks import Block, Blocks
from mscat_tf.data.open_files import OpenFiles
from mscat_tf.errors import InputError, SchemaError
from mscat_tf.html_table import html_table
from mscat_tf.physics.high_level_columns import written_choice
from mscat_tf.schema import MANIFEST

Arrays = dict[str, NDArray[Any]]

MUST_BE_FINITE = (
    *("constituents", "kinematics", "weights"),
    *("lund/declusterings", "subjets/subjets", "event_shapes", "high_level", "known_logit"),
)
"""Data sets that `Sample.read` checks; `m_H` of background is NaN."""
_OFTEN_THE_SAME = ("processes", "labels", "configuration", "versions", "token_names", "high_level", "optional")
_THE_SAME = (
    *("processes", "labels", "digest", "seed"),
    *("jets", "constituents", "tokens", "token_names", "declusterings", "subjets", "high_level"),
)


class Sample:
    """Events of one or many HDF5 files of the same schema and configuration.

    Attributes:
        configuration: settings that made them, those of every process that has events here among them.

    Args:
        path: a file, or a folder. A folder with `sample.json` is read by that list, any other by its `*.h5`.

    Raises:
        InputError: nothing there, files that belong to different configurations, or a sample that is not finished.
        SchemaError: a file is truncated or of another schema.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.files = _shards(self.path)
        known: dict[str, Any] = {}
        self.headers = [_lean(schema.read_header(file), known) for file in self.files]
        self._open = OpenFiles(self.files)
        for file, header in zip(self.files, self.headers, strict=True):
            for name in _THE_SAME:
                if getattr(header, name) != getattr(self.header, name):
                    raise InputError(
                        f"{file}: {name} is {getattr(header, name)!r}, but {self.files[0].name} has "
                        f"{getattr(self.header, name)!r}; keep samples of different configurations in different folders"
                    )
        self.configuration = self._configuration()

    @property
    def header(self) -> schema.Header:
        """Header of the first file; sizes, processes and common settings are the same in all."""
        return self.headers[0]

    @cached_property
    def digest(self) -> str:
        """Identifies the events: settings, seed, and number of events of every file.

        That of a sample that `mscat prepare` derived begins with that of its source (`source_digest`).
        """
        files = [[file.name, header.events] for file, header in zip(self.files, self.headers, strict=True)]
        own = digest({"configuration": self.header.digest, "seed": self.header.seed, "files": files})
        source = self.header.configuration.get("preparation", {}).get("source")
        return f"{source}{PREPARED}{own[:8]}" if source else own

    def has(self, name: str) -> bool:
        """Whether every file holds this data set; only those of `schema.OPTIONAL` may be missing."""
        return name not in schema.OPTIONAL or all(name in header.optional for header in self.headers)

    def need(self, name: str, reason: str, advice: str) -> None:
        """Raise InputError, for this reason and with this advice, unless every file holds this data set."""
        if not self.has(name):
            raise InputError(f"{self.path}: holds no data set '{name}', which {reason}; {advice}")

    def need_high_level(self, columns: Sequence[str], reason: str) -> None:
        """Raise InputError, for this reason, unless the files hold these named jet variables."""
        missing = [name for name in columns if name not in self.header.high_level]
        if missing or (columns and not self.has("high_level")):
            column = f"'high_level' has no column '{(missing or columns)[0]}'"
            what = column if self.has("high_level") else "holds no data set 'high_level'"
            raise InputError(
                f"{self.path}: {what}, which {reason}; derive a sample with `mscat prepare` and "
                f"data.preparation.high_level={written_choice(columns)}"
            )

    def __len__(self) -> int:
        return sum(header.events for header in self.headers)

    def _repr_html_(self) -> str:
        header, rows = self.header, []
        for index, name in enumerate(header.processes):
            events = sum(np.count_nonzero(self.read(run, ("process",))["process"] == index) for run in self.runs)
            of = self.normalisation.get(name)
            fb = f"{of.cross_section_fb:.4g} ± {of.cross_section_error_fb:.2g}" if of else "unknown"
            rows.append((name, "signal" if header.labels[index] else "background", events, fb))
        title = f"{self.path}: {len(self)} events, {header.jets} jets of {header.constituents} constituents"
        return html_table(title, rows, ("process", "label", "events", "cross-section [fb]"))

    def __enter__(self) -> "Sample":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file that reading opened."""
        self._open.close()

    @cached_property
    def blocks(self) -> Blocks:
        """The sample cut into runs of at most `CHUNK_EVENTS` neighbouring events."""
        return Blocks([header.events for header in self.headers])

    @cached_property
    def runs(self) -> Blocks:
        """The same by up to 64 blocks of a file at a time, for columns that are small."""
        return Blocks([header.events for header in self.headers], 64 * schema.CHUNK_EVENTS)

    def read(self, block: Block, names: tuple[str, ...], high_level: Sequence[str] | None = None) -> Arrays:
        """Arrays of one block, checked for NaN and infinity.

        Args:
            block: which. names: of data sets. high_level: columns of that data set, in this order; None means those of
                the files.

        Raises:
            InputError: a value is not finite; the sentence names file, data set, column and row. Or the files lack a
                column of `high_level`.
            SchemaError: the file is damaged there.
        """
        arrays: Arrays = {}
        for name in names:
            try:
                arrays[name] = self._open.read(block.shard, name, block.start, block.stop)
            except OSError as error:
                raise SchemaError(
                    f"{self.files[block.shard]}: '{name}' cannot be read ({error}); delete the file and make it again"
                ) from error
            if name in MUST_BE_FINITE:
                self._check_finite(block, name, arrays[name])
        if "high_level" in arrays and high_level is not None and tuple(high_level) != self.header.high_level:
            self.need_high_level(high_level, "is asked for")
            arrays["high_level"] = arrays["high_level"][
                ..., [self.header.high_level.index(name) for name in high_level]
            ]
        return arrays

    def read_raw(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """All constituents of one block, in the laboratory: `(total, columns)`, and how many each jet has `(n, J)`.

        Raises:
            InputError: a value is not finite.
            SchemaError: the file is damaged there.
        """
        jets, path, shard = self.header.jets, self.files[block.shard], block.shard
        try:
            offsets = self._open.read(shard, "raw/offsets", block.start * jets, block.stop * jets + 1)
            counts = np.diff(offsets).reshape(-1, jets)
            raw = self._open.read(shard, "raw/constituents", offsets[0], offsets[-1])
        except OSError as error:
            raise SchemaError(
                f"{path}: 'raw/constituents' cannot be read ({error}); delete the file and make it again"
            ) from error
        if np.any(counts < 0) or len(raw) != counts.sum():
            raise SchemaError(f"{path}: 'raw/offsets' point outside 'raw/constituents'; make the file again")
        bad = ~np.isfinite(raw)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            event = block.start + np.searchsorted(np.cumsum(counts.sum(axis=1)), row, side="right")
            raise InputError(
                f"{path}: 'raw/constituents' column '{schema.RAW_COLUMNS[column]}' is {raw[row, column]} in event "
                f"{event}; remove this event or make the file again"
            )
        return raw, counts

    def iterate(
        self, names: tuple[str, ...], high_level: Sequence[str] | None = None
    ) -> Iterator[tuple[Block, Arrays]]:
        """Every block in file order, see `read`."""
        for block in self.blocks:
            yield block, self.read(block, names, high_level)

    def column(self, name: str) -> NDArray[Any]:
        """One small data set of all events, e.g. `label`."""
        return np.concatenate([self.read(block, (name,))[name] for block in self.blocks])

    @cached_property
    def normalisation(self) -> dict[str, schema.Normalisation]:
        """Of each process over all files: counts and weights add, cross-sections average by generated events.

        Files that quote the same cross-section with the same error quote one measurement (that of an event file, or a
        setting), so their errors do not average out.
        """
        merged = {}
        for name in self.header.processes:
            parts = [h.normalisation[name] for h in self.headers if name in h.normalisation]
            if not parts:
                continue
            measured: dict[tuple[float, float], int] = {}
            for part in parts:
                figure = part.cross_section_fb, part.cross_section_error_fb
                measured[figure] = measured.get(figure, 0) + part.generated_events
            share = np.array(list(measured.values())) / sum(measured.values())
            values, errors = np.array(list(measured)).T
            merged[name] = schema.Normalisation(
                generated_events=sum(p.generated_events for p in parts),
                sum_of_weights=float(sum(p.sum_of_weights for p in parts)),
                cross_section_fb=float(share @ values),
                cross_section_error_fb=float(np.linalg.norm(share * errors)),
            )
        return merged

    @cached_property
    def cut_flow(self) -> dict[str, list[dict[str, Any]]]:
        """Of each process over all files."""
        merged: dict[str, list[dict[str, Any]]] = {}
        for header in self.headers:
            for name, rows in header.cut_flow.items():
                if name not in merged:
                    merged[name] = [dict(row) for row in rows]
                    continue
                for total, row in zip(merged[name], rows, strict=True):
                    total["raw"] += row["raw"]
                    total["weighted"] += row["weighted"]
        return merged

    def _configuration(self) -> dict[str, Any]:
        """Settings that made the sample: a shard may know those of its own processes only."""
        merged: dict[str, Any] = {}
        for file, header in zip(self.files, self.headers, strict=True):
            for name, own in header.configuration.get("processes", {}).items():
                if merged.setdefault(name, own) != own:
                    raise InputError(
                        f"{file}: process '{name}' was made with other settings than in another file here; keep one of "
                        "the two in another folder, or run `mscat generate` again to renew the list of shards"
                    )
        common = dict(self.header.configuration)
        return {**common, "processes": merged} if merged else common

    def _check_finite(self, block: Block, name: str, array: NDArray[Any]) -> None:
        bad = ~np.isfinite(array)
        if bad.any():
            where = np.argwhere(bad)[0]
            columns = self.header.columns(name)
            column = f" column '{columns[where[-1]]}'" if columns else ""
            raise InputError(
                f"{self.files[block.shard]}: '{name}'{column} is {array[tuple(where)]} in event "
                f"{block.start + where[0]} ({int(bad.sum())} such values nearby); remove these events or make the file "
                "again"
            )


def _lean(header: schema.Header, known: dict[str, Any]) -> schema.Header:
    """The header with every part that another file has as well shared with it, so that many files cost little."""
    shared = {name: getattr(header, name) for name in _OFTEN_THE_SAME}
    return replace(header, **{name: known.setdefault(repr(value), value) for name, value in shared.items()})


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        how = "derive it from its source with `mscat prepare` and the same configuration"
        advice = how if PREPARED in path.name else "make the sample with `mscat generate`, or set data.path"
        raise InputError(f"{path}: no such file or folder; {advice}")
    if (path / schema.UNFINISHED).exists():
        raise InputError(
            f"{path}: this sample is not finished; give the command that was making it again: it makes what is missing"
        )
    manifest = path / MANIFEST
    if manifest.is_file():
        try:
            entries = json.loads(manifest.read_text())["shards"]
            files = [path / entry["file"] for entry in entries]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{manifest}: not a readable list of shards; run `mscat generate` again to renew it"
            ) from error
    else:
        files = sorted(path.glob(f"[!.]*{schema.EXTENSION}"))  # hidden ones are half-written
    if not files:
        raise InputError(f"{path}: holds no {schema.EXTENSION} file; make the sample with `mscat generate`")
    return files
