"""Ten kernels in whatever form they are become one field in one step, or it is said in one line what is missing."""

import numpy as np
import pytest
import scipy.io
import SimpleITK as sitk

import SpatialDeconvLib as sd
from SpatialDeconvLib.kernels.collect import collect_kernels
from SpatialDeconvLib.kernels.naming import levels_in_names, levels_of_words
from SpatialDeconvLib.kernels.sets import field_to_dict
from SpatialDeconvLib.kernels.sources import files_of, placed

LEVELS = tuple(range(10, 101, 10))


def bump(width, centre=(9.5, 9.5)):
    j, i = np.indices((20, 20))
    return np.exp(-0.5 * (((j - centre[0]) / width) ** 2 + ((i - centre[1]) / (1.3 * width)) ** 2))


#: One off its middle, so that a kernel that is turned or mirrored on its way is another one.
KERNELS = np.array([bump(0.6 + 0.15 * n, (9.5, 9.5) if n else (8.0, 11.0)) for n in range(10)], np.float32)


def write_nrrd(path, values, spacing=None):
    image = sitk.GetImageFromArray(values)
    sitk.WriteImage(image, str(path))


def text(mark, delimiter):
    def write(path, values):
        rows = (delimiter.join(f"{float(v)!r}".replace(".", mark) for v in row) for row in values)
        path.write_text("\n".join(rows), encoding="utf-8")

    return write


#: How a file of one kernel is written: ending -> writer (path, values).
ONE = {
    "npy": np.save,
    "npz": lambda path, values: np.savez(path, psf=values, sigma=1.0),
    "mat": lambda path, values: scipy.io.savemat(path, {"psf": values}),
    "csv": text(".", ","),
    "txt": text(",", "\t"),
    "nrrd": write_nrrd,
    "tif": write_nrrd,
}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "kernels"
    made.mkdir()
    return made


def fill(folder, ending, name="kernel_{}"):
    for level, values in zip(LEVELS, KERNELS, strict=True):
        ONE[ending](folder / f"{name.format(level)}.{ending}", values)
    return folder


def same(field):
    """Whether a field is the ten kernels, bit by bit, by their levels."""
    assert field.key == "intensity"
    assert field.at == LEVELS
    for kernel, values in zip(field.kernels, KERNELS, strict=True):
        np.testing.assert_array_equal(kernel.values, values.astype(float) / values.astype(float).sum())
    centres = [kernel.centre for kernel in field.kernels]
    return centres == [(10, 10), *[(9.5, 9.5)] * 9]  # one is symmetric about no middle


def refused(call, *arguments, **options):
    with pytest.raises(sd.InputError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# -- the case of the mission's user


@pytest.mark.parametrize("ending", ONE)
def test_a_folder_of_ten_files_is_a_field(folder, ending):
    assert same(sd.read_kernel_set(fill(folder, ending)))


@pytest.mark.parametrize("ending", ["npy", "csv"])
def test_a_pattern_or_the_files_themselves_are_a_field(folder, ending):
    fill(folder, ending, "k{}_20x20")
    (folder / f"other.{ending}").write_bytes(b"")
    assert same(sd.read_kernel_set(folder / f"k*.{ending}"))
    files = sorted(path for path in folder.iterdir() if path.name.startswith("k"))
    assert same(sd.read_kernel_set(files))  # 10, 100, 20, ...


def test_levels_are_said_beside_the_files(folder, monkeypatch):
    for name, values in zip("abcdefghij", KERNELS, strict=True):
        np.save(folder / name, values)
    words = {level: folder / f"{name}.npy" for level, name in zip(LEVELS, "abcdefghij", strict=True)}
    assert same(sd.read_kernel_set(words))
    assert same(sd.read_kernel_set([f"{level}={path}" for level, path in reversed(words.items())]))
    assert same(sd.read_kernel_set(list(words.values()), LEVELS))
    monkeypatch.setenv("HOME", str(folder))
    assert same(sd.read_kernel_set([f"{level} = ~/{path.name}" for level, path in words.items()]))


def stack(ending, path):
    if ending == "npy":
        np.save(path, KERNELS)
    elif ending == "last.npy":
        np.save(path, np.moveaxis(KERNELS, 0, -1))
    elif ending == "npz":
        np.savez(path, psf=KERNELS)
    elif ending == "mat":
        scipy.io.savemat(path, {"psf": np.moveaxis(KERNELS, 0, -1)})
    elif ending == "first.mat":
        scipy.io.savemat(path, {"psf": KERNELS})
    elif ending == "tif":
        write_nrrd(path, KERNELS)
    elif ending == "list.nrrd":  # as Slicer writes sequences: a list of volumes
        write_list(path, KERNELS[:, np.newaxis])
    else:
        sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(page[np.newaxis]) for page in KERNELS]), str(path))


def write_list(path, volumes):
    count, k, j, i = volumes.shape
    header = f"NRRD0005\ntype: float\ndimension: 4\nsizes: {count} {i} {j} {k}\nkinds: list domain domain domain\n"
    header += "space: left-posterior-superior\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\n"
    path.write_bytes(f"{header}endian: little\n\n".encode() + np.moveaxis(volumes, 0, -1).astype("<f4").tobytes())


@pytest.mark.parametrize(
    "ending", ["npy", "last.npy", "npz", "mat", "first.mat", "tif", "nii.gz", "nii", "nrrd", "list.nrrd"]
)
def test_one_file_of_ten_pages_is_a_field_once_the_levels_are_said(folder, ending):
    path = folder / f"ten.{ending}"
    stack(ending, path)
    for levels in (LEVELS, "10:100:10", ["10:50:10", 60, "70", "80:100:10"]):
        field = sd.read_kernel_set(path, levels)
        assert same(field)
    assert {kernel.source["path"] for kernel in field.kernels} == {str(path.resolve())}
    assert [kernel.source["page"] for kernel in field.kernels] == list(range(1, 11))
    assert len(sd.read_kernel_set(folder, LEVELS).at) == 10  # alone in a folder


def test_arrays_of_one_file_say_their_levels_by_their_names(folder):
    np.savez(folder / "k.npz", **{f"k{level}": values for level, values in zip(LEVELS, KERNELS, strict=True)})
    assert same(sd.read_kernel_set(folder / "k.npz"))


@pytest.mark.parametrize("name", ["levels", "Level", "intensities"])
def test_levels_beside_a_stack_are_its_levels(folder, name):
    scipy.io.savemat(folder / "k.mat", {"psf": np.moveaxis(KERNELS, 0, -1), name: LEVELS})
    assert same(sd.read_kernel_set(folder / "k.mat"))
    assert sd.read_kernel_set(folder / "k.mat", range(10)).at == tuple(range(10))  # what is given counts


@pytest.mark.parametrize("ending", ["npy", "nrrd"])
def test_one_kernel_is_for_everywhere(folder, ending):
    ONE[ending](folder / f"k20.{ending}", KERNELS[1])
    for given in (folder / f"k20.{ending}", folder, [folder / f"k20.{ending}"]):
        field = sd.read_kernel_set(given)
        assert field.key == "uniform"
        assert field.kernels[0].shape == (20, 20)
    assert sd.read_kernel_set(folder, [20]).at == (20,)


def test_three_axes_are_one_kernel_until_levels_are_said(folder):
    np.save(folder / "k.npy", KERNELS)
    found = collect_kernels(folder / "k.npy")
    assert found.key == "uniform"
    assert "one kernel of 10 x 20 x 20 voxels; to use it as several, give their levels" in found.notes[0]
    flat = np.ones((32, 32), np.float32)
    message = refused(sd.convolve, flat, sd.read_kernel_set(folder / "k.npy"))
    assert "or the level of each of its slices" in message


def test_files_belong_to_regions_where_that_is_asked(folder):
    fill(folder, "npy")
    assert sd.read_kernel_set(folder, key="region").at == LEVELS
    files = {"liver": folder / "kernel_10.npy", 2: folder / "kernel_20.npy"}
    assert sd.read_kernel_set(files, key="region").at == ("liver", 2)
    assert "'liver' of kernel_10.npy is no level" in refused(sd.read_kernel_set, files)


def test_how_files_are_read_is_said_for_all(folder):
    for level in LEVELS:
        np.save(folder / f"k{level}.npy", np.log(KERNELS[1].astype(float) + 1e-30))
    field = sd.read_kernel_set(folder, log=True, spacing=0.5, centre="peak")
    for kernel in field.kernels:
        np.testing.assert_allclose(kernel.values, KERNELS[1] / KERNELS[1].sum(), atol=1e-8)
        assert kernel.spacing == (0.5, 0.5)
        assert kernel.source["centre"] == "peak"


@pytest.mark.parametrize("ending", ["npy", "first.mat", "nii.gz"])
def test_a_set_of_collected_kernels_is_written_and_read_as_it_was(folder, ending):
    stack(ending, folder / f"ten.{ending}")
    field = sd.read_kernel_set(folder / f"ten.{ending}", LEVELS)
    content = sd.write_kernel_set(folder / "set.json", field)
    assert content["kernels"][2]["path"] == f"ten.{ending}"
    assert content["kernels"][2]["page"] == 3
    again = sd.read_kernel_set(folder / "set.json")
    assert same(again)
    assert field_to_dict(again) == field_to_dict(field)


# -- levels in names


@pytest.mark.parametrize(
    ("names", "levels"),
    [
        (["k9.npy", "k10.npy"], [9, 10]),
        (["k10_20x20.npy", "k20_20x20.npy"], [10, 20]),
        (["k-0.5.csv", "k-1.5.csv"], [0.5, 1.5]),
        (["hu_-1000.nii.gz", "hu_40.nii.gz"], [-1000, 40]),
        (["psf_010.tif", "psf_020.tif"], [10, 20]),
        (["2024_7.npy", "2024_8_b.npy"], [7, 8]),
        (["10/psf_10.npy", "20/psf_20.npy"], [10, 20]),  # one number, said twice
        (["bone 300", "soft 40"], [300, 40]),
        (["only_7.npy"], [7]),
    ],
)
def test_the_only_number_that_differs_is_the_level(names, levels):
    assert levels_in_names(names) == levels


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a.npy", "k20.npy"], "'a.npy' has no number"),
        (["1_10.npy", "2_20.npy"], "ambiguous in the names '1_10.npy', '2_20.npy'"),
        (["a1.npy", "a2_3.npy"], "different counts of numbers"),
        (["a10.npy", "b10.npy"], "'a10.npy' and 'b10.npy' are both for 10"),
        (["a10.npy", "b20.npy", "c10.npy"], "'a10.npy' and 'c10.npy' are both for 10"),
        (["2024_7.npy"], "ambiguous"),
    ],
)
def test_names_that_say_no_levels_are_refused_with_the_names(names, reason):
    message = refused(levels_in_names, names)
    assert reason in message
    assert ";" in message  # and what to do


def test_levels_are_numbers_and_ranges_with_both_ends():
    assert levels_of_words(["10:100:10"]) == list(LEVELS)
    assert levels_of_words("0:0.3:0.1") == [0, 0.1, 0.2, 0.3]
    assert levels_of_words("-1000, 40 100:50:-50") == [-1000, 40, 100, 50]
    for wrong in ("ten", "1:2", "10:100:0", "10:100:-10", "1:2:3:4", "1e300:2e300:1e-9"):
        assert "FIRST:LAST:STEP" in refused(levels_of_words, [wrong])


def test_folders_may_hold_the_level(folder):
    for level, values in zip(LEVELS, KERNELS, strict=True):
        (folder / str(level)).mkdir()
        np.save(folder / str(level) / "psf.npy", values)
    assert same(sd.read_kernel_set(folder / "*" / "psf.npy"))


# -- what is refused, and what is told


def test_what_does_not_say_its_levels_is_refused(folder, tmp_path):
    stack("nii.gz", folder / "ten.nii.gz")
    assert "holds 10 kernels, but not their levels" in refused(sd.read_kernel_set, folder / "ten.nii.gz")
    assert "no kernels for 9 levels" in refused(sd.read_kernel_set, folder / "ten.nii.gz", range(9))
    np.save(tmp_path / "one.npy", KERNELS[0])
    assert "no kernels for 10 levels" in refused(sd.read_kernel_set, tmp_path / "one.npy", LEVELS)
    np.save(tmp_path / "two.npy", KERNELS[1])
    files = [tmp_path / "one.npy", tmp_path / "two.npy"]
    assert "'one.npy' has no number" in refused(sd.read_kernel_set, files)
    assert "3 levels are given for 2 kernels" in refused(sd.read_kernel_set, files, [1, 2, 3])


def test_levels_that_contradict_the_names_are_refused(folder):
    files = sorted(map(str, fill(folder, "npy").iterdir()))  # 10, 100, 20, ... as a shell sorts them
    assert "another order than the numbers in the names" in refused(sd.read_kernel_set, files, LEVELS)
    assert sd.read_kernel_set(folder, np.arange(10) / 10).at == tuple(np.arange(10) / 10)


def test_two_kernels_for_one_level_are_refused_with_both(folder):
    np.save(folder / "a.npy", KERNELS[0])
    np.save(folder / "b.npy", KERNELS[1])
    message = refused(sd.read_kernel_set, [f"10={folder / 'a.npy'}", f"10.0={folder / 'b.npy'}"])
    assert "'a.npy' and 'b.npy' are both for 10" in message


def test_what_else_lies_in_a_folder_is_told_and_not_used(folder):
    fill(folder, "npy")
    (folder / "README.txt").write_text("The kernels of 2024.")
    (folder / "set.png").write_bytes(b"\x89PNG")
    (folder / ".k110.npy").write_bytes(b"")
    found = collect_kernels(folder)
    assert len(found.sources) == 10
    assert any("'README.txt', 'set.png'" in note for note in found.notes)
    fill(folder, "csv")
    assert f"give a pattern, e.g. {folder / '*.csv'}" in refused(sd.read_kernel_set, folder)


def test_words_that_name_no_kernels_are_refused(folder, tmp_path):
    assert "holds no file that could be a kernel" in refused(sd.read_kernel_set, folder)
    assert "no file has a name like" in refused(sd.read_kernel_set, folder / "k*.npy")
    assert "does not exist" in refused(sd.read_kernel_set, folder / "k.npy")
    assert "name a file" in refused(sd.read_kernel_set, [])
    fill(folder, "npy")
    both = [f"10={folder / 'kernel_10.npy'}", folder / "kernel_20.npy"]
    assert "write LEVEL=FILE for all" in refused(sd.read_kernel_set, both)
    assert "names 10 files" in refused(sd.read_kernel_set, [f"10={folder}", f"20={folder / 'kernel_20.npy'}"])
    (tmp_path / "set.json").write_text("{}")
    assert "is a kernel set" in refused(sd.read_kernel_set, [tmp_path / "set.json", folder / "kernel_20.npy"])
    assert "says its levels itself" in refused(sd.read_kernel_set, tmp_path / "set.json", LEVELS)
    said = [f"10={folder / 'kernel_10.npy'}"]
    assert "said with it; leave out levels" in refused(sd.read_kernel_set, said, [10])


def test_a_name_with_an_equals_sign_is_a_name_where_there_is_such_a_file(folder, monkeypatch):
    monkeypatch.chdir(folder)
    np.save("sigma=2.npy", KERNELS[0])
    assert sd.read_kernel_set("sigma=2.npy").key == "uniform"
    assert placed("sigma=2.npy", folder) == str(folder / "sigma=2.npy")
    assert placed("10=a.npy", folder) == f"10={folder / 'a.npy'}"
    assert placed(f"10={folder / 'a.npy'}", "elsewhere") == f"10={folder / 'a.npy'}"


def test_the_files_that_are_read_are_known_before(folder):
    fill(folder, "npy")
    assert len(files_of(folder)) == 10
    assert [path.name for path in files_of([f"10={folder / 'kernel_10.npy'}", "20=x.mat:psf"])] == [
        "kernel_10.npy",
        "x.mat",
    ]
    assert [path.name for path in files_of("none_*.npy")] == ["none_*.npy"]


@pytest.mark.parametrize("names", [("k_0,5.npy", "k_0,7.npy"), ("k1e2.npy", "k1e3.npy"), ("k_1,5.npy",)])
def test_numbers_that_may_be_two_are_no_levels(names):
    with pytest.raises(sd.InputError, match="may be one number or two"):
        levels_in_names(list(names))
    assert levels_in_names(["a1e2_10.npy", "a1e2_20.npy"]) == [10, 20]  # the same in all


@pytest.mark.parametrize("place", ["inf", "nan"])
def test_a_place_that_is_no_finite_number_is_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    np.save("k.npy", np.ones((3, 3)))
    with pytest.raises(sd.InputError, match="write a finite number"):
        sd.read_kernel_set({place: "k.npy"}, key="region")
