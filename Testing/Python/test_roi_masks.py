"""Regions given as markups ROI nodes and threshold ranges: which voxels they select."""

import itertools

import numpy as np
import pytest
from scipy.spatial import Delaunay

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")


from SpatialDeconvLib import InputError, ParametricKernel  # noqa: E402
from SpatialDeconvLib.mrml import files, nodes, scene, selections  # noqa: E402

SHAPE = (7, 9, 11)


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def rigidMatrix(seed, origin):
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.sign(np.linalg.det(axes))
    matrix[:3, 3] = origin
    return matrix


def makeVolume(array, spacing=(0.5, 0.7, 2.0), seed=3, origin=(-50, 33.3, 77.7)):
    className = "vtkMRMLVectorVolumeNode" if array.ndim == 4 else "vtkMRMLScalarVolumeNode"
    node = files.ensureScene().AddNewNodeByClass(className, "Input")
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(rigidMatrix(seed, origin) @ np.diag([*spacing, 1])))
    return node


def makeRoi(centre, size, seed=None):
    """A ROI of `size` mm around `centre`, turned at random when a seed is given."""
    node = files.ensureScene().AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    node.SetSize(*size)
    node.SetCenter(*centre)
    if seed is not None:
        node.SetAndObserveObjectToNodeMatrix(scene.vtkFromMatrix(rigidMatrix(seed, centre)))
    return node


def makeTransform(matrix):
    node = files.ensureScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", "Bed")
    node.SetMatrixTransformToParent(scene.vtkFromMatrix(matrix))
    return node


def middleOf(volume):
    i, j, k = volume.GetImageData().GetDimensions()
    return (scene.ijkToRas(volume) @ [(i - 1) / 2, (j - 1) / 2, (k - 1) / 2, 1])[:3]


def askedOneByOne(roi, volume):
    """Slicer's own answer: each voxel centre, taken to the world, put to the ROI node."""
    mask = np.zeros(SHAPE, bool)
    matrix, parent = scene.ijkToRas(volume), volume.GetParentTransformNode()
    for k, j, i in itertools.product(*map(range, SHAPE)):
        point = (matrix @ [i, j, k, 1])[:3]
        if parent is not None:
            world = [0.0, 0.0, 0.0]
            volume.TransformPointToWorld(list(point), world)
            point = world
        mask[k, j, i] = roi.IsPointInROIWorld(list(point))
    return mask


def blank(dtype=np.float32):
    return np.zeros(SHAPE, dtype)


@pytest.mark.parametrize("seed", [None, 11, 12])
@pytest.mark.parametrize("insideOut", [False, True])
def test_aRoiSelectsTheVoxelsThatSlicerFindsInIt(seed, insideOut):
    volume = makeVolume(blank())
    roi = makeRoi(middleOf(volume) + np.array([0.31, -0.22, 0.13]), (3.1, 2.7, 5.3), seed)
    roi.SetInsideOut(insideOut)
    mask = selections.maskArray(roi, volume)
    assert mask.dtype == bool
    assert 20 < mask.sum() < mask.size - 20
    np.testing.assert_array_equal(mask, askedOneByOne(roi, volume))


def underTransforms(roiMatrix):
    """A volume and a turned ROI in its middle, each under a transform of its own."""
    volume = makeVolume(blank())
    volume.SetAndObserveTransformNodeID(makeTransform(rigidMatrix(4, (1, 2, 3))).GetID())
    world = [0.0, 0.0, 0.0]
    volume.TransformPointToWorld(list(middleOf(volume)), world)
    roi = makeRoi((np.linalg.inv(roiMatrix) @ [*world, 1])[:3], (2.5, 3.3, 4.1), seed=9)
    roi.SetAndObserveTransformNodeID(makeTransform(roiMatrix).GetID())
    return volume, roi


def test_parentTransformsOfTheRoiAndTheVolumeCount():
    volume, roi = underTransforms(rigidMatrix(5, (10, 20, -5)))
    mask = selections.maskArray(roi, volume)
    assert 20 < mask.sum() < mask.size - 20
    np.testing.assert_array_equal(mask, askedOneByOne(roi, volume))


def test_aStretchedRoiSelectsTheBoxThatIsDrawn():
    volume, roi = underTransforms(rigidMatrix(5, (10, 20, -5)) @ np.diag([1.5, 0.8, 1.1, 1]))
    drawn = roi.CreateROIBoxPolyDataWorld()
    corners = np.array([drawn.GetPoint(n) for n in range(drawn.GetNumberOfPoints())])
    expected = blank(bool)
    hull = Delaunay(corners)
    matrix = scene.ijkToRas(volume)
    for k, j, i in itertools.product(*map(range, SHAPE)):
        world = [0.0, 0.0, 0.0]
        volume.TransformPointToWorld(list((matrix @ [i, j, k, 1])[:3]), world)
        expected[k, j, i] = hull.find_simplex(world) >= 0
    assert 20 < expected.sum() < expected.size - 20
    np.testing.assert_array_equal(selections.maskArray(roi, volume), expected)


def makeWarp():
    """A B-spline transform that moves a little."""
    node = files.ensureScene().AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    spline = slicer.vtkOrientedBSplineTransform()
    image = scene.imageDataFromArray(np.random.default_rng(0).normal(0, 1, (6, 6, 6, 3)))
    image.SetSpacing(40, 40, 40)
    image.SetOrigin(-150, -70, -20)
    spline.SetCoefficientData(image)
    node.SetAndObserveTransformFromParent(spline)
    return node


def test_aVolumeUnderAWarpTakesARoiOnlyUnderTheSameWarp():
    volume, warp = makeVolume(blank()), makeWarp()
    roi = makeRoi(middleOf(volume), (2, 3, 4), seed=7)
    expected = selections.maskArray(roi, volume)
    volume.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(InputError, match=r"non-linear transform 'Warp'; harden"):
        selections.maskArray(roi, volume)
    roi.SetAndObserveTransformNodeID(warp.GetID())
    roi.SetAndObserveObjectToNodeMatrix(scene.vtkFromMatrix(rigidMatrix(7, middleOf(volume))))
    np.testing.assert_array_equal(selections.maskArray(roi, volume), expected)


def test_facesOfTheBoxBelongToIt():
    volume = makeVolume(blank(), spacing=(1, 1, 1), seed=3, origin=(0, 0, 0))
    volume.SetIJKToRASMatrix(scene.vtkFromMatrix(np.eye(4)))
    mask = selections.maskArray(makeRoi((3, 4, 3), (2, 4, 2)), volume)
    expected = blank(bool)
    expected[2:5, 2:7, 2:5] = True
    np.testing.assert_array_equal(mask, expected)


def test_aBoxThroughASingleSliceSelectsInTheSlice():
    volume = makeVolume(np.zeros((1, 9, 11), np.float32))
    mask = selections.maskArray(makeRoi(middleOf(volume), (2.6, 2.6, 2.6), seed=2), volume)
    assert 0 < mask.sum() < mask.size


@pytest.mark.parametrize(
    ("size", "away", "text"),
    [((0, 0, 0), 0, "'Box' has no box yet .* place the ROI"), ((3, 3, 3), 500, "check the size of the ROI 'Box'")],
)
def test_aBoxThatSelectsNothingIsRefused(size, away, text):
    volume = makeVolume(blank())
    with pytest.raises(InputError, match=text):
        selections.maskArray(makeRoi(middleOf(volume) + away, size), volume)


def test_everythingOutsideAnEmptyCornerIsSelectedInsideOut():
    volume = makeVolume(blank())
    roi = makeRoi(middleOf(volume) + 500, (3, 3, 3))
    roi.SetInsideOut(True)
    assert selections.maskArray(roi, volume).all()


def test_deconvolvingInARoiLeavesTheRestAsItWas():
    array = np.random.default_rng(0).normal(100, 20, SHAPE).astype(np.float32)
    volume = makeVolume(array)
    roi = makeRoi(middleOf(volume), (2.5, 2.5, 6), seed=6)
    output, _ = nodes.deconvolveVolume(
        volume, ParametricKernel("gaussian", sigma_mm=0.8), mask=roi, method="tikhonov", noise=1.0
    )
    changed = scene.volumeArray(output) != array
    np.testing.assert_array_equal(changed, askedOneByOne(roi, volume))


# -- thresholds


def naiveRange(array, lower, upper):
    mask = np.zeros(array.shape[:3], bool)
    for index in np.ndindex(*array.shape[:3]):
        value = float(np.mean(array[index]))
        mask[index] = (lower is None or value >= lower) and (upper is None or value <= upper)
    return mask


@pytest.mark.parametrize(("lower", "upper"), [(20, 60), (None, 31), (47, None)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_aThresholdSelectsTheRangeOfTheInput(lower, upper, dtype):
    array = np.random.default_rng(1).integers(0, 100, SHAPE).astype(dtype)
    mask = selections.maskArray(selections.ThresholdRange(lower, upper), makeVolume(array))
    np.testing.assert_array_equal(mask, naiveRange(array, lower, upper))


def test_nanIsNeverSelected():
    array = np.random.default_rng(1).normal(size=SHAPE)
    array[2, 3, 4] = np.nan
    assert not selections.maskArray(selections.ThresholdRange(-100, 100), makeVolume(array))[2, 3, 4]


def test_theMeanOfTheChannelsCounts():
    array = np.random.default_rng(1).integers(0, 100, (*SHAPE, 3)).astype(np.uint8)
    mask = selections.maskArray(selections.ThresholdRange(40, 60), makeVolume(array))
    np.testing.assert_array_equal(mask, naiveRange(array, 40, 60))


def test_theOpacityOfAColourImageDoesNotCount():
    array = np.random.default_rng(1).integers(0, 100, (*SHAPE, 4)).astype(np.uint8)
    volume = makeVolume(array)
    volume.SetVoxelVectorType(volume.VoxelVectorTypeColorRGBA)
    mask = selections.maskArray(selections.ThresholdRange(40, 60), volume)
    np.testing.assert_array_equal(mask, naiveRange(array[..., :3], 40, 60))


def test_aThresholdMayLookAtAnotherVolume():
    other = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    guide = makeVolume(other)
    mask = selections.maskArray(selections.ThresholdRange(0.0, None, guide), makeVolume(blank()))
    np.testing.assert_array_equal(mask, other >= 0)
    elsewhere = makeVolume(blank(), origin=(0, 0, 0))
    with pytest.raises(InputError, match="another geometry"):
        selections.maskArray(selections.ThresholdRange(0.0, None, guide), elsewhere)


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (selections.ThresholdRange(), "lower or an upper bound"),
        (selections.ThresholdRange(5, 3), "swap them"),
        (selections.ThresholdRange(1000, None), "check the range of the threshold"),
    ],
)
def test_aUselessRangeIsRefused(selection, text):
    with pytest.raises(InputError, match=text):
        selections.maskArray(selection, makeVolume(blank()))


def test_labelsFromARoiAreOneInside():
    volume = makeVolume(blank())
    roi = makeRoi(middleOf(volume), (3, 3, 3))
    labels, names = selections.labelArray(roi, volume)
    assert names == {}
    np.testing.assert_array_equal(labels, selections.maskArray(roi, volume).astype(np.uint8))
