"""The network `mscat` a second time, in PyTorch, for `training.py`: what a careful user of that library would write.

Knows nothing of this project and runs in whatever Python has PyTorch: numbers come as arrays, weights under the names
of Keras' variables.

Chosen after measuring the alternatives on a CPU: three products for queries, keys and values rather than one; an
explicit softmax with the mask added while training, where dropout acts on the scores, else
`scaled_dot_product_attention`.
"""

import itertools
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-3
"""Of every layer normalisation: the default of Keras."""

HIDDEN = 1e9
"""Taken off the score of a padded key."""

Arrays = dict[str, np.ndarray]


class Attention(nn.Module):
    """Multi-head attention that hides padding as a key; a context without any real token gives 0."""

    def __init__(self, width: int, heads: int, head_width: int, dropout_rate: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout_rate)
        self.query, self.key, self.value = (nn.Linear(width, heads * head_width) for _ in range(3))
        self.out = nn.Linear(heads * head_width, width)

    def forward(self, query: torch.Tensor, context: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        pairs = ((self.query, query), (self.key, context), (self.value, context))
        queries, keys, values = (self._heads(layer(tokens)) for layer, tokens in pairs)
        if self.training:  # the fused kernel has no dropout
            read = self.dropout(_softmax_of_scores(queries, keys, mask)) @ values
        else:
            seen = None if mask is None else mask[:, None, None, :]
            read = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        read = self.out(read.transpose(1, 2).flatten(2))
        return read if mask is None else read * mask.any(1)[:, None, None].to(read.dtype)

    def _heads(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


def _softmax_of_scores(queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(2, 3)
    if mask is not None:
        scores = scores + (mask.to(scores.dtype) - 1.0)[:, None, None, :] * HIDDEN
    return scores.softmax(-1)


class Block(nn.Module):
    """`x = t + attention(norm(t), norm(c))`, then `x + MLP(norm(x))`."""

    def __init__(self, settings: dict[str, Any], own_context: bool) -> None:
        super().__init__()
        width, rate = settings["width"], settings["dropout_rate"]
        hidden = round(settings["mlp_ratio"] * width)
        self.norm = nn.LayerNorm(width, EPSILON)
        self.norm_context = None if own_context else nn.LayerNorm(width, EPSILON)
        self.attention = Attention(width, settings["num_heads"], settings["key_dim"], rate)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width, EPSILON),
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Dropout(rate),
            nn.Linear(hidden, width),
        )

    def forward(
        self, tokens: torch.Tensor, context: torch.Tensor | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        normed = self.norm(tokens)
        read = self.attention(normed, normed if context is None else self.norm_context(context), mask)
        tokens = tokens + read
        return tokens + self.feed_forward(tokens)


class Normalisation(nn.Module):
    """Standardised columns, some after a logarithm; padding becomes 0."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(settings["mean"], dtype=torch.float32))
        self.register_buffer("width", torch.tensor(settings["width"], dtype=torch.float32))
        self.register_buffer("logarithm", torch.tensor(settings["logarithm"]))
        self.floor = settings["floor"]

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is not None:
            tokens = torch.where(mask[..., None], tokens, 1.0)
        tokens = torch.where(self.logarithm, tokens.clamp_min(self.floor).log(), tokens)
        tokens = (tokens - self.mean) / self.width
        return tokens if mask is None else torch.where(mask[..., None], tokens, 0.0)


class Twin(nn.Module):
    """`mscat` with two jets, a shared encoder, merge by concatenation and the flattened tokens before the head.

    Args:
        settings: `width`, `num_heads`, `key_dim`, `mlp_ratio`, `dropout_rate`, `constituent_blocks`,
            `kinematic_blocks`, `cross_blocks`, `head_units`, `tokens`, and `constituents` and `kinematics`, each with
            `mean`, `width`, `logarithm` and `floor` of its columns.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        width, rate = settings["width"], settings["dropout_rate"]
        self.normalise_constituents = Normalisation(settings["constituents"])
        self.normalise_kinematics = Normalisation(settings["kinematics"])
        self.embed_constituents = nn.Linear(len(settings["constituents"]["logarithm"]), width)
        self.embed_kinematics = nn.Linear(len(settings["kinematics"]["logarithm"]), width)
        self.jets = nn.ParameterList(torch.zeros(1, width) for _ in range(2))
        self.token_vectors = nn.Parameter(torch.zeros(settings["tokens"], width))
        depths = (settings[f"{name}_blocks"] for name in ("constituent", "kinematic", "cross"))
        self.constituent_blocks, self.kinematic_blocks, self.cross_blocks = (
            nn.ModuleList(Block(settings, own) for _ in range(depth))
            for depth, own in zip(depths, (True, True, False), strict=True)
        )
        self.norm = nn.LayerNorm(width, EPSILON)
        sizes = (settings["tokens"] * width, *settings["head_units"])
        head = [(nn.Linear(*pair), nn.GELU(), nn.Dropout(rate)) for pair in itertools.pairwise(sizes)]
        self.head = nn.Sequential(*(layer for layers in head for layer in layers))
        self.logit = nn.Linear(sizes[-1], 1)

    def forward(
        self,
        constituents_1: torch.Tensor, constituents_2: torch.Tensor, kinematics: torch.Tensor,
        mask_1: torch.Tensor, mask_2: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        """Logits `(batch,)`; the arguments are the inputs in alphabetical order."""
        encoded = []
        for cloud, mask, jet in ((constituents_1, mask_1, self.jets[0]), (constituents_2, mask_2, self.jets[1])):
            tokens = self.embed_constituents(self.normalise_constituents(cloud, mask)) + jet
            for block in self.constituent_blocks:
                tokens = block(tokens, mask=mask)
            encoded.append(tokens)
        keys, real = torch.cat(encoded, 1), torch.cat([mask_1, mask_2], 1)
        tokens = self.embed_kinematics(self.normalise_kinematics(kinematics)) + self.token_vectors
        for block in self.kinematic_blocks:
            tokens = block(tokens)
        for block in self.cross_blocks:
            tokens = block(tokens, keys, real)
        return self.logit(self.head(self.norm(tokens).flatten(1)))[:, 0]


def load_weights(twin: Twin, weights: Arrays) -> None:
    """Fill the twin with the variables of our network, given by their Keras paths; every one must be used."""
    left = dict(weights)

    def take(path: str) -> torch.Tensor:
        return torch.from_numpy(np.array(left.pop(path), dtype=np.float32))

    def dense(layer: nn.Linear, path: str) -> None:
        """The axes of heads and their width become one."""
        layer.weight.copy_(take(f"{path}/kernel").reshape(layer.in_features, -1).T)
        layer.bias.copy_(take(f"{path}/bias").reshape(-1))

    def norm(layer: nn.LayerNorm, path: str) -> None:
        layer.weight.copy_(take(f"{path}/gamma"))
        layer.bias.copy_(take(f"{path}/beta"))

    def block(layer: Block, path: str) -> None:
        own, attention = layer.norm_context is None, f"{path}/attention"
        norm(layer.norm, f"{path}/norm" if own else f"{path}/norm_query")
        if not own:
            norm(layer.norm_context, f"{path}/norm_context")
        for name in ("query", "key", "value"):
            dense(getattr(layer.attention, name), f"{attention}/{name}")
        dense(layer.attention.out, f"{attention}/attention_output")
        first, hidden, _, _, out = layer.feed_forward
        norm(first, f"{path}/feed_forward/norm")
        dense(hidden, f"{path}/feed_forward/hidden")
        dense(out, f"{path}/feed_forward/out")

    with torch.no_grad():
        for name in ("constituents", "kinematics"):
            dense(getattr(twin, f"embed_{name}"), f"{name}_embedding")
        for number, vectors in enumerate(twin.jets, start=1):
            vectors.copy_(take(f"constituents_{number}_jet_embedding/vectors"))
        twin.token_vectors.copy_(take("kinematics_token_embedding/vectors"))
        for blocks, prefix in (("constituent", "constituents"), ("kinematic", "kinematics"), ("cross", "cross")):
            for number, layer in enumerate(getattr(twin, f"{blocks}_blocks"), start=1):
                block(layer, f"{prefix}_encoder_{number}")
        norm(twin.norm, "kinematics_norm")
        for number, layer in enumerate((m for m in twin.head if isinstance(m, nn.Linear)), start=1):
            dense(layer, f"head_{number}")
        dense(twin.logit, "logit")
    if left:
        raise ValueError(f"weights without a place in the twin: {', '.join(left)}")
