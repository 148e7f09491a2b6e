"""Modular network on named jet variables: correlations, morphology, multiplicities of subjets, kinematics."""

from dataclasses import replace
from typing import Any

import keras
from keras import layers

from mscat_tf.config.networks.analysis_model import CORRELATIONS, MORPHOLOGY, SHAPES, spectra
from mscat_tf.errors import ConfigError
from mscat_tf.layers import (
    Asinh,
    CrossAttentionBlock,
    FeatureNormalisation,
    MomentumShares,
    SplitJets,
    StackJets,
    TakeColumns,
    TokenEmbedding,
)
from mscat_tf.layers.activations import gelu
from mscat_tf.models.inputs import asinh_columns
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    encode_kinematics,
    high_scale_inputs,
    in_turn,
    low_scale_inputs,
    normalise_kinematics,
    normalise_stream,
)
from mscat_tf.models.pooling import join_features, pool_kinematics


def build_analysis_model(design: Design) -> keras.Model:
    """Every module in use turns what it reads of a jet into one vector; a head, or the kinematic tokens, read these.

    Inputs: `high_level_j` `(columns,)` for each jet j where a module reads named variables, `subjets_j` and
    `subjets_mask_j` with `subjet_multiplicities`, those of the high scale with `kinematics`; nothing of a module that
    is off. Output: score `(batch, 1)`. Layers are shared by all jets.

    * `correlations`: a relation network (arXiv:1706.01427, arXiv:1806.01261). An MLP that all pairs (a, b) of subsets
      share sees the spectrum S2_ab and a learned vector of the pair; its mean over the pairs goes through a layer.
    * `morphology`, `shapes`: MLPs.
    * `subjet_multiplicities`: a gated recurrent unit reads number of constituents and share of pT of the subjets, the
      hardest first, and passes padding over; its last state goes through a layer.
    * `kinematics`: with one kinematic token (a sample of single jets) an MLP, and the head sees the vectors of all
      modules side by side. With several, these read the vectors of all modules and jets by cross-attention, as they
      read constituents in `mscat`.

    Raises:
        ConfigError: a module in use finds no variable, spectra have different bins, or a column of subjets is missing.

    Source: arXiv:2312.11760, of which no code or sizes are public; see `docs/models_analysis.md` for what is ours.
    """
    settings = design.settings.analysis_model
    design = _at_width(design)
    inputs: list[Any] = []
    found: dict[str, Any] = {}
    if settings.reads_columns:
        jets = [keras.Input((len(design.inputs.high_level),), name=f"high_level_{jet}") for jet in _jets(design)]
        inputs += jets
        found |= _of_variables(design, jets)
    if settings.subjet_multiplicities:
        clouds, masks = low_scale_inputs(design, "subjets")
        inputs += [*clouds, *masks]
        found["subjet_multiplicities"] = _of_subjets(design, clouds, masks)
    if not settings.kinematics:
        return _of_jets(design, inputs, found, [])
    high = high_scale_inputs(design)
    if design.inputs.high_tokens == 1:
        flat = layers.Flatten(name="kinematics_flat")(normalise_kinematics(design, high["kinematics"]))
        own = _mlp(design, "kinematics", (settings.width,))(flat)
        return _of_jets(design, [*inputs, high], found, [own])
    tokens = encode_kinematics(design, high, settings.kinematic_blocks)
    tokens = _read_modules(design, tokens, found) if found else tokens
    score = classify(design, pool_kinematics(design, tokens, name="event"))
    return assemble([*inputs, high], score, "analysis_model")


def _at_width(design):
    """The same design, with the sizes of this network where the shared parts look for them."""
    own = design.settings.analysis_model
    names = ("width", "num_heads", "key_dim", "mlp_ratio", "dropout_rate", "head_units", "normalisation")
    changes = {name: getattr(own, name) for name in names}
    return replace(design, settings=design.settings.model_copy(update=changes))


def _jets(design):
    return range(1, design.inputs.jets + 1)


def _together(jets, name):
    """All jets of all events as one batch: the layers are called once."""
    return StackJets(name=f"{name}_all")(jets) if len(jets) > 1 else jets[0]


def _mlp(design, name, units):
    """Hidden layers `name_hidden_n`, then `name_token` of the common width, made once."""
    rate, stack = design.settings.dropout_rate, []
    for number, size in enumerate(units, start=1):
        stack.append(layers.Dense(size, activation=gelu, name=f"{name}_hidden_{number}"))
        stack.append(layers.Dropout(rate, name=f"{name}_dropout_{number}"))
    return in_turn([*stack, layers.Dense(design.settings.width, name=f"{name}_token")])


def _of_variables(design, jets):
    """Of each module in use that reads named variables, by its name, `(jets * batch, width)`.

    Args:
        jets: `(batch, columns)` of each. They are standardised one by one, in float32 under any policy.
    """
    settings, columns = design.settings.analysis_model, design.inputs.high_level
    of_module = settings.columns(columns)
    asinh = Asinh(asinh_columns(columns, design.settings.log_features), name="high_level_asinh")
    moments = design.statistics.high_level_mean, design.statistics.high_level_width
    normalise = FeatureNormalisation(columns, *moments, (False,) * len(columns), name="high_level_normalisation")
    values = _together([normalise(asinh(jet)) for jet in jets], "high_level")

    def take(names, module):
        return TakeColumns([columns.index(name) for name in names], name=f"{module}_columns")(values)

    found = {}
    if CORRELATIONS in of_module:
        pairs = spectra(of_module[CORRELATIONS])
        bins = len(next(iter(pairs.values())))
        taken = take([name for names in pairs.values() for name in names], CORRELATIONS)
        found[CORRELATIONS] = _of_pairs(design, layers.Reshape((len(pairs), bins), name="correlations_spectra")(taken))
    units = {MORPHOLOGY: settings.morphology_units, SHAPES: settings.shape_units}
    for module in (module for module in units if module in of_module):
        found[module] = _mlp(design, module, units[module])(take(of_module[module], module))
    return found


def _of_pairs(design, spectra_of_pairs):
    """The relation network: `(batch, pairs, bins)` -> `(batch, width)`."""
    first, *more = design.settings.analysis_model.relation_units
    x = layers.Dense(first, name="correlations_pair_1")(spectra_of_pairs)
    x = TokenEmbedding(spectra_of_pairs.shape[1], name="correlations_pair_embedding")(x)
    x = layers.Activation(gelu, name="correlations_pair_1_gelu")(x)
    for number, size in enumerate(more, start=2):
        x = layers.Dense(size, activation=gelu, name=f"correlations_pair_{number}")(x)
    x = layers.GlobalAveragePooling1D(name="correlations_mean")(x)
    x = layers.Dropout(design.settings.dropout_rate, name="correlations_dropout")(x)
    return _mlp(design, CORRELATIONS, ())(x)


def _of_subjets(design, clouds, masks):
    """The recurrent network: `(batch, subjets, columns)` of each jet and their masks -> `(jets * batch, width)`."""
    columns, needed = design.inputs.subjet_features, ("pt", "constituents")
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ConfigError(
            f"model.analysis_model.subjet_multiplicities needs the subjets' {' and '.join(needed)}, but "
            f"{' and '.join(missing)} is not among {', '.join(columns)}; add it to data.subjet_features"
        )
    normalise = normalise_stream(design, "subjets")
    take = TakeColumns([columns.index("constituents")], name="subjets_constituents")
    share, join = MomentumShares(columns, name="subjets_shares"), layers.Concatenate(name="subjets_sequence")
    jets = [join([take(normalise(*jet)), share(*jet)]) for jet in zip(clouds, masks, strict=True)]
    sequence, mask = _together(jets, "subjets"), _together(masks, "subjets_mask")
    units = design.settings.analysis_model.recurrent_units
    # Unrolled, the graph holds no loop: ONNX and XLA take it, and its operations can be counted.
    state = layers.GRU(units, unroll=True, use_cudnn=False, name="subjets_recurrence")(sequence, mask=mask)
    state = layers.Dropout(design.settings.dropout_rate, name="subjets_dropout")(state)
    return _mlp(design, "subjets", ())(state)


def _of_jets(design, inputs, found, more):
    """The head sees the vectors of all modules and jets, and `more` vectors, side by side."""
    number = design.inputs.jets
    parts: list[Any] = []
    for module, vectors in found.items():
        parts += SplitJets(number, name=f"{module}_each_jet")(vectors) if number > 1 else [vectors]
    parts = [design.norm(f"vector_{place}_norm")(part) for place, part in enumerate([*parts, *more], start=1)]
    return assemble(inputs, classify(design, join_features(parts)), "analysis_model")


def _read_modules(design, tokens, found):
    """Kinematic tokens after the blocks in which they read what the modules say of all jets: `modules_cross_b`."""
    settings, width = design.settings.analysis_model, design.settings.width
    as_tokens = [layers.Reshape((1, width), name=f"{module}_as_token")(found[module]) for module in found]
    modules = layers.Concatenate(axis=1, name="modules_all")(as_tokens) if len(as_tokens) > 1 else as_tokens[0]
    jets = SplitJets(design.inputs.jets, name="modules_each_jet")(modules) if design.inputs.jets > 1 else [modules]
    if design.settings.distinguish_jets and len(jets) > 1:
        jets = [TokenEmbedding(1, name=f"modules_{jet}_jet_embedding")(jets[jet - 1]) for jet in _jets(design)]
    keys = layers.Concatenate(axis=1, name="modules")(jets) if len(jets) > 1 else jets[0]
    depth = settings.cross_blocks
    for number in range(1, depth + 1):
        block = CrossAttentionBlock(**design.attention_options("cross", number, depth), name=f"cross_encoder_{number}")
        tokens = layers.Identity(name=f"modules_cross_{number}")(block(tokens, keys))
    return tokens
