"""Registered, serialisable Keras layers: masked attention blocks and what feeds them."""

from mscat_tf.layers.cross_attention_block import CrossAttentionBlock
from mscat_tf.layers.feature_normalisation import FeatureNormalisation
from mscat_tf.layers.feed_forward import FeedForward
from mscat_tf.layers.join_scales import JoinScales
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention
from mscat_tf.layers.masked_mean import MaskedMean
from mscat_tf.layers.merge_jets import MergeJets
from mscat_tf.layers.self_attention_block import SelfAttentionBlock
from mscat_tf.layers.token_embedding import TokenEmbedding

__all__ = [
    "CrossAttentionBlock",
    "FeatureNormalisation",
    "FeedForward",
    "JoinScales",
    "KeyMaskedAttention",
    "MaskedMean",
    "MergeJets",
    "SelfAttentionBlock",
    "TokenEmbedding",
]
