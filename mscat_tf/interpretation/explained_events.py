"""All attention scores of a few events, for displays of single ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.part import Arrays, Batch, event_rows


class ShownEvents:
    """The first events of each process.

    Args:
        number: of each process. processes: their number.

    Attributes:
        left: `(processes,)` how many are still to come.
    """

    def __init__(self, number: int, processes: int) -> None:
        self.left = np.full(processes, number)

    def rows(self, batch: Batch, scores: Mapping[str, NDArray[Any]], others: Arrays) -> Arrays:
        """Of the events of a batch that are among the first: `events/<block>` `(k, heads, queries, keys)` in float16.

        And `events/process`, `row`, `label`, `logit`, `right`, `events/jet_j/eta|phi|pt|mask`.

        Args:
            batch: n events. scores: by block, `(n, heads, queries, keys)`. others: further arrays `(n, ...)`.
        """
        chosen = np.zeros(len(batch), bool)
        for index in range(len(self.left)):
            rows = np.flatnonzero(batch.process == index)[: self.left[index]]
            chosen[rows] = True
            self.left[index] -= len(rows)
        found = {**event_rows(batch), "right": np.asarray(batch.right, bool), **others}
        kept = {f"events/{name}": np.asarray(values)[chosen] for name, values in found.items()}
        return kept | {f"events/{name}": values[chosen].astype(np.float16) for name, values in scores.items()}
