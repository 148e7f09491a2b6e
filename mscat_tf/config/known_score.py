"""What somebody else's classifier already knows of every event, given to a training beside the event itself."""

from typing import Annotated

from pydantic import Field

from mscat_tf.config.base import Settings


class KnownScore(Settings):
    """The logit of another classifier for every event, and what becomes of it in a derived sample.

    Attributes:
        scores: HDF5 file with `event_id` and `logit` of every event, as `mscat cross-fit` or `mscat predict` writes it.
        even: weigh events so that the logit separates nothing any more (`data_prep.known_score`).
        bins: of the logit, in each of which both classes then weigh the same.
    """

    scores: str
    even: bool = False
    bins: Annotated[int, Field(ge=2, le=1000)] = 25
