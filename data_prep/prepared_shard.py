"""One file of a derived sample: the events of a file of the source with their tokens made anew."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints, offsets_of, rows
from data_prep.detector_variation import CHARGE, ETA, MASS, PDG_ID, PHI, PT, RawJets, cone, selected, varied
from data_prep.features import Arrays
from data_prep.jet_variables import jet_arrays, known_charges
from data_prep.known_score import KnownScores
from data_prep.signal_azimuths import SignalAzimuths
from data_prep.subjets import subjet_arrays, subjet_settings
from data_prep.theta_origin import replaced
from mscat_tf import schema
from mscat_tf.config import digest
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.sample import Tokens
from mscat_tf.data.blocks import Block
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError
from mscat_tf.physics import Cylindrical, kinematic_tokens, to_cartesian
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.high_level_columns import chosen_columns
from mscat_tf.physics.jet_frame import JetFrame
from mscat_tf.physics.prepared_frame import FrameSteps, to_prepared_frames
from mscat_tf.physics.released_preparation import foreign_azimuths
from mscat_tf.physics.tokens import MISSING_MOMENTUM, missing_momentum, token_names
from mscat_tf.schema import KINEMATIC_COLUMNS, KNOWN_LOGIT, Header

THETA = KINEMATIC_COLUMNS.index("theta")
_OF_JETS = (
    *("multiplicity", "truth/track_jets", "truth/b_hadrons", "high_level"),
    *("lund/declusterings", "lund/mask", "lund/parent", "subjets/subjets", "subjets/mask"),
)
Columns = tuple[Floats, Floats, Floats, Floats]
"""pt, eta, phi and mass of constituents, `(total,)` each."""

_CUT = "selection after detector variation"


class Events(NamedTuple):
    """Events of one file on their way.

    Attributes:
        arrays: data sets of the schema but the raw ones. jets: by their constituents.
        momenta: of the jets, `(n, J)` each, where they changed.
    """

    arrays: Arrays
    jets: RawJets
    momenta: Cylindrical | None = None


class Maker:
    """Makes files of a derived sample, one by one.

    Args:
        sample: the source, open. settings: of the preparation.
    """

    def __init__(self, sample: Sample, settings: Preparation) -> None:
        self.sample, self.settings = sample, settings
        self.keep = settings.constituents or sample.header.constituents
        self.steps = FrameSteps(settings.shift, settings.rotate, settings.flip, settings.order)
        own = settings.high_level
        self.high_level = sample.header.high_level if own is None else chosen_columns(own)
        self._signal: SignalAzimuths | None = None
        if settings.background_phi == "signal":
            self._signal = SignalAzimuths(sample)
        self._known = None if settings.known is None else KnownScores(sample, settings.known)

    def angles(self, number: int) -> tuple[Floats, NDArray[np.uint64]]:
        """Angles `(n, J)` by which the jets of a file are turned, and `event_id` `(n,)`."""
        events = self._events(number)
        frames = self._frames(self._columns(events, number), events.jets.counts.ravel(), self.keep)
        return frames.theta.reshape(events.jets.counts.shape), events.arrays["event_id"]

    def make(self, number: int, dealt: Floats | None = None) -> tuple[Header, Arrays]:
        """Header and arrays of one file, for `mscat_tf.schema.write_sample`.

        Args:
            number: of the file in the source. dealt: `(n, J)` angles of other events, for `shuffled_events`.

        Raises:
            InputError: it holds no raw constituents, or values that cannot be used.
        """
        events = self._events(number)
        columns, shape = self._columns(events, number), events.jets.counts.shape
        frames = self._frames(columns, events.jets.counts.ravel(), self.keep)
        theta = frames.theta.reshape(shape)
        theta = replaced(theta, self.settings.theta, self._rng(events, "theta")) if dealt is None else dealt
        arrays = events.arrays
        arrays["constituents"] = frames.constituents.reshape(*shape, self.keep, 4)
        arrays["constituents_mask"] = frames.mask.reshape(*shape, self.keep)
        arrays["kinematics"] = self._tokens(events, theta)
        arrays["raw/constituents"], arrays["raw/offsets"] = events.jets.raw, offsets_of(events.jets.counts.ravel())
        arrays |= self._of_whole_jets(events, number)
        arrays |= self._subjets(events, columns, number)
        arrays |= self._known_scores(arrays)
        return self._header(number, arrays), arrays

    def _events(self, number: int) -> Events:
        events = _read(self.sample, number)
        if not self.settings.varies_detector or len(events.arrays["label"]) == 0:
            return events
        configuration = self.sample.headers[number].configuration
        jets = varied(events.jets, self.settings, cone(configuration), self._rng(events, "detector"))
        momenta = jets.momenta()
        order = np.argsort(-momenta.pt, axis=1, kind="stable")
        momenta = Cylindrical(*(np.take_along_axis(values, order, axis=1) for values in momenta))
        kept = np.flatnonzero(selected(momenta, configuration))
        arrays = {name: values[kept] for name, values in events.arrays.items()}
        for name in (name for name in _OF_JETS if name in arrays):
            arrays[name] = arrays[name][np.arange(len(kept))[:, np.newaxis], order[kept]]
        momenta = Cylindrical(*(values[kept] for values in momenta))
        return Events(arrays, jets.take(kept, order[kept]), momenta)

    def _columns(self, events: Events, number: int) -> Columns:
        """Of the constituents of all jets of the file, one after the other, where and in the order they are read."""
        raw, counts = events.jets.raw, events.jets.counts
        if self.settings.order == "unsorted":
            raw = raw[_shuffled(counts, self._rng(events, "order"))]
        phi = raw[:, PHI].copy()
        if self._signal is not None:
            self._give_signal_azimuths(phi, events, number)
        return raw[:, PT], raw[:, ETA], phi, raw[:, MASS]

    def _frames(self, columns: Columns, counts: Ints, keep: int) -> JetFrame:
        pt, eta, phi, _ = columns
        return to_prepared_frames(pt, eta, phi, to_cartesian(*columns).energy, counts, keep, self.steps)

    def _give_signal_azimuths(self, phi: Floats, events: Events, number: int) -> None:
        """Fault B6, in place, on jets of the background."""
        assert self._signal is not None
        background = np.flatnonzero(events.arrays["label"] == 0)
        partners = self._signal.of_background(number, events.arrays["event_id"][background])
        if self.settings.order == "unsorted":
            partners = RawJets(
                partners.raw[_shuffled(partners.counts, self._rng(events, "order of the signal"))], partners.counts
            )
        own = events.jets.counts
        jets = (background[:, np.newaxis] * own.shape[1] + np.arange(own.shape[1])).ravel()
        members = rows(offsets_of(own.ravel()), jets)
        phi[members] = foreign_azimuths(own.ravel()[jets], partners.raw[:, PHI], partners.counts.ravel())

    def _tokens(self, events: Events, theta: Floats) -> Floats:
        """`(n, K, 6)`: those of the file with this theta, or, where jets changed, made of them."""
        tokens, jets = events.arrays["kinematics"].astype(np.float64), theta.shape[1]
        if events.momenta is None:
            tokens[:, :jets, THETA] = theta
            return tokens
        names = self.sample.header.token_names or token_names(jets)
        new = events.momenta
        leptons = _cylindrical(tokens[:, [i for i, name in enumerate(names) if name.startswith("lepton")]])
        missing = None
        if MISSING_MOMENTUM in names:
            old = _cylindrical(tokens[:, [names.index(MISSING_MOMENTUM)]])
            before = _cylindrical(tokens[:, :jets])
            balance = [np.concatenate([old[i], before[i], new[i]], axis=1) for i in (0, 2)]
            balance[0][:, : 1 + jets] *= -1.0  # what was missing plus what the jets had and have no more
            missing = missing_momentum(*balance)
        return kinematic_tokens(*new, theta, leptons, missing)

    def _of_whole_jets(self, events: Events, number: int) -> Arrays:
        """Optional data sets: anew where the constituents changed, and named variables where they are asked for."""
        arrays, header, counts = events.arrays, self.sample.header, events.jets.counts
        changed, asked = self.settings.varies_detector, self.settings.high_level is not None
        if changed:
            arrays.pop("event_shapes", None)  # of whole events, which the file does not hold
            arrays["multiplicity"] = counts
        if changed or asked:
            arrays.pop("high_level", None)
        wanted = Tokens(
            declusterings=header.declusterings if changed and "lund/mask" in arrays else 0,
            high_level=(self.high_level or False) if changed or asked else False,
        )
        raw = events.jets.raw
        pt, eta, phi, mass = raw[:, [PT, ETA, PHI, MASS]].T
        try:
            return jet_arrays(pt, eta, phi, mass, counts, wanted, known_charges(raw[:, CHARGE], raw[:, PDG_ID]))
        except InputError as error:
            raise InputError(f"{self.sample.files[number]}: {error}") from error

    def _subjets(self, events: Events, columns: Columns, number: int) -> Arrays:
        """Those asked for, or those of the file again where constituents moved."""
        settings = self.settings.subjets
        if settings is None and self.settings.moves_constituents and "subjets/mask" in events.arrays:
            settings = subjet_settings(self.sample.headers[number].configuration, str(self.sample.files[number]))
        frames = partial(to_prepared_frames, steps=self.steps)
        return subjet_arrays(*columns, events.jets.counts, settings, frames)

    def _known_scores(self, arrays: Arrays) -> Arrays:
        if self._known is None:
            return {}
        logits, weights = self._known.logits(arrays["event_id"]), arrays["weights"].copy()
        weights[:, 0] *= self._known.factors(logits, arrays["label"])
        return {KNOWN_LOGIT: logits.astype(np.float32), "weights": weights}

    def _header(self, number: int, arrays: Arrays) -> Header:
        header, settings = self.sample.headers[number], self.settings
        flow = header.cut_flow
        if settings.varies_detector:
            flow = {name: _cut_flow(name, rows_, header, arrays) for name, rows_ in flow.items()}
        return replace(
            header,
            cut_flow=flow,
            configuration=prepared_configuration(self.sample, number, settings),
            digest=prepared_digest(self.sample, settings),
            constituents=self.keep,
            subjets=arrays["subjets/mask"].shape[2] if "subjets/mask" in arrays else 0,
            high_level=self.high_level,
        )

    def _rng(self, events: Events, purpose: str) -> np.random.Generator:
        """Of its own for every file, which its first event names, and for every purpose."""
        first = [int(event) for event in events.arrays["event_id"][:1]]
        return np.random.default_rng([self.settings.seed, int.from_bytes(purpose.encode()), *first])


def prepared_configuration(sample: Sample, number: int, settings: Preparation) -> dict[str, Any]:
    """What made a file of a derived sample: what made that of the source, the preparation, and which source it was.

    Subjets that an earlier preparation made are still made as it says.
    """
    of_source = sample.headers[number].configuration
    kept = {name: value for name, value in of_source.get("preparation", {}).items() if name == "subjets"}
    made = {**kept, **settings.model_dump(mode="json"), "source": sample.digest}
    return {**of_source, "preparation": made}


def prepared_digest(sample: Sample, settings: Preparation) -> str:
    """Digest of what all files of a derived sample share."""
    return digest({"source": sample.header.digest, "preparation": settings.digest})


def _read(sample: Sample, number: int) -> Events:
    header = sample.headers[number]
    block = Block(number, 0, header.events, 0)
    names = [
        name
        for name, definition in schema.DATA_SETS.items()
        if definition.first == "events" and (name not in schema.OPTIONAL or name in header.optional)
    ]
    arrays, (raw, counts) = sample.read(block, tuple(names)), sample.read_raw(block)
    if not np.array_equal(counts, arrays["multiplicity"]):
        raise InputError(
            f"{sample.files[number]}: holds no raw constituents of its jets, so their tokens cannot be made anew; "
            "leave data.preparation out, or import the sample from files that have them"
        )
    return Events(arrays, RawJets(raw.astype(np.float64), counts))


def _cylindrical(tokens: Floats) -> Cylindrical:
    columns = {name: tokens[..., i] for i, name in enumerate(KINEMATIC_COLUMNS)}
    return Cylindrical(columns["pt"], columns["eta"], columns["phi"], columns["m"])


def _shuffled(counts: Ints, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the constituents in a random order within each jet."""
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    return np.lexsort((rng.random(len(jet)), jet))


def _cut_flow(name: str, rows_: list[dict[str, Any]], header: Header, arrays: Arrays) -> list[dict[str, Any]]:
    """With a row for the events that are left, before that of the tag."""
    own = arrays["process"] == header.processes.index(name)
    generator, tag = arrays["weights"][own].astype(np.float64).T
    random = bool((header.configuration.get("b_tagging") or {}).get("random"))
    tagged = rows_[-1:] if len(rows_) > 1 and rows_[-1]["cut"].endswith("tag") and not random else []
    before = rows_[: len(rows_) - len(tagged)]
    left = {"cut": _CUT, "raw": int(own.sum()), "weighted": float(generator.sum())}
    of_tag = [{**row, "raw": int((tag > 0.0).sum()), "weighted": float((generator * tag).sum())} for row in tagged]
    return [*before, left, *of_tag]
