"""The list of checks, run over a sample in one pass."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mscat_tf.config import DataSettings
from mscat_tf.data.sample import Sample
from mscat_tf.schema import SCHEMA_VERSION, Header
from mscat_tf.validation import event_checks, sample_checks
from mscat_tf.validation.blocks import EventBlock
from mscat_tf.validation.event_checks import Faults
from mscat_tf.validation.frame_check import jet_frame
from mscat_tf.validation.result import CheckResult

Skip = Callable[[Header], str]
"""Why a sample cannot be checked, or nothing."""


@dataclass(frozen=True)
class EventCheck:
    """A check of single events: its function, what it says when all is well, and when it does not apply."""

    name: str
    find: Callable[[EventBlock], Faults]
    fine: str
    skip: Skip = lambda _: ""


def _no_selection(header: Header) -> str:
    return "" if header.configuration.get("selection") else "the configuration records no cuts on jets"


def _no_subjets(header: Header) -> str:
    return "" if header.subjets else "the sample holds no subjets"


EVENT_CHECKS = (
    EventCheck("finite values", event_checks.finite, "no NaN and no infinity"),
    EventCheck("padding", event_checks.padding, "masks count min(multiplicity, P); zeros behind; ordered by pT"),
    EventCheck("subjets", event_checks.subjets, "ordered by pT, zeros behind, not more than the jet has", _no_subjets),
    EventCheck("kinematics", event_checks.kinematics, "energies, angles and order agree; the last token is the sum"),
    EventCheck("raw constituents", event_checks.raw_counts, "offsets and multiplicities agree"),
    EventCheck(
        "jet momenta", event_checks.jet_momenta, "each jet, groomed or not, is the vector sum of its raw constituents"
    ),
    EventCheck("jet frame", jet_frame, "made again from raw constituents, it is what is stored"),
    EventCheck("tag weights", event_checks.weights, "tag weights lie in [0, 1], no generator weight is zero"),
    EventCheck("labels", event_checks.labels, "labels and processes agree"),
    EventCheck("selection", event_checks.selection, "every jet lies inside the recorded cuts", _no_selection),
)


@dataclass
class _Tally:
    """Faults of one check so far: how many events, and where the first stands."""

    events: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, faults: Faults, block: EventBlock) -> None:
        for sentence, bad in faults.items():
            if bad.any():
                self.events[sentence] = self.events.get(sentence, 0) + int(bad.sum())
                place = f"{block.file.name} event {block.start + int(np.argmax(bad))}"
                self.first.setdefault(sentence, place)

    def sentence(self) -> str:
        return "; ".join(f"{what}: {self.events[what]} event(s), first in {self.first[what]}" for what in self.events)


class Checker:
    """Runs every check; feed it the blocks of one sample, then ask for the results.

    Args:
        sample: what is checked. settings: fractions of the splits.
    """

    def __init__(self, sample: Sample, settings: DataSettings | None = None) -> None:
        self.sample, self.settings = sample, settings or DataSettings()
        self.ledger = sample_checks.Ledger()
        self._skipped = {check.name: check.skip(sample.header) for check in EVENT_CHECKS}
        self._tallies = {check.name: _Tally() for check in EVENT_CHECKS}

    def add(self, block: EventBlock) -> None:
        """Look at one block."""
        self.ledger.add(block)
        with np.errstate(all="ignore"):  # values that are not finite are found, not stumbled over
            for check in EVENT_CHECKS:
                if not self._skipped[check.name]:
                    self._tallies[check.name].add(check.find(block), block)

    def results(self) -> list[CheckResult]:
        """One line for each check."""
        ledger = self.ledger
        return [
            self._schema(),
            sample_checks.manifest(self.sample),
            *(self._event_result(check) for check in EVENT_CHECKS),
            sample_checks.unique_ids(ledger),
            sample_checks.groups(ledger),
            sample_checks.duplicates(ledger),
            sample_checks.leakage(ledger, self.settings),
            sample_checks.generator_weights(self.sample, ledger),
            sample_checks.cut_flow(self.sample, ledger),
        ]

    def _schema(self) -> CheckResult:
        """Opening the sample has checked it: what is not of the schema never comes here."""
        number, header = len(self.sample.files), self.sample.header
        return CheckResult(
            "schema",
            "passed",
            f"{len(self.sample)} events in {number} file(s) of version {SCHEMA_VERSION}, {header.jets} jet(s) of up to "
            f"{header.constituents} constituents, {header.tokens} kinematic token(s)",
        )

    def _event_result(self, check: EventCheck) -> CheckResult:
        if self._skipped[check.name]:
            return CheckResult(check.name, "skipped", self._skipped[check.name])
        sentence = self._tallies[check.name].sentence()
        return CheckResult(check.name, "failed" if sentence else "passed", sentence or check.fine)
