"""From queries, keys and values to what each head reads."""

from keras import ops

HIDDEN = -1e9
"""Added to the score of a padded key: its exponential is exactly 0 beside that of any real key."""


def products(queries, keys):
    """Scalar products `(batch, heads, tokens_q, tokens_c)` of `(batch, heads, tokens, width)`."""
    return ops.matmul(queries, _turned(keys))


def added_to_scores(context_mask=None, bias=None):
    """What softmax sees besides the scores: the bias at real keys, `HIDDEN` at padding; None for nothing.

    Args:
        context_mask: bool `(batch, tokens_c)`. bias: `(batch, heads or 1, tokens_q, tokens_c)`.
    """
    if context_mask is None:
        return bias
    return ops.where(context_mask[:, None, None], 0.0 if bias is None else bias, HIDDEN)


def softmax_over_keys(scores, scale, added=None):
    """Softmax of `scale * scores + added` over the keys, in float32, back in the type of the scores.

    In this order, product, scale, sum, oneDNN makes them one operation on CPUs.

    Args:
        scores: `(batch, num_heads, tokens_q, tokens_c)`. added: see `added_to_scores`; without any real key the row
            is about uniform: the caller must hide it.
    """
    found = scores * scale
    if added is not None:
        found = found + ops.cast(added, scores.dtype)
    return ops.cast(ops.softmax(ops.cast(found, "float32"), axis=-1), scores.dtype)


def attend(queries, keys, values, scale, added, dropout):
    """What heads read in training, `dropout(softmax(scale Q K^T + added)) V`, with its gradient written out.

    With P the softmax, M the mask of dropout over `1 - rate`, O what is read and G its gradient, that of the scores is
    `P (M G V^T - sum_d G O)`: the sum over keys, which the gradient of softmax has, is one over features. Half as many
    passes over the scores as step by step. `added` gets no gradient.

    Args:
        queries, keys, values: `(batch, heads, tokens, width)`. added: see `added_to_scores`.
        dropout: layer `Dropout`.

    Returns:
        `(batch, heads, tokens_q, width)`.

    Source of the sum over features: Dao et al., arXiv:2205.14135, appendix B.2.
    """
    kept, share = None, 1.0 - dropout.rate
    if dropout.rate > 0:
        kept = dropout.kept((*ops.shape(queries)[:3], ops.shape(keys)[2]))

    def drop(weights):
        return weights if kept is None else ops.where(kept, weights, 0.0)

    @ops.custom_gradient
    def read(queries, keys, values):
        weights = softmax_over_keys(products(queries, keys), scale, added)
        left = drop(weights)
        found = ops.matmul(left, values) / share

        def gradient(upstream):
            shared = upstream / share
            total = ops.sum(ops.cast(upstream * found, "float32"), axis=-1, keepdims=True)
            of_weights = ops.cast(drop(products(shared, values)), "float32")
            of_scores = ops.cast(ops.cast(weights, "float32") * (of_weights - total), weights.dtype)
            of_queries, of_keys = ops.matmul(of_scores, keys * scale), ops.matmul(_turned(of_scores), queries * scale)
            return of_queries, of_keys, ops.matmul(_turned(left), shared)

        return found, gradient

    return read(queries, keys, values)


def attend_fused(queries, keys, values, scale, added=None):
    """What heads read, `softmax(scale Q K^T + added) V`, as one operation of Keras, without dropout.

    Args:
        queries, keys, values: `(batch, heads, tokens, width)`. added: see `added_to_scores`; it hides padding too, as a
            second pass over the scores for a mask would cost time where no kernel does both.

    Returns:
        `(batch, heads, tokens_q, width)`.
    """
    tokens_first = [ops.transpose(tensor, (0, 2, 1, 3)) for tensor in (queries, keys, values)]
    read = ops.dot_product_attention(*tokens_first, bias=added, scale=scale)
    return ops.transpose(read, (0, 2, 1, 3))


def _turned(matrices):
    return ops.transpose(matrices, (0, 1, 3, 2))
