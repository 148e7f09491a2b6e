"""How the tokens of an event are made from its raw constituents: as the sample was made, or with faults switched on.

The letters B3 to B8 are the faults of the code released with arXiv:2401.00452, as `docs/audit.md` describes them.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from mscat_tf.config.base import Settings, digest, is_none
from mscat_tf.config.high_level import HighLevel
from mscat_tf.config.known_score import KnownScore
from mscat_tf.config.subjets import SubjetSettings

PREPARED = "-prepared-"
"""In the name of every folder of a derived sample, and in the digest of its events."""

_ALONE_CHANGE_NOTHING = ("seed", "soft_pt")


class Preparation(Settings):
    """Departures from the preparation that made a sample; the defaults depart in nothing, so no sample is derived.

    Attributes:
        shift: `centroid` measures eta and phi of constituents from the centroid weighted with transverse momentum;
            `none` leaves every jet at its place in the laboratory, turned and mirrored about its centroid as otherwise.
        rotate: `principal` turns the principal axis of the jet onto the eta axis; `half_wrong` is B7, arctan2 of the
            first components of both eigenvectors in the order of `numpy.linalg.eig`, meant to turn it onto the phi
            axis and doing so in half of the jets; `none` leaves the orientation.
        flip: `energy` mirrors eta so that more energy lies at eta > 0; `opposite` is B8, more transverse momentum at
            eta < 0 and at phi > 0; `none` does not mirror.
        order: `pt` keeps the hardest constituents, hardest first; `unsorted` keeps those that come first in a random
            order, as the released code takes what the detector lists first.
        background_phi: `own`, or B6, `signal`: jets of the background get the azimuths of the constituents of a jet of
            the signal, as many as there are, then 0. The only switch that looks at labels.
        theta: of each jet, as a kinematic feature. `own` is the angle by which it was turned (with `rotate: none` the
            one by which `principal` would turn it). Where its information sits: `zero`; `noise`, even in
            (-pi/2, pi/2]; `shuffled_events`, the angles of another event, whatever its label; `shuffled_jets`, dealt
            anew among the jets of the event; `relative_to_beam`, |theta|, the angle between the principal axis and the
            plane of beam and jet; `relative_to_other_jet`, theta_1 + theta_2 for both jets, the angle between the
            planes in which they are elongated (`data_prep.theta_origin`).
        constituents: of each jet that are kept; null keeps as many as the file.
        energy_scale: factor on the momentum and mass of every constituent.
        energy_resolution: relative width by which every constituent is smeared, log-normal.
        soft_particles: mean number of massless neutral particles thrown evenly into the cone of each jet.
        soft_pt: mean of their transverse momentum, exponentially distributed [GeV].
        seed: of everything random here.
        subjets: of each jet, found anew by these settings; null leaves them to those of the file, if it has any.
        high_level: named jet variables, computed anew; a choice as in `sample.tokens.high_level`, null leaves those of
            the file, if it has any.
        known: the logit of another classifier for every event, as data set `known_logit`, and weights by it; null
            leaves that of the file, if it has any.
    """

    shift: Literal["centroid", "none"] = "centroid"
    rotate: Literal["principal", "half_wrong", "none"] = "principal"
    flip: Literal["energy", "opposite", "none"] = "energy"
    order: Literal["pt", "unsorted"] = "pt"
    background_phi: Literal["own", "signal"] = "own"
    theta: Literal[
        "own", "zero", "noise", "shuffled_events", "shuffled_jets", "relative_to_beam", "relative_to_other_jet"
    ] = "own"
    constituents: Annotated[int, Field(ge=1, le=1000)] | None = None
    energy_scale: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    energy_resolution: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    soft_particles: Annotated[float, Field(ge=0.0, le=1000.0)] = 0.0
    soft_pt: PositiveFloat = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    subjets: SubjetSettings | None = Field(default=None, exclude_if=is_none)
    high_level: HighLevel | None = Field(default=None, exclude_if=is_none)
    known: KnownScore | None = Field(default=None, exclude_if=is_none)

    @property
    def departs(self) -> bool:
        """Whether tokens differ from those of the file."""
        return bool(self._departures().keys() - set(_ALONE_CHANGE_NOTHING))

    @property
    def varies_detector(self) -> bool:
        """Whether the raw constituents themselves change, and with them jets and selection."""
        return self.energy_scale != 1.0 or self.energy_resolution > 0.0 or self.soft_particles > 0.0

    @property
    def moves_constituents(self) -> bool:
        """Whether constituents are others, or stand elsewhere in the frame of their jet."""
        steps = {name: getattr(self, name) for name in ("shift", "rotate", "flip", "background_phi")}
        return self.varies_detector or steps != {name: type(self).model_fields[name].default for name in steps}

    @property
    def reads_other_events(self) -> bool:
        """Whether tokens or weight of one event depend on others of the sample."""
        even = self.known is not None and self.known.even
        return even or self.background_phi == "signal" or self.theta == "shuffled_events"

    @property
    def breaks_symmetries(self) -> list[str]:
        """Settings with which events mirrored by `mscat_tf.data.symmetries` are not those that a mirror would make."""
        broken = {
            "shift": ("none",),
            "rotate": ("half_wrong",),
            "flip": ("none", "opposite"),
            "theta": ("relative_to_beam",),
        }
        return [f"{name}: {getattr(self, name)}" for name, words in broken.items() if getattr(self, name) in words]

    @property
    def digest(self) -> str:
        """Digest of the departures alone, so that a switch that a later version adds changes none."""
        return digest(self._departures())

    def folder_of(self, source: Path) -> Path:
        """Where the derived sample is, or the source itself where nothing departs.

        Args:
            source: folder of shards, or one file.
        """
        if not self.departs:
            return source
        name = source.stem if source.suffix == ".h5" else source.name
        return source.with_name(f"{name}{PREPARED}{self.digest[:8]}")

    def _departures(self) -> dict[str, object]:
        return self.model_dump(mode="json", exclude_defaults=True)


def source_digest(data_digest: str) -> str:
    """Of the sample from which the events with this digest were derived; the same where they were not.

    >>> source_digest("3f2a91c05d77aa01-prepared-25e1bc4c")
    '3f2a91c05d77aa01'
    """
    return data_digest.partition(PREPARED)[0]
