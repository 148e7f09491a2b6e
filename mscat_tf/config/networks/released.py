"""Settings of `released`: the three networks of the released code."""

from typing import Literal

from mscat_tf.config.base import Rate, Settings, Size


class ReleasedFaults(Settings):
    """Faults of the released code that still let it run, each off unless asked for; B numbers: docs/models_released.md.

    Attributes:
        query_mask: B3, the mask hides padded queries instead of padded keys: real constituents read padding.
        other_jets_mask: B4, the stream of jet 1 is given the mask of jet 2.
        ignored_cross_mask: B5, the cross-attention reads padded constituents.
        padding_added: the rows of padding go into the sum of the jets, or into the head, like real ones.
        depth_of_other_stream: B17, form `two`: the constituents get as many layers as the kinematics.
        discarded_cross_layers: B17, form `two`: of all cross-attention layers only one is in the network.
    """

    query_mask: bool = False
    other_jets_mask: bool = False
    ignored_cross_mask: bool = False
    padding_added: bool = False
    depth_of_other_stream: bool = False
    discarded_cross_layers: bool = False


class ReleasedSettings(Settings):
    """Sizes as in the template of the released code; the networks have no embedding, so no width of their own.

    Attributes:
        form: `three` reads every jet and the kinematics, `two` the leading jet and the kinematics, `single` the leading
            jet alone.
        constituent_heads, constituent_layers: self-attention of the constituents.
        kinematic_heads, kinematic_layers: self-attention of the kinematic tokens.
        cross_heads, cross_layers: cross-attention; null means 4 layers for `three` and 3 for `two`.
        hidden_units: of the MLP inside every block. head_units: of the classifying MLP.
        dropout_rate: null means 0.1 for `three` and 0.2 for the others.
        standardise: standardise the inputs, as all networks here do; false takes raw numbers as the released code does.
        faults: which of its faults to make again.
    """

    form: Literal["single", "three", "two"] = "three"
    constituent_heads: Size = 5
    constituent_layers: Size = 3
    kinematic_heads: Size = 7
    kinematic_layers: Size = 2
    cross_heads: Size = 3
    cross_layers: Size | None = None
    hidden_units: Size = 64
    head_units: tuple[Size, ...] = (128, 64)
    dropout_rate: Rate | None = None
    standardise: bool = True
    faults: ReleasedFaults = ReleasedFaults()

    def depths(self) -> tuple[int, int, int]:
        """Layers in the network: of the constituents, of the kinematics, of cross-attention."""
        cross = self.cross_layers or (4 if self.form == "three" else 3)
        if self.form != "two":
            return self.constituent_layers, self.kinematic_layers, cross
        constituents = self.kinematic_layers if self.faults.depth_of_other_stream else self.constituent_layers
        return constituents, self.kinematic_layers, 1 if self.faults.discarded_cross_layers else cross

    def rate(self) -> float:
        """Dropout rate of blocks and head."""
        if self.dropout_rate is not None:
            return self.dropout_rate
        return 0.1 if self.form == "three" else 0.2
