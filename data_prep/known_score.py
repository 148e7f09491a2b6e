"""The score of another classifier, joined to the events of a sample by `event_id`, and weights that make it worthless.

What a network knows beyond the score is what it gains by reading it, and what it separates where the score separates
nothing (arXiv:2312.11760 compares two networks so). For the latter, with s and b the shares of signal and background in
a bin of the logit, signal is weighed with 2 b / (s + b), background with 2 s / (s + b): both classes then have the same
share in every bin, and no event gains more than a factor two (overlap weights: Li, Morgan, Zaslavsky, JASA 113 (2018)
390), where the ratio b / s alone would leave few events with all of the weight.
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config.known_score import KnownScore
from mscat_tf.data.census import fb_per_weight
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Floats

EventIds = NDArray[np.uint64]
_MAKE = "make it with `mscat cross-fit RUN`, or with `mscat predict RUN SAMPLE --out FILE.h5`"


class KnownScores:
    """Logits, and weights of `even`, for the events of one sample.

    Args:
        sample: whose events. settings: where the logits are.

    Raises:
        InputError: the file cannot be read, or lacks events of the sample; for `even`, a class has no weight.
    """

    def __init__(self, sample: Sample, settings: KnownScore) -> None:
        self._path, self._sample = known_file(settings), sample
        self._event_id, self._logit = _read(self._path)
        self._edges, self._factors = np.zeros(0), np.ones((2, 1))
        if settings.even:
            self._set_factors(settings.bins)

    def logits(self, event_id: EventIds) -> Floats:
        """`(n,)`, of these events."""
        place = np.searchsorted(self._event_id, event_id)
        place = np.minimum(place, max(len(self._event_id) - 1, 0))
        found = self._event_id[place] == event_id if len(self._event_id) else np.zeros(len(event_id), bool)
        if not found.all():
            raise InputError(
                f"{self._path}: holds no score of {np.count_nonzero(~found)} of {len(event_id)} events of a file of "
                f"{self._sample.path} (event_id {event_id[~found][0]} is the first); {_MAKE} from this very sample"
            )
        return np.asarray(self._logit[place])

    def factors(self, logits: Floats, label: NDArray[np.integer]) -> Floats:
        """`(n,)`, by which the weights are to be multiplied; 1 unless `even`."""
        return np.asarray(self._factors[label, np.searchsorted(self._edges, logits, "right")])

    def _set_factors(self, bins: int) -> None:
        columns = {name: self._sample.column(name) for name in ("event_id", "label", "process", "weights")}
        logit, label = self.logits(columns["event_id"]), columns["label"]
        weight = columns["weights"].astype(np.float64).prod(axis=1) * fb_per_weight(self._sample)[columns["process"]]
        sums = np.bincount(label, weight, 2)
        if not (sums > 0).all():
            raise InputError(f"{self._sample.path}: a class has no weight; known.even needs signal and background")
        share = weight / sums[label]
        self._edges = _quantiles(logit, np.abs(share), bins)  # generator weights may be negative
        place = np.searchsorted(self._edges, logit, "right")
        shares = np.stack([np.bincount(place[label == k], share[label == k], bins) for k in (0, 1)]).clip(min=0.0)
        self._factors = 2.0 * shares[::-1] / np.maximum(shares.sum(axis=0), np.finfo(np.float64).tiny)


def known_file(settings: KnownScore) -> Path:
    """The file of scores.

    Raises:
        InputError: there is none.
    """
    path = Path(settings.scores)
    if not path.is_file():
        raise InputError(f"{path}: no such file of scores (data.preparation.known.scores); {_MAKE}")
    return path


def _read(path: Path) -> tuple[EventIds, Floats]:
    """`event_id`, rising, and the logits in that order."""
    try:
        with h5py.File(path, "r") as file:
            event_id, logit = (np.asarray(file[name][()]) for name in ("event_id", "logit"))
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as scores with event_id and logit ({error}); {_MAKE}") from error
    if event_id.shape != logit.shape or event_id.ndim != 1 or not np.isfinite(logit).all():
        raise InputError(f"{path}: event_id and logit must be as many finite numbers each; {_MAKE}")
    order = np.argsort(event_id, kind="stable")
    event_id = event_id[order].astype(np.uint64)
    if (event_id[1:] == event_id[:-1]).any():
        raise InputError(f"{path}: an event_id stands there twice, so scores cannot be joined to events; {_MAKE}")
    return event_id, logit[order].astype(np.float64)


def _quantiles(values: Floats, weight: Floats, bins: int) -> Floats:
    """The `bins - 1` inner edges of bins of equal weight."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    places = np.searchsorted(total, total[-1] * np.arange(1, bins) / bins)
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])
