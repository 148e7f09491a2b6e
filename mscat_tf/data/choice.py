"""Which split an event is in, or why in none: a limited training split, and signal of some masses only."""

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.sample import Arrays, Sample
from mscat_tf.data.splits import OTHER_MASS, SPARE, SPLITS, assign_splits, uniform_hash
from mscat_tf.errors import InputError
from mscat_tf.schema import MASS

TRAIN = SPLITS.index("train")
_LIMIT, _FOLD = 0x11217, 0xF01D


class EventChoice:
    """Puts events into splits.

    Of the training split the events with the smallest salted hash of `group_id` are kept, so that the choice is that of
    independent events, fewer of them are a part of more, and showers of one parton-level event stay together.

    Args:
        sample: whose events. settings: which. seed: decides which events a limited training split holds.

    Attributes:
        columns: data sets of a file that it needs to know.

    Raises:
        InputError: more training events are asked for than there are, or no signal has the mass.
    """

    def __init__(self, sample: Sample, settings: DataSettings, seed: int) -> None:
        self._settings, self._salt = settings, _salt(seed, _LIMIT)
        self._signal = np.asarray(sample.header.labels) == 1
        self.columns: tuple[str, ...] = ("process", "weights", "group_id")
        for setting, masses in self._masses().items():
            sample.need(MASS, f"{setting} chooses by", f"make it again, or leave {setting} out")
            self.columns = tuple(dict.fromkeys((*self.columns, MASS)))
            for mass in masses:
                _need_mass(sample, setting, mass)
        self._below = np.inf
        if settings.train_events is not None:
            self._below = self._limit(sample, settings.train_events)

    def splits(self, arrays: Arrays) -> NDArray[np.int8]:
        """Index into `SPLITS`, or `SPARE` or `OTHER_MASS`, `(n,)`.

        Args:
            arrays: `columns` of the events.
        """
        group = arrays["group_id"]
        split = assign_splits(group, self._settings.train_fraction, self._settings.validation_fraction)
        left_out = self._settings.left_out
        if left_out is not None:
            split[(split == TRAIN) & (folds(group, left_out.of) == left_out.fold)] = SPARE
        if np.isfinite(self._below):
            split[(split == TRAIN) & (self._lot(group) >= self._below)] = SPARE
        if MASS in self.columns:
            split[self._signal[arrays["process"]] & self._other_mass(arrays[MASS])] = OTHER_MASS
        return split

    def _masses(self) -> dict[str, tuple[float, ...]]:
        """Those that settings name, by setting, where any are."""
        one, others = self._settings.mass_hypothesis, self._settings.without_masses
        named = {"data.mass_hypothesis": () if one is None else (one,), "data.without_masses": others}
        return {setting: masses for setting, masses in named.items() if masses}

    def _other_mass(self, mass: NDArray[np.floating]) -> NDArray[np.bool_]:
        out = np.zeros(len(mass), bool)
        for other in self._settings.without_masses:
            out |= _same_mass(mass, other)
        one = self._settings.mass_hypothesis
        return out if one is None else out | ~_same_mass(mass, one)

    def _lot(self, group_id: NDArray[np.uint64]) -> NDArray[np.float64]:
        return uniform_hash(group_id.astype(np.uint64) ^ self._salt)

    def _limit(self, sample: Sample, wanted: int) -> float:
        """The least hash that is left out. Memory grows with the events asked for, not with those there are."""
        least, found = np.zeros(0), 0
        for run in sample.runs:
            arrays = sample.read(run, self.columns)
            lots = self._lot(arrays["group_id"][self.splits(arrays) == TRAIN])
            found += len(lots)
            least = np.sort(np.concatenate([least, lots]))[: wanted + 1]
        if found < wanted:
            raise InputError(
                f"{sample.path}: data.train_events = {wanted}, but the training split holds {found} events; ask for "
                "fewer, or generate more"
            )
        return float(least[wanted]) if found > wanted else float(np.inf)


def folds(group_id: NDArray[np.uint64], number: int) -> NDArray[np.int64]:
    """Fold of each event, `(n,)` in 1 to `number`; events of one group are never separated, and no seed matters."""
    lot = uniform_hash(group_id.astype(np.uint64) ^ _salt(0, _FOLD))
    return 1 + (number * lot).astype(np.int64)


class MassBalance:
    """Factors that give signal of every mass the same sum of weights, and all signal the sum that it had.

    Args:
        masses: rising [GeV]. sums: of the weights of each in the training split.
    """

    def __init__(self, masses: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
        self._masses, self._factors = masses, sums.mean() / sums

    def factors(self, arrays: Arrays, signal: NDArray[np.bool_]) -> NDArray[np.float64]:
        """`(n,)`, 1 for background.

        Args:
            arrays: `m_H` of the events. signal: `(n,)`.
        """
        place = np.minimum(np.searchsorted(self._masses, arrays[MASS]), len(self._masses) - 1)
        return np.where(signal, self._factors[place], 1.0)


class MassDeal:
    """Mass hypotheses of events: signal its own, background those of the signal at random, in given proportions.

    Source: Baldi et al., arXiv:1601.07913, section 3: with equal distributions the mass alone separates nothing.

    Args:
        masses: rising [GeV]. weights: of each. seed: of the choice, which otherwise depends on the event alone.
    """

    columns = (MASS, "event_id")

    def __init__(self, masses: NDArray[np.float64], weights: NDArray[np.float64], seed: int) -> None:
        self._masses, self._salt = masses, _salt(seed, _LIMIT + 1)
        self._edges = np.cumsum(weights) / np.sum(weights)

    def masses(self, arrays: Arrays, signal: NDArray[np.bool_]) -> NDArray[np.float32]:
        """`(n,)` hypotheses [GeV].

        Args:
            arrays: `columns` of the events. signal: `(n,)`.
        """
        lot = uniform_hash(arrays["event_id"].astype(np.uint64) ^ self._salt)
        dealt = self._masses[np.minimum(np.searchsorted(self._edges, lot, "right"), len(self._masses) - 1)]
        return np.where(signal, arrays[MASS], dealt).astype(np.float32)


def _salt(seed: int, purpose: int) -> np.uint64:
    return np.uint64(np.random.SeedSequence((seed, purpose)).generate_state(1, np.uint64)[0])


def _same_mass(mass: NDArray[np.floating], wanted: float) -> NDArray[np.bool_]:
    return np.asarray(np.isclose(mass, wanted, rtol=1e-4))


def _need_mass(sample: Sample, setting: str, wanted: float) -> None:
    signal, found = np.asarray(sample.header.labels) == 1, set()
    for run in sample.runs:
        arrays = sample.read(run, ("process", MASS))
        found |= set(np.unique(arrays[MASS][signal[arrays["process"]]]).tolist())
    if not _same_mass(np.array(sorted(found)), wanted).any():
        masses = ", ".join(f"{mass:g}" for mass in sorted(found)[:20])
        raise InputError(
            f"{sample.path}: {setting} = {wanted:g} GeV, but no signal was made with this mass; choose from "
            f"{masses or 'none'}, or add a process with it"
        )
