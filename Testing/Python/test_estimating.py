"""Kernels from volume nodes: the engine's numbers, nodes as they should be, the scene untouched after failures."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")

from SpatialDeconvLib.mrml import estimating, nodes, scene  # noqa: E402

SPACING = (2.0, 1.0, 1.0)
SHAPE = (14, 30, 28)


@pytest.fixture(autouse=True)
def empty_scene():
    scene.ensureScene().Clear(0)
    yield
    scene.ensureScene().Clear(0)


def volume(array, name, origin=(0.0, 0.0, 0.0), className="vtkMRMLScalarVolumeNode"):
    node = scene.ensureScene().AddNewNodeByClass(className, name)
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    matrix = np.diag([-SPACING[2], -SPACING[1], SPACING[0], 1.0])
    matrix[:3, 3] = origin
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(matrix))
    return node


def truth(shape=SHAPE, seed=0):
    generator = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(generator.normal(size=shape), 1.0)
    return 100.0 * (smooth > 0) + 5 * generator.normal(size=shape)


def pair(kernels=None, shape=SHAPE, **options):
    kernels = sd.ParametricKernel("gaussian", sigma_mm=1.1) if kernels is None else kernels
    x = truth(shape)
    y = sd.convolve(x, kernels, spacing=SPACING, **options).image
    y = y + np.random.default_rng(1).normal(0, 0.1, shape)
    return volume(x, "sharp"), volume(y, "blurred"), x, y


def nodeNames():
    return sorted(node.GetName() or "" for node in scene._nodesOf(slicer.mrmlScene) if not node.GetSingletonTag())


def test_the_kernel_is_the_engines_and_comes_as_a_volume_node():
    sharp, blurred, x, y = pair()
    node, kernel = estimating.estimateKernel(sharp, blurred, (3, 7, 7), constraint="non-negative")
    expected = sd.estimate_kernel(x, y, (3, 7, 7), spacing=SPACING, constraint="non-negative")
    np.testing.assert_array_equal(kernel.values, expected.values)
    assert kernel.estimate.residual == expected.estimate.residual
    back = nodes.kernelFromVolume(node)
    np.testing.assert_array_equal(back.values, kernel.values)
    assert back.spacing == SPACING
    assert "blurred" in node.GetName()
    _, result = nodes.deconvolveVolume(blurred, node, method="landweber", iterations=5)
    assert np.isfinite(result.image).all()


def test_a_given_output_node_is_overwritten_and_nothing_else_is_added():
    sharp, blurred, _, _ = pair()
    output = volume(np.zeros((2, 2, 2)), "mine", origin=(5.0, 5.0, 5.0))
    output.CreateDefaultDisplayNodes()
    before = nodeNames()
    node, kernel = estimating.estimateKernel(sharp, blurred, 5, outputVolume=output)
    assert node is output
    np.testing.assert_array_equal(nodes.kernelFromVolume(output).values, kernel.values)
    assert nodeNames() == before


def test_masks_are_selections_or_unsaturated():
    sharp, blurred, _x, y = pair()
    y = np.minimum(y, np.quantile(y, 0.95))
    blurred = volume(y, "clipped")
    inside = (y < y.max()).astype(np.uint8)
    mask = volume(inside, "mask", className="vtkMRMLLabelMapVolumeNode")
    _, byNode = estimating.estimateKernel(sharp, blurred, 5, mask=mask)
    _, byArray = estimating.estimateKernel(sharp, blurred, 5, mask=inside)
    _, byName = estimating.estimateKernel(sharp, blurred, 5, mask="unsaturated")
    np.testing.assert_array_equal(byNode.values, byArray.values)
    np.testing.assert_array_equal(byNode.values, byName.values)
    fits = [estimating.fitKernel(sharp, blurred, 7, mask=m).parameters for m in (mask, "unsaturated")]
    assert fits[0] == fits[1]
    assert fits[0]["sigma_mm"] == pytest.approx(1.1, rel=0.03)


def test_kernels_of_levels_regions_and_positions_go_into_deconvolve():
    sharp, blurred, x, y = pair()
    found = estimating.estimateKernels(sharp, blurred, [0, 100], (3, 5, 5), neighbours=1.0)
    expected = sd.estimate_kernels(x, y, [0, 100], (3, 5, 5), spacing=SPACING, neighbours=1.0)
    for kernel, own in zip(found.kernels, expected.kernels, strict=True):
        np.testing.assert_array_equal(kernel.values, own.values)
    labels = np.ones(SHAPE, np.uint8)
    labels[:, 15:] = 4
    labels[0] = 0
    labelMap = volume(labels, "labels", className="vtkMRMLLabelMapVolumeNode")
    keys = estimating.regionKeys(labelMap, blurred)
    assert (keys.at, keys.outside) == ((1, 4), "unchanged")
    regions = estimating.estimateKernels(sharp, blurred, keys, (3, 5, 5), labels=labelMap)
    inside = sd.estimate_kernels(x, y, keys.with_labels(labels), (3, 5, 5), spacing=SPACING, mask=labels > 0)
    np.testing.assert_array_equal(regions.kernels[1].values, inside.kernels[1].values)
    positions = estimating.positionKeys(blurred, (1, 2, 2))
    assert positions.at[0] == (13.0, 7.0, 6.5)
    placed = estimating.estimateKernels(sharp, blurred, positions, (3, 5, 5))
    for field in (found, regions, placed):
        node, _ = nodes.deconvolveVolume(blurred, field, labels=labelMap if field is regions else None)
        assert node.GetImageData().GetDimensions() == SHAPE[::-1]


def test_segments_keep_their_names():
    sharp, blurred, _, _ = pair()
    segmentation = slicer.vtkMRMLSegmentationNode()
    slicer.mrmlScene.AddNode(segmentation)
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(blurred)
    for name, rows in (("left", slice(0, 15)), ("right", slice(15, 30))):
        mask = np.zeros(SHAPE, np.uint8)
        mask[:, rows] = 1
        image = slicer.vtkOrientedImageData()
        image.DeepCopy(scene.imageDataFromArray(mask))
        image.SetImageToWorldMatrix(scene.vtkFromMatrix(scene.ijkToRas(blurred)))
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.AddRepresentation("Binary labelmap", image)
        segmentation.GetSegmentation().AddSegment(segment)
    keys = estimating.regionKeys(segmentation, blurred)
    assert keys.at == ("left", "right")
    fitted = estimating.fitKernels(sharp, blurred, keys, 7, labels=segmentation)
    sigmas = [kernel.parameters["sigma_mm"] for kernel in fitted.field.kernels]
    np.testing.assert_allclose(sigmas, [1.1, 1.1], rtol=0.03)


def test_levels_are_read_from_the_histogram_and_a_guide_may_choose():
    field = sd.KernelField.by_intensity(
        {0: sd.ParametricKernel("gaussian", sigma_mm=0.8), 100: sd.ParametricKernel("gaussian", sigma_mm=1.4)}
    )
    guide = np.broadcast_to(np.linspace(0, 100, SHAPE[2]), SHAPE).astype(np.float32)
    sharp, blurred, _, _ = pair(field, guide=guide)
    node = volume(guide, "guide")
    fitted = estimating.fitKernels(sharp, blurred, [0, 100], 7, guide=node)
    sigmas = [kernel.parameters["sigma_mm"] for kernel in fitted.field.kernels]
    np.testing.assert_allclose(sigmas, [0.8, 1.4], rtol=0.05)
    assert len(estimating.histogramKeys(sharp, 2).at) == 2
    np.testing.assert_allclose(estimating.histogramKeys(sharp, 2).at, (0, 100), atol=8)


def test_single_slices_give_kernels_of_the_plane():
    kernel = sd.ParametricKernel("gaussian", sigma_mm=[1.1, 1.1])
    sharp, blurred, _x, _y = pair(kernel, shape=(1, 40, 40))
    node, found = estimating.estimateKernel(sharp, blurred, 7)
    assert found.shape == (7, 7)
    assert node.GetImageData().GetDimensions() == (7, 7, 1)
    same = estimating.estimateKernel(sharp, blurred, (1, 7, 7))[1]
    np.testing.assert_array_equal(found.values, same.values)
    mask = np.ones((1, 40, 40), bool)
    mask[:, :5] = False
    assert estimating.estimateKernel(sharp, blurred, 7, mask=mask)[1].shape == (7, 7)
    np.testing.assert_allclose(sd.fit_kernel(found).parameters["sigma_mm"], [1.1, 1.1], rtol=0.03)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"original": "moved"}, ["different geometries", "'moved'", "resample"]),
        ({"original": "blurred"}, ["both 'blurred'"]),
        ({"original": "flat"}, ["constant"]),
        ({"original": None}, ["original volume"]),
        ({"spacing": 1.0}, ["leave it out"]),
        ({"shape": 99}, ["99", "smaller shape"]),
        ({"mask": np.zeros(SHAPE)}, ["mask selects no voxel"]),
        ({"mask": np.ones((2, 2, 2))}, ["mask has shape"]),
        ({"outputVolume": "labels"}, ["'labels'", "cannot hold a kernel"]),
        ({"outputVolume": "sharp"}, ["never modified"]),
        ({"constraint": "positive"}, ["'positive'", "non-negative"]),
    ],
)
def test_what_is_no_pair_is_refused_and_leaves_the_scene_alone(change, words):
    sharp, blurred, x, _ = pair()
    known = {
        "sharp": sharp,
        "blurred": blurred,
        "moved": volume(x, "moved", origin=(0.5, 0.0, 0.0)),
        "flat": volume(np.ones(SHAPE), "flat"),
        "labels": volume(np.ones(SHAPE, np.uint8), "labels", className="vtkMRMLLabelMapVolumeNode"),
    }
    arguments = {"original": sharp, "shape": 5, **change}
    for name in ("original", "outputVolume"):
        if isinstance(arguments.get(name), str):
            arguments[name] = known[arguments[name]]
    before = nodeNames()
    with pytest.raises(sd.InputError) as caught:
        estimating.estimateKernel(arguments.pop("original"), blurred, arguments.pop("shape"), **arguments)
    for word in words:
        assert word in str(caught.value)
    assert nodeNames() == before


def test_cancelling_leaves_the_scene_as_it_was():
    sharp, blurred, _, _ = pair()
    before = nodeNames()
    for function in (estimating.estimateKernel, estimating.fitKernel):
        with pytest.raises(sd.Cancelled):
            function(sharp, blurred, 5, cancelled=lambda: True)
    with pytest.raises(sd.Cancelled):
        estimating.estimateKernels(sharp, blurred, [0, 100], 5, cancelled=lambda: True)
    assert nodeNames() == before


def test_keys_that_make_no_sense_are_refused():
    sharp, blurred, _, _ = pair()
    with pytest.raises(sd.InputError, match="no region"):
        estimating.regionKeys(np.zeros(SHAPE, int), blurred)
    with pytest.raises(sd.InputError, match="three numbers"):
        estimating.positionKeys(blurred, (1, 2))
    with pytest.raises(sd.InputError, match="interpolation"):
        estimating.levelKeys([1, 2], "cubic")
    keys = estimating.regionKeys(np.full(SHAPE, 3), blurred)
    with pytest.raises(sd.InputError, match="no voxel has one of the labels"):
        estimating.estimateKernels(sharp, blurred, keys, 5, labels=np.ones(SHAPE, int))
