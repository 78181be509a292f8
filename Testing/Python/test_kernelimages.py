"""Pictures of kernels: what they show, at which scale, in which colours."""

import struct

import numpy as np
import pytest
import SimpleITK as sitk

from SpatialDeconvLib import InputError, Kernel, ParametricKernel
from SpatialDeconvLib.panel.kernelpictures import kernelPicture, threeViews, thumbnails
from SpatialDeconvLib.report.pixels import diverging_pixels, sequential_pixels


def gaussian(sigma):
    return ParametricKernel("gaussian", sigma_mm=sigma)


def brightness(picture):
    return picture.pixels.astype(float).sum(axis=-1)


def halfWidth(picture):
    """Full width at half of the largest projected value, in pixels, from the middle row of colours."""
    row = brightness(picture)[len(picture.pixels) // 2]
    # The colours' lightness rises with the value: find where the colour of half the maximum is passed.
    half = sequential_pixels(np.array([0.5]), 1.0).astype(float).sum()
    return int(np.count_nonzero(row > half))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_widthsAreToScale(sigma):
    picture = kernelPicture(gaussian(sigma), 200, extent=12.0, bar=False)
    assert halfWidth(picture) == pytest.approx(2.355 * sigma / 12 * 200, rel=0.12)
    assert picture.scale == "linear"


def test_aCrossPointsAtTheCentreAndLeavesItFree():
    kernel = Kernel(np.ones((5, 5)))
    plain, crossed = (kernelPicture(kernel, 96, bar=False, cross=cross).pixels for cross in (False, True))
    changed = np.argwhere((plain != crossed).any(axis=-1))
    np.testing.assert_allclose(changed.mean(axis=0), 47.5, atol=0.51)
    assert not (plain != crossed)[46:50, 46:50].any()
    assert len(changed) == 4 * 4 * 2


def test_theCentreIsInTheMiddleForEvenSizesToo():
    for shape in ((5, 5), (6, 4), (3, 6, 4)):
        values = np.zeros(shape)
        values[tuple(n // 2 for n in shape)] = 1
        bright = np.argwhere(brightness(kernelPicture(Kernel(values), 90, extent=5.0, bar=False)) > 300)
        np.testing.assert_allclose(bright.mean(axis=0), 44.5)
    bright = np.argwhere(brightness(kernelPicture(Kernel(np.ones((2, 4))), 90, extent=5.0, bar=False)) > 300)
    np.testing.assert_allclose(bright.mean(axis=0), 44.5)


def test_aPixelIsAsLargeOnBothAxes():
    values = np.ones((5, 5))
    picture = kernelPicture(Kernel(values, (3.0, 1.0)), 150, extent=15.0, bar=False)
    bright = brightness(picture) > 300
    assert bright.any(axis=1).sum() == 150  # 15 mm
    assert bright.any(axis=0).sum() == 50  # 5 mm


def test_theExtentHoldsNearlyAllOfTheWeight():
    j, i = np.indices((61, 61)) - 30
    kernel = Kernel(np.exp(-(j**2 + i**2) / 8.0))
    assert 13 < kernelPicture(kernel, 64).extent < 18  # sigma 2: 3.3 sigma on either side, and a rim
    assert kernelPicture(Kernel(np.ones((7, 7))), 64).extent == pytest.approx(1.15 * 7)


def test_a3dKernelIsSeenAlongItsShortestAxis():
    motion = ParametricKernel("motion", length_mm=8, direction=(1, 1, 0))  # z and y
    assert kernelPicture(motion, 64, spacing=(1, 1, 1)).axis == "x"
    assert kernelPicture(gaussian((0.5, 1, 1)), 64, spacing=(1, 1, 1)).axis == "z"
    assert kernelPicture(gaussian(1.0), 64, spacing=(1, 1, 1)).axis == "z"
    assert kernelPicture(Kernel(np.ones((3, 3))), 64).axis == ""


def test_threeViewsShareTheirScale():
    views = threeViews(gaussian((2.0, 1.0, 0.5)), 90, spacing=(1, 1, 1))
    assert [view.axis for view in views] == ["z", "y", "x"]
    assert len({view.extent for view in views}) == 1
    tall = brightness(views[1]) > 300  # z down, x across
    assert tall.any(axis=1).sum() > 1.8 * tall.any(axis=0).sum()
    assert len(threeViews(Kernel(np.ones((1, 3, 3))), 96)) == 1


def test_signedKernelsDivergeAroundWhite():
    picture = kernelPicture(ParametricKernel("laplacian"), 90, spacing=(1, 1), extent=5.0, bar=False)
    assert picture.scale == "signed"
    np.testing.assert_array_equal(picture.pixels[2, 2], diverging_pixels(np.zeros(1), 1.0)[0])  # outside
    middle, arm = picture.pixels[45, 45].astype(int), picture.pixels[45, 63].astype(int)
    blue, red = (middle, arm) if middle[2] > middle[0] else (arm, middle)
    assert blue[2] > blue[0] + 50
    assert red[0] > red[2] + 50


def test_faintTailsGetALogarithmicScale():
    j, i = np.indices((101, 101)) - 50
    tails = 1 / (1 + (j**2 + i**2)) ** 1.2
    kernel = Kernel(tails / tails.sum())
    picture = kernelPicture(kernel, 101, extent=101.0, bar=False)
    assert picture.scale == "logarithmic"
    assert brightness(picture)[50, 90] > brightness(kernelPicture(kernel, 101, scale="linear", bar=False))[50, 90]
    row = brightness(picture)[50, 50:]
    assert np.all(np.diff(row) <= 0)
    assert "logarithmic" in picture.text()


def test_kernelsWithMoreVoxelsThanPixelsAreAveraged():
    values = np.indices((251, 251)).sum(axis=0) % 2  # a chessboard
    picture = kernelPicture(Kernel(values.astype(float)), 40, extent=251.0, bar=False)
    inner = brightness(picture)[2:-2, 2:-2]
    assert np.ptp(inner) < 0.3 * inner.mean()


def test_thumbnailsShareTheirScaleUnlessTheyDifferTooMuch():
    alike = thumbnails([gaussian(1.0), gaussian(2.0)], 40, spacing=(1, 1, 1))
    assert alike[0].extent == alike[1].extent
    assert alike[0].pixels.shape == (40, 40, 3)
    apart = thumbnails([gaussian(0.4), gaussian(20.0)], 40, spacing=(1, 1))
    assert apart[0].extent < apart[1].extent / 2
    assert thumbnails([]) == []


def test_parametricKernelsWithoutASpacingLookSmooth():
    for sigma in (0.01, 1.0, 300.0):
        picture = kernelPicture(gaussian(sigma), 64, bar=False)
        assert picture.extent == pytest.approx(1.15 * 6.6 * sigma, rel=0.2)
        assert len(np.unique(brightness(picture))) > 20


def test_theBarSaysHowLongItIs():
    picture = kernelPicture(gaussian(1.0), 160, extent=13.0)
    assert picture.bar == 5.0
    plain = kernelPicture(gaussian(1.0), 160, extent=13.0, bar=False)
    changed = (picture.pixels != plain.pixels).any(axis=-1)
    assert np.nonzero(changed)[0].min() > 110
    white = np.nonzero((picture.pixels[-6] == 255).all(axis=-1))[0]
    assert len(white) == white[-1] - white[0] + 1 == pytest.approx(5 / 13 * 160, abs=1)
    assert kernelPicture(gaussian(1.0), 40).bar == 0.0
    assert kernelPicture(gaussian(1e-5), 160).bar > 0


def test_pngIsReadBackAsItIs(tmp_path):
    picture = kernelPicture(gaussian(1.0), 50)
    data = picture.png()
    assert struct.unpack(">II", data[16:24]) == (50, 50)
    path = tmp_path / "kernel.png"
    path.write_bytes(data)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), picture.pixels)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"size": 3}, "8 to 4096"), ({"scale": "loud"}, "unknown"), ({"extent": -1.0}, "positive width")],
)
def test_badArgumentsAreRefused(options, text):
    with pytest.raises(InputError, match=text):
        kernelPicture(gaussian(1.0), **options)
    with pytest.raises(InputError, match="is no kernel"):
        kernelPicture(np.ones((3, 3)))
