"""Slice views that are put back as they were, and the difference of two volumes."""

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib import InputError  # noqa: E402
from SpatialDeconvLib.mrml import files, previewing, scene  # noqa: E402
from SpatialDeconvLib.panel import comparing, sliceviews  # noqa: E402


@pytest.fixture
def mrmlScene():
    every = files.ensureScene()
    every.Clear(1)
    return every


def makeVolume(array, name="Input", spacing=(1.0, 1.0, 2.0)):
    className = "vtkMRMLVectorVolumeNode" if array.ndim == 4 else "vtkMRMLScalarVolumeNode"
    node = files.ensureScene().AddNewNodeByClass(className, name)
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    node.SetSpacing(*spacing)
    return node


def makeView(name, volume=None):
    every = files.ensureScene()
    slice_ = slicer.vtkMRMLSliceNode()
    slice_.SetLayoutName(name)
    slice_.SetSingletonTag(name)
    slice_.SetName(name)
    every.AddNode(slice_)
    composite = slicer.vtkMRMLSliceCompositeNode()
    composite.SetLayoutName(name)
    composite.SetSingletonTag(name)
    composite.SetBackgroundVolumeID(volume.GetID() if volume else None)
    return slice_, every.AddNode(composite)


def seen(composite):
    return (
        composite.GetBackgroundVolumeID(),
        composite.GetForegroundVolumeID(),
        round(composite.GetForegroundOpacity(), 3),
        composite.GetLinkedControl(),
    )


@pytest.fixture
def views(mrmlScene):
    volumes = [makeVolume(np.zeros((2, 3, 4), np.uint8), name) for name in ("a", "b", "c")]
    composites = [makeView(name, volumes[0])[1] for name in ("Red", "Yellow")]
    composites[1].SetForegroundVolumeID(volumes[1].GetID())
    composites[1].SetForegroundOpacity(0.3)
    return mrmlScene, volumes, composites


def test_layersAreShownInEveryViewAndPutBack(views):
    mrmlScene, (a, b, c), composites = views
    before = [seen(composite) for composite in composites]
    keeper = sliceviews.LayerKeeper(mrmlScene)
    keeper.put(Background=b, Foreground=c, ForegroundOpacity=0.7)
    keeper.put(ForegroundOpacity=1.0)
    assert {seen(composite) for composite in composites} == {(b.GetID(), c.GetID(), 1.0, 0)}
    assert keeper.active
    keeper.restore()
    assert [seen(composite) for composite in composites] == before
    assert not keeper.active
    keeper.restore()
    assert [seen(composite) for composite in composites] == before
    assert a.GetID() == before[0][0]


def test_aViewOfItsOwn(views):
    mrmlScene, (a, b, _c), (red, yellow) = views
    keeper = sliceviews.LayerKeeper(mrmlScene)
    keeper.put([yellow], Background=b, Foreground=None, LinkedControl=1)
    assert seen(red)[0] == a.GetID()
    assert seen(yellow) == (b.GetID(), None, 0.3, 1)
    keeper.restore()
    assert seen(yellow) == (a.GetID(), b.GetID(), 0.3, 0)


def test_whatTheUserHasChosenMeanwhileStays(views):
    mrmlScene, (a, b, c), (red, yellow) = views
    keeper = sliceviews.LayerKeeper(mrmlScene)
    keeper.put(Background=b, Foreground=c, ForegroundOpacity=1.0)
    red.SetBackgroundVolumeID(c.GetID())
    yellow.SetForegroundVolumeID(a.GetID())
    yellow.SetForegroundOpacity(0.6)
    red.SetForegroundOpacity(0.9)  # of what was put there
    keeper.restore()
    assert seen(red) == (c.GetID(), None, 0.0, 0)
    assert seen(yellow) == (a.GetID(), a.GetID(), 0.6, 0)


def test_volumesThatAreGoneAreNotPutBack(views):
    mrmlScene, (_a, b, c), (_red, yellow) = views
    keeper = sliceviews.LayerKeeper(mrmlScene)
    keeper.put(Foreground=c)
    mrmlScene.RemoveNode(b)
    mrmlScene.RemoveNode(c)
    keeper.restore()
    assert yellow.GetForegroundVolumeID() is None


def test_forgettingPutsNothingBack(views):
    mrmlScene, (_a, b, _c), (red, _yellow) = views
    keeper = sliceviews.LayerKeeper(mrmlScene)
    keeper.put(Background=b)
    keeper.forget()
    keeper.restore()
    assert red.GetBackgroundVolumeID() == b.GetID()


# -- layout and slices


def sliceMatrix(node):
    return scene.matrixFromVtk(node.GetSliceToRAS())


def test_theLayoutIsPutBackUnlessTheUserHasChosenAnother(mrmlScene):
    layout = mrmlScene.AddNode(slicer.vtkMRMLLayoutNode())
    layout.SetViewArrangement(3)
    keeper = sliceviews.LayoutKeeper(mrmlScene)
    assert keeper.show(sliceviews.SIDE_BY_SIDE)
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    keeper.restore()
    assert layout.GetViewArrangement() == 3
    keeper.show(sliceviews.SIDE_BY_SIDE)
    layout.SetViewArrangement(6)
    keeper.restore()
    assert layout.GetViewArrangement() == 6


def test_withoutALayoutNothingIsShown(mrmlScene):
    keeper = sliceviews.LayoutKeeper(mrmlScene)
    assert not keeper.show(sliceviews.SIDE_BY_SIDE)
    keeper.alignSlices(sliceviews.SIDES)
    keeper.restore()


def test_slicesAreAlignedAndPutBack(mrmlScene):
    (red, _), (yellow, _) = makeView("Red"), makeView("Yellow")
    turned = np.eye(4)
    turned[:3, :3] = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned[:3, 3] = 1, 2, 3
    red.GetSliceToRAS().DeepCopy(scene.vtkFromMatrix(turned))
    red.SetDimensions(200, 100, 1)
    red.SetFieldOfView(50, 25, 1)
    yellow.SetDimensions(100, 100, 1)
    yellow.SetFieldOfView(300, 300, 1)
    before = sliceMatrix(yellow)
    keeper = sliceviews.LayoutKeeper(mrmlScene)
    keeper.alignSlices(("Red", "Yellow"))
    np.testing.assert_allclose(sliceMatrix(yellow), turned)
    np.testing.assert_allclose(yellow.GetFieldOfView(), (25, 25, 1))  # as many mm a pixel as in the other view
    keeper.restore()
    np.testing.assert_allclose(sliceMatrix(yellow), before)
    np.testing.assert_allclose(yellow.GetFieldOfView(), (300, 300, 1))


# -- the difference


def test_theDifferenceIsOutputLessInput(mrmlScene):
    before = makeVolume(np.full((3, 4, 5), 200, np.uint8))
    after = makeVolume(np.full((3, 4, 5), 20, np.uint8), "Output")
    node = comparing.differenceVolume(before, after)
    np.testing.assert_array_equal(scene.volumeArray(node), np.full((3, 4, 5), -180, np.float32))
    assert node.GetName() == "Output difference"
    assert node.GetHideFromEditors()
    assert not node.GetSaveWithScene()
    display = node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (360, 0)
    again = comparing.differenceVolume(after, before, node)
    assert again is node
    assert scene.volumeArray(node).max() == 180


def test_theColoursDivergeAroundZero(mrmlScene):
    volume = makeVolume(np.zeros((3, 4, 5), np.float32))
    colours = comparing.differenceVolume(volume, volume).GetDisplayNode().GetColorNode()
    table = [colours.GetLookupTable().GetTableValue(n)[:3] for n in range(colours.GetNumberOfColors())]
    assert table[0][2] > table[0][0] + 0.2  # blue
    assert table[-1][0] > table[-1][2] + 0.2  # red
    assert min(table[len(table) // 2]) > 0.8


def test_largeNumbersLoseNoDigitsInTheDifference(mrmlScene):
    before = makeVolume(np.full((3, 4, 5), 2.0**30))
    after = makeVolume(np.full((3, 4, 5), 2.0**30 + 1))
    assert scene.volumeArray(comparing.differenceVolume(before, after)).max() == 1


def test_fewOutliersDoNotDimTheRest(mrmlScene):
    array = np.random.default_rng(0).normal(0, 1, (20, 20, 20))
    array[0, 0, 0] = 1000
    node = comparing.differenceVolume(makeVolume(np.zeros((20, 20, 20))), makeVolume(array))
    assert 4 < node.GetDisplayNode().GetWindow() < 8


def test_channelsAreAveraged(mrmlScene):
    before = makeVolume(np.zeros((3, 4, 5, 3), np.uint8))
    after = makeVolume(np.stack([np.full((3, 4, 5), v, np.uint8) for v in (30, 60, 90)], axis=-1), "Output")
    np.testing.assert_array_equal(scene.volumeArray(comparing.differenceVolume(before, after)), 60)


def test_anotherGeometryIsRefused(mrmlScene):
    before, after = makeVolume(np.zeros((3, 4, 5))), makeVolume(np.zeros((3, 4, 5)), "Output", (1, 1, 1))
    count = mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match="compare them side by side"):
        comparing.differenceVolume(before, after)
    assert mrmlScene.GetNumberOfNodes() == count


def test_theDifferenceIsRemovedWithItsDisplay(mrmlScene):
    volume = makeVolume(np.zeros((3, 4, 5)))
    node = comparing.differenceVolume(volume, volume)
    count = mrmlScene.GetNumberOfNodesByClass("vtkMRMLDisplayNode")
    previewing.removePreviewNode(node)
    assert mrmlScene.GetNumberOfNodesByClass("vtkMRMLDisplayNode") == count - 1
    assert node.GetScene() is None
