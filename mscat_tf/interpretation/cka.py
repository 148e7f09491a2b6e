"""Centred kernel alignment: how alike two representations of the same events are, whatever basis each is written in.

With Gram matrices K and L of one layer each, CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) (Kornblith et al.,
arXiv:1905.00414, section 3). It is 1 for representations that differ by a rotation and a factor, and 0 for
independent ones. HSIC is the unbiased estimate of Song et al., JMLR 13 (2012) 1393, equation 5: the usual one makes few
events in many dimensions look alike. Its mean over batches estimates the same number as all events at once would, so
sums over batches are taken before the ratio (Nguyen, Raghu, Kornblith, arXiv:2010.15327, section 2.2), and memory
depends on the batch alone.

Representations are `(n, features)`, one row for each event; Gram matrices are stacked, `(layers, n, n)`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError

Floats = NDArray[np.float64]
KERNELS = ("linear", "rbf")
LEAST_EVENTS = 4
"""Of a batch: the unbiased estimate is a mean over sets of four different events."""
MOST_GROUPS = 50
"""Of batches, of which the jackknife leaves out one at a time."""
RBF_FRACTION = 0.8
"""Width of the Gaussian kernel in units of the median distance; 0.2, 0.4 and 0.8 are compared in arXiv:1905.00414."""
RESOLUTION = 4 * float(np.finfo(np.float32).eps)
"""Of an activation, relative to the largest one: a spread below it is rounding."""


def linear_gram(values: NDArray[Any]) -> Floats:
    """Scalar products of all pairs of events, `(n, n)`, about the mean of the batch, which changes no HSIC.

    Of a layer that says the same of all events it is 0 exactly.
    """
    exact = np.asarray(values, np.float64)
    centred = exact - exact.mean(axis=0)
    if np.abs(centred).max(initial=0.0) <= RESOLUTION * np.abs(exact).max(initial=0.0):
        return np.zeros((len(exact), len(exact)))
    gram: Floats = centred @ centred.T
    return gram


def squared_distances(gram: Floats) -> Floats:
    """Of all pairs of events, from their scalar products."""
    squares = np.diagonal(gram)
    found: Floats = np.maximum(squares[:, None] + squares - 2 * gram, 0.0)
    np.fill_diagonal(found, 0.0)
    return found


def median_distance(gram: Floats) -> float:
    """Of pairs of events that differ; 0 where none do."""
    squares = squared_distances(gram)[np.triu_indices(len(gram), 1)]
    return float(np.sqrt(np.median(squares[squares > 0]))) if (squares > 0).any() else 0.0


def rbf_gram(gram: Floats, width: float) -> Floats:
    """exp(-d^2 / (2 width^2)) - 1 from the scalar products: the 1 changes no HSIC, and costs digits where width is
    large. 0 for a width of 0."""
    if width == 0:
        return np.zeros_like(gram)
    found: Floats = np.expm1(squared_distances(gram) / (-2 * width**2))
    return found


def unbiased_hsic(first: Floats, second: Floats) -> Floats:
    """Of every pair of Gram matrices, `(layers, other layers)`; may be negative.

    Raises:
        InputError: fewer than four events.
    """
    n = first.shape[-1]
    if n < LEAST_EVENTS:
        raise InputError(
            f"a batch holds {n} events, but unbiased HSIC needs {LEAST_EVENTS}; read more events at a time"
        )
    others = 1 - np.eye(n)
    k, m = first * others, second * others
    products = k.reshape(len(k), -1) @ m.reshape(len(m), -1).T
    of_rows, of_other_rows = k.sum(axis=2), m.sum(axis=2)
    totals = np.outer(of_rows.sum(axis=1), of_other_rows.sum(axis=1)) / ((n - 1) * (n - 2))
    found: Floats = (products + totals - 2 / (n - 2) * of_rows @ of_other_rows.T) / (n * (n - 3))
    return found


def biased_hsic(first: Floats, second: Floats) -> Floats:
    """tr(K H L H) / (n - 1)^2 with H = 1 - 1/n, `(layers, other layers)`: what CKA is mostly computed from."""
    k = first - first.mean(axis=1, keepdims=True)
    k = k - k.mean(axis=2, keepdims=True)
    found: Floats = k.reshape(len(k), -1) @ second.reshape(len(second), -1).T / (k.shape[-1] - 1) ** 2
    return found


def alignment(both: Floats, first: Floats, second: Floats) -> Floats:
    """CKA from HSIC of pairs `(..., L, M)` and of each layer with itself `(..., L)`, `(..., M)`; NaN for 0 / 0."""
    product = np.where((first[..., :, None] > 0) & (second[..., None, :] > 0), 1.0, np.nan)
    scale = product * np.sqrt(np.maximum(first[..., :, None], 0) * np.maximum(second[..., None, :], 0))
    found: Floats = both / scale
    return found


class AlignmentSums:
    """CKA between the layers of two networks, by sums over batches.

    The Gaussian kernels are fixed by the first batch. So every batch estimates HSIC of the same kernels without bias,
    but for the first one, whose part in the mean falls as one over the number of batches.

    Args:
        layers, other_layers: their numbers. fraction: see `RBF_FRACTION`.

    Attributes:
        sums: what `state` of a part is, of a size that depends on the layers alone: `both` `(kernels, groups, L, M)`,
            `first` `(kernels, groups, L)`, `second`, `batches` `(groups,)`, `width`, `other_width`.
    """

    def __init__(self, layers: int, other_layers: int, fraction: float = RBF_FRACTION) -> None:
        self.fraction = fraction
        shape = (len(KERNELS), MOST_GROUPS)
        self.sums: dict[str, NDArray[Any]] = {
            "both": np.zeros((*shape, layers, other_layers)),
            "first": np.zeros((*shape, layers)),
            "second": np.zeros((*shape, other_layers)),
            "batches": np.zeros(MOST_GROUPS, np.int64),
            "width": np.zeros(layers),
            "other_width": np.zeros(other_layers),
        }

    def add(self, first: Sequence[NDArray[Any]], second: Sequence[NDArray[Any]]) -> None:
        """Take in one batch: what each layer says of its events.

        Args:
            first: `(n, features)` for each layer. second: of the other network; the very same object for one network.

        Raises:
            InputError: fewer than four events.
        """
        done = int(self.sums["batches"].sum())
        own = self._grams(first, "width", done)
        other = own if second is first else self._grams(second, "other_width", done)
        if second is first:
            self.sums["other_width"] = self.sums["width"]
        group = done % MOST_GROUPS
        for kernel, (k, m) in enumerate(zip(own, other, strict=True)):
            self.sums["both"][kernel, group] += unbiased_hsic(k, m)
            self.sums["first"][kernel, group] += np.diagonal(unbiased_hsic(k, k))
            self.sums["second"][kernel, group] += np.diagonal(unbiased_hsic(m, m))
        self.sums["batches"][group] += 1

    def _grams(self, layers: Sequence[NDArray[Any]], widths: str, done: int) -> tuple[Floats, Floats]:
        linear = np.stack([linear_gram(values) for values in layers])
        if not done:
            self.sums[widths] = self.fraction * np.array([median_distance(gram) for gram in linear])
        return linear, np.stack([rbf_gram(gram, w) for gram, w in zip(linear, self.sums[widths], strict=True)])

    def value(self) -> Floats:
        """CKA, `(kernels, L, M)`; NaN for a layer that says the same of all events."""
        return alignment(*(self.sums[name].sum(axis=1) for name in ("both", "first", "second")))

    def error(self) -> Floats:
        """Standard error of `value`, by leaving out one group of batches at a time; NaN with fewer than two batches."""
        used = np.flatnonzero(self.sums["batches"])
        if len(used) < 2:
            return np.full_like(self.value(), np.nan)
        totals = [self.sums[name] for name in ("both", "first", "second")]
        left_out = np.stack([alignment(*(total.sum(axis=1) - total[:, group] for total in totals)) for group in used])
        found: Floats = np.sqrt((len(used) - 1) * left_out.var(axis=0))
        return found


def cka(first: NDArray[Any], second: NDArray[Any], kernel: str = "linear", biased: bool = False) -> float:
    """Of two representations `(n, features)`, all events at once.

    Args:
        kernel: `linear` or `rbf`. biased: the usual form, for comparison with what others quote.

    Raises:
        InputError: fewer than four events.
    """
    grams = [linear_gram(values) for values in (first, second)]
    if kernel == "rbf":
        grams = [rbf_gram(gram, RBF_FRACTION * median_distance(gram)) for gram in grams]
    k, m = (gram[None] for gram in grams)
    hsic = biased_hsic if biased else unbiased_hsic
    return float(alignment(hsic(k, m), hsic(k, k)[0], hsic(m, m)[0])[0, 0])
