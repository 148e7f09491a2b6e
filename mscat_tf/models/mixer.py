"""MLP-mixer on the constituents, joined with the subjets by cross-attention."""

from dataclasses import replace

import keras
from keras import layers

from mscat_tf.layers import (
    AttentionPooling,
    CrossAttentionBlock,
    HardestFirst,
    MaskedMean,
    MergeJets,
    MixerBlock,
    TokenEmbedding,
)
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    embedding,
    encode_kinematics,
    high_scale_inputs,
    low_scale_inputs,
    normalise_stream,
)
from mscat_tf.models.pooling import join_features, pool_kinematics
from mscat_tf.models.taggers import sees_kinematics


def build_mixer(design: Design) -> keras.Model:
    """Constituents through mixer blocks, the subjets of their jet read them, and what results is what a jet is.

    Inputs: `constituents_j`, `mask_j` for each jet, `subjets_j`, `subjets_mask_j` unless `mixer.subjets` is off, and
    those of the high scale where a tagger has them (`model.kinematics`). Output: score `(batch, 1)`.

    The subjets are the queries: they are few, so the cost grows with the number of constituents alone, and each looks
    up in the mixed constituents what the whole jet says about its place. Layers are shared by all jets. With single
    jets the head sees the mean subjet and the mean mixed constituent. With kinematics their tokens read the subjets of
    all jets by cross-attention, as they read constituents in `mscat`. Without subjets the mixed constituents stand in
    their place; with `mixer.joining: concatenate` subjets and constituents stand side by side.

    Raises:
        ConfigError: eta, phi, or both pt and log_pt are not among the constituents' columns.

    Source: arXiv:2404.14677 (mixer, subjets, cross-attention), of which no code or sizes are public; see
    `docs/models_mixer.md` for what is ours.
    """
    settings = design.settings.mixer
    streams = ("constituents", *(("subjets",) if settings.subjets else ()))
    design = _at_width(design)
    inputs, found = [], {}
    for stream in streams:
        clouds, masks = low_scale_inputs(design, stream)
        inputs += [*clouds, *masks]
        encode = {"constituents": _mixed_constituents, "subjets": _embedded_subjets}[stream](design)
        found[stream] = [encode(*jet, number) for number, jet in enumerate(zip(clouds, masks, strict=True), start=1)]
    if settings.subjets and settings.joining == "cross_attention":
        found["subjets"] = _read_constituents(design, found["subjets"], found["constituents"])
    if not sees_kinematics(design):
        score = classify(design, join_features(_pooled(design, found)))
        return assemble(inputs, score, "mixer")
    high = high_scale_inputs(design)
    tokens = _read_substructure(design, encode_kinematics(design, high, settings.kinematic_blocks), found)
    score = classify(design, pool_kinematics(design, tokens, name="event"))
    return assemble([*inputs, high], score, "mixer")


def _at_width(design):
    """The same design, with the sizes of this network where the shared parts look for them."""
    own = design.settings.mixer
    names = ("num_heads", "key_dim", "mlp_ratio", "dropout_rate", "head_units", "normalisation")
    changes = {name: getattr(own, name) for name in names} | {"width": own.subjet_width}
    return replace(design, settings=design.settings.model_copy(update=changes))


def _mixed_constituents(design):
    """`tokens, mask, jet -> (batch, tokens, width)` after all mixer blocks, and their mask."""
    settings, columns = design.settings.mixer, design.inputs.constituent_features
    order = HardestFirst(columns, settings.tokens, name="constituents_order")
    normalise = normalise_stream(design)
    embed = layers.Dense(settings.width, name="constituents_embedding")
    sizes = (settings.tokens, settings.token_units, settings.feature_units, settings.dropout_rate, settings.activation)
    options = {"normalisation": design.settings.normalisation}
    blocks = [
        MixerBlock(*sizes, **options, name=f"constituents_mixer_{number}") for number in range(1, settings.blocks + 1)
    ]

    def encode(tokens, mask, jet):
        tokens, mask = order(tokens, mask)
        tokens = _tell_apart(design, embed(normalise(tokens, mask)), "constituents", jet)
        for number, block in enumerate(blocks, start=1):
            tokens = layers.Identity(name=f"constituents_{jet}_block_{number}")(block(tokens, mask))
        return tokens, mask

    return encode


def _embedded_subjets(design):
    """`tokens, mask, jet -> (batch, subjets, subjet_width)`, and the mask."""
    normalise, embed = normalise_stream(design, "subjets"), embedding(design, "subjets_embedding")

    def encode(tokens, mask, jet):
        return _tell_apart(design, embed(normalise(tokens, mask)), "subjets", jet), mask

    return encode


def _tell_apart(design, tokens, stream, jet):
    """Where there are several jets, a learned vector says which one it is."""
    if design.inputs.jets == 1 or not design.settings.distinguish_jets:
        return tokens
    return TokenEmbedding(1, name=f"{stream}_{jet}_jet_embedding")(tokens)


def _read_constituents(design, subjets, constituents):
    """Subjets of each jet after the blocks in which they read its mixed constituents: `subjets_j_cross_b`."""
    depth = design.settings.mixer.cross_blocks
    blocks = [
        CrossAttentionBlock(**design.attention_options("cross", number, depth), name=f"subjets_encoder_{number}")
        for number in range(1, depth + 1)
    ]
    found = []
    for jet, ((tokens, mask), context) in enumerate(zip(subjets, constituents, strict=True), start=1):
        for number, block in enumerate(blocks, start=1):
            tokens = layers.Identity(name=f"subjets_{jet}_cross_{number}")(block(tokens, *context))
        found.append((tokens, mask))
    return found


def _read_substructure(design, tokens, found):
    """Kinematic tokens after the blocks in which they read the substructure of all jets: `cross_block_b`."""
    settings = design.settings.mixer
    both = settings.subjets and settings.joining == "concatenate"
    if both:
        widen = layers.Dense(settings.subjet_width, name="constituents_widened")
        found = {**found, "constituents": [(widen(jet), mask) for jet, mask in found["constituents"]]}
    read = found if both else {(name := list(found)[-1]): found[name]}
    merged = [MergeJets(name=f"merged_{name}")(*map(list, zip(*jets, strict=True))) for name, jets in read.items()]
    keys = MergeJets(name="merged_streams")(*map(list, zip(*merged, strict=True))) if both else merged[0]
    depth = settings.event_blocks
    for number in range(1, depth + 1):
        block = CrossAttentionBlock(**design.attention_options("cross", number, depth), name=f"cross_encoder_{number}")
        tokens = layers.Identity(name=f"cross_block_{number}")(block(tokens, *keys))
    return tokens


def _pooled(design, streams):
    """One vector of each jet and stream, of its real tokens alone, then normalised: one vector costs nothing."""
    settings, pooled = design.settings.mixer, []
    for stream, jets in streams.items():
        norm, pool = design.norm(f"{stream}_norm"), None
        if settings.jet_pooling == "attention":
            sizes = (settings.num_heads, settings.key_dim, settings.dropout_rate)
            pool = AttentionPooling(*sizes, name=f"{stream}_pooling")
        for jet, (tokens, mask) in enumerate(jets, start=1):
            if pool is None:
                found = MaskedMean(name=f"{stream}_{jet}_mean")(tokens, mask)
            else:
                found = layers.Identity(name=f"{stream}_{jet}_pooled")(pool(tokens, mask))
            pooled.append(norm(found))
    return pooled
