"""Minkowski functionals of a jet's constituents on the pixels of a calorimeter. Units: GeV, radians.

The hit pixels, and those whose centre lies within the radius of the centre of a hit one, form an image. As pixels
become small its area and Euler number tend to those of the union of discs (`minkowski_discs`), but its boundary runs
along the grid and **its length does not**: that of a disc tends to 8 r, which is 4 / pi times the length of the circle.

Euler number by counting pixels N, pairs of neighbours P in a row or column and full squares S of four pixels:
`N - P + S` where only neighbours in a row or column are joined (4-connectivity); pixels that meet at a corner only are
joined too (8-connectivity) by taking off one for each square with two pixels on a diagonal and no others (Gray, IEEE
Trans. Comput. C-20 (1971) 551, the bit quads; Lim, Nojiri, arXiv:2010.13469). Length = `(4 N - 2 P)` sides of a pixel.

Axes: `(jets, constituents)`, padding has pT 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.jet_blocks import Indices, blocks_of_like_size, unwrapped
from mscat_tf.physics.minkowski_discs import TOUCHING, Functionals

PIXELS_AT_ONCE = 200_000
"""Pixels of the images held in memory at once."""


def pixel_functionals(
    pt: Floats,
    eta: Floats,
    phi: Floats,
    pixel: float,
    radii: Sequence[float],
    thresholds: Sequence[float],
    diagonal: bool = False,
) -> Functionals:
    """Minkowski functionals of the pixels within each radius of a constituent above each threshold.

    Args:
        pt, eta, phi: `(jets, constituents)` [GeV, 1, rad], directions relative to the jet's axis: sides of pixels lie
            at eta = 0 and phi = 0. Where pt is 0 the others may be anything.
        pixel: side of a pixel [rad], the granularity of the calorimeter.
        radii: not below 0 [rad]; 0 takes the hit pixels only.
        thresholds: a constituent counts if its pt is greater than this [GeV]; the energies of a pixel are not summed.
        diagonal: pixels that meet at a corner only are joined.

    Returns:
        All 0 where no constituent is above the threshold.
    """
    stamps = [_disc(radius * (1.0 + TOUCHING) / pixel) for radius in radii]
    margin = 1 + max((int(np.abs(stamp).max()) for stamp in stamps), default=0)
    column, row, size = _places(pt, eta, phi, pixel, margin)
    found = np.zeros((3, len(pt), len(thresholds), len(radii)))
    for chosen, side in blocks_of_like_size(size, PIXELS_AT_ONCE):
        hit = column[chosen] * side + row[chosen] + side**2 * np.arange(len(chosen))[:, np.newaxis]
        for at, threshold in enumerate(thresholds):
            counted = hit[pt[chosen] > threshold]
            for number, stamp in enumerate(stamps):
                image = np.zeros(len(chosen) * side**2, np.bool_)
                image[counted[:, np.newaxis] + stamp @ (side, 1)] = True
                found[:, chosen, at, number] = _functionals(image.reshape(-1, side, side), pixel, diagonal)
    return Functionals(*found)


def _disc(radius: float) -> Indices:
    """`(pixels, 2)` places relative to a pixel whose centres lie within the radius [pixels] of its own."""
    reach = np.arange(-int(radius), int(radius) + 1)
    return np.argwhere(reach[:, np.newaxis] ** 2 + reach**2 <= radius**2) - int(radius)


def _places(pt: Floats, eta: Floats, phi: Floats, pixel: float, margin: int) -> tuple[Indices, Indices, Indices]:
    """Column and row `(jets, constituents)` in a square image of each jet, its side `(jets,)` (0 for an empty jet)."""
    if not pt.size:
        return np.zeros(pt.shape, np.intp), np.zeros(pt.shape, np.intp), np.zeros(len(pt), np.intp)
    places = [np.floor(values / pixel).astype(np.intp) for values in unwrapped(pt, eta, phi)]
    column, row = (place - place.min(axis=-1, keepdims=True) + margin for place in places)
    side = np.maximum(column.max(axis=-1), row.max(axis=-1)) + margin + 1
    return column, row, np.where((pt > 0.0).any(axis=-1), side, 0)


def _functionals(image: NDArray[np.bool_], pixel: float, diagonal: bool) -> Floats:
    """`(3, jets)` area, length and Euler number of images `(jets, side, side)` whose rims are empty."""
    across, down = image[:, 1:] & image[:, :-1], image[:, :, 1:] & image[:, :, :-1]
    pixels, pairs = _count(image), _count(across) + _count(down)
    euler = pixels - pairs + _count(across[:, :, 1:] & across[:, :, :-1])
    if diagonal:
        one, two, three, four = (image[:, a : a - 1 or None, b : b - 1 or None] for a in (0, 1) for b in (0, 1))
        euler -= _count((one & four & ~two & ~three) | (two & three & ~one & ~four))
    return np.stack([pixels * pixel**2, (4 * pixels - 2 * pairs) * pixel, euler]).astype(np.float64)


def _count(image: NDArray[np.bool_]) -> Indices:
    """True ones of each jet."""
    return np.asarray(image.sum(axis=(1, 2)), np.intp)
