"""`ScoreEvents`: a network as a function of jagged jets, for notebooks and coffea processors alike."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mscat_tf.analysis.jets import Columns, Momenta, leading_jets, pieces, schema_arrays
from mscat_tf.analysis.library import awkward, check_array
from mscat_tf.analysis.worker_network import WorkerNetwork, sizes
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.inference.predict import scores
from mscat_tf.inference.scorer import BATCH_SIZE, Scorer
from mscat_tf.run_folder import Run

EVENTS_AT_ONCE = 4096
"""Whose tokens are in memory together: 7 MB of constituents in two jets of 50."""


class ScoreEvents:
    """Scores of events given as awkward arrays of jets with constituents; nothing is loaded before the first call.

    It can be pickled at any time, with path and digest of the network in place of the network itself.

    Args:
        network: finished run or its folder, a preset (`mscat_tf.load_preset`), or the path of a file that
            `mscat export` wrote, which needs no TensorFlow.
        columns: how the columns of the arrays are called.
        momenta: `constituents`: a jet is the vector sum of its constituents, as in every sample; `jets`: the jets' own
            columns are read instead.
        mass_hypothesis: for all events, where the network reads m_H [GeV]. batch_size: events at a time.

    Raises:
        ConfigError: no such momenta. InputError: there is no finished run and no ONNX file at `network`.
    """

    def __init__(
        self,
        network: str | Path | Run,
        columns: Columns | None = None,
        momenta: Momenta = "constituents",
        mass_hypothesis: float | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        if momenta not in get_args(Momenta):
            raise ConfigError(f"momenta '{momenta}': unknown; choose from {', '.join(get_args(Momenta))}")
        path = network.path if isinstance(network, Run) else network
        self.network = WorkerNetwork.at(path, batch_size, mass_hypothesis)
        self.columns, self.momenta = columns or Columns(), momenta

    def __call__(self, jets: Any, further: Mapping[str, Any] | None = None) -> Any:
        """Scores in (0, 1), `(events,)`; None where an event has fewer jets than the network reads.

        Args:
            jets: awkward array `(events, jets)` of records with constituents, in any order.
            further: data sets of the schema (docs/schema.md) that the network reads besides, such as `event_shapes`,
                by name, `(events, ...)`. What stands there for events without score is ignored.

        Raises:
            InputError: columns or data sets are missing, or a value is not finite.
        """
        check_array(jets)
        ak, scorer = awkward(), self.network.scorer()
        found, scored = np.zeros(len(jets), np.float32), np.zeros(len(jets), np.bool_)
        for event, arrays in self._prepared(jets, scorer, further or {}):
            found[event], scored[event] = scores(scorer, arrays), True
        return ak.mask(ak.Array(found), scored)

    def inputs(self, jets: Any) -> dict[str, NDArray[Any]]:
        """What is given to the network: data sets of the schema, and in `event` the place of each event that has them.

        Args:
            jets: as for a call.
        """
        check_array(jets)
        parts = [{"event": event, **arrays} for event, arrays in self._prepared(jets, self.network.scorer(), {}, 0)]
        return parts[0]

    def _prepared(
        self, jets: Any, scorer: Scorer, further: Mapping[str, Any], at_once: int = EVENTS_AT_ONCE
    ) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[Any]]]]:
        """Places of some events and their data sets."""
        wanted = sizes(scorer, self.network.path)
        found = leading_jets(jets, wanted.jets, self.columns, self.momenta)
        more = {name: self._whole(name, values, len(jets)) for name, values in further.items()}
        for piece in pieces(found, at_once) if at_once else [found]:
            arrays = schema_arrays(piece, wanted.constituents) | {name: v[piece.event] for name, v in more.items()}
            missing = [name for name in scorer.data_sets if name not in arrays]
            if missing:
                raise InputError(
                    f"{self.network.path}: the network reads {', '.join(missing)} besides jets; give them by name as "
                    "the second argument"
                )
            yield piece.event, arrays

    @staticmethod
    def _whole(name: str, values: Any, events: int) -> NDArray[Any]:
        array = np.asarray(values)
        if len(array) != events:
            raise InputError(f"events: '{name}' has {len(array)} rows, but there are {events} events; give one of each")
        return array

    def __repr__(self) -> str:
        return f"ScoreEvents({self.network.path!r}, digest {self.network.digest[:10]})"
