"""From tokens to the features that the head sees."""

from keras import layers

from mscat_tf.layers import AttentionPooling, MaskedMean


def pool_kinematics(design, tokens, name="kinematics_flat"):
    """Features `(batch, ...)` of the tokens of the high scale after a normalisation, as `pooling` says.

    `flatten` keeps all of them, `tokens * width`; `mean`, `attention` (one learned query) and `class_token` (the last
    token) give `width`.

    Args:
        tokens: `(batch, tokens, width)` of `encode_kinematics`. name: of the layer that they leave by; with
            `attention` it is `kinematics_pooled`, by which its map is found.
    """
    tokens, pooling = design.norm("kinematics_norm")(tokens), design.settings.pooling
    if pooling == "attention":
        return layers.Identity(name="kinematics_pooled")(_attention_pooling(design, "kinematics_pooling")(tokens))
    if pooling == "mean":
        return layers.GlobalAveragePooling1D(name=name)(tokens)
    if pooling == "class_token":
        tokens = layers.Cropping1D((tokens.shape[1] - 1, 0), name="class_token_alone")(tokens)
    return layers.Flatten(name=name)(tokens)


def pool_constituents(design, jets, masks):
    """As `pool_each_jet`, but where `distinguish_jets` is off the mean over the jets alone."""
    found = pool_each_jet(design, jets, masks)
    if design.settings.distinguish_jets or len(found) == 1:
        return found
    return [layers.Average(name="constituents_average")(found)]


def pool_each_jet(design, jets, masks):
    """The real constituents of every jet in `width` features after a common normalisation, as `jet_pooling` says.

    Returns:
        A list of `(batch, width)`, one for each jet.
    """
    norm, attention = design.norm("constituents_norm"), None
    if design.settings.jet_pooling == "attention":
        attention = _attention_pooling(design, "constituents_pooling")
    found = []
    for jet, (tokens, mask) in enumerate(zip(jets, masks, strict=True), start=1):
        if attention is None:
            found.append(MaskedMean(name=f"constituents_{jet}_mean")(norm(tokens), mask))
        else:
            found.append(layers.Identity(name=f"constituents_{jet}_pooled")(attention(norm(tokens), mask)))
    return found


def join_features(parts):
    """All features side by side, `(batch, features)`: layer `event`."""
    return layers.Concatenate(name="event")(parts) if len(parts) > 1 else layers.Identity(name="event")(parts[0])


def _attention_pooling(design, name):
    settings = design.settings
    return AttentionPooling(settings.num_heads, settings.key_dim, settings.dropout_rate, name=name)
