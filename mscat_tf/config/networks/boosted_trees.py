"""Settings of `boosted_trees`."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from mscat_tf.config.base import Settings

BOOSTED_TREES = "boosted_trees"
"""What `model.name` calls them: no network, but trained, evaluated and compared like one."""


class BoostedTreesSettings(Settings):
    """Gradient-boosted trees on numbers of fixed length, no constituents (scikit-learn, histograms of 255 bins).

    Attributes:
        inputs: `kinematics` is what `kinematics_only` sees (the kinematic tokens, and `data.event_shapes` if any);
            `high_level` the named variables of every jet (substructure); `both` all of them.
        iterations: trees that are grown; those up to the best validation AUC are kept.
        learning_rate: factor on every tree. max_leaves, min_events_per_leaf: of a tree. l2: on the leaf values.
    """

    inputs: Literal["kinematics", "high_level", "both"] = "kinematics"
    iterations: PositiveInt = 300
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    max_leaves: Annotated[int, Field(ge=2)] = 15
    min_events_per_leaf: PositiveInt = 20
    l2: NonNegativeFloat = 1.0
