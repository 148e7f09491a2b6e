"""Registered, serialisable Keras layers: masked attention blocks and what feeds them."""

from mscat_tf.layers.asinh import Asinh
from mscat_tf.layers.attention_pooling import AttentionPooling
from mscat_tf.layers.class_attention import ClassAttention
from mscat_tf.layers.class_token import ClassToken
from mscat_tf.layers.constituent_features import ConstituentFeatures
from mscat_tf.layers.cross_attention_block import CrossAttentionBlock
from mscat_tf.layers.differential_attention import DifferentialAttention
from mscat_tf.layers.dropout import Dropout
from mscat_tf.layers.edge_convolution import EdgeConvolution
from mscat_tf.layers.feature_normalisation import FeatureNormalisation
from mscat_tf.layers.feed_forward import FeedForward
from mscat_tf.layers.hardest_first import HardestFirst
from mscat_tf.layers.ignore_mask import IgnoreMask
from mscat_tf.layers.jet_image import JetImage
from mscat_tf.layers.join_scales import JoinScales
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention
from mscat_tf.layers.key_overlap_attention import KeyOverlapAttention
from mscat_tf.layers.layer_normalisation import LayerNormalisation
from mscat_tf.layers.masked_batch_normalisation import MaskedBatchNormalisation
from mscat_tf.layers.masked_mean import MaskedMean
from mscat_tf.layers.masked_sum import MaskedSum
from mscat_tf.layers.merge_jets import MergeJets
from mscat_tf.layers.mixer_block import MixerBlock
from mscat_tf.layers.momentum_shares import MomentumShares
from mscat_tf.layers.momentum_weighted_sum import MomentumWeightedSum
from mscat_tf.layers.nearest_neighbours import NearestNeighbours
from mscat_tf.layers.pair_interactions import PairInteractions
from mscat_tf.layers.particle_attention_block import ParticleAttentionBlock
from mscat_tf.layers.query_masked_attention import QueryMaskedAttention
from mscat_tf.layers.released_cross_attention_block import ReleasedCrossAttentionBlock
from mscat_tf.layers.released_feed_forward import ReleasedFeedForward
from mscat_tf.layers.released_self_attention_block import ReleasedSelfAttentionBlock
from mscat_tf.layers.select_features import SelectFeatures
from mscat_tf.layers.self_attention_block import SelfAttentionBlock
from mscat_tf.layers.split_jets import SplitJets
from mscat_tf.layers.stack_jets import StackJets
from mscat_tf.layers.stochastic_depth import StochasticDepth
from mscat_tf.layers.take_columns import TakeColumns
from mscat_tf.layers.token_embedding import TokenEmbedding
from mscat_tf.layers.tree_neighbours import TreeNeighbours
from mscat_tf.layers.two_class_logit import TwoClassLogit

__all__ = [
    "Asinh",
    "AttentionPooling",
    "ClassAttention",
    "ClassToken",
    "ConstituentFeatures",
    "CrossAttentionBlock",
    "DifferentialAttention",
    "Dropout",
    "EdgeConvolution",
    "FeatureNormalisation",
    "FeedForward",
    "HardestFirst",
    "IgnoreMask",
    "JetImage",
    "JoinScales",
    "KeyMaskedAttention",
    "KeyOverlapAttention",
    "LayerNormalisation",
    "MaskedBatchNormalisation",
    "MaskedMean",
    "MaskedSum",
    "MergeJets",
    "MixerBlock",
    "MomentumShares",
    "MomentumWeightedSum",
    "NearestNeighbours",
    "PairInteractions",
    "ParticleAttentionBlock",
    "QueryMaskedAttention",
    "ReleasedCrossAttentionBlock",
    "ReleasedFeedForward",
    "ReleasedSelfAttentionBlock",
    "SelectFeatures",
    "SelfAttentionBlock",
    "SplitJets",
    "StackJets",
    "StochasticDepth",
    "TakeColumns",
    "TokenEmbedding",
    "TreeNeighbours",
    "TwoClassLogit",
]
