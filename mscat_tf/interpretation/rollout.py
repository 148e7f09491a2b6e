"""Attention rollout: attention followed through all blocks down to the inputs.

Abnar and Zuidema, arXiv:2005.00928, section 3: every block passes on `A' = normalise(A + 1)`, where A is its attention,
mean over heads, and 1 stands for the residual; the rollout is the product over the blocks. Here the product begins at
the tokens that the head of the network reads (the rows) and ends at the inputs: the constituents of each jet, and the
tokens of the high scale. A cross-attention block passes on `A'` in two parts, the diagonal to the asking tokens
and the rest to the tokens that they read; jets that are added token by token share equally. A row sums to 1 over all
inputs (less what stays with a learned query or class token).

What it is not: values, projections, MLPs and signs do not enter, and the residual counts one half whatever its size. A
token may be looked at and change nothing. Negative scores of differential attention count as 0. Where values come from
the asking tokens (`model.value_from: kinematics`) the constituents hand on nothing, and there is no rollout.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.onto_constituents import is_added, shares_of_added
from mscat_tf.interpretation.token_masks import MASKS, stream_masks

Floats = NDArray[np.floating[Any]]
HIGH = "kinematics"
NAMES = {"constituents": "jet", "lund": "lund", "subjets": "subjets"}
"""What the inputs of each low-scale stream are called in the results."""


def passed_on(scores: Floats, residual: float = 1.0) -> tuple[Floats, Floats]:
    """What a block passes on: from the tokens that it reads `(n, queries, keys)`, and of the residual `(n, queries)`.

    Args:
        scores: `(n, heads, queries, keys)`. A row without attention leaves everything to the residual.
        residual: 1, or 0 for blocks without one.
    """
    mean = np.maximum(scores, 0).mean(axis=1)
    attended = mean.sum(axis=2)
    kept = np.where(attended > 0, residual, 1.0).astype(mean.dtype)
    total = kept + attended
    return mean / total[..., None], kept / total


@dataclass
class Rollout:
    """Rows followed down to the inputs, of one batch.

    Args:
        scores: `(n, heads, queries, keys)` by block. inputs: of the network by name. residual: see `passed_on`.

    Attributes:
        found: see `__call__`. apart: whether each of these has rows of its own, not shares of common ones.
    """

    scores: Mapping[str, Floats]
    inputs: Mapping[str, NDArray[Any]]
    residual: float = 1.0
    found: dict[str, Floats] = field(default_factory=dict)
    apart: bool = False

    def rows_that_count(self) -> dict[str, NDArray[np.bool_]]:
        """Of the rows that were found, by name: `(n, rows)`, False where a row has nothing to begin with."""
        every = {name: rows.sum(axis=2) > 0 for name, rows in self.found.items()}
        if self.apart:
            return every
        together: NDArray[np.bool_] = np.any(list(every.values()), axis=0)
        return dict.fromkeys(every, together)

    def __call__(self) -> dict[str, Floats]:
        """`jet_j`, `lund_j` `(n, rows, tokens)` and `kinematics` `(n, rows, tokens)`: of each input that is reached."""
        masks = {stream: stream_masks(self.inputs, stream) for stream in MASKS}
        if joint := self._series("joint"):
            self._joint(joint, masks["constituents"])
        elif swapped := self._series("constituents_1", "cross"):
            self._swapped(len(swapped), masks["constituents"])
        elif cross := self._series("cross"):
            self._cross(cross, masks)
        else:
            self._pooled(masks)
        return self.found

    def _series(self, prefix: str, kind: str = "block") -> list[str]:
        """Blocks `prefix_kind_n`, the last one first."""
        numbers = [int(m[1]) for name in self.scores if (m := re.fullmatch(rf"{prefix}_{kind}_(\d+)", name))]
        return [f"{prefix}_{kind}_{number}" for number in sorted(numbers, reverse=True)]

    def _down(self, name: str, prefix: str, rows: Floats) -> None:
        """Through the self-attention blocks of one set of tokens, to its inputs `name`."""
        for block in self._series(prefix):
            rows = self._through(rows, block)
        self.found[name] = self.found[name] + rows if name in self.found else rows

    def _through(self, rows: Floats, block: str) -> Floats:
        """Rows `(n, r, tokens)` of a self-attention block's output, as rows of its input."""
        read, kept = passed_on(self.scores[block], self.residual)
        return rows @ read + rows * kept[:, None, :]

    def _identity(self, tokens: int) -> Floats:
        events = len(next(iter(self.scores.values())))
        return np.broadcast_to(np.eye(tokens, dtype=np.float32), (events, tokens, tokens))

    def _cross(self, blocks: list[str], masks: Mapping[str, list[NDArray[np.bool_]]]) -> None:
        asking = self._identity(self.scores[blocks[0]].shape[2])
        answering: Any = 0
        for block in blocks:
            read, kept = passed_on(self.scores[block], self.residual)
            answering = answering + asking @ read
            asking = asking * kept[:, None, :]
        self._down(HIGH, HIGH, asking)
        added, first = is_added(answering.shape[2], self.inputs), 0
        for stream, real in masks.items():
            size = real[0].shape[1] if real else 0
            shares = shares_of_added(real) if added and real else [1.0] * len(real)
            for jet, share in enumerate(shares, start=1):
                self._down(f"{NAMES[stream]}_{jet}", f"{stream}_{jet}", answering[..., first : first + size] * share)
                first += 0 if added else size
            first += size if added else 0

    def _swapped(self, depth: int, masks: list[NDArray[np.bool_]]) -> None:
        rows: dict[int, Floats] = {}
        for jet, mask in enumerate(masks, start=1):
            asking = _only(jet, len(masks), _mean_row(mask))
            answering: Any = 0
            for block in self._series(f"constituents_{jet}", "cross"):
                read, kept = passed_on(self.scores[block], self.residual)
                answering = answering + asking @ read
                asking = asking * kept[:, None, :]
            self._down(f"jet_{jet}", f"constituents_{jet}", asking)
            rows[jet] = answering
        self._down(HIGH, HIGH, np.sum(list(rows.values()), axis=0))

    def _joint(self, blocks: list[str], masks: list[NDArray[np.bool_]]) -> None:
        """Rows: the tokens of the high scale, then the mean constituent of every jet."""
        size, jets = masks[0].shape[1], len(masks)
        everything = self._identity(self.scores[blocks[0]].shape[2])
        means = [_mean_row(mask) @ everything[:, j * size : (j + 1) * size] for j, mask in enumerate(masks)]
        rows = np.concatenate([everything[:, jets * size :], *means], axis=1)
        for block in blocks:
            rows = self._through(rows, block)
        for jet in range(jets):
            self.found[f"jet_{jet + 1}"] = rows[..., jet * size : (jet + 1) * size]
        self.found[HIGH] = rows[..., jets * size :]

    def _pooled(self, masks: Mapping[str, list[NDArray[np.bool_]]]) -> None:
        """Scales side by side: one row for each jet, those of the high scale by themselves."""
        self.apart = True
        for stream, real in masks.items():
            for jet, mask in enumerate(real, start=1):
                if f"{stream}_{jet}_block_1" in self.scores or f"{stream}_{jet}_pooled" in self.scores:
                    rows = self._pooling(f"{stream}_{jet}", mask)
                    self._down(f"{NAMES[stream]}_{jet}", f"{stream}_{jet}", rows)
        if high := self._series(HIGH):
            self._down(HIGH, HIGH, self._identity(self.scores[high[0]].shape[2]))

    def _pooling(self, prefix: str, mask: NDArray[np.bool_]) -> Floats:
        """What the head reads of one jet: by class token, learned query, or the mean of its real constituents."""
        if f"{prefix}_class" in self.scores:
            blocks = np.maximum(self.scores[f"{prefix}_class"].mean(axis=1), 0)
            asking, answering = np.float32(1), np.zeros_like(blocks[:, :1, 1:])
            for number in range(blocks.shape[1] - 1, -1, -1):
                itself, others = blocks[:, number, None, :1], blocks[:, number, None, 1:]
                total = 1 + itself + others.sum(axis=2, keepdims=True)
                answering = answering + asking * others / total
                asking = asking * (1 + itself) / total
            return answering
        if f"{prefix}_pooled" in self.scores:
            return np.asarray(np.maximum(self.scores[f"{prefix}_pooled"], 0).mean(axis=1))
        return _mean_row(mask)


def _mean_row(mask: NDArray[np.bool_]) -> Floats:
    """The mean over real tokens as a row, `(n, 1, tokens)`; 0 without any."""
    return (mask / np.maximum(mask.sum(axis=1, keepdims=True), 1))[:, None, :].astype(np.float32)


def _only(jet: int, jets: int, row: Floats) -> Floats:
    """Rows `(n, jets, tokens)` that are `row` for one jet and 0 for the others."""
    rows = np.zeros((len(row), jets, row.shape[2]), row.dtype)
    rows[:, jet - 1] = row[:, 0]
    return rows


def row_labels(blocks: list[str], high: list[str], jets: int) -> list[str]:
    """What the rows of `Rollout` are.

    Args:
        blocks: names. high: labels of the tokens of the high scale. jets: their number.
    """
    means = [f"mean constituent of jet {jet}" for jet in range(1, jets + 1)]
    if any(name.startswith("joint_") for name in blocks):
        return [*high, *means]
    if any(re.fullmatch(r"constituents_\d+_cross_\d+", name) for name in blocks):
        return means
    return list(high) if any(name.startswith("cross_") for name in blocks) else ["pooled constituents"]
