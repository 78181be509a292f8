"""The engine on MRML volume nodes: geometry, types, masks, and a scene that failures leave alone."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib import Cancelled, InputError, Kernel, KernelField, ParametricKernel  # noqa: E402
from SpatialDeconvLib.kernels.sets import write_kernel_set  # noqa: E402
from SpatialDeconvLib.mrml import channels, files, geometry, nodes, scene, selections  # noqa: E402
from SpatialDeconvLib.run import pipeline  # noqa: E402

SHAPE = (9, 10, 11)


def gaussian(sigma):
    """A Gaussian of `sigma` mm, whatever the image's spacing."""
    return ParametricKernel("gaussian", sigma_mm=sigma)


FIELD = KernelField.by_intensity({20: gaussian(0.5), 200: gaussian(1.2)})


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def obliqueMatrix(seed=3, spacing=(0.5, 0.7, 2.0), origin=(-50, 33.3, 77.7)):
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.sign(np.linalg.det(axes)) @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


def makeVolume(array, matrix=None, name="Input", className=None):
    className = className or ("vtkMRMLVectorVolumeNode" if array.ndim == 4 else "vtkMRMLScalarVolumeNode")
    node = files.ensureScene().AddNewNodeByClass(className, name)
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(obliqueMatrix() if matrix is None else matrix))
    return node


def makeTransform(matrix=None, name="Bed"):
    node = files.ensureScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    matrix = obliqueMatrix(8, (1, 1, 1), (5, -6, 7)) if matrix is None else matrix
    node.SetMatrixTransformToParent(scene.vtkFromMatrix(matrix))
    return node


def makeSegmentation(masks, matrix=None, cropped=False):
    """A segmentation node of {name: mask (k, j, i)}; `cropped` stores each mask on its bounding box only."""
    node = files.ensureScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    matrix = obliqueMatrix() if matrix is None else matrix
    for name, mask in masks.items():
        box = ndimage.find_objects(mask.astype(int))[0] if cropped else tuple(slice(0, n) for n in mask.shape)
        shift = np.eye(4)
        shift[:3, 3] = [s.start for s in reversed(box)]
        image = slicer.vtkOrientedImageData()
        image.ShallowCopy(scene.imageDataFromArray(mask[box].astype(np.uint8)))
        image.SetImageToWorldMatrix(scene.vtkFromMatrix(matrix @ shift))
        node.AddSegmentFromBinaryLabelmapRepresentation(image, name, (1, 0, 0))
    return node


def image(dtype=np.float32, shape=SHAPE, seed=0):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return ((smooth - smooth.min()) / np.ptp(smooth) * 200 + 20).clip(0, 255).astype(dtype)


def snapshot():
    """What a failed run must not change: every node, and when each was last modified."""
    every = files.ensureScene()
    return [(every.GetNthNode(n).GetID(), every.GetNthNode(n).GetMTime()) for n in range(every.GetNumberOfNodes())]


def box(shape=SHAPE, start=(2, 2, 2), stop=(7, 7, 7)):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return mask


# -- the operations


@pytest.mark.parametrize("run", [nodes.deconvolveVolume, nodes.convolveVolume])
def test_the_result_is_the_engines_own_and_lies_where_the_input_lies(run):
    node = makeVolume(image())
    node.SetAndObserveTransformNodeID(makeTransform().GetID())
    engine = getattr(pipeline, run.__name__.removesuffix("Volume"))
    output, result = run(node, FIELD)
    np.testing.assert_array_equal(scene.volumeArray(output), result.image)
    np.testing.assert_array_equal(result.image, engine(image(), FIELD, spacing=scene.spacingOf(node)).image)
    np.testing.assert_allclose(scene.ijkToRas(output), obliqueMatrix(), rtol=0, atol=1e-9)
    assert output.GetParentTransformNode().GetName() == "Bed"
    assert geometry.sameGeometry(node, output)
    assert output.GetName().startswith(f"Input {run.__name__.removesuffix('Volume')}d, ")
    assert output.GetName().endswith("2 gaussian kernels")
    assert output.GetScene() is files.ensureScene()


def test_the_spacing_reaches_the_engine_in_array_order():
    delta = np.zeros((15, 15, 15), dtype=np.float32)
    delta[7, 7, 7] = 1
    node = makeVolume(delta, np.diag([-0.5, -1.0, 2.0, 1.0]))
    values = nodes.convolveVolume(node, gaussian(1.0))[0]
    values = scene.volumeArray(values).astype(float)
    position = np.indices(values.shape) - 7
    deviations = [np.sqrt((values * position[axis] ** 2).sum() / values.sum()) for axis in range(3)]
    assert deviations[0] < deviations[1] < deviations[2]  # 2 mm, 1 mm, 0.5 mm voxels: 0.5, 1, 2 voxels
    np.testing.assert_allclose(deviations, (0.5, 1, 2), rtol=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32, np.float64])
def test_every_scalar_type_gives_what_its_values_give_as_double(dtype):
    node = makeVolume(image(dtype))
    output, _ = nodes.deconvolveVolume(node, FIELD, method="wiener", noise=1.0)
    values = scene.volumeArray(output)
    assert values.dtype == (np.float64 if dtype == np.float64 else np.float32)
    expected = pipeline.deconvolve(
        image(dtype).astype(float), FIELD, spacing=scene.spacingOf(node), method="wiener", noise=1.0
    ).image
    np.testing.assert_allclose(values, expected, rtol=0, atol=2e-3)
    np.testing.assert_array_equal(scene.volumeArray(node), image(dtype))


@pytest.mark.parametrize("vtkType", [2, 15, 8, 9, 16, 17])
def test_the_types_that_numpy_arrays_cannot_make_are_read_too(vtkType):
    """char, signed char, long, unsigned long, long long, unsigned long long."""
    node = makeVolume(image())
    node.GetImageData().AllocateScalars(vtkType, 1)
    values = scene.volumeArray(node)
    values[...] = image(np.float64) / 2
    kept = values.copy()
    output, _ = nodes.convolveVolume(node, FIELD)
    expected = pipeline.convolve(kept.astype(np.float64), FIELD, spacing=scene.spacingOf(node)).image
    np.testing.assert_allclose(scene.volumeArray(output), expected, rtol=0, atol=2e-3)
    np.testing.assert_array_equal(scene.volumeArray(node), kept)


def test_a_single_slice_and_a_2d_kernel():
    node = makeVolume(image(shape=(1, 30, 31)))
    output, result = nodes.deconvolveVolume(node, gaussian(1.0))
    assert result.image.shape == (1, 30, 31)
    expected = pipeline.deconvolve(image(shape=(1, 30, 31))[0], gaussian(1.0), spacing=(0.7, 0.5)).image
    np.testing.assert_array_equal(scene.volumeArray(output)[0], expected)


def test_what_all_channels_say_is_told_once():
    def saying(*warnings):
        return SimpleNamespace(method="tikhonov", warnings=list(warnings))

    results = [saying("a", "b"), saying("a", "a"), saying("a", "b", "c")]
    assert channels.warningsOf(results, ["x", "y", "z"]) == ["a", "x, z: b", "z: c"]
    assert channels.warningsOf(results[:1], ["x"]) == ["x: a", "x: b"]


def test_vector_volumes_are_treated_channel_by_channel():
    values = [image(seed=n) for n in range(3)]
    node = makeVolume(np.stack(values, axis=-1))
    calls = []
    wiener = {"method": "wiener", "engine": "fft"}
    output, result = nodes.deconvolveVolume(node, FIELD, progress=lambda *told: calls.append(told), **wiener)
    assert output.GetClassName() == "vtkMRMLVectorVolumeNode"
    expected = [pipeline.deconvolve(c, FIELD, spacing=scene.spacingOf(node), **wiener) for c in values]
    np.testing.assert_array_equal(scene.volumeArray(output), np.stack([e.image for e in expected], axis=-1))
    np.testing.assert_array_equal(result.image, scene.volumeArray(output))
    assert [c["noise"] for c in result.automatic["channels"]] == [e.noise for e in expected]
    assert result.noise == pytest.approx(np.sqrt(np.mean([e.noise**2 for e in expected])))
    fractions = [f for f, _ in calls]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert {text.split(":")[0] for _, text in calls} == {f"channel {n} of 3" for n in (1, 2, 3)}


def test_opacity_is_copied():
    array = np.stack([image(np.uint8, seed=n) for n in range(4)], axis=-1)
    node = makeVolume(array)
    node.SetVoxelVectorType(node.VoxelVectorTypeColorRGBA)
    output, _ = nodes.convolveVolume(node, FIELD)
    np.testing.assert_array_equal(scene.volumeArray(output)[..., 3], array[..., 3])
    assert not np.array_equal(scene.volumeArray(output)[..., 0], array[..., 0])
    assert output.GetVoxelVectorType() == node.VoxelVectorTypeColorRGBA


def test_a_label_map_as_input_gives_a_scalar_volume():
    node = makeVolume(image(np.uint8), className="vtkMRMLLabelMapVolumeNode")
    node.CreateDefaultDisplayNodes()
    output, _ = nodes.convolveVolume(node, FIELD)
    assert output.GetClassName() == "vtkMRMLScalarVolumeNode"
    assert output.GetDisplayNode().GetClassName() == "vtkMRMLScalarVolumeDisplayNode"


def test_the_display_of_a_new_output_is_the_inputs():
    node = makeVolume(image())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    colours = files.ensureScene().AddNewNodeByClass("vtkMRMLColorTableNode", "Mine")
    display.SetAutoWindowLevel(0)
    display.SetWindowLevel(77, 33)
    display.SetInterpolate(0)
    display.SetAndObserveColorNodeID(colours.GetID())
    shown = nodes.convolveVolume(node, FIELD)[0].GetDisplayNode()
    assert shown is not display
    assert (shown.GetWindow(), shown.GetLevel(), shown.GetInterpolate()) == (77, 33, 0)
    assert shown.GetColorNode() is colours


def test_an_automatic_window_of_the_input_is_kept_as_it_is():
    node = makeVolume(image())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    assert display.GetAutoWindowLevel() == 1
    shown = nodes.convolveVolume(node, gaussian(3.0))[0].GetDisplayNode()
    assert (shown.GetWindow(), shown.GetLevel()) == (display.GetWindow(), display.GetLevel())
    assert shown.GetAutoWindowLevel() == 0  # it would be computed again from the smoother result


def test_a_new_output_lies_beside_the_input_in_the_subject_hierarchy():
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(files.ensureScene())
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
    node = makeVolume(image())
    hierarchy.CreateItem(folder, node)
    output, _ = nodes.convolveVolume(node, FIELD)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(output)) == folder


def test_without_a_hierarchy_item_nothing_is_placed_and_no_hierarchy_is_made():
    nodes.convolveVolume(makeVolume(image()), FIELD)
    assert files.ensureScene().GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode") is None


def test_output_names_are_unique():
    node = makeVolume(image())
    names = [nodes.convolveVolume(node, FIELD)[0].GetName() for _ in range(2)]
    assert names[0] == f"Input convolved, {FIELD.describe()}"
    assert names[1] != names[0]
    assert names[1].startswith(names[0])


def test_a_name_says_method_and_kernels_and_follows_what_is_put_into_its_node():
    node, kernel = makeVolume(image()), Kernel(np.full((3, 3, 3), 1 / 27), 1.0)
    output, _ = nodes.deconvolveVolume(node, ParametricKernel("gaussian", sigma_mm=1), method="wiener", noise=1.0)
    assert output.GetName() == "Input deconvolved, Wiener filter, 1 gaussian kernel"
    nodes.deconvolveVolume(node, kernel, output, method="tikhonov", regularization=0.1)
    assert output.GetName() == "Input deconvolved, Tikhonov, 1 stored kernel"
    output.SetName("mine")
    nodes.deconvolveVolume(node, kernel, output, method="wiener", noise=1.0)
    assert output.GetName() == "mine"


def test_a_given_output_node_is_overwritten_and_no_node_is_added():
    node = makeVolume(image())
    node.SetAndObserveTransformNodeID(makeTransform().GetID())
    output = makeVolume(np.zeros((2, 2, 2), np.int16), np.eye(4), "Mine")
    output.CreateDefaultDisplayNodes()
    output.GetDisplayNode().SetAutoWindowLevel(0)
    output.GetDisplayNode().SetWindowLevel(5, 6)
    count = files.ensureScene().GetNumberOfNodes()
    returned, result = nodes.deconvolveVolume(node, FIELD, outputVolume=output)
    assert returned is output
    assert files.ensureScene().GetNumberOfNodes() == count
    np.testing.assert_array_equal(scene.volumeArray(output), result.image)
    assert geometry.sameGeometry(node, output)
    assert output.GetName() == "Mine"
    assert output.GetDisplayNode().GetWindow() == 5


def test_the_recipe_is_attached_to_the_node():
    output, _ = nodes.deconvolveVolume(makeVolume(image()), FIELD, method="tikhonov")
    recipe = json.loads(output.GetAttribute("SpatialDeconv.recipe"))
    assert recipe["operation"] == "deconvolve"
    assert recipe["parameters"]["method"] == "tikhonov"
    assert [entry["at"] for entry in recipe["kernel_set"]["kernels"]] == [20, 200]


def test_the_result_does_not_share_memory_with_the_node():
    output, result = nodes.convolveVolume(makeVolume(image()), FIELD)
    kept = scene.volumeArray(output).copy()
    result.image[...] = 0
    np.testing.assert_array_equal(scene.volumeArray(output), kept)


# -- failures leave the scene as it was


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("vector", [False, True])
def test_a_cancelled_run_leaves_everything_as_it_was(given, vector):
    array = image()
    node = makeVolume(np.stack([array, array], axis=-1) if vector else array)
    node.CreateDefaultDisplayNodes()
    output = makeVolume(scene.volumeArray(node).copy(), np.eye(4), "Mine") if given else None
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 3

    before, kept = snapshot(), scene.volumeArray(node).copy()
    with pytest.raises(Cancelled):
        nodes.deconvolveVolume(node, FIELD, outputVolume=output, cancelled=cancelled)
    assert snapshot() == before
    np.testing.assert_array_equal(scene.volumeArray(node), kept)
    if given:
        np.testing.assert_array_equal(scene.ijkToRas(output), np.eye(4))
        np.testing.assert_array_equal(scene.volumeArray(output), kept)
        assert output.GetAttribute("SpatialDeconv.recipe") is None


def test_a_run_that_fails_leaves_everything_as_it_was():
    node = makeVolume(np.full(SHAPE, np.nan, dtype=np.float32))
    before = snapshot()
    with pytest.raises(InputError):
        nodes.deconvolveVolume(node, FIELD)
    assert snapshot() == before


def test_a_failing_recipe_leaves_everything_as_it_was(monkeypatch):
    from SpatialDeconvLib.mrml import recipe

    def failing(*arguments):
        raise RuntimeError("no recipe")

    monkeypatch.setattr(recipe, "describe", failing)
    node = makeVolume(image())
    before = snapshot()
    with pytest.raises(RuntimeError, match="no recipe"):
        nodes.convolveVolume(node, FIELD)
    assert snapshot() == before


def test_bad_inputs_are_refused_by_name():
    good = makeVolume(image())
    empty = files.ensureScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    labelMap = makeVolume(image(np.uint8), className="vtkMRMLLabelMapVolumeNode", name="Labels")
    vector = makeVolume(np.zeros((*SHAPE, 3), np.float32), name="Colour")
    transform = makeTransform()
    before = snapshot()
    for arguments, match in (
        ((None, FIELD), "inputVolume is not set"),
        ((transform, FIELD), "inputVolume 'Bed' is not a volume"),
        ((empty, FIELD), "inputVolume 'Empty' holds no voxels"),
        ((good, FIELD, good), "is the input itself"),
        ((good, FIELD, labelMap), "is a label map"),
        ((good, FIELD, vector), "needs a vtkMRMLScalarVolumeNode"),
        ((vector, FIELD, good), "needs a vtkMRMLVectorVolumeNode"),
        ((good, FIELD, transform), "outputVolume 'Bed' is no volume node"),
        ((good, 5), "kernels 5 are none"),
        ((good, vector), "kernel volume 'Colour' has 3 channels"),
        ((good, FIELD, None, vector), "mask 'Colour' has 3 channels"),
        ((good, FIELD, None, np.ones((2, 2, 2))), r"mask has shape \(2, 2, 2\)"),
        ((good, FIELD, None, np.zeros(SHAPE)), "selects no voxel"),
        ((good, FIELD, None, None, labelMap), "keyed by intensity, not by region"),
    ):
        with pytest.raises(InputError, match=match) as error:
            nodes.convolveVolume(*arguments)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="spacing 2 was given"):
        nodes.convolveVolume(good, FIELD, spacing=2)
    assert snapshot() == before


def test_the_output_may_not_be_the_mask():
    node, mask = makeVolume(image()), makeVolume(box().astype(np.uint8), name="Mask")
    with pytest.raises(InputError, match="is also the kernel, mask, labels or guide"):
        nodes.convolveVolume(node, FIELD, outputVolume=mask, mask=mask)


# -- kernels


def test_kernels_may_be_a_folder_or_files_with_levels_in_their_names(tmp_path):
    for level in (10, 90):
        np.savetxt(tmp_path / f"k{level}.csv", np.ones((3, 3)))
    paths = sorted(map(str, tmp_path.iterdir()))
    for given in (str(tmp_path), paths, [f"{level}={path}" for level, path in zip((10, 90), paths, strict=True)]):
        assert nodes.kernelFieldFrom(given).at == (10, 90)
    with pytest.raises(InputError, match="are none; give"):
        nodes.kernelFieldFrom([gaussian(1.0)])


def test_kernels_may_be_a_file_a_kernel_or_a_volume(tmp_path):
    node = makeVolume(image())
    write_kernel_set(tmp_path / "set.json", FIELD)
    expected = nodes.convolveVolume(node, FIELD)[1].image
    np.testing.assert_allclose(nodes.convolveVolume(node, tmp_path / "set.json")[1].image, expected, rtol=1e-6)
    kernel = gaussian(1.0).sampled(scene.spacingOf(node))
    expected = nodes.convolveVolume(node, kernel)[1].image
    volume = nodes.volumeFromKernel(kernel)
    np.testing.assert_array_equal(nodes.convolveVolume(node, volume)[1].image, expected)


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5)])
def test_a_kernel_survives_being_a_volume(shape):
    kernel = Kernel(np.random.default_rng(0).random(shape), (2.0, 0.7, 0.5)[-len(shape) :], "psf")
    node = nodes.volumeFromKernel(kernel, "My kernel")
    assert node.GetName() == "My kernel"
    back = nodes.kernelFromVolume(node)
    np.testing.assert_array_equal(back.values, kernel.values)
    assert back.spacing == pytest.approx(kernel.spacing, rel=1e-12)
    centre = [n // 2 for n in reversed(scene.volumeArray(node).shape)]
    np.testing.assert_allclose(scene.ijkToRas(node) @ [*centre, 1], [0, 0, 0, 1], atol=1e-12)


def test_the_centre_of_an_even_kernel_lies_at_the_origin_of_its_volume():
    kernel = Kernel(np.ones((2, 4, 5)), (2.0, 0.7, 0.5))
    node = nodes.volumeFromKernel(kernel)
    np.testing.assert_allclose(scene.ijkToRas(node) @ [2, 1.5, 0.5, 1], [0, 0, 0, 1], atol=1e-12)
    assert nodes.kernelFromVolume(node).centre == (0.5, 1.5, 2)
    assert nodes.kernelFromVolume(node, centre="itk").centre == (1, 2, 2)


def test_a_logarithmic_kernel_volume():
    values = np.random.default_rng(0).random((1, 5, 5)) + 0.1
    kernel = nodes.kernelFromVolume(makeVolume(np.log(values), np.diag([-0.4, -0.4, 1, 1])), log=True)
    np.testing.assert_allclose(kernel.values, values[0] / values.sum(), rtol=1e-12)
    assert kernel.spacing == pytest.approx((0.4, 0.4))


# -- geometry


def test_same_geometry_sees_every_difference():
    node = makeVolume(image())
    assert geometry.sameGeometry(node, makeVolume(image(np.uint8)))
    assert not geometry.sameGeometry(node, makeVolume(image()[:-1]))
    for change in ([0, 0, 0, 1e-2], [0, 1e-3, 0, 0]):
        matrix = obliqueMatrix()
        matrix[0] += change
        assert not geometry.sameGeometry(node, makeVolume(image(), matrix))
    rounded = obliqueMatrix().astype(np.float32).astype(float)  # what NIfTI keeps
    assert geometry.sameGeometry(node, makeVolume(image(), rounded))


def test_same_geometry_takes_parent_transforms_into_account():
    transform = makeTransform()
    matrix = scene.matrixFromVtk(transform.GetMatrixTransformToParent())
    a, b = makeVolume(image()), makeVolume(image())
    a.SetAndObserveTransformNodeID(transform.GetID())
    assert not geometry.sameGeometry(a, b)
    b.SetIJKToRASMatrix(scene.vtkFromMatrix(matrix @ obliqueMatrix()))
    assert geometry.sameGeometry(a, b)


def test_a_nonlinear_transform_is_refused_unless_both_are_under_it():
    warp = files.ensureScene().AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    warp.SetAndObserveTransformToParent(scene.slicer.vtkOrientedBSplineTransform())
    a, b = makeVolume(image()), makeVolume(image(), name="Other")
    a.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(InputError, match="non-linear transform 'Warp'; harden"):
        geometry.sameGeometry(a, b)
    b.SetAndObserveTransformNodeID(warp.GetID())
    assert geometry.sameGeometry(a, b)


def test_geometry_is_told_in_one_line():
    node = makeVolume(image(), np.diag([-0.5, -0.7, 2, 1.0]) + np.array([[0, 0, 0, 10]] + [[0] * 4] * 3))
    assert geometry.geometryText(node) == "11 x 10 x 9 voxels of 0.5 x 0.7 x 2 mm at (10, 0, 0), axes LPS"
    oblique = makeVolume(image())
    oblique.SetAndObserveTransformNodeID(makeTransform().GetID())
    text = geometry.geometryText(oblique)
    assert text.count("(") == 4
    assert text.endswith("under transform 'Bed'")
    assert "\n" not in text


# -- masks and labels


OVERLAP = {"tumour": box(start=(2, 2, 2), stop=(6, 6, 6)), "organ": box(start=(1, 1, 4), stop=(8, 9, 10))}


@pytest.mark.parametrize("cropped", [False, True])
def test_the_first_segment_wins_where_segments_overlap(cropped):
    node, segmentation = makeVolume(image()), makeSegmentation(OVERLAP, cropped=cropped)
    tumour, organ = OVERLAP.values()
    assert (tumour & organ).any()
    for order, expected in (
        (["tumour", "organ"], np.where(tumour, 1, np.where(organ, 2, 0))),
        (["organ", "tumour"], np.where(organ, 1, np.where(tumour, 2, 0))),
        (None, np.where(tumour, 1, np.where(organ, 2, 0))),
    ):
        labels, names = selections.labelArray((segmentation, order), node)
        np.testing.assert_array_equal(labels, expected)
        assert names == {name: n for n, name in enumerate(order or ["tumour", "organ"], 1)}


def test_segments_can_be_named_by_id_and_a_mask_is_their_union():
    node, segmentation = makeVolume(image()), makeSegmentation(OVERLAP)
    organ = segmentation.GetSegmentation().GetSegmentIdBySegmentName("organ")
    np.testing.assert_array_equal(selections.maskArray((segmentation, [organ]), node), OVERLAP["organ"])
    np.testing.assert_array_equal(selections.maskArray((segmentation, "tumour"), node), OVERLAP["tumour"])
    union = OVERLAP["tumour"] | OVERLAP["organ"]
    np.testing.assert_array_equal(selections.maskArray(segmentation, node), union)


def test_asking_for_segments_does_not_change_the_scene():
    node, segmentation = makeVolume(image()), makeSegmentation(OVERLAP)
    before = snapshot()
    selections.labelArray(segmentation, node)
    assert snapshot() == before


def test_segments_reaching_beyond_the_volume_are_cut():
    whole = np.zeros((20, 20, 20), dtype=bool)
    whole[3:15, 2:18, 5:19] = True
    shift = np.eye(4)
    shift[:3, 3] = [-4, -3, -2]  # (i, j, k) of the segmentation's first voxel in the volume
    segmentation = makeSegmentation({"big": whole}, obliqueMatrix() @ shift)
    expected = whole[2 : 2 + SHAPE[0], 3 : 3 + SHAPE[1], 4 : 4 + SHAPE[2]]
    np.testing.assert_array_equal(selections.maskArray(segmentation, makeVolume(image())), expected)


def test_bad_selections_name_what_there_is():
    node, segmentation = makeVolume(image()), makeSegmentation(OVERLAP)
    empty = files.ensureScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "Nothing")
    for selection, match in (
        ((segmentation, ["liver"]), "no segment liver; it has: .*organ"),
        ((segmentation, []), "no segment"),
        ((segmentation, ["organ", "organ"]), "twice"),
        (empty, "'Nothing' has no segments"),
        ((node, ["organ"]), "is no segmentation"),
        ((segmentation, ["organ"], 3), r"is no \(segmentation node, \[segments\]\)"),
    ):
        with pytest.raises(InputError, match=match) as error:
            selections.labelArray(selection, node)
        assert "\n" not in str(error.value)


def test_segments_of_the_same_name_are_refused():
    segmentation = makeSegmentation(OVERLAP)
    segmentation.GetSegmentation().GetNthSegment(1).SetName("tumour")
    with pytest.raises(InputError, match="two segments of 'Segmentation' are named 'tumour'"):
        selections.labelArray(segmentation, makeVolume(image()))


def test_a_segment_that_is_only_a_surface_is_turned_into_voxels_in_a_copy():
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    files.registerConverterRules()
    shape, spacing = (30, 40, 50), 0.5
    node = makeVolume(np.zeros(shape, np.float32), np.diag([-spacing, -spacing, spacing, 1]))
    centre, radius = np.array([-12.0, -10.0, 7.0]), 5.0
    sphere = vtkSphereSource()
    sphere.SetCenter(*centre)
    sphere.SetRadius(radius)
    sphere.SetThetaResolution(64)
    sphere.SetPhiResolution(64)
    sphere.Update()
    segmentation = files.ensureScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "Surface")
    segmentation.GetSegmentation().SetSourceRepresentationName("Closed surface")
    segment = slicer.vtkSegment()
    segment.SetName("ball")
    segment.AddRepresentation("Closed surface", sphere.GetOutput())
    assert segmentation.GetSegmentation().AddSegment(segment)
    mask = selections.maskArray(segmentation, node)
    k, j, i = np.indices(shape)
    distance = np.linalg.norm(np.stack([-i * spacing, -j * spacing, k * spacing], -1) - centre, axis=-1)
    assert mask[distance < radius - spacing].all()
    assert not mask[distance > radius + spacing].any()
    assert not segmentation.GetSegmentation().ContainsRepresentation("Binary labelmap")


@pytest.mark.parametrize("className", ["vtkMRMLScalarVolumeNode", "vtkMRMLLabelMapVolumeNode"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_volumes_and_arrays_are_masks_and_labels(className, dtype):
    values = np.random.default_rng(0).integers(0, 3, SHAPE).astype(dtype)
    node, selection = makeVolume(image()), makeVolume(values, className=className)
    for chosen in (selection, values):
        np.testing.assert_array_equal(selections.maskArray(chosen, node), values != 0)
        labels, names = selections.labelArray(chosen, node)
        np.testing.assert_array_equal(labels, values)
        assert np.issubdtype(labels.dtype, np.integer)
        assert names == {}


def test_the_colour_table_of_a_label_map_names_the_labels_it_holds():
    colours = files.ensureScene().AddNewNodeByClass("vtkMRMLColorTableNode", "Anatomy")
    colours.SetTypeToUser()
    colours.SetNumberOfColors(4)
    for n, name in enumerate(("background", "bone", "brain", "unused")):
        colours.SetColor(n, name, 0.1 * n, 0, 0, 1)
    values = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    labelMap = makeVolume(values, className="vtkMRMLLabelMapVolumeNode")
    labelMap.CreateDefaultDisplayNodes()
    labelMap.GetDisplayNode().SetAndObserveColorNodeID(colours.GetID())
    assert selections.labelArray(labelMap, makeVolume(image()))[1] == {"bone": 1, "brain": 2}


def test_labels_that_are_no_whole_numbers_are_refused():
    with pytest.raises(InputError, match=r"no whole number, e\.g\. "):
        selections.labelArray(makeVolume(image() + np.float32(0.25)), makeVolume(image()))


def test_a_2d_array_fits_a_single_slice():
    node = makeVolume(image(shape=(1, 6, 7)))
    mask = np.eye(6, 7, dtype=bool)
    np.testing.assert_array_equal(selections.maskArray(mask, node), mask[np.newaxis])


def test_kernels_keyed_by_region_take_segments_by_name():
    field = KernelField.by_region(None, {"tumour": gaussian(0.6), "organ": gaussian(1.5)}, outside="unchanged")
    node, segmentation = makeVolume(image()), makeSegmentation(OVERLAP)
    output, _ = nodes.convolveVolume(node, field, labels=(segmentation, ["tumour", "organ"]), cascade=False)
    tumour, organ = OVERLAP.values()
    expected = image().astype(float)
    for mask, sigma in ((organ, 1.5), (tumour, 0.6)):
        blurred = nodes.convolveVolume(node, gaussian(sigma), cascade=False)[1].image
        expected[mask] = blurred[mask]
    np.testing.assert_allclose(scene.volumeArray(output), expected, rtol=0, atol=1e-3)


def test_the_mask_and_the_guide_reach_the_engine():
    node = makeVolume(image())
    guide, mask = makeVolume(image(seed=5), name="Guide"), box()
    output, _ = nodes.convolveVolume(node, FIELD, mask=makeVolume(mask.astype(np.uint8)), guide=guide)
    expected = pipeline.convolve(
        image(), FIELD, spacing=scene.spacingOf(node), mask=mask, guide=image(seed=5)
    ).image
    np.testing.assert_array_equal(scene.volumeArray(output), expected)
    np.testing.assert_array_equal(scene.volumeArray(output)[~mask], image()[~mask])


# -- another geometry


def sampledByHand(values, toWorld, referenceToWorld, shape, order):
    """Oracle: every reference voxel -> world -> index in `values`, with scipy; NaN outside."""
    k, j, i = np.indices(shape)
    points = np.stack([i, j, k, np.ones_like(i)]).reshape(4, -1)
    index = (np.linalg.inv(toWorld) @ referenceToWorld @ points)[2::-1]
    sampled = ndimage.map_coordinates(values.astype(float), index, order=order, mode="nearest")
    limits = np.array(values.shape)[:, np.newaxis] - 0.5
    return sampled.reshape(shape), ((index > -0.5) & (index < limits)).all(axis=0).reshape(shape)


def centredOn(matrix, shape, onto, ontoShape):
    """Move a grid so that its middle lies on the middle of another."""
    middle = [[*(np.array(s[::-1]) - 1) / 2, 1] for s in (shape, ontoShape)]
    moved = matrix.copy()
    moved[:3, 3] += (onto @ middle[1] - matrix @ middle[0])[:3]
    return moved


# A finer grid along other axes that covers most of the volume, but not its corners.
OTHER_SHAPE = (14, 26, 22)
OTHER = centredOn(obliqueMatrix(4, (0.6, 0.55, 1.1)), OTHER_SHAPE, obliqueMatrix(), SHAPE)


def underTransforms(node, selection, transformed):
    """Put both under different parent transforms, where asked; return their index-to-world matrices."""
    if not transformed:
        return OTHER, obliqueMatrix()
    a = obliqueMatrix(11, (1, 1.1, 0.9), (2, 0, -1))
    b = obliqueMatrix(12, (1, 1, 1), (1, 1, 0))
    node.SetAndObserveTransformNodeID(makeTransform(a, "A").GetID())
    selection.SetAndObserveTransformNodeID(makeTransform(b, "B").GetID())
    # In the world the selection stays on the volume, stretched and turned with it.
    selection.SetIJKToRASMatrix(scene.vtkFromMatrix(np.linalg.inv(b) @ a @ OTHER))
    return b @ scene.ijkToRas(selection), a @ obliqueMatrix()


@pytest.mark.parametrize("transformed", [False, True])
def test_masks_and_labels_of_another_geometry_are_resampled_on_request(transformed):
    labels = (ndimage.gaussian_filter(np.random.default_rng(2).normal(size=OTHER_SHAPE), 3) * 40).round()
    labels = labels.clip(0, 4).astype(np.int16)
    node, labelMap = makeVolume(image()), makeVolume(labels, OTHER, "Labels")
    own, others = underTransforms(node, labelMap, transformed)
    with pytest.raises(InputError, match=r"labels 'Labels' has another geometry than 'Input' .*22 x 26 x 14.*"
                                         r"11 x 10 x 9.*resample") as error:  # fmt: skip
        selections.labelArray(labelMap, node)
    assert "\n" not in str(error.value)
    expected, inside = sampledByHand(labels, own, others, SHAPE, order=0)
    assert 0.2 < inside.mean() < 1
    found, _ = selections.labelArray(labelMap, node, resample=True)
    np.testing.assert_array_equal(found, np.where(inside, expected, 0))
    np.testing.assert_array_equal(selections.maskArray(labelMap, node, resample=True), found != 0)


@pytest.mark.parametrize("transformed", [False, True])
def test_a_guide_of_another_geometry_is_interpolated_on_request(transformed):
    values = image(np.float64, OTHER_SHAPE)
    node, guide = makeVolume(image()), makeVolume(values, OTHER, "Guide")
    own, others = underTransforms(node, guide, transformed)
    with pytest.raises(InputError, match="guide 'Guide' has another geometry"):
        selections.guideArray(guide, node)
    expected, inside = sampledByHand(values, own, others, SHAPE, order=1)
    found = selections.guideArray(guide, node, resample=True)
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-9)
    assert found.min() >= values.min()  # beyond its border the guide is continued, not zero


def test_segments_of_another_geometry_are_resampled_on_request():
    mask = box(OTHER_SHAPE, (3, 6, 7), (11, 22, 19))
    node, segmentation = makeVolume(image()), makeSegmentation({"one": mask}, OTHER, cropped=True)
    with pytest.raises(InputError, match=r"another geometry than 'Input'.*cropped to the segment"):
        selections.maskArray(segmentation, node)
    expected, inside = sampledByHand(mask, OTHER, obliqueMatrix(), SHAPE, order=0)
    found = selections.maskArray(segmentation, node, resample=True)
    np.testing.assert_array_equal(found, inside & (expected > 0))
    assert 0 < found.sum() < found.size


def test_segments_under_the_volumes_own_transform_need_no_resampling():
    node, segmentation = makeVolume(image()), makeSegmentation(OVERLAP)
    transform = makeTransform()
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="another geometry"):
        selections.maskArray(segmentation, node)
    segmentation.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_array_equal(selections.maskArray((segmentation, "organ"), node), OVERLAP["organ"])


def test_resampling_goes_all_the_way_through_a_run():
    node = makeVolume(image())
    mask = makeVolume(np.ones(OTHER_SHAPE, np.uint8), OTHER, "Mask")
    before = snapshot()
    with pytest.raises(InputError, match="mask 'Mask' has another geometry"):
        nodes.convolveVolume(node, FIELD, mask=mask)
    assert snapshot() == before
    output, _ = nodes.convolveVolume(node, FIELD, mask=mask, resample=True)
    kept = ~selections.maskArray(mask, node, resample=True)
    assert kept.any()
    np.testing.assert_array_equal(scene.volumeArray(output)[kept], image()[kept])


def test_colour_images_keep_their_display_and_have_no_colour_table():
    node = makeVolume(np.stack([image(seed=n) for n in range(3)], axis=-1))
    node.CreateDefaultDisplayNodes()
    assert node.GetDisplayNode().GetColorNodeID() is None
    output, _ = nodes.convolveVolume(node, FIELD)
    assert output.GetDisplayNode().GetClassName() == node.GetDisplayNode().GetClassName()


@pytest.mark.parametrize(
    ("stored", "meant"),
    [
        (1.4999999999999998, 1.5),
        (1.0000000000000002, 1.0),
        (0.9000000357627869, 0.9000000357627869),  # single precision, as NIfTI has it
        (1 / 3, 1 / 3),
    ],
)
def test_a_spacing_is_rid_of_the_rounding_of_its_direction_and_of_nothing_else(stored, meant):
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetSpacing(stored, 2.0, 3.0)
    assert scene.spacingOf(node) == (3.0, 2.0, meant)
