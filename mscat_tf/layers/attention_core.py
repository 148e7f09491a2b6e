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

    @ops.custom_gradient
    def read(queries, keys, values):
        weights = softmax_over_keys(products(queries, keys), scale, added)
        left = weights if kept is None else ops.where(kept, weights, 0.0)
        found = ops.matmul(left, values) / share

        def gradient(upstream):
            shared = upstream / share
            total = ops.sum(ops.cast(upstream * found, "float32"), axis=-1, keepdims=True)
            of_weights = ops.cast(products(shared, values), "float32")
            if kept is None:
                of_scores = ops.cast(weights, "float32") * (of_weights - total)
            else:  # the same, without a second look at the mask
                of_scores = ops.cast(left, "float32") * of_weights - ops.cast(weights, "float32") * total
            of_scores = ops.cast(of_scores, weights.dtype)
            of_queries, of_keys = ops.matmul(of_scores, keys * scale), ops.matmul(_turned(of_scores), queries * scale)
            return of_queries, of_keys, ops.matmul(_turned(left), shared)

        return found, gradient

    return read(queries, keys, values)


def cheaper_without_keys(tokens_q, tokens_c, features, key_dim):
    """Whether `queries_for_context` saves multiplications: few queries, or heads as wide as the tokens.

    Args:
        tokens_q, tokens_c: how many; None where it differs from batch to batch (of a context: taken as many).
        features: of the context. key_dim: width of a head.
    """
    if tokens_q is None:
        return False
    if tokens_c is None:
        return tokens_q * features <= key_dim * (features + tokens_q)
    return tokens_q * features * (key_dim + tokens_c) <= tokens_c * key_dim * (features + tokens_q)


def queries_for_context(query, query_kernel, query_bias, key_kernel, key_bias):
    """Queries that ask the context itself, not keys made of it: `Q (C W_K)^T = (Q W_K^T) C^T`.

    All heads are rows of one product with the context, and nothing has to be transposed. The bias of the keys adds the
    same to all scores of a query, which softmax does not see: it counts zero times, and has the gradient 0.

    Args:
        query: `(batch, tokens_q, features_q)`. query_kernel: `(features_q, heads, width)`. query_bias:
            `(heads, width)`. key_kernel: `(features_c, heads, width)`. key_bias: `(heads, width)`.

    Returns:
        `(batch, 1, tokens_q * heads, features_c)`, the heads of a token one after the other.
    """
    features, heads, _ = query_kernel.shape
    wanted = key_kernel.shape[0]
    kernel = ops.reshape(ops.einsum("fhd,chd->fhc", query_kernel, key_kernel), (features, heads * wanted))
    bias = ops.reshape(ops.einsum("hd,chd->hc", query_bias + 0.0 * key_bias, key_kernel), (heads * wanted,))
    found = ops.add(ops.matmul(ops.reshape(query, (-1, features)), kernel), bias)
    return ops.reshape(found, (-1, 1, query.shape[1] * heads, wanted))


def with_ones(context):
    """Context `(..., features)` and a column of ones: what is read of it tells which share of the scores survived."""
    return ops.concatenate([context, ops.ones_like(context[..., :1])], axis=-1)


def join_from_context(read, value_kernel, value_bias, output_kernel, output_bias):
    """What tokens get from what their heads read of the context itself: `(P (C W_V + b)) W_O`, weights first.

    Args:
        read: `(batch, 1, tokens_q * heads, features_c)`, or one more where the context is `with_ones`: needed after
            dropout, since the scores of a query then do not sum to 1. value_kernel: `(features_c, heads, width)`.
            value_bias: `(heads, width)`. output_kernel: `(heads, width, features)`. output_bias: `(features,)`.

    Returns:
        `(batch, tokens_q, features)`.
    """
    heads, columns = value_kernel.shape[1], read.shape[-1]
    if columns > value_kernel.shape[0]:
        value_kernel = ops.concatenate([value_kernel, value_bias[None]], axis=0)
    else:
        output_bias = output_bias + ops.einsum("hd,hdf->f", value_bias, output_kernel)
    kernel = ops.reshape(ops.einsum("chd,hdf->hcf", value_kernel, output_kernel), (heads * columns, -1))
    joined = ops.add(ops.matmul(ops.reshape(read, (-1, heads * columns)), kernel), output_bias)
    return ops.reshape(joined, (-1, read.shape[2] // heads, kernel.shape[-1]))


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
