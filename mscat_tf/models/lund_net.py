"""LundNet: edge convolutions along the Lund tree of a jet. arXiv:2012.08526."""

import keras
from keras import layers

from mscat_tf.errors import ConfigError
from mscat_tf.layers import EdgeConvolution, MaskedBatchNormalisation, MaskedMean, TreeNeighbours
from mscat_tf.models.parts import Design, normalise_stream
from mscat_tf.models.taggers import Trunk, build_tagger


def build_lund_net(design: Design) -> keras.Model:
    """Six blocks whose outputs are all read together; the graph is the tree of kept declusterings.

    Raises:
        ConfigError: the inputs have no declusterings.
    """
    if not design.inputs.declusterings:
        raise ConfigError("lund_net: the inputs have no Lund trees; make a sample with sample.tokens.declusterings=50")
    settings = design.settings.lund_net
    trunk = lund_net_trunk(design)
    return build_tagger(
        design, "lund_net", trunk, settings.head_units, settings.dropout_rate, stream="lund", one_batch=True
    )


def lund_net_trunk(design: Design) -> Trunk:
    """Declusterings `(batch, D, columns)`, their mask and parents `(batch, D)` -> `(batch, fusion_units)`."""
    settings, prepare = design.settings.lund_net, normalise_stream(design, "lund")
    norm = MaskedBatchNormalisation(name="lund_norm")
    graph = TreeNeighbours(name="tree_neighbours")
    blocks = [EdgeConvolution(widths, name=f"edge_convolution_{n}") for n, widths in enumerate(settings.blocks, 1)]
    join = layers.Concatenate(name="all_blocks")
    fusion = layers.Dense(settings.fusion_units, activation="relu", name="fusion")
    fusion_norm = MaskedBatchNormalisation(name="fusion_norm")
    pool = MaskedMean(name="lund_mean")

    def trunk(tokens, mask, parent):
        found, (neighbours, neighbour_mask) = norm(prepare(tokens, mask), mask), graph(parent, mask)
        outputs = []
        for block in blocks:
            found = block(found, mask, neighbours, neighbour_mask)
            outputs.append(found)
        together = join(outputs) if len(outputs) > 1 else outputs[0]
        return pool(fusion_norm(fusion(together), mask), mask)

    return trunk
