"""Previews of volume nodes: they show what the result will be, where it will be, and leave nothing behind."""

import numpy as np
import pytest
from scipy import ndimage

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib import Cancelled, InputError, KernelField, ParametricKernel  # noqa: E402
from SpatialDeconvLib.mrml import files, nodes, previewing, scene  # noqa: E402
from SpatialDeconvLib.run.pipeline import Result  # noqa: E402

SHAPE = (12, 40, 36)
SPACING = (0.8, 1.0, 2.5)  # i, j, k


def gaussian(sigma):
    return ParametricKernel("gaussian", sigma_mm=sigma)


FIELD = KernelField.by_intensity({40: gaussian(0.7), 100: gaussian(1.4)})


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def obliqueMatrix(seed=3, spacing=SPACING, origin=(-50, 33.3, 77.7)):
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.sign(np.linalg.det(axes)) @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


def makeVolume(array, name="Input"):
    className = "vtkMRMLVectorVolumeNode" if array.ndim == 4 else "vtkMRMLScalarVolumeNode"
    node = files.ensureScene().AddNewNodeByClass(className, name)
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(obliqueMatrix()))
    node.CreateDefaultDisplayNodes()
    return node


def makeTransform():
    node = files.ensureScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", "Bed")
    node.SetMatrixTransformToParent(scene.vtkFromMatrix(obliqueMatrix(8, (1, 1, 1), (5, -6, 7))))
    return node


def image(shape=SHAPE, seed=0):
    random = np.random.default_rng(seed)
    values = ndimage.gaussian_filter(random.normal(size=shape), 2)
    values = 20 + 100 * (values - values.min()) / np.ptp(values)
    values = ndimage.gaussian_filter((values > 70) * 50 + values / 2, 1.0)
    return (values + random.normal(0, 0.3, shape)).astype(np.float32)


def worldOf(volume, index):
    """World position of a voxel (k, j, i)."""
    local = scene.ijkToRas(volume) @ [*reversed(index), 1.0]
    world = [0.0, 0.0, 0.0]
    volume.TransformPointToWorld(list(local[:3]), world)
    return world


def blockOf(preview, volume):
    """Where a preview lies in the volume, from the geometry of the two nodes alone."""
    first = np.linalg.solve(scene.ijkToRas(volume), scene.ijkToRas(preview) @ [0, 0, 0, 1])[2::-1]
    start = np.round(first).astype(int)
    np.testing.assert_allclose(first, start, atol=1e-6)
    shape = scene.volumeArray(preview).shape
    return tuple(slice(a, a + n) for a, n in zip(start, shape[:3], strict=True))


def nodeIds():
    every = files.ensureScene()
    return {every.GetNthNode(n).GetID() for n in range(every.GetNumberOfNodes())}


@pytest.mark.parametrize("index", [(6, 20, 18), (0, 0, 35), (11, 39, 0)])
@pytest.mark.parametrize("method", ["wiener", "landweber", "richardson-lucy"])
def test_aPreviewShowsWhatTheResultWillBe(method, index):
    volume = makeVolume(image())
    volume.SetAndObserveTransformNodeID(makeTransform().GetID())
    result, _ = nodes.deconvolveVolume(volume, FIELD, method=method, engine="fft")
    preview, info = previewing.previewVolume(volume, FIELD, worldOf(volume, index), 16, method=method)
    block = blockOf(preview, volume)
    assert all(s.start <= n < s.stop for s, n in zip(block, index, strict=True))
    shown, expected = scene.volumeArray(preview), scene.volumeArray(result)[block]
    assert np.abs(shown - expected).max() < (0.5 if method == "richardson-lucy" else 0.05)
    assert np.abs(expected - scene.volumeArray(volume)[block]).max() > 3
    assert info.automatic["approximate"] == []
    assert preview.GetTransformNodeID() == volume.GetTransformNodeID()


def test_theBlockIsAboutACubeInMillimetres():
    volume = makeVolume(image())
    preview, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (6, 20, 18)), 10, method="landweber")
    assert scene.volumeArray(preview).shape == (3, 8, 10)  # 7.5 x 8 x 8 mm
    block = blockOf(preview, volume)
    middle = [(s.start + s.stop - 1) / 2 for s in block]
    assert np.abs(np.subtract(middle, (6, 20, 18))).max() <= 0.5


def test_aPositionOutsideTheVolumeShowsTheNearestBlock():
    volume = makeVolume(image())
    assert previewing.blockAround(volume, worldOf(volume, (500, -500, 18)), 10)[:2] == (slice(9, 12), slice(0, 8))


@pytest.mark.parametrize("position", [(0, 0), (0, 0, np.nan), "abc"])
def test_aBadPositionIsRefused(position):
    with pytest.raises((InputError, ValueError)):
        previewing.blockAround(makeVolume(image()), position)


@pytest.mark.parametrize("exclude", [False, True])
def test_convolutionInARegion(exclude):
    volume = makeVolume(image())
    mask = np.zeros(SHAPE, bool)
    mask[4:9, 10:30, 8:28] = True
    result, _ = nodes.convolveVolume(volume, FIELD, mask=mask, exclude=exclude)
    preview, _ = previewing.previewVolume(
        volume, FIELD, worldOf(volume, (6, 12, 12)), 20, mask=mask, exclude=exclude, operation="convolve"
    )
    block = blockOf(preview, volume)
    assert mask[block].any()
    assert not mask[block].all()
    np.testing.assert_allclose(scene.volumeArray(preview), scene.volumeArray(result)[block], atol=2e-4)


def test_guideAndLabelsAreTakenFromTheirNodes():
    volume, guide = makeVolume(image()), makeVolume(image(seed=4), "Guide")
    result, _ = nodes.deconvolveVolume(volume, FIELD, guide=guide, method="tikhonov", regularization=0.01)
    preview, _ = previewing.previewVolume(
        volume, FIELD, worldOf(volume, (6, 20, 18)), 12, guide=guide, method="tikhonov", regularization=0.01
    )
    shown, expected = scene.volumeArray(preview), scene.volumeArray(result)[blockOf(preview, volume)]
    assert np.abs(shown - expected).max() < 0.05
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 20:] = 1
    byRegion = KernelField.by_region(None, {0: gaussian(0.7), 1: gaussian(1.3)})
    result, _ = nodes.deconvolveVolume(volume, byRegion, labels=labels, method="landweber")
    preview, _ = previewing.previewVolume(
        volume, byRegion, worldOf(volume, (6, 20, 18)), 12, labels=labels, method="landweber"
    )
    shown, expected = scene.volumeArray(preview), scene.volumeArray(result)[blockOf(preview, volume)]
    assert np.abs(shown - expected).max() < 0.05


@pytest.mark.parametrize("opacity", [False, True])
def test_vectorVolumesAreShownChannelByChannel(opacity):
    array = np.stack([image(seed=seed) for seed in range(3 + opacity)], axis=-1)
    volume = makeVolume(array)
    if opacity:
        volume.SetVoxelVectorType(volume.VoxelVectorTypeColorRGBA)
    result, _ = nodes.deconvolveVolume(volume, FIELD, method="landweber", engine="fft")
    preview, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (6, 20, 18)), 12, method="landweber")
    assert preview.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert preview.GetVoxelVectorType() == volume.GetVoxelVectorType()
    block = blockOf(preview, volume)
    shown, expected = scene.volumeArray(preview), scene.volumeArray(result)[block]
    assert np.abs(shown - expected).max() < 0.05
    if opacity:
        np.testing.assert_array_equal(shown[..., 3], array[(*block, 3)])


def test_aSingleSlice():
    volume = makeVolume(image()[6:7])
    result, _ = nodes.deconvolveVolume(volume, FIELD, method="wiener", engine="fft")
    preview, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (0, 10, 10)), 16, method="wiener")
    assert scene.volumeArray(preview).shape == (1, 28, 35)  # about as many voxels as in 5 x 13 x 16
    shown, expected = scene.volumeArray(preview), scene.volumeArray(result)[blockOf(preview, volume)]
    assert np.abs(shown - expected).max() < 1e-4 * np.abs(expected).max()


# -- the node


def test_theNodeIsHiddenNotSavedAndShownLikeTheInput():
    volume = makeVolume(image())
    display = volume.GetDisplayNode()
    display.SetAutoWindowLevel(0)
    display.SetWindowLevel(55, 44)
    preview, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (6, 20, 18)), 8, method="landweber")
    assert preview.GetHideFromEditors()
    assert not preview.GetSaveWithScene()
    assert preview.GetName() == "Preview"
    assert previewing.isPreviewNode(preview)
    assert not previewing.isPreviewNode(volume)
    shown = preview.GetDisplayNode()
    assert (shown.GetWindow(), shown.GetLevel()) == (55, 44)
    assert not shown.GetSaveWithScene()


def test_theNodeIsUsedAgainAndRemovedWithoutTrace():
    volume = makeVolume(image())
    before = nodeIds()
    first, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (6, 20, 18)), 8, method="landweber")
    with_ = nodeIds()
    second, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (3, 9, 9)), 12, first, method="landweber")
    assert second is first
    assert nodeIds() == with_
    previewing.removePreviewNode(first)
    assert nodeIds() == before
    third, _ = previewing.previewVolume(volume, FIELD, worldOf(volume, (3, 9, 9)), 12, first, method="landweber")
    assert third is not first
    previewing.removePreviewNode(None)


def test_aScalarPreviewIsNotUsedForAVectorVolume():
    scalar = makeVolume(image())
    first, _ = previewing.previewVolume(scalar, FIELD, worldOf(scalar, (6, 20, 18)), 8, method="landweber")
    vector = makeVolume(np.stack([image()] * 3, axis=-1))
    second, _ = previewing.previewVolume(vector, FIELD, worldOf(vector, (6, 20, 18)), 8, first, method="landweber")
    assert second is not first


def test_refusedAndCancelledPreviewsLeaveTheSceneAsItWas():
    volume = makeVolume(image())
    before = nodeIds()
    position = worldOf(volume, (6, 20, 18))
    with pytest.raises(InputError, match="magic"):
        previewing.previewVolume(volume, FIELD, position, method="magic")
    with pytest.raises(Cancelled):
        previewing.previewVolume(volume, FIELD, position, cancelled=lambda: True)
    with pytest.raises(InputError, match="sharpen"):
        previewing.previewVolume(volume, FIELD, position, operation="sharpen")
    assert nodeIds() == before


# -- drafts and memory


def test_theDraftComesFirstAndTheMemorySparesIt():
    volume, memory, drafts = makeVolume(image((30, 60, 60))), previewing.PreviewMemory(), []

    def showDraft(node, result):
        drafts.append((node, scene.volumeArray(node).copy(), result))

    def preview():
        return previewing.previewVolume(
            volume, FIELD, worldOf(volume, (5, 10, 10)), 8, method="tikhonov", memory=memory, showDraft=showDraft
        )

    node, result = preview()
    assert len(drafts) == 1
    assert drafts[0][0] is node
    assert "a better one follows" in previewing.previewText(drafts[0][2])
    np.testing.assert_array_equal(drafts[0][1], drafts[0][2].image)
    assert previewing.previewText(result) == f"8 × 6 × 3 voxels, {result.seconds:.1f} s."
    _, again = preview()
    assert len(drafts) == 1
    np.testing.assert_array_equal(again.image, result.image)


def test_theMemoryNoticesNewVoxels():
    volume, memory = makeVolume(image()), previewing.PreviewMemory()
    position = worldOf(volume, (6, 20, 18))
    _, first = previewing.previewVolume(volume, FIELD, position, 8, method="wiener", memory=memory)
    scene.volumeArray(volume)[...] += np.random.default_rng(1).normal(0, 5, SHAPE).astype(np.float32)
    volume.GetImageData().GetPointData().GetScalars().Modified()
    _, second = previewing.previewVolume(volume, FIELD, position, 8, method="wiener", memory=memory)
    assert second.noise > 3 * first.noise
    fresh, _ = previewing.previewVolume(volume, FIELD, position, 8, method="wiener")
    np.testing.assert_array_equal(scene.volumeArray(fresh), second.image)
    mask = np.zeros(SHAPE, bool)
    mask[:, :20] = True
    _, third = previewing.previewVolume(volume, FIELD, position, 8, method="wiener", memory=memory, mask=mask)
    assert third.noise != second.noise


def test_wordsForARegionElsewhere():
    volume, mask = makeVolume(image()), np.zeros(SHAPE, bool)
    mask[:2, :5, :5] = True
    _, result = previewing.previewVolume(volume, FIELD, worldOf(volume, (10, 35, 30)), 8, mask=mask)
    text = previewing.previewText(result)
    assert text.endswith("Nothing changes: the region to work in does not reach here.")


def test_wordsForWhatWasChosen():
    chosen = {"strategy": "joint", "method": "tv", "why": "kernels keyed by region", "approximate": ["the step"]}
    text = previewing.previewText(Result(np.zeros((3, 6, 8)), automatic=chosen, seconds=0.5))
    words = "Took joint total variation: kernels keyed by region. Approximate: the step."
    assert text == f"8 × 6 × 3 voxels, 0.5 s. {words}"


# -- the position that slice views show


def makeSliceNode(axis, offset):
    """A slice view perpendicular to a RAS axis."""
    node = slicer.vtkMRMLSliceNode()
    matrix = np.eye(4)
    matrix[:3, :3] = np.roll(np.eye(3), axis + 1, axis=0)
    matrix[axis, 3] = offset
    node.GetSliceToRAS().DeepCopy(scene.vtkFromMatrix(matrix))
    return node


def test_threeViewsCrossInOnePoint():
    views = [makeSliceNode(2, 7.0), makeSliceNode(0, -3.0), makeSliceNode(1, 11.0)]
    assert previewing.positionInSliceViews(views) == pytest.approx((-3, 11, 7))
    turned = scene.matrixFromVtk(views[1].GetSliceToRAS())
    turned[:3, :3] = obliqueMatrix(5, (1, 1, 1))[:3, :3]
    views[1].GetSliceToRAS().DeepCopy(scene.vtkFromMatrix(turned))
    position = np.array(previewing.positionInSliceViews(views))
    for view in views:
        plane = scene.matrixFromVtk(view.GetSliceToRAS())
        assert abs((position - plane[:3, 3]) @ plane[:3, 2]) < 1e-9


def test_aSingleViewShowsItsMiddleAndParallelViewsTheFirstOnes():
    first, second = makeSliceNode(2, 7.0), makeSliceNode(2, 9.0)
    assert previewing.positionInSliceViews([first]) == pytest.approx((0, 0, 7))
    assert previewing.positionInSliceViews([first, second]) == pytest.approx((0, 0, 8))
    assert previewing.positionInSliceViews([]) is None
