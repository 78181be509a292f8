"""Sequences of volumes: frames as single runs give them, index and geometry kept, nothing left by failure."""

import json
import threading

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

slicer = pytest.importorskip("slicer")

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.mrml import channels, nodes, sequencefiles, sequences  # noqa: E402
from SpatialDeconvLib.mrml import files as volumes  # noqa: E402
from SpatialDeconvLib.mrml.scene import ensureScene, ijkToRas, imageDataFromArray, vtkFromMatrix  # noqa: E402
from SpatialDeconvLib.run.pipeline import Result  # noqa: E402

FIELD = sd.KernelField.by_intensity({20: sd.gaussian_kernel(0.7), 80: sd.gaussian_kernel(1.3)})
MATRIX = np.array([[0, -1.5, 0, 10], [1.5, 0, 0, -20], [0, 0, 2.0, 30], [0, 0, 0, 1.0]])
VALUES = ("0.0", "0.25", "1.5")


@pytest.fixture(autouse=True)
def empty_scene():
    ensureScene().Clear(1)
    yield
    ensureScene().Clear(1)


@pytest.fixture
def logic():
    """The Sequences module's logic, as the application has it; it registers the browser's class too."""
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(ensureScene())
    yield logic
    logic.SetMRMLScene(None)


def frame_array(number, shape=(6, 24, 20)):
    image = ndimage.gaussian_filter(np.random.default_rng(number).random(shape), 1.5)
    return (10 + 90 * (image - image.min()) / np.ptp(image)).astype(np.float32)


def volume(array, matrix=MATRIX, name="frame"):
    vector = array.ndim == 4
    node = slicer.vtkMRMLVectorVolumeNode() if vector else slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    node.SetAndObserveImageData(imageDataFromArray(array))
    node.SetIJKToRASMatrix(vtkFromMatrix(matrix))
    return node


def make_sequence(arrays=None, matrices=None, values=VALUES, name="Beating heart", text=False):
    arrays = [frame_array(n) for n in range(3)] if arrays is None else arrays
    node = ensureScene().AddNewNodeByClass("vtkMRMLSequenceNode", name)
    node.SetIndexName("time")
    node.SetIndexUnit("s")
    if text:
        node.SetIndexType(slicer.vtkMRMLSequenceNode.TextIndex)
    for n, array in enumerate(arrays):
        matrix = MATRIX if matrices is None else matrices[n]
        node.SetDataNodeAtValue(volume(array, matrix, f"frame {n}"), values[n])
    return node


def browse(sequence, logic):
    browser = ensureScene().AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    logic.UpdateProxyNodesFromSequences(browser)
    return browser, browser.GetProxyNode(sequence)


def scene_state():
    scene = ensureScene()
    return [(scene.GetNthNode(n).GetID(), scene.GetNthNode(n).GetMTime()) for n in range(scene.GetNumberOfNodes())]


def array_of(sequence, item):
    return nodes.volumeArray(sequence.GetNthDataNode(item))


# ---------------------------------------------------------------------------------------------- frames


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"engine": "fft", "method": "tikhonov"},
        {"strategy": "joint", "method": "richardson-lucy", "iterations": 3},
    ],
)
def test_every_frame_is_what_a_single_run_gives(options):
    sequence = make_sequence()
    output, results = sequences.deconvolveSequence(sequence, FIELD, **options)
    assert output.GetNumberOfDataNodes() == len(results) == 3
    for n in range(3):
        alone = sd.deconvolve(frame_array(n), FIELD, spacing=(2.0, 1.5, 1.5), **options)
        assert np.array_equal(array_of(output, n), alone.image)
        assert np.array_equal(results[n].image, alone.image)
        assert results[n].residual == alone.residual
        assert results[n].noise == alone.noise


def test_number_of_workers_does_not_change_a_bit():
    sequence = make_sequence([frame_array(n) for n in range(5)], values=[str(n) for n in range(5)])
    one, _ = sequences.deconvolveSequence(sequence, FIELD, workers=1)
    three, _ = sequences.deconvolveSequence(sequence, FIELD, workers=3)
    for n in range(5):
        assert np.array_equal(array_of(one, n), array_of(three, n))


def test_frames_run_at_once(monkeypatch):
    meeting = threading.Barrier(2, timeout=20)
    real = nodes.Prepared.compute

    def compute(self, watch, mapped):
        meeting.wait()  # breaks, and fails the test, unless two frames are under way together
        return real(self, watch)

    monkeypatch.setattr(nodes.Prepared, "compute", compute)
    sequence = make_sequence([frame_array(n) for n in range(4)], values="0123")
    assert len(sequences.convolveSequence(sequence, FIELD, workers=2)[1]) == 4


def test_convolution_of_vector_frames():
    arrays = [np.stack([frame_array(n), frame_array(n + 9)], axis=-1) for n in range(3)]
    output, _ = sequences.convolveSequence(make_sequence(arrays), FIELD)
    for n in range(3):
        assert output.GetNthDataNode(n).IsA("vtkMRMLVectorVolumeNode")
        for c in range(2):
            alone = sd.convolve(np.ascontiguousarray(arrays[n][..., c]), FIELD, spacing=(2.0, 1.5, 1.5)).image
            assert np.array_equal(array_of(output, n)[..., c], alone)


def test_index_and_geometry_are_kept():
    matrices = [MATRIX, MATRIX @ np.diag([1, 1, 2, 1.0]), MATRIX.copy()]
    matrices[2][0, 3] = 99
    arrays = [frame_array(0), frame_array(1, (5, 20, 18)), frame_array(2).astype(np.int16)]
    sequence = make_sequence(arrays, matrices, ("rest", "stress", "a b%"), text=True)
    sequence.SetIndexName("phase")
    sequence.SetIndexUnit("")
    sequence.SetNumericIndexValueTolerance(0.5)
    output, _ = sequences.convolveSequence(sequence, FIELD)
    assert output.GetName() == "Beating heart convolved"
    assert (output.GetIndexName(), output.GetIndexUnit()) == ("phase", "")
    assert output.GetIndexType() == slicer.vtkMRMLSequenceNode.TextIndex
    assert output.GetNumericIndexValueTolerance() == 0.5
    assert [output.GetNthIndexValue(n) for n in range(3)] == ["rest", "stress", "a b%"]
    for n in range(3):
        assert np.array_equal(ijkToRas(output.GetNthDataNode(n)), matrices[n])
        assert array_of(output, n).shape == arrays[n].shape


def test_some_frames_only():
    sequence = make_sequence()
    output, results = sequences.convolveSequence(sequence, FIELD, frames=[2, 0])
    assert len(results) == 2
    assert [output.GetNthIndexValue(n) for n in range(2)] == ["0.0", "1.5"]
    alone = sd.convolve(frame_array(2), FIELD, spacing=(2.0, 1.5, 1.5)).image
    assert np.array_equal(array_of(output, 1), alone)
    assert np.array_equal(results[0].image, alone)  # in the order that was asked for


def test_every_frame_carries_its_recipe():
    output, results = sequences.deconvolveSequence(make_sequence(), FIELD, engine="fft")
    for n, result in enumerate(results):
        recipe = json.loads(output.GetNthDataNode(n).GetAttribute(nodes.RECIPE_ATTRIBUTE))
        assert recipe["result"]["residual"] == result.residual
    recipe = json.loads(output.GetAttribute(nodes.RECIPE_ATTRIBUTE))
    assert [entry["index"] for entry in recipe["frames"]] == list(VALUES)
    assert [entry["noise"] for entry in recipe["frames"]] == [result.noise for result in results]


def test_given_output_is_overwritten():
    sequence, given = make_sequence(), make_sequence([frame_array(9)] * 2, values=("7", "8"), name="old")
    output, _ = sequences.convolveSequence(sequence, FIELD, given)
    assert output is given
    assert given.GetName() == "old"
    assert [given.GetNthIndexValue(n) for n in range(given.GetNumberOfDataNodes())] == list(VALUES)


# -------------------------------------------------------------------------------------------- selections


def test_mask_for_all_frames_and_for_each(logic):
    sequence = make_sequence()
    masks = [np.zeros((6, 24, 20), np.uint8) for _ in range(3)]
    for n, mask in enumerate(masks):
        mask[1:4, 3 + 5 * n : 8 + 5 * n, 4:12] = 1
    masked = make_sequence(masks, name="masks")
    changed, _ = sequences.convolveSequence(sequence, FIELD, mask=masked)
    same, _ = sequences.convolveSequence(sequence, FIELD, mask=masks[1] != 0)
    chosen, _ = sequences.convolveSequence(sequence, FIELD, mask=lambda frame, item: masks[item])
    for n in range(3):
        source = array_of(sequence, n)
        assert np.array_equal(array_of(changed, n) != source, masks[n] != 0)
        assert np.array_equal(array_of(same, n) != source, masks[1] != 0)
        assert np.array_equal(array_of(chosen, n), array_of(changed, n))


def test_mask_that_the_browser_shows_follows_the_frames(logic):
    sequence = make_sequence()
    masks = [np.zeros((6, 24, 20), np.uint8) for _ in range(3)]
    for n, mask in enumerate(masks):
        mask[2, 4 + n : 9, 4:12] = 1
    browser, proxy = browse(sequence, logic)
    maskSequence = make_sequence(masks, name="masks")
    browser.AddSynchronizedSequenceNode(maskSequence)
    logic.UpdateProxyNodesFromSequences(browser)
    shown = browser.GetProxyNode(maskSequence)
    output, _ = sequences.convolveSequence(proxy, FIELD, mask=shown)
    for n in range(3):
        assert np.array_equal(array_of(output, n) != array_of(sequence, n), masks[n] != 0)


def test_segmentation_that_the_browser_shows_follows_the_frames(logic):
    volumes.registerConverterRules()  # the application has them
    sequence = make_sequence()
    browser, proxy = browse(sequence, logic)
    segmentations = ensureScene().AddNewNodeByClass("vtkMRMLSequenceNode", "segmentations")
    masks = []
    for n, value in enumerate(VALUES):
        mask = np.zeros((6, 24, 20), np.uint8)
        mask[2:4, 4 + n : 9, 4:12] = 1
        masks.append(mask)
        image = slicer.vtkOrientedImageData()
        image.DeepCopy(imageDataFromArray(mask))
        image.SetImageToWorldMatrix(vtkFromMatrix(MATRIX))
        node = slicer.vtkMRMLSegmentationNode()
        node.AddSegmentFromBinaryLabelmapRepresentation(image, "heart")
        segmentations.SetDataNodeAtValue(node, value)
    browser.AddSynchronizedSequenceNode(segmentations)
    logic.UpdateProxyNodesFromSequences(browser)
    shown = browser.GetProxyNode(segmentations)
    field = sd.KernelField.by_region(None, {"heart": FIELD.kernels[1]}, outside="unchanged")
    masked, _ = sequences.convolveSequence(proxy, FIELD, mask=(shown, ["heart"]))
    regions, _ = sequences.convolveSequence(proxy, field, labels=shown)
    for n in range(3):
        assert np.array_equal(array_of(masked, n) != array_of(sequence, n), masks[n] != 0)
        alone = sd.convolve(
            frame_array(n), field, spacing=(2.0, 1.5, 1.5), labels=masks[n], label_names={"heart": 1}
        )
        assert np.array_equal(array_of(regions, n), alone.image)


def test_missing_item_of_a_mask_sequence_is_named():
    masks = make_sequence([np.ones((6, 24, 20), np.uint8)] * 2, values=("0.0", "1.5"), name="masks")
    with pytest.raises(sd.InputError, match=r"frame 1 \(time = 0\.25 s\): .*'masks', has no item at time = 0\.25"):
        sequences.convolveSequence(make_sequence(), FIELD, mask=masks)


def test_guide_and_labels_of_each_frame():
    sequence = make_sequence()
    guides = [frame_array(n + 20) for n in range(3)]
    output, _ = sequences.convolveSequence(sequence, FIELD, guide=make_sequence(guides, name="guides"))
    labels = [np.where(frame_array(n) > 50, 2, 1).astype(np.int16) for n in range(3)]
    regions = sd.KernelField.by_region(None, {1: FIELD.kernels[0], 2: FIELD.kernels[1]})
    region, _ = sequences.convolveSequence(sequence, regions, labels=make_sequence(labels, name="labels"))
    for n in range(3):
        spacing = (2.0, 1.5, 1.5)
        alone = sd.convolve(frame_array(n), FIELD, spacing=spacing, guide=guides[n])
        assert np.array_equal(array_of(output, n), alone.image)
        alone = sd.convolve(frame_array(n), regions, spacing=spacing, labels=labels[n])
        assert np.array_equal(array_of(region, n), alone.image)


def test_moving_parent_transform_is_taken_at_each_frame(logic):
    """A fixed mask in the world meets other voxels of each frame when the frames move."""
    sequence = make_sequence([frame_array(0)] * 3)
    browser, proxy = browse(sequence, logic)
    moves = ensureScene().AddNewNodeByClass("vtkMRMLSequenceNode", "moves")
    moves.SetIndexName("time")
    for n, value in enumerate(VALUES):
        transform = slicer.vtkMRMLLinearTransformNode()
        matrix = np.eye(4)
        matrix[2, 3] = 2.0 * n  # one slice further for each frame
        transform.SetMatrixTransformToParent(vtkFromMatrix(matrix))
        moves.SetDataNodeAtValue(transform, value)
    browser.AddSynchronizedSequenceNode(moves)
    logic.UpdateProxyNodesFromSequences(browser)
    proxy.SetAndObserveTransformNodeID(browser.GetProxyNode(moves).GetID())
    mask = np.zeros((6, 24, 20), np.uint8)
    mask[3] = 1
    fixed = ensureScene().AddNode(volume(mask, MATRIX, "mask"))
    output, _ = sequences.convolveSequence(proxy, FIELD, mask=fixed, resample=True)
    for n in range(3):
        changed = np.any(array_of(output, n) != array_of(sequence, n), axis=(1, 2))
        assert list(np.flatnonzero(changed)) == [3 - n]


# ------------------------------------------------------------------------------------------- the browser


def test_proxy_is_told_from_other_volumes(logic):
    sequence = make_sequence()
    other = ensureScene().AddNode(volume(frame_array(5)))
    browser, proxy = browse(sequence, logic)
    assert sequences.sequenceOf(proxy) == (sequence, browser)
    assert sequences.sequenceOf(other) is None
    assert sequences.sequenceOf(volume(frame_array(5))) is None
    assert sequences.sequenceOf(None) is None


def test_output_is_shown_beside_the_input(logic):
    sequence = make_sequence()
    browser, proxy = browse(sequence, logic)
    browser.SetSelectedItemNumber(1)
    browser.SetPlaybackActive(True)
    transform = ensureScene().AddNewNodeByClass("vtkMRMLLinearTransformNode")
    proxy.SetAndObserveTransformNodeID(transform.GetID())
    proxy.GetDisplayNode().SetAutoWindowLevel(0)
    proxy.GetDisplayNode().SetWindowLevel(33, 44)
    playing = []
    output, _ = sequences.convolveSequence(
        proxy, FIELD, progress=lambda fraction, text: playing.append(browser.GetPlaybackActive())
    )
    assert playing
    assert not any(playing)
    assert browser.GetPlaybackActive()
    assert browser.GetSelectedItemNumber() == 1
    shown = browser.GetProxyNode(output)
    assert shown is not None
    assert shown is not proxy
    assert shown.GetParentTransformNode() is transform
    assert (shown.GetDisplayNode().GetWindow(), shown.GetDisplayNode().GetLevel()) == (33, 44)
    logic.UpdateProxyNodesFromSequences(browser)
    assert np.array_equal(nodes.volumeArray(shown), array_of(output, 1))


def test_no_temporary_node_stays(logic):
    sequence = make_sequence()
    browser, proxy = browse(sequence, logic)
    proxy.SetAndObserveTransformNodeID(ensureScene().AddNewNodeByClass("vtkMRMLLinearTransformNode").GetID())
    before = {node for node, _ in scene_state()}
    output, _ = sequences.convolveSequence(sequence, FIELD)
    added = [ensureScene().GetNodeByID(node) for node, _ in scene_state() if node not in before]
    shown = browser.GetProxyNode(output)
    allowed = {output, shown, shown.GetDisplayNode(), shown.GetStorageNode(), output.GetStorageNode()}
    assert set(added) <= allowed


# ------------------------------------------------------------------------------------- failure and cancel


@pytest.mark.parametrize("workers", [1, 3])
def test_failing_frame_is_named_and_nothing_changes(workers, logic):
    arrays = [frame_array(n) for n in range(3)]
    arrays[1][2, 3, 4] = np.nan
    sequence = make_sequence(arrays)
    _, proxy = browse(sequence, logic)
    before = scene_state()
    with pytest.raises(sd.InputError, match=r"frame 1 \(time = 0\.25 s\): the image holds 1 NaN"):
        sequences.deconvolveSequence(proxy, FIELD, engine="fft", workers=workers)
    assert scene_state() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_cancelled_run_leaves_nothing(workers):
    sequence = make_sequence()
    given = make_sequence([frame_array(9)], values=("7",), name="old")
    before, calls = scene_state(), []

    def cancelled():
        calls.append(threading.current_thread())
        return len(calls) > 2

    with pytest.raises(sd.Cancelled):
        sequences.deconvolveSequence(sequence, FIELD, given, workers=workers, cancelled=cancelled)
    assert scene_state() == before
    assert given.GetNumberOfDataNodes() == 1
    assert set(calls) == {threading.current_thread()}


def test_progress_rises_in_the_callers_thread():
    seen = []
    sequences.deconvolveSequence(
        make_sequence(), FIELD, workers=2,
        progress=lambda fraction, text: seen.append((fraction, text, threading.current_thread())),
    )  # fmt: skip
    fractions = [fraction for fraction, _, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {thread for _, _, thread in seen} == {threading.current_thread()}
    assert all(text.startswith("frame ") and "of 3" in text for _, text, _ in seen)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": [0, 3]}, r"frames 3 of 'Beating heart': give different numbers of 0 \.\.\. 2"),
        ({"frames": []}, "frames"),
        ({"frames": [1, 1]}, "frames"),
        ({"workers": 0}, "workers 0 must be a whole number"),
        ({"spacing": 1.0}, r"^spacing 1\.0 was given"),
        ({"method": "nonsense"}, "method 'nonsense' is unknown"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(sd.InputError, match=message):
        sequences.deconvolveSequence(make_sequence(), FIELD, **arguments)


def test_bad_nodes_are_refused():
    sequence = make_sequence()
    with pytest.raises(sd.InputError, match="sequence is not set"):
        sequences.convolveSequence(None, FIELD)
    with pytest.raises(sd.InputError, match="is none, nor shown by a sequence browser"):
        sequences.convolveSequence(volume(frame_array(0)), FIELD)
    with pytest.raises(sd.InputError, match="is the input itself"):
        sequences.convolveSequence(sequence, FIELD, sequence)
    with pytest.raises(sd.InputError, match="is no sequence node"):
        sequences.convolveSequence(sequence, FIELD, volume(frame_array(0)))
    with pytest.raises(sd.InputError, match="has no frames"):
        sequences.convolveSequence(ensureScene().AddNewNodeByClass("vtkMRMLSequenceNode", "empty"), FIELD)
    transforms = ensureScene().AddNewNodeByClass("vtkMRMLSequenceNode", "moves")
    transforms.SetDataNodeAtValue(slicer.vtkMRMLLinearTransformNode(), "0")
    with pytest.raises(sd.InputError, match=r"frame 0 .*is not a volume node"):
        sequences.convolveSequence(transforms, FIELD)


def test_scene_closed_in_the_middle(logic):
    sequence = make_sequence()
    scene = ensureScene()

    def progress(fraction, text):
        if fraction > 0.3:
            scene.RemoveNode(sequence)

    with pytest.raises(sd.Cancelled):
        sequences.convolveSequence(sequence, FIELD, progress=progress)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0


# ----------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("suffix", [".seq.nrrd", ".nrrd", ".nhdr"])
def test_file_keeps_frames_index_and_geometry(suffix, tmp_path):
    sequence = make_sequence()
    path = tmp_path / f"a{suffix}"
    assert sequencefiles.writeSequence(sequence, path) == []
    assert sequencefiles.isSequence(path)
    again = sequencefiles.readSequence(path)
    assert (again.GetIndexName(), again.GetIndexUnit()) == ("time", "s")
    assert [again.GetNthIndexValue(n) for n in range(3)] == list(VALUES)
    for n in range(3):
        assert np.array_equal(array_of(again, n), array_of(sequence, n))
        assert np.allclose(ijkToRas(again.GetNthDataNode(n)), MATRIX)


def test_nifti_keeps_evenly_spaced_time_only(tmp_path):
    even = make_sequence(values=("0", "0.5", "1"))
    assert sequencefiles.writeSequence(even, tmp_path / "a.nii.gz") == []
    again = sequencefiles.readSequence(tmp_path / "a.nii.gz")
    assert [float(again.GetNthIndexValue(n)) for n in range(3)] == [0, 0.5, 1]
    assert np.array_equal(array_of(again, 2), array_of(even, 2))
    odd = make_sequence()
    assert "does not hold the index" in sequencefiles.writeSequence(odd, tmp_path / "b.nii")[0]


def test_vector_frames_and_other_four_dimensional_files(tmp_path):
    arrays = [np.stack([frame_array(n), frame_array(n + 9)], axis=-1) for n in range(3)]
    sequencefiles.writeSequence(make_sequence(arrays), tmp_path / "v.seq.nrrd")
    again = sequencefiles.readSequence(tmp_path / "v.seq.nrrd")
    assert all(np.array_equal(array_of(again, n), arrays[n]) for n in range(3))
    values = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    for name, dtype in (("plain.mha", np.int16), ("long.nrrd", np.int64), ("plain.nrrd", np.float32)):
        image = sitk.GetImageFromArray(values.astype(dtype), isVector=False)
        image.SetSpacing((1.0, 2.0, 3.0, 0.5))
        sitk.WriteImage(image, str(tmp_path / name))
        read = sequencefiles.readSequence(tmp_path / name)
        assert read.GetNumberOfDataNodes() == 2
        assert np.array_equal(array_of(read, 1), values[1])
        assert nodes.spacingOf(read.GetNthDataNode(1)) == (3.0, 2.0, 1.0)


def test_frames_that_a_file_cannot_hold(tmp_path):
    arrays = [frame_array(0), frame_array(1, (5, 20, 18)), frame_array(2)]
    with pytest.raises(sd.InputError, match="frame 1 differs from frame 0"):
        sequencefiles.writeSequence(make_sequence(arrays), tmp_path / "a.seq.nrrd")
    with pytest.raises(sd.InputError, match=r"cannot hold the frames of a sequence; use \.seq\.nrrd"):
        sequencefiles.writeSequence(make_sequence(), tmp_path / "a.mha")
    mixed = make_sequence([frame_array(0), frame_array(1).astype(np.float64), frame_array(2)])
    sequencefiles.writeSequence(mixed, tmp_path / "b.seq.nrrd")
    assert array_of(sequencefiles.readSequence(tmp_path / "b.seq.nrrd"), 0).dtype == np.float64
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.seq.nrrd"]


def test_sequence_file_is_no_volume(tmp_path):
    sequencefiles.writeSequence(make_sequence(), tmp_path / "a.seq.nrrd")
    with pytest.raises(sd.InputError, match="holds 3 volumes"):
        volumes.readVolume(tmp_path / "a.seq.nrrd")
    volumes.writeVolume(ensureScene().AddNode(volume(frame_array(0))), tmp_path / "single.nrrd")
    assert not sequencefiles.isSequence(tmp_path / "single.nrrd")
    assert not sequencefiles.isSequence(tmp_path / "missing.nrrd")
    with pytest.raises(sd.InputError, match="holds no sequence"):
        sequencefiles.readSequence(tmp_path / "single.nrrd")


def test_damaged_sequence_leaves_no_node(tmp_path):
    sequencefiles.writeSequence(make_sequence(), tmp_path / "a.seq.nrrd")
    content = (tmp_path / "a.seq.nrrd").read_bytes()
    (tmp_path / "a.seq.nrrd").write_bytes(content[: len(content) // 2])
    before = scene_state()
    with pytest.raises(sd.InputError, match="cannot be read"):
        sequencefiles.readSequence(tmp_path / "a.seq.nrrd")
    assert [node for node, _ in scene_state()] == [node for node, _ in before]


# ------------------------------------------------------------------------------------ the command line


def command(*words):
    from SpatialDeconvLib.command import cli

    return cli.main([*map(str, words), "--quiet"])


@pytest.fixture
def folder(tmp_path):
    sequencefiles.writeSequence(make_sequence(), tmp_path / "in.seq.nrrd")
    sd.write_kernel_set(tmp_path / "set.json", FIELD)
    ensureScene().Clear(1)
    return tmp_path


def read_arrays(path):
    sequence = sequencefiles.readSequence(path)
    return sequence, [array_of(sequence, n) for n in range(sequence.GetNumberOfDataNodes())]


def test_command_processes_every_frame(folder, capsys):
    words = ["deconvolve", folder / "in.seq.nrrd", folder / "out.seq.nrrd", "--kernels", folder / "set.json"]
    assert (
        command(*words, "--engine", "fft", "--report", folder / "rep", "--reference", folder / "in.seq.nrrd") == 0
    )
    assert "PSNR" in capsys.readouterr().out
    assert ensureScene().GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0
    sequence, arrays = read_arrays(folder / "out.seq.nrrd")
    assert [sequence.GetNthIndexValue(n) for n in range(3)] == list(VALUES)
    for n, array in enumerate(arrays):
        assert np.array_equal(
            array, sd.deconvolve(frame_array(n), FIELD, spacing=(2, 1.5, 1.5), engine="fft").image
        )
    recipe = json.loads((folder / "out.seq.nrrd.recipe.json").read_text())
    residuals = [entry["residual"] for entry in recipe["frames"]]
    page = (folder / "rep" / "report.html").read_text(encoding="utf-8")
    worst = int(np.argmax(residuals))
    assert f"one of the 3 frames of a sequence: frame {worst} (time = {VALUES[worst]} s)" in page
    assert "All frames" in page
    assert command("repeat", folder / "out.seq.nrrd.recipe.json", folder / "again.seq.nrrd") == 0
    assert all(np.array_equal(a, b) for a, b in zip(arrays, read_arrays(folder / "again.seq.nrrd")[1], strict=True))


def test_command_with_selections_of_each_frame(folder):
    masks = [np.zeros((6, 24, 20), np.uint8) for _ in range(3)]
    for n, mask in enumerate(masks):
        mask[:, 3 * n : 12, 4:12] = 1
    sequencefiles.writeSequence(make_sequence(masks), folder / "mask.seq.nrrd")
    words = ["convolve", folder / "in.seq.nrrd", folder / "out.nrrd", "--kernels", folder / "set.json"]
    words += ["--mask", folder / "mask.seq.nrrd", "--mask-range", 30, 90, "--guide", folder / "in.seq.nrrd"]
    assert command(*words, "--report", folder / "rep") == 0
    for n, array in enumerate(read_arrays(folder / "out.nrrd")[1]):
        source = frame_array(n)
        inside = (masks[n] != 0) & (source >= 30) & (source <= 90)
        assert np.array_equal(array != source, inside)


def test_batch_takes_sequences(folder):
    (folder / "cases.csv").write_text(
        "input,kernels,output,operation\nin.seq.nrrd,set.json,done.seq.nrrd,convolve\n", encoding="utf-8"
    )
    assert command("batch", folder / "cases.csv", "--output", folder / "all") == 0
    for n, array in enumerate(read_arrays(folder / "all" / "done.seq.nrrd")[1]):
        assert np.array_equal(array, sd.convolve(frame_array(n), FIELD, spacing=(2.0, 1.5, 1.5)).image)


def test_command_refuses_before_the_work(folder, capsys):
    words = ["convolve", folder / "in.seq.nrrd", folder / "out.mha", "--kernels", folder / "set.json"]
    assert command(*words) == 1
    assert "cannot hold the frames of a sequence" in capsys.readouterr().err
    sequencefiles.writeSequence(make_sequence([frame_array(0)] * 2, values="01"), folder / "two.seq.nrrd")
    words = ["convolve", folder / "in.seq.nrrd", folder / "out.nrrd", "--kernels", folder / "set.json"]
    assert command(*words, "--guide", folder / "two.seq.nrrd") == 1
    assert "the guide has 2 frames, the input 3" in capsys.readouterr().err
    words = ["deconvolve", folder / "in.seq.nrrd", folder / "out.nrrd", "--kernels", folder / "set.json"]
    volumes.writeVolume(ensureScene().AddNode(volume(frame_array(0))), folder / "single.nrrd")
    assert command(*words, "--reference", folder / "single.nrrd") == 1
    assert "is a single volume, the input a sequence" in capsys.readouterr().err
    assert not list(folder.glob("out*"))


def test_a_frame_or_channel_that_took_another_method_than_the_first_is_named():
    taken = [{"strategy": "joint", "method": name, "why": "so"} for name in ("tv", "self-keyed", "tv")]
    results = [Result(np.zeros((1, 2, 2)), automatic=facts, warnings=["odd"]) for facts in taken]
    told = sequences.overFrames(results, ["first", "second", "third"])
    assert told.warnings == ["odd", "second: took joint self-keyed: so"]
    told = channels.combinedResult(results)
    assert told.warnings == ["odd", "channel 2: took joint self-keyed: so"]
    assert told.describe_choice() == "took joint total variation: so"
