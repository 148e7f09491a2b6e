"""Several trainings of one network as one classifier."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.floating]


def mixture_logit(logits: Logits) -> NDArray[np.float32]:
    """The logit of the mean score of the members, `(members, n)` -> `(n,)`.

    The members' scores are averaged, an equal mixture of their probabilities: Lakshminarayanan, Pritzel, Blundell,
    NIPS 2017 (arXiv:1612.01474), section 2.4. The odds are summed in logarithms, since scores near 0 or 1 have no
    digits left to cut on: log mean p - log mean (1 - p), where log p = -log(1 + e^-z).

    >>> mixture_logit(np.array([[0.0, 40.0], [0.0, 50.0]])).astype(float).round(3).tolist()
    [0.0, 40.693]
    """
    z = np.asarray(logits, dtype=np.float64)
    signal = np.logaddexp.reduce(-np.logaddexp(0.0, -z), axis=0)
    background = np.logaddexp.reduce(-np.logaddexp(0.0, z), axis=0)
    return (signal - background).astype(np.float32)


class Ensemble:
    """Answers as a single network does, with the mean score of its members.

    Args:
        members: each gives the predictor of one member, loaded when its turn comes: one network in memory at a time.
    """

    def __init__(self, members: Sequence[Callable[[], Any]]) -> None:
        self._members = tuple(members)

    def each(self, *arguments: Any) -> tuple[Any, Logits]:
        """Rows `(n,)` and the logits of every member, `(members, n)`; arguments as those of `logits`."""
        answers = [member().logits(*arguments) for member in self._members]
        return answers[0][0], np.stack([logit for _, logit in answers])

    def logits(self, *arguments: Any) -> tuple[Any, NDArray[np.float32]]:
        """Rows of a split, increasing, and the logit of the mean score, `(n,)` each."""
        rows, logits = self.each(*arguments)
        return rows, mixture_logit(logits)
