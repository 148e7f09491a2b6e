"""Which named jet variables a sample holds."""

from typing import Annotated

from pydantic import AfterValidator

from mscat_tf.physics.high_level_columns import chosen_columns

Choice = bool | tuple[str, ...]


def _known(choice: Choice) -> Choice:
    if choice == ():
        raise ValueError("an empty list chooses no column; write false, or name groups such as [standard, lund]")
    chosen_columns(choice)
    return choice


HighLevel = Annotated[Choice, AfterValidator(_known)]
"""True for the standard columns, a list of groups and columns of `mscat_tf.physics.high_level_columns`, or False."""

HighLevelFeatures = Annotated[tuple[str, ...], AfterValidator(chosen_columns)]
"""Names of columns; given are groups and columns of `mscat_tf.physics.high_level_columns`."""
