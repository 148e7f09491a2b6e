"""Subjets of any radius from the density of transverse momentum: HDBSCAN made infrared and collinear safe.

HDBSCAN (Campello, Moulavi, Sander, PAKDD 2013) counts points; here a jet is a measure, the share of transverse momentum
in the plane of rapidity and azimuth, and nothing is counted. `docs/subjets.md` has the reasoning. The steps:

1. Constituents nearer together than `resolution` become one: anti-kT jets of that radius, the *grains*.
2. `core_distances`: how far a given share of the transverse momentum is from each grain, on average.
3. Grains of at least `branch_share_min` are joined, the closest first, by single linkage of `linking_radii`.
4. `selected`: from the whole to the parts, a cluster is a branch that holds `pt_share_min`; of a cluster and those
   within it the more stable is taken.
5. Softer grains are gathered by the cluster of the nearest branch that would have reached them.
"""

from typing import NamedTuple

import numpy as np
from scipy.cluster import hierarchy

from data_prep.arrays import Ints, offsets_of, pad, rows
from mscat_tf.config.subjets import SubjetSettings
from mscat_tf.physics.directions import Direction, distance
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.jet_blocks import blocks_of_like_size

ENTRIES_AT_ONCE = 200_000
"""Distances that are computed together: few enough for the cache of a core."""

FAR = 100.0
"""A distance that no two constituents of a jet have, for padding."""


class Cluster(NamedTuple):
    """A branch of the tree that was selected.

    Attributes:
        node: of the tree, as SciPy numbers them: branches first, then joints in the order of joining.
        radius: at which it was cut from the rest; infinite for the whole jet.
    """

    node: int
    radius: float


class Tree:
    """Single linkage of one jet; nodes as in `Cluster`.

    Attributes:
        leaves: number of branches. shares: of every node.

    Args:
        joints: `(grains - 1, 4)` as SciPy gives them. shares: `(grains,)`.
    """

    def __init__(self, joints: Floats, shares: Floats) -> None:
        self.leaves = len(shares)
        self.shares = shares.tolist()
        self._joints = [(int(first), int(second), radius) for first, second, radius, _ in joints.tolist()]
        for first, second, _ in self._joints:
            self.shares.append(self.shares[first] + self.shares[second])

    def parts(self, node: int) -> tuple[float, list[int]]:
        """Radius at which a joint falls apart, and all that it falls into there."""
        radius, pieces, waiting = self._joints[node - self.leaves][2], [], [node]
        while waiting:
            piece = waiting.pop()
            if piece >= self.leaves and self._joints[piece - self.leaves][2] == radius:
                waiting += self._joints[piece - self.leaves][:2]
            else:
                pieces.append(piece)
        return radius, pieces

    def leaves_of(self, node: int) -> list[int]:
        """All branches under a node."""
        found, waiting = [], [node]
        while waiting:
            at = waiting.pop()
            if at < self.leaves:
                found.append(at)
            else:
                waiting += self._joints[at - self.leaves][:2]
        return found


def density_labels(grains: Direction, counts: Ints, settings: SubjetSettings) -> Ints:
    """Number of the cluster that each grain belongs to within its jet, `(total,)`; -1 for none.

    Args:
        grains: `(total,)` each, one jet after the other. counts: `(jets,)`, at least 1.
        settings: shares and resolution.
    """
    labels, offsets = np.full(len(grains.pt), -1, np.int64), offsets_of(counts)
    for chosen, _ in blocks_of_like_size(counts, ENTRIES_AT_ONCE):
        members = rows(offsets, chosen)
        flat = Direction(*(values[members] for values in grains))
        shares, apart, cores = _geometry(flat, counts[chosen], settings.pt_share_min)
        for row, jet in enumerate(chosen):
            size, own = counts[jet], slice(offsets[jet], offsets[jet + 1])
            labels[own] = _labels_of_one(shares[row, :size], apart[row, :size, :size], cores[row, :size], settings)
    return labels


def core_distances(shares: Floats, apart: Floats, share: float) -> Floats:
    """Root of the mean squared distance to the nearest matter that makes up this share: the distance to a measure.

    Chazal, Cohen-Steiner, Merigot, Found. Comput. Math. 11 (2011) 733: `d^2(x) = 1/m int_0^m r_l(x)^2 dl`, where
    `r_l(x)` is the radius about x that holds the share l. Continuous in every share and every place.

    Args:
        shares: `(jets, grains)`, 1 in all for each jet, 0 for padding. apart: `(jets, grains, grains)` distances.
        share: m.

    Returns:
        `(jets, grains)`.
    """
    order = np.argsort(apart, axis=-1)
    sorted_shares = np.take_along_axis(np.broadcast_to(shares[:, np.newaxis], apart.shape), order, axis=-1)
    within = np.minimum(np.cumsum(sorted_shares, axis=-1), share)
    taken = np.diff(within, axis=-1, prepend=0.0)
    return np.asarray(np.sqrt(np.sum(taken * np.take_along_axis(apart, order, axis=-1) ** 2, axis=-1) / share))


def linking_radii(apart: Floats, cores: Floats) -> Floats:
    """Radius at which two grains are joined: discs of it about both are dense enough, and touch.

    Robust single linkage (Chaudhuri, Dasgupta, NIPS 2010) with alpha = 2.

    Args:
        apart: `(grains, grains)` distances. cores: `(grains,)`.

    Returns:
        `(grains, grains)`.
    """
    return np.maximum(np.maximum(cores[:, np.newaxis], cores), 0.5 * apart)


def selected(tree: Tree, share_min: float, resolution: float) -> list[Cluster]:
    """The clusters of one jet: the set, none within another, whose stabilities sum up to most.

    The stability of a cluster is its excess of mass: the share of each of its parts times the range of densities over
    which it stays, summed. Density rises as one over the radius squared, from 0 to its value at the resolution. A part
    leaves where the tree cuts off less than `share_min`, and all do where it falls into two or more parts of at least
    that much. Joints of equal radius are one.

    Args:
        tree: of the jet. share_min: that a cluster holds. resolution: smallest radius that counts.
    """
    return _best(tree, len(tree.shares) - 1, np.inf, share_min, resolution)[1]


def _best(tree: Tree, node: int, birth: float, share_min: float, resolution: float) -> tuple[float, list[Cluster]]:
    """Most stability of what is under a node that was cut off at this radius, and the clusters that have it."""
    born, own, at = _density(birth, resolution), 0.0, node
    inner: list[tuple[float, list[Cluster]]] = []
    while at >= tree.leaves:
        radius, pieces = tree.parts(at)
        stays = _density(radius, resolution) - born
        large = [piece for piece in pieces if tree.shares[piece] >= share_min]
        if len(large) != 1:
            own += tree.shares[at] * stays
            inner = [_best(tree, piece, radius, share_min, resolution) for piece in large]
            break
        own += (tree.shares[at] - tree.shares[large[0]]) * stays
        at = large[0]
    else:
        own += tree.shares[at] * (_density(0.0, resolution) - born)
    of_parts = sum(stability for stability, _ in inner)
    if own >= of_parts:
        return own, [Cluster(node, birth)]
    return of_parts, [cluster for _, clusters in inner for cluster in clusters]


def _density(radius: float, resolution: float) -> float:
    return float(max(radius, resolution) ** -2)


def _labels_of_one(shares: Floats, apart: Floats, cores: Floats, settings: SubjetSettings) -> Ints:
    """`(grains,)` for one jet."""
    branches = np.flatnonzero(shares >= min(settings.branch_share_min, shares.max()))
    place = np.ix_(branches, branches)
    radii = linking_radii(apart[place], cores[branches])
    tree = Tree(_joints(radii), shares[branches])
    clusters = selected(tree, settings.pt_share_min, settings.resolution)
    of_branch = np.full(len(branches), -1, np.int64)
    reach = np.empty(len(clusters) + 1)
    reach[-1] = 0.0  # of what belongs to none
    for number, (node, radius) in enumerate(clusters):
        of_branch[tree.leaves_of(node)] = number
        reach[number] = radius
    nearest = np.argmin(apart[:, branches], axis=1)
    labels = of_branch[nearest]
    near = np.maximum(cores, 0.5 * apart[np.arange(len(shares)), branches[nearest]]) < reach[labels]
    labels = np.where(near, labels, -1)
    labels[branches] = of_branch
    return labels


def _joints(radii: Floats) -> Floats:
    size = len(radii)
    if size == 1:
        return np.empty((0, 4))
    return np.asarray(hierarchy.linkage(radii[np.triu_indices(size, 1)], "single"))


def _geometry(grains: Direction, counts: Ints, share: float) -> tuple[Floats, Floats, Floats]:
    """Shares `(jets, grains)`, distances `(jets, grains, grains)` and core distances `(jets, grains)`, padded."""
    (pt, mask), (rapidity, _), (phi, _) = (pad(values, counts) for values in grains)
    shares = pt / pt.sum(axis=1, keepdims=True)
    apart = distance(rapidity[:, :, np.newaxis], phi[:, :, np.newaxis], rapidity[:, np.newaxis], phi[:, np.newaxis])
    apart = np.where(mask[:, np.newaxis], apart, FAR)
    return shares, apart, core_distances(shares, apart, share)
