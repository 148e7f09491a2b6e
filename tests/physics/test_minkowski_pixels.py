"""Pixels: pieces and holes as scipy labels them, and what the discs are the limit of."""

import numpy as np
import pytest
from scipy import ndimage

from mscat_tf.physics import minkowski_pixels
from mscat_tf.physics.minkowski_discs import disc_functionals
from mscat_tf.physics.minkowski_pixels import pixel_functionals
from tests.physics.points_of_jets import one_jet

CROSS, SQUARE = ndimage.generate_binary_structure(2, 1), ndimage.generate_binary_structure(2, 2)


def sides(image):
    """Sides of pixels between what is in the image and what is not."""
    return sum(np.count_nonzero(np.diff(np.pad(image, 1).astype(int), axis=axis)) for axis in (0, 1))


@pytest.mark.parametrize("together", [1, 100_000])
@pytest.mark.parametrize("diagonal", [False, True])
def test_random_images_are_as_scipy_labels_them(diagonal, together, monkeypatch):
    monkeypatch.setattr(minkowski_pixels, "PIXELS_AT_ONCE", together)
    rng = np.random.default_rng(4)
    images = rng.random((12, 9, 9)) < np.linspace(0.1, 0.9, 12)[:, np.newaxis, np.newaxis]
    images[3] = False
    pt = images.reshape(12, -1) * 2.0
    eta, phi = (np.tile(0.1 * (place.ravel() - 4) + 0.05, (12, 1)) for place in np.indices((9, 9)))
    found = pixel_functionals(pt, eta, phi, 0.1, [0.0], [1.0], diagonal)
    joined, behind = (SQUARE, CROSS) if diagonal else (CROSS, SQUARE)
    for jet, image in enumerate(images):
        pieces = ndimage.label(image, joined)[1]
        holes = ndimage.label(np.pad(~image, 1, constant_values=True), behind)[1] - 1
        expected = (0.01 * image.sum(), 0.1 * sides(image), pieces - holes)
        assert tuple(values[jet, 0, 0] for values in found) == pytest.approx(expected)


def test_small_pixels_tend_to_discs_but_their_length_does_not():
    """The length of a disc tends to 8 r: 4 / pi times that of its circle."""
    one = one_jet([(0.013, -0.021)], width=3)
    for pixel, allowed in ((0.02, 0.12), (0.002, 0.012)):
        found = pixel_functionals(*one, pixel, [0.3], [0.0])
        assert found.area.item() == pytest.approx(np.pi * 0.09, rel=allowed / 4.0)
        assert found.length.item() / (0.6 * np.pi) == pytest.approx(4.0 / np.pi, rel=allowed)
        assert found.euler.item() == 1.0


@pytest.mark.parametrize("diagonal", [False, True])
def test_area_and_euler_number_of_many_discs_are_the_limit(diagonal):
    """Twenty constituents at three radii: pieces, holes, one piece."""
    rng = np.random.default_rng(8)
    arrays = one_jet(rng.normal(0.0, 0.4, (20, 2)))
    radii = [0.05, 0.15, 0.4]
    exact, coarse, fine = (
        disc_functionals(*arrays, radii, [0.0]),
        *(pixel_functionals(*arrays, pixel, radii, [0.0], diagonal) for pixel in (0.1, 0.002)),
    )
    assert fine.euler.tolist() == exact.euler.tolist()
    np.testing.assert_allclose(fine.area, exact.area, rtol=5e-3)
    assert (np.abs(fine.area - exact.area) < np.abs(coarse.area - exact.area)).all()
    assert (fine.length > 1.15 * exact.length).all()


def test_the_dilation_and_the_threshold():
    """Pixels of 0.1: a radius of 0.1 takes the four neighbours, 0.15 the diagonal ones too, 0.3 has 29 pixels."""
    arrays = one_jet([(0.04, 0.06), (0.31, 3.1), (0.02, 0.08)], [3.0, 1.0, 2.0])
    found = pixel_functionals(*arrays, 0.1, [0.0, 0.1, 0.15, 0.3], [0.0, 1.0, 5.0])
    np.testing.assert_allclose(found.area[0] / 0.01, [[2, 10, 18, 58], [1, 5, 9, 29], [0, 0, 0, 0]], atol=1e-9)
    np.testing.assert_allclose(found.length[0, 1] / 0.1, [4, 12, 12, 28], atol=1e-9)
    assert found.euler[0, 0].tolist() == [2.0, 2.0, 2.0, 2.0]


def test_an_image_may_pass_the_end_of_the_azimuth():
    arrays = one_jet([(0.05, 3.12), (0.05, -3.07)], [3.0, 1.0])  # neighbours
    found = pixel_functionals(*arrays, 0.1, [0.1], [0.0])
    assert (found.area.item(), found.euler.item()) == pytest.approx((0.08, 1.0))


def test_empty_jets_and_no_places():
    nothing = np.zeros((2, 3))
    assert all(not values.any() for values in pixel_functionals(nothing, nothing, nothing, 0.1, [0.1], [0.0]))
    assert pixel_functionals(*np.zeros((3, 2, 0)), 0.1, [0.1], [0.0]).area.shape == (2, 1, 1)
