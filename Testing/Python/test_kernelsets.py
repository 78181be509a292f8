import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import SpatialDeconvLib as sd
from SpatialDeconvLib.kernels.sets import field_from_dict, field_to_dict, from_logarithm, kernel_to_dict

SCHEMA = "spatialdeconv-kernels/1"
GAUSSIAN = {"type": "gaussian", "sigma_mm": 1.0}


def some_kernel(ndim=3, seed=0):
    shape, spacing = ((3, 4, 5), (2.0, 0.1 + 0.2, 1 / 3)) if ndim == 3 else ((4, 5), (0.4, 0.25))
    return sd.Kernel(np.random.default_rng(seed).random(shape) + 0.1, spacing)


def write_image(path, values, spacing=None):
    image = sitk.GetImageFromArray(np.asarray(values))
    if spacing is not None:
        image.SetSpacing(spacing[::-1])
    sitk.WriteImage(image, str(path))
    return path


def write_set(path, **content):
    path.write_text(json.dumps({"schema": SCHEMA, **content}), encoding="utf-8")
    return path


def message_of(call, *arguments, **options):
    with pytest.raises((sd.InputError, OSError)) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# ---------------------------------------------------------------------------------------- kernel files


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii", ".nii.gz", ".npy"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_kernels_come_back_from_files_as_they_were(tmp_path, suffix, ndim):
    kernel = some_kernel(ndim)
    path = tmp_path / f"k{suffix}"
    sd.write_kernel(kernel, path)
    result = sd.read_kernel(path, normalize=False)
    np.testing.assert_array_equal(result.values, kernel.values)
    if suffix == ".npy":
        assert result.spacing == (1.0,) * ndim
        assert sd.read_kernel(path, spacing=kernel.spacing).spacing == kernel.spacing
    else:
        assert result.spacing == (kernel.spacing if suffix in (".nrrd", ".mha") else pytest.approx(kernel.spacing))
    assert result.source == {"type": "file", "path": str(path.resolve()), "normalize": False}
    assert os.listdir(tmp_path) == [path.name]  # nothing temporary remains


def test_tiff_keeps_flat_kernels_to_float32(tmp_path):
    kernel = some_kernel(2)
    for name in ("k.tif", "k.TIFF"):
        sd.write_kernel(kernel, tmp_path / name)
        result = sd.read_kernel(tmp_path / name, normalize=False)
        np.testing.assert_allclose(result.values, kernel.values, rtol=1e-7)
        assert result.sampled(kernel.spacing) is result
    assert "TIFF keeps no slice spacing; use .nrrd" in message_of(
        sd.write_kernel, some_kernel(3), tmp_path / "k.tif"
    )


@pytest.mark.parametrize("suffix", [".mhd", ".hdr", ".nhdr"])
def test_formats_of_two_files_are_refused(tmp_path, suffix):
    message = message_of(sd.write_kernel, some_kernel(), tmp_path / f"k{suffix}")
    assert "second file" in message
    assert ".nrrd" in message
    assert os.listdir(tmp_path) == []


def test_kernels_are_read_normalized_unless_told_otherwise(tmp_path):
    path = write_image(tmp_path / "k.nrrd", np.full((3, 3), 7, np.uint16), (0.5, 0.25))
    kernel = sd.read_kernel(path)
    np.testing.assert_allclose(kernel.values, 1 / 9)
    assert kernel.spacing == (0.5, 0.25)
    assert kernel.name == "k.nrrd"
    assert sd.read_kernel(path, normalize=False).total == 63


def test_a_single_slice_is_a_flat_kernel(tmp_path):
    write_image(tmp_path / "k.nrrd", np.ones((1, 3, 4)), (9.0, 0.5, 0.25))
    kernel = sd.read_kernel(tmp_path / "k.nrrd")
    assert kernel.shape == (3, 4)
    assert kernel.spacing == (0.5, 0.25)
    assert sd.read_kernel(tmp_path / "k.nrrd", spacing=(8.0, 2.0, 3.0)).spacing == (2.0, 3.0)
    np.save(tmp_path / "k.npy", np.ones((1, 3, 4)))
    assert sd.read_kernel(tmp_path / "k.npy", spacing=0.4).spacing == (0.4, 0.4)


@pytest.mark.parametrize(("log", "scale"), [(True, 1.0), (10, np.log(10.0))])
@pytest.mark.parametrize("offset", [-700.0, 0.0, 700.0])
def test_logarithmic_kernels_lose_their_offset_and_sum_to_one(tmp_path, log, scale, offset):
    kernel = sd.gaussian_kernel((1.0, 2.0))
    np.save(tmp_path / "k.npy", np.log(kernel.values) / scale + offset)
    result = sd.read_kernel(tmp_path / "k.npy", log=log)
    np.testing.assert_allclose(result.values, kernel.values, rtol=1e-9)
    assert result.source["log"] == log


@pytest.mark.parametrize("offset", [-5000.0, 0.0, 700.0])
def test_the_logarithm_of_zero_is_zero_weight(tmp_path, offset):
    values = np.pad(np.ones((3, 3)), 2)
    with np.errstate(divide="ignore"):
        np.save(tmp_path / "k.npy", np.log(values) + offset)
    np.testing.assert_array_equal(sd.read_kernel(tmp_path / "k.npy", log=True).values, values / 9)
    np.save(tmp_path / "k.npy", np.full((3, 3), -np.inf))
    assert "9 NaN or infinite" in message_of(sd.read_kernel, tmp_path / "k.npy", log=True)


def test_a_kernel_made_from_a_logarithm_does_not_name_the_logarithm_as_its_source():
    logarithm = sd.Kernel([[0.0, -1.0]], source={"type": "file", "path": "log.nrrd"})
    kernel = from_logarithm(logarithm)
    assert kernel.source is None
    np.testing.assert_allclose(kernel.values, np.exp([[0, -1]]) / (1 + np.exp(-1)))


@pytest.mark.parametrize("log", [2, "natural", 0, 1.5])
def test_other_logarithms_are_refused(log):
    message = message_of(from_logarithm, sd.Kernel([[0.0, -1.0]]), log)
    assert repr(log) in message
    assert "10 (decimal)" in message


def test_kernel_files_that_cannot_be_used_are_named(tmp_path, capfd):
    def read(name, **options):
        message = message_of(sd.read_kernel, tmp_path / name, **options)
        assert name in message
        return message

    assert "does not exist; check the path" in read("missing.nrrd")
    (tmp_path / "folder.nrrd").mkdir()
    assert "is no file" in read("folder.nrrd")
    for name in ("garbage.nrrd", "garbage.nii.gz", "garbage.tif", "garbage"):
        (tmp_path / name).write_bytes(b"not an image\n" * 5)
        assert ("cannot be read" if "nii" in name else "no image that can be read") in read(name)
    (tmp_path / "garbage.npy").write_bytes(b"not an array")
    assert "no readable .npy array" in read("garbage.npy")
    (tmp_path / "empty.npy").write_bytes(b"")
    assert "no readable .npy array" in read("empty.npy")
    np.savez(tmp_path / "several.npz", a=np.ones((3, 3)))
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    assert "no readable .npy array" in read("several.npy")
    np.save(tmp_path / "objects.npy", np.array([[{}]]), allow_pickle=True)
    assert "no readable .npy array" in read("objects.npy")
    whole = tmp_path / "whole.npy"
    np.save(whole, np.ones((30, 30)))
    (tmp_path / "half.npy").write_bytes(whole.read_bytes()[:1000])
    assert "no readable .npy array" in read("half.npy")
    write_image(tmp_path / "rgb.nrrd", np.zeros((3, 3, 2)))
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 3, 2)), isVector=True), str(tmp_path / "rgb.nrrd"))
    assert "holds 2 kernels" in read("rgb.nrrd")
    colours = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(tmp_path / "rgb.png"))
    assert "several components" in read("rgb.png")
    write_image(tmp_path / "zero.nrrd", np.zeros((3, 3)))
    assert "zero everywhere" in read("zero.nrrd")
    write_image(tmp_path / "nan.nrrd", np.array([[1.0, np.nan], [1, 1]]))
    assert "1 NaN or infinite of 4" in read("nan.nrrd")
    np.save(tmp_path / "complex.npy", np.ones((3, 3), complex))
    assert "complex" in read("complex.npy")
    np.save(tmp_path / "laplace.npy", sd.laplacian_kernel().values)
    assert "normalize=False" in read("laplace.npy")
    np.save(tmp_path / "good.npy", np.ones((3, 3)))
    assert "spacing 'wide'" in read("good.npy", spacing="wide")
    assert "spacing" in read("good.npy", spacing=-1)
    assert capfd.readouterr().err == ""  # the readers' own chatter would make the error more than one line


def test_kernels_that_cannot_be_written_leave_nothing_behind(tmp_path):
    kernel = some_kernel(2)
    message = message_of(sd.write_kernel, kernel, tmp_path / "missing" / "k.nrrd")
    assert "the folder" in message
    assert "create it first" in message
    for name in ("k.png", "k.jpg", "k.unknown"):
        message = message_of(sd.write_kernel, kernel, tmp_path / name)
        assert name in message
        assert ".spatialdeconv-" not in message  # the name the user gave, not a temporary one
        assert "try .nrrd" in message
    assert os.listdir(tmp_path) == []


def test_a_failed_write_keeps_the_file_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "k.nrrd"
    sd.write_kernel(some_kernel(2, seed=1), path)
    before = path.read_bytes()

    def full(image, name, **options):
        Path(name).write_bytes(b"half")
        raise RuntimeError("sitk::ERROR: No space left on device")

    monkeypatch.setattr(sitk, "WriteImage", full)
    assert "No space left on device" in message_of(sd.write_kernel, some_kernel(2), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["k.nrrd"]


def test_written_files_are_readable_by_others_as_the_umask_says(tmp_path):
    previous = os.umask(0o027)
    try:
        sd.write_kernel(some_kernel(2), tmp_path / "k.npy")
    finally:
        os.umask(previous)
    assert (tmp_path / "k.npy").stat().st_mode & 0o777 == 0o640


# ---------------------------------------------------------------------------------------- kernel sets

PARAMETRIC = [
    {"type": "gaussian", "sigma_mm": 1.5},
    {"type": "gaussian", "sigma_mm": [2.0, 1.0, 0.5], "truncate": 3.0},
    {"type": "gaussian", "covariance_mm2": [[4.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]]},
    {"type": "motion", "length_mm": 5, "angle_deg": 30},
    {"type": "motion", "length_mm": 5.5, "direction": [1, 0.5, 0]},
    {"type": "box", "width_mm": 3},
    {"type": "disk", "radius_mm": 2.5},
    {"type": "ball", "radius_mm": 2.5},
    {"type": "mean", "shape": [1, 3, 3]},
    {"type": "sum", "shape": 3},
    {"type": "cross"},
    {"type": "laplacian"},
    {"type": "sharpen", "amount": 0.5},
    {"type": "identity"},
    *({"type": name, **kind.start} for name, kind in sd.KINDS.items()),
]


@pytest.mark.parametrize("entry", PARAMETRIC, ids=lambda e: e["type"])
def test_parametric_entries_come_back_word_for_word(tmp_path, entry):
    path = write_set(tmp_path / "set.json", key="intensity", kernels=[{"at": 10, **entry}])
    field = sd.read_kernel_set(path)
    assert isinstance(field.kernels[0], sd.ParametricKernel)
    sd.write_kernel_set(tmp_path / "again.json", field)
    content = json.loads((tmp_path / "again.json").read_text())
    assert content["kernels"] == [{"at": 10.0, **entry}]
    expected = field.kernels[0].sampled((2.0, 1.0, 1.0)).values
    again = sd.read_kernel_set(tmp_path / "again.json")
    np.testing.assert_array_equal(again.kernels[0].sampled((2.0, 1.0, 1.0)).values, expected)


def test_numpy_numbers_can_be_written(tmp_path):
    kernel = sd.ParametricKernel("gaussian", sigma_mm=np.array([1.0, 2.0, 3.0]), truncate=np.float64(3))
    sd.write_kernel_set(tmp_path / "set.json", sd.KernelField.by_intensity({np.float32(10): kernel}))
    content = json.loads((tmp_path / "set.json").read_text())
    assert content["kernels"] == [{"at": 10.0, "type": "gaussian", "sigma_mm": [1.0, 2.0, 3.0], "truncate": 3.0}]


K1, K2 = some_kernel(3, 1), some_kernel(3, 2)


@pytest.mark.parametrize(
    "field",
    [
        sd.KernelField.uniform(K1),
        sd.KernelField.by_intensity({10: K1, 20.5: K2}),
        sd.KernelField.by_intensity({10: K1, 20: K2}, "nearest", "unchanged"),
        sd.KernelField.by_intensity({10: K1, 20: K2}, "linear", "error"),
        sd.KernelField.by_region(None, {1: K1, "lung": K2}, feather=2.5, outside="nearest"),
        sd.KernelField.by_region(None, {7: K1}),
        sd.KernelField.by_position({(0, 1, 2): K1, (3.5, 1, 2): K2}),
        sd.KernelField.by_position({(0, 1, 2): K1, (3, 4, 5): K2}, "inverse-distance"),
        sd.KernelField.by_position({(0, 1): K1, (3, 4): K2}, "nearest"),
    ],
    ids=lambda f: f"{f.key}-{f.interpolation}-{f.outside}",
)
def test_fields_of_every_key_come_back_from_their_set(tmp_path, field):
    path = tmp_path / "set.json"
    sd.write_kernel_set(path, field)
    result = sd.read_kernel_set(path)
    assert (result.key, result.at, result.feather) == (field.key, field.at, field.feather)
    assert (result.interpolation, result.outside) == (field.interpolation, field.outside)
    for kernel, expected in zip(result.kernels, field.kernels, strict=True):
        np.testing.assert_array_equal(kernel.values, expected.values)  # not normalised behind the user's back
        assert kernel.spacing == expected.spacing
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["set.json", *(f"set-kernel-{n}.nrrd" for n in range(1, len(field.kernels) + 1))]
    )


def test_weights_are_written_beside_their_set(tmp_path):
    weights = np.random.default_rng(0).random((2, 3, 4, 5))
    weights /= weights.sum(axis=0)
    sd.write_kernel_set(tmp_path / "set.json", sd.KernelField.by_weights(weights, [K1, K2]))
    result = sd.read_kernel_set(tmp_path / "set.json")
    np.testing.assert_allclose(result.weight_arrays, weights, atol=1e-7)
    assert [e["at"] for e in json.loads((tmp_path / "set.json").read_text())["kernels"]] == [
        "set-weight-1.nrrd",
        "set-weight-2.nrrd",
    ]


def test_paths_are_relative_to_the_set_and_survive_a_move(tmp_path, monkeypatch):
    (tmp_path / "a" / "kernels").mkdir(parents=True)
    write_image(tmp_path / "a" / "kernels" / "k.nrrd", K1.values, K1.spacing)
    entry = {"at": 3, "type": "file", "path": "kernels/k.nrrd"}
    write_set(tmp_path / "a" / "set.json", key="intensity", kernels=[entry])
    monkeypatch.chdir(tmp_path)
    field = sd.read_kernel_set("a/set.json")
    np.testing.assert_allclose(field.kernels[0].values, K1.values / K1.total)
    sd.write_kernel_set("a/again.json", field)
    assert json.loads(Path("a/again.json").read_text())["kernels"] == [{**entry, "at": 3.0}]
    Path("a").rename("b")
    monkeypatch.chdir("/")
    again = sd.read_kernel_set(tmp_path / "b" / "again.json")
    np.testing.assert_array_equal(again.kernels[0].values, field.kernels[0].values)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"log": True},
        {"log": 10},
        {"normalize": False},
        {"spacing_mm": 0.5},
        {"spacing_mm": [2.0, 0.5, 0.25], "log": True},
    ],
    ids=str,
)
def test_options_of_file_entries_come_back(tmp_path, options):
    write_image(tmp_path / "k.mha", K1.values - 2 if "log" in options else K1.values, K1.spacing)
    entry = {"type": "file", "path": "k.mha", **options}
    field = sd.read_kernel_set(write_set(tmp_path / "set.json", key="uniform", kernels=[entry]))
    sd.write_kernel_set(tmp_path / "again.json", field)
    again = sd.read_kernel_set(tmp_path / "again.json")
    np.testing.assert_array_equal(again.kernels[0].values, field.kernels[0].values)
    assert again.kernels[0].spacing == field.kernels[0].spacing
    if "log" in options:
        scale = np.log(10) if options["log"] == 10 else 1.0
        expected = np.exp(scale * K1.values)
        np.testing.assert_allclose(field.kernels[0].values, expected / expected.sum(), rtol=1e-12)
    if "spacing_mm" in options:
        assert field.kernels[0].spacing == tuple(np.broadcast_to(options["spacing_mm"], 3))


def test_a_changed_file_kernel_is_written_as_what_it_is_now(tmp_path):
    sd.write_kernel(K1, tmp_path / "k.nrrd")
    kernel = sd.read_kernel(tmp_path / "k.nrrd", normalize=False)
    for number, changed in enumerate((kernel.normalized(), kernel.resampled((1.0, 0.5, 0.5)))):
        path = tmp_path / f"set{number}.json"
        sd.write_kernel_set(path, sd.KernelField.uniform(changed))
        result = sd.read_kernel_set(path).kernels[0]
        np.testing.assert_array_equal(result.values, changed.values)
        assert result.spacing == changed.spacing


def test_a_gaussian_once_sampled_is_kept_as_its_values():
    assert kernel_to_dict(sd.gaussian_kernel(1.0))["type"] == "values"
    assert kernel_to_dict(sd.ParametricKernel("gaussian", sigma_mm=1.0)) == GAUSSIAN


def test_values_can_stand_in_the_set_itself(tmp_path):
    values = [[0, 1, 0], [1, 2, 1], [0, 1, 0]]
    entry = {"type": "values", "values": values, "spacing_mm": 0.5}
    field = sd.read_kernel_set(write_set(tmp_path / "set.json", key="uniform", kernels=[entry]))
    np.testing.assert_array_equal(field.kernels[0].values, values)
    assert field.kernels[0].spacing == (0.5, 0.5)
    assert field_to_dict(field)["kernels"] == [entry]
    np.testing.assert_array_equal(field_from_dict(field_to_dict(field)).kernels[0].values, values)


def test_a_byte_order_mark_and_a_comment_do_no_harm(tmp_path):
    content = {"schema": SCHEMA, "key": "uniform", "comment": "größer", "kernels": [GAUSSIAN]}
    (tmp_path / "set.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8-sig")
    assert sd.read_kernel_set(tmp_path / "set.json").key == "uniform"


# ------------------------------------------------------------------------------------- bad kernel sets


def test_sets_that_cannot_be_read_are_named(tmp_path):
    message = message_of(sd.read_kernel_set, tmp_path / "missing.json")
    assert "missing.json" in message
    assert "No such file" in message
    assert "holds no file that could be a kernel" in message_of(sd.read_kernel_set, tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x80")
    assert "binary.json cannot be read" in message_of(sd.read_kernel_set, tmp_path / "binary.json")
    (tmp_path / "broken.json").write_text('{"schema": 1,\n "key" 2}')
    message = message_of(sd.read_kernel_set, tmp_path / "broken.json")
    assert "no valid JSON" in message
    assert "line 2, column 8" in message
    (tmp_path / "empty.json").write_text("")
    assert "no valid JSON" in message_of(sd.read_kernel_set, tmp_path / "empty.json")


def intensity(*kernels, **words):
    return {"key": "intensity", "kernels": list(kernels), **words}


def region(at, **words):
    return {"key": "region", "kernels": [{"at": at, **GAUSSIAN}], **words}


def uniform(**entry):
    return {"key": "uniform", "kernels": [entry]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"schema": "other/2"}, ["schema is 'other/2'", SCHEMA]),
        ({"schema": None}, ["schema is None", SCHEMA]),
        (intensity(GAUSSIAN, kernel=3), ["unknown word 'kernel'", "known: comment"]),
        ({"key": "colour", "kernels": [GAUSSIAN]}, ["key 'colour'", "intensity, region"]),
        ({"key": ["intensity"], "kernels": [GAUSSIAN]}, ["key ['intensity']"]),
        ({"kernels": [GAUSSIAN]}, ["key None", "choose one of"]),
        (intensity(), ["the kernel set is empty", "'kernels'"]),
        ({"key": "intensity"}, ["the kernel set is empty"]),
        ({"key": "intensity", "kernels": {"a": GAUSSIAN}}, ["the kernel set is empty"]),
        ({"key": "uniform", "kernels": [GAUSSIAN, GAUSSIAN]}, ["'uniform' takes one kernel, not 2"]),
        (intensity(GAUSSIAN), ["kernel 1 has no 'at'"]),
        (intensity({"at": 1}), ["kernel 1 has no 'type'", "gaussian"]),
        (intensity({"at": 1, **GAUSSIAN}, 7), ["kernel 2 has no 'type'"]),
        (intensity({"at": 1, **GAUSSIAN}, {"at": 1.0, **GAUSSIAN}), ["level 1.0 is given twice"]),
        (intensity({"at": "ten", **GAUSSIAN}), ["level 'ten' is not a number"]),
        (intensity({"at": "10", **GAUSSIAN}), ["level '10' is not a number"]),
        (intensity({"at": None, **GAUSSIAN}), ["level None"]),
        (intensity({"at": [1, 2], **GAUSSIAN}), ["level (1, 2)"]),
        (intensity({"at": float("nan"), **GAUSSIAN}), ["level nan must be finite"]),
        (intensity({"at": 1, **GAUSSIAN}, interpolation="cubic"), ["interpolation 'cubic'", "linear, nearest"]),
        (intensity({"at": 1, **GAUSSIAN}, outside=["x"]), ["outside ['x']", "unchanged"]),
        (intensity({"at": 1, **GAUSSIAN}, feather_mm=2), ["'feather_mm' has no meaning for key 'intensity'"]),
        (region(1, interpolation="linear"), ["'interpolation' has no meaning for key 'region'"]),
        (region(1, feather_mm="wide"), ["feather 'wide'"]),
        (region(1, feather_mm=-1), ["feather -1"]),
        (region(1.5), ["label 1.5", "whole number or a segment name"]),
        (region(None), ["label None"]),
        (region([1, 2]), ["label (1, 2)"]),
        (region({}), ["label {}"]),
        (region(float("nan")), ["label nan"]),
        ({"key": "position", "kernels": [{"at": 3, **GAUSSIAN}]}, ["position 3", "[z, y, x] in mm"]),
        ({"key": "position", "kernels": [{"at": [1, "y", 3], **GAUSSIAN}]}, ["position (1, 'y', 3)"]),
        ({"key": "weights", "kernels": [{"at": "w.nrrd", **GAUSSIAN}]}, ["weight image", "w.nrrd does not exist"]),
        (uniform(type="gausian"), ["kernel 1", "'gausian'", "known: gaussian", "file, values"]),
        (uniform(type=["gaussian"]), ["kernel 1", "['gaussian']"]),
        (uniform(type=None), ["kernel 1", "None"]),
        (uniform(type="gaussian"), ["kernel 1", "needs 'sigma_mm'"]),
        (uniform(**GAUSSIAN, fwhm=2), ["kernel 1", "no parameter 'fwhm'"]),
        (uniform(**GAUSSIAN, self=2), ["kernel 1", "no parameter 'self'"]),
        (uniform(type="gaussian", sigma_mm="1 mm"), ["kernel 1", "sigma_mm '1 mm'"]),
        (uniform(type="gaussian", sigma_mm=-1), ["kernel 1", "sigma -1"]),
        (uniform(type="file"), ["kernel 1", "needs 'path'"]),
        (uniform(type="file", path="k.nrrd"), ["kernel 1", "k.nrrd does not exist"]),
        (uniform(type="file", path=[1]), ["kernel 1", "does not exist"]),
        (uniform(type="file", path="k.nrrd", logarithm=True), ["kernel 1", "no 'logarithm'", "log, normalize"]),
        (uniform(type="values", values=[[1]]), ["kernel 1", "needs 'spacing_mm'"]),
        (uniform(type="values", values=[[1, 2], [3]], spacing_mm=1), ["kernel 1", "no regular array"]),
        (uniform(type="values", values=[[1, 2]], spacing_mm="x"), ["kernel 1", "spacing 'x'"]),
        (uniform(type="values", values=[[0, 0]], spacing_mm=1), ["kernel 1", "zero everywhere"]),
        (uniform(type="values", values=[[1, float("nan")]], spacing_mm=1), ["kernel 1", "NaN"]),
        (uniform(type="values", values=[1, 2], spacing_mm=1), ["kernel 1", "2-D or 3-D"]),
    ],
    ids=lambda v: v[0][:40] if isinstance(v, list) else "",
)
def test_bad_sets_are_refused_in_one_line_that_names_file_entry_and_value(tmp_path, content, words):
    path = write_set(tmp_path / "bad.json", **content)
    message = message_of(sd.read_kernel_set, path)
    assert message.startswith(f"kernel set {path}: ")
    for word in words:
        assert word in message


def test_a_set_that_is_no_object_is_refused(tmp_path):
    (tmp_path / "list.json").write_text("[1, 2]")
    assert "schema is 'list'" in message_of(sd.read_kernel_set, tmp_path / "list.json")
