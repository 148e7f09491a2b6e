"""Jets of the signal whose azimuths those of the background get: fault B6 of `docs/audit.md`, made again."""

import numpy as np
from numpy.typing import NDArray

from data_prep.detector_variation import RawJets
from mscat_tf.data.blocks import Block
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError


class SignalAzimuths:
    """Jets of the signal for those of the background: the i-th event of one goes with the i-th of the other.

    Where the background has more events the signal begins again.

    Raises:
        InputError: the sample has no signal.
    """

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        label = sample.column("label")
        self.signal = np.flatnonzero(label == 1)
        if len(self.signal) == 0:
            raise InputError(
                f"{sample.path}: holds no signal, so background_phi: signal has nothing to take; leave it out"
            )
        self.event_id = sample.column("event_id")[label == 0]
        self.order = np.argsort(self.event_id, kind="stable")

    def of_background(self, number: int, event_id: NDArray[np.uint64]) -> RawJets:
        """Jets of the partners of these events of the background."""
        place = self.order[np.searchsorted(self.event_id, event_id, sorter=self.order)]
        partner = self.signal[place % len(self.signal)]
        edges = np.cumsum([0, *(header.events for header in self.sample.headers)])
        shard = np.searchsorted(edges, partner, side="right") - 1
        parts, first, position = [], 0, np.empty(len(partner), np.int64)
        for file in np.unique(shard):
            here = shard == file
            start, stop = int(partner[here].min()), int(partner[here].max()) + 1
            low = int(edges[file])
            raw, counts = self.sample.read_raw(Block(int(file), start - low, stop - low, start))
            parts.append(RawJets(raw.astype(np.float64), counts))
            position[here] = first + partner[here] - start
            first += stop - start
        jets = self.sample.header.jets
        read = RawJets(
            np.concatenate([part.raw for part in parts] or [np.empty((0, 6))]),
            np.concatenate([part.counts for part in parts] or [np.empty((0, jets), np.int64)]),
        )
        return read.take(position, np.broadcast_to(np.arange(jets), (len(position), jets)))
