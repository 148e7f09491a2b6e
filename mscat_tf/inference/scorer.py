"""One interface for whatever gives logits: a network in Keras or onnxruntime, or boosted trees."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data import Sample
from mscat_tf.data.features import HIGH_LEVEL
from mscat_tf.data.flat import flat_data_sets, flat_matrix, high_level_of
from mscat_tf.errors import InputError
from mscat_tf.inference.signature import Signature
from mscat_tf.models.boosted_trees import BoostedTrees
from mscat_tf.models.ensemble import mixture_logit
from mscat_tf.physics.high_level_columns import written_choice

Arrays = Mapping[str, NDArray[Any]]
Forward = Callable[[dict[str, NDArray[Any]]], NDArray[np.float32]]

BATCH_SIZE = 512
"""Events at a time unless told otherwise; `experiments/benchmarks/predict.py --batches` measures others."""


class Scorer(Protocol):
    """Gives logits of events.

    Attributes:
        batch_size: events that one call takes at most. data_sets: what it reads of a sample.
        high_level: columns of that data set, in the order in which it wants them.
        token_settings: with which `mscat import` makes such samples.
    """

    batch_size: int

    @property
    def data_sets(self) -> tuple[str, ...]: ...

    @property
    def high_level(self) -> tuple[str, ...]: ...

    @property
    def token_settings(self) -> tuple[str, ...]: ...

    def check(self, sample: Sample) -> tuple[str, ...]:
        """Raise InputError unless the sample can be read; sentences about what is made to fit."""

    def at_mass(self, mass: float) -> "Scorer":
        """The same for this mass hypothesis [GeV]; InputError if none is read."""

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """`(n,)` logits of n events, at most `batch_size`, given as data sets of the schema."""


class NetworkScorer:
    """Logits of a network that is always called with the same number of events, so it is compiled once.

    Args:
        signature: what it reads. forward: inputs of exactly `batch_size` events to their logits.
        batch_size: that number.
    """

    def __init__(self, signature: Signature, forward: Forward, batch_size: int) -> None:
        self.signature, self.batch_size, self._forward = signature, batch_size, forward

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Data sets of a sample that the network reads."""
        return self.signature.data_sets

    @property
    def high_level(self) -> tuple[str, ...]:
        """Named jet variables that the network reads."""
        return self.signature.high_level

    @property
    def token_settings(self) -> tuple[str, ...]:
        """Settings of `mscat import` that make samples which it can read."""
        return self.signature.token_settings

    def check(self, sample: Sample) -> tuple[str, ...]:
        """See `Signature.check`."""
        return self.signature.check(sample)

    def at_mass(self, mass: float) -> "NetworkScorer":
        """See `Signature.at_mass`."""
        return NetworkScorer(self.signature.at_mass(mass), self._forward, self.batch_size)

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """`(n,)` logits from data sets of the schema, or from the inputs of the network by name."""
        given = all(name in arrays for name in self.data_sets)
        return self._filled(self.signature.checked(self.signature.inputs(arrays) if given else arrays))

    def _filled(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The last batch is filled up with repetitions of its first event: no value that training cannot have."""
        events = len(inputs[self.signature.names[0]])
        missing = self.batch_size - events
        if missing:
            inputs = {
                name: np.concatenate([values, np.repeat(values[:1], missing, axis=0)])
                for name, values in inputs.items()
            }
        return self._forward(inputs)[:events]


class TreesScorer:
    """Logits of boosted trees.

    Args:
        trees: fitted. batch_size: events at a time at most.
    """

    def __init__(self, trees: BoostedTrees, batch_size: int) -> None:
        self._trees, self.batch_size = trees, batch_size

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Data sets of a sample that the trees read."""
        return flat_data_sets(self._trees.columns)

    @property
    def token_settings(self) -> tuple[str, ...]:
        """Settings of `mscat import` that make samples which they can read."""
        return tuple(f"tokens.{name}={self._choice(name)}" for name in self.data_sets if name != "kinematics")

    def check(self, sample: Sample) -> tuple[str, ...]:
        """Raise InputError unless the sample has every column."""
        for name in self.data_sets:
            sample.need(name, "the trees read", f"make it again with sample.tokens.{name}={self._choice(name)}")
        sample.need_high_level(self.high_level, "the trees read")
        sizes = {"kinematics": sample.header.tokens, "high_level": sample.header.jets}
        for name, place in (column.split("/")[:2] for column in self._trees.columns if column.count("/") == 2):
            if int(place) >= sizes[name]:
                raise InputError(
                    f"{sample.path}: '{name}' has {sizes[name]} rows in every event, but the trees read row {place}; "
                    "choose trees that were fitted on such events"
                )
        return ()

    def at_mass(self, mass: float) -> "TreesScorer":
        """Raise InputError: trees read no mass hypothesis."""
        raise InputError("boosted trees read no mass hypothesis; leave --mass-hypothesis out")

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """`(n,)` logits from data sets of the schema."""
        missing = [name for name in self.data_sets if name not in arrays]
        if missing:
            raise InputError(f"events: {', '.join(missing)} missing; give the data sets {', '.join(self.data_sets)}")
        matrix = flat_matrix(arrays, self._trees.columns, self.high_level)
        return self._trees.decision(matrix).astype(np.float32)

    @property
    def high_level(self) -> tuple[str, ...]:
        """Named jet variables that the trees read."""
        return high_level_of(self._trees.columns)

    def _choice(self, name: str) -> str:
        """Of the setting that makes a data set."""
        return written_choice(self.high_level) if name == HIGH_LEVEL else "true"


class EnsembleScorer:
    """Logit of the mean score of several networks that read the same.

    Args:
        members: with the same batch size. All of them are in memory.
    """

    def __init__(self, members: Sequence[Scorer]) -> None:
        self.members, self.batch_size = members, members[0].batch_size

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Data sets of a sample that the members read."""
        return self.members[0].data_sets

    @property
    def high_level(self) -> tuple[str, ...]:
        """Named jet variables that the members read."""
        return self.members[0].high_level

    @property
    def token_settings(self) -> tuple[str, ...]:
        """Settings of `mscat import` that make samples which they can read."""
        return self.members[0].token_settings

    def check(self, sample: Sample) -> tuple[str, ...]:
        """See `Signature.check`."""
        return self.members[0].check(sample)

    def at_mass(self, mass: float) -> "EnsembleScorer":
        """See `Signature.at_mass`."""
        return EnsembleScorer([member.at_mass(mass) for member in self.members])

    def logits(self, arrays: Arrays) -> NDArray[np.float32]:
        """`(n,)`, see `mscat_tf.models.ensemble.mixture_logit`."""
        return mixture_logit(np.stack([member.logits(arrays) for member in self.members]))


def score_of(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sigmoid, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits.astype(np.float64))), np.float32)
