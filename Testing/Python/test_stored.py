"""Arrays in files of numpy, MATLAB and astronomers: which of them, in which order of axes, and what is refused."""

import struct

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import SimpleITK as sitk

import SpatialDeconvLib as sd
from SpatialDeconvLib.formats import stored

PSF = np.random.default_rng(0).random((4, 5)) + 0.1
STACK = np.random.default_rng(1).random((3, 4, 5)) + 0.1


def refused(call, *arguments, **options):
    with pytest.raises(sd.InputError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def read(path, **options):
    return sd.read_kernel(path, normalize=False, **options)


@pytest.fixture(params=["npz", "mat"])
def save(request, tmp_path):
    """Write variables to a file of the kind."""

    def write(**variables):
        path = tmp_path / f"k.{request.param}"
        if request.param == "npz":
            np.savez(path, **variables)
        else:
            scipy.io.savemat(path, variables)
        return path

    return write


def test_the_only_array_is_the_kernel_whatever_stands_beside_it(save):
    path = save(sigma=1.5, note="measured", psf=PSF, line=np.arange(3.0))
    kernel = read(path)
    np.testing.assert_array_equal(kernel.values, PSF)
    assert kernel.in_voxels
    assert kernel.source == {"type": "file", "path": str(path.resolve()), "normalize": False}


def test_one_of_several_arrays_is_named(save):
    path = save(psf=PSF, mask=np.ones((9, 9)))
    message = refused(read, path)
    assert "psf (4 x 5)" in message
    assert "mask (9 x 9)" in message
    assert f"e.g. {path.name}:psf" in message
    for kernel in (read(f"{path}:psf"), read(path, variable="psf")):
        np.testing.assert_array_equal(kernel.values, PSF)
        assert kernel.source["variable"] == "psf"
        assert kernel.source["path"] == str(path.resolve())
    assert "no variable 'psd'; it has psf (4 x 5)" in refused(read, f"{path}:psd")


def test_what_holds_no_numbers_is_refused_with_what_there_is(save):
    path = save(name="psf", other="x")
    assert "holds no array of numbers, only" in refused(read, path)
    assert "'name' holds no numbers" in refused(read, f"{path}:name")


def test_complex_kernels_are_refused(save):
    assert "is complex" in refused(read, save(psf=PSF + 1j))


@pytest.mark.parametrize("name", ["k.npz", "k.mat", "k.fits"])
def test_damaged_files_are_refused(tmp_path, name):
    if name == "k.fits":
        pytest.importorskip("astropy", reason="FITS needs astropy")
    for content in (b"", b"nothing of the kind", b"PK\3\4" + b"\0" * 40):
        (tmp_path / name).write_bytes(content)
        assert f"{name} is no readable" in refused(read, tmp_path / name)


def test_a_damaged_header_of_numpy_is_refused(tmp_path):
    np.save(tmp_path / "k.npy", PSF)
    content = (tmp_path / "k.npy").read_bytes()
    (tmp_path / "k.npy").write_bytes(content.replace(b"}", b"(", 1))  # which numpy's own parser trips over
    assert "k.npy is no readable .npy array" in refused(read, tmp_path / "k.npy")


def test_a_file_of_matlab_7_3_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "k.mat"
    start = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<HH", 0x0200, 0x4D49)
    path.write_bytes(start.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    message = refused(read, path)
    assert "7.3" in message
    assert "-v7" in message


def test_pickled_objects_in_npz_are_never_loaded(tmp_path):
    np.savez(tmp_path / "k.npz", psf=np.array([[{}, 1]], dtype=object))
    assert "holds no array of numbers" in refused(read, tmp_path / "k.npz")


def test_matlab_counts_slices_and_pages_last(tmp_path):
    scipy.io.savemat(tmp_path / "k.mat", {"psf": np.moveaxis(STACK, 0, -1), "s": 1})
    np.testing.assert_array_equal(read(tmp_path / "k.mat").values, STACK)
    np.testing.assert_array_equal(read(tmp_path / "k.mat", page=2).values, STACK[1])
    volumes = np.random.default_rng(2).random((2, 3, 4, 5))  # page, k, j, i
    scipy.io.savemat(tmp_path / "v.mat", {"psf": np.transpose(volumes, (2, 3, 1, 0))})
    np.testing.assert_array_equal(read(tmp_path / "v.mat", page=2).values, volumes[1])


def test_the_axis_of_the_pages_can_be_said(tmp_path):
    scipy.io.savemat(tmp_path / "k.mat", {"psf": STACK})
    np.save(tmp_path / "k.npy", np.moveaxis(STACK, 0, -1))
    for name, pages in (("k.mat", "first"), ("k.npy", "last")):
        kernel = read(tmp_path / name, page=3, pages=pages)
        np.testing.assert_array_equal(kernel.values, STACK[2])
        assert kernel.source["pages"] == pages
    assert "pages 'middle'" in refused(read, tmp_path / "k.npy", page=1, pages="middle")


@pytest.mark.parametrize("page", [0, 4, -1, 1.5, True, "2"])
def test_a_page_that_there_is_not_is_refused(tmp_path, page):
    np.save(tmp_path / "k.npy", STACK)
    message = refused(read, tmp_path / "k.npy", page=page)
    assert f"page {page!r} is none of the 3" in message
    assert "k.npy" in message


def test_sparse_matrices_are_kernels_too(tmp_path):
    scipy.io.savemat(tmp_path / "k.mat", {"psf": scipy.sparse.csc_array(np.eye(5))})
    np.testing.assert_array_equal(read(tmp_path / "k.mat").values, np.eye(5))


def test_a_file_of_one_array_has_no_variables(tmp_path):
    np.save(tmp_path / "k.npy", PSF)
    assert "leave out 'psf'" in refused(read, tmp_path / "k.npy", variable="psf")


@pytest.mark.parametrize("name", ["k.csv", "k.txt", "K.TSV"])
def test_a_table_of_text_is_a_kernel_in_the_images_voxels(tmp_path, name):
    np.savetxt(tmp_path / name, PSF)
    kernel = read(tmp_path / name)
    np.testing.assert_array_equal(kernel.values, PSF)
    assert kernel.in_voxels


def test_names_of_variables_are_told_from_paths():
    assert stored.split_variable("a/b.mat:psf") == ("a/b.mat", "psf")
    assert stored.split_variable("C:\\a\\b.NPZ:k 1") == ("C:\\a\\b.NPZ", "k 1")
    for name in ("a.mat", "C:\\a.npy", "a.npy:psf", "a.mat:", "a.mat:b/c.nrrd"):
        assert stored.split_variable(name) == (name, None)


# -- FITS


@pytest.fixture
def fits():
    return pytest.importorskip("astropy.io.fits", reason="FITS needs astropy")


def test_fits_images_are_kernels_with_the_voxel_size_that_is_a_length(tmp_path, fits):
    header = fits.Header({"CDELT1": 0.5, "CDELT2": -0.25, "CUNIT1": "mm", "CUNIT2": "mm"})
    fits.PrimaryHDU(PSF, header).writeto(tmp_path / "mm.fits")
    header["CUNIT1"] = header["CUNIT2"] = "deg"
    fits.PrimaryHDU(PSF.astype(np.float32), header).writeto(tmp_path / "sky.fit")
    kernel = read(tmp_path / "mm.fits")
    np.testing.assert_array_equal(kernel.values, PSF)
    assert kernel.spacing == (0.25, 0.5)
    assert read(tmp_path / "sky.fit").in_voxels


def test_extensions_are_arrays_under_names(tmp_path, fits):
    path = tmp_path / "psfs.fits"
    units = [fits.PrimaryHDU(), *(fits.ImageHDU(page, name=f"PSF_{10 * n}") for n, page in enumerate(STACK, 1))]
    fits.HDUList(units).writeto(path)
    np.testing.assert_array_equal(read(f"{path}:PSF_20").values, STACK[1])
    assert sd.read_kernel_set(path).at == (10, 20, 30)


def test_fits_images_are_volumes(tmp_path, fits):
    pytest.importorskip("slicer", reason="needs slicer-core or Slicer")
    from SpatialDeconvLib.mrml import files, nodes

    raw = np.arange(60, dtype=np.uint16).reshape(3, 4, 5) + 40000  # which FITS stores with an offset
    fits.PrimaryHDU(raw).writeto(tmp_path / "v.fits")
    np.testing.assert_array_equal(nodes.volumeArray(files.readVolume(tmp_path / "v.fits")), raw)
    assert files.checkReadable(tmp_path / "v.fits") == (5, 4, 3)
    fits.HDUList([fits.PrimaryHDU(PSF), fits.ImageHDU(PSF)]).writeto(tmp_path / "two.fits")
    assert "no single image, but 0 (4 x 5), 1 (4 x 5)" in refused(files.readVolume, tmp_path / "two.fits")


def test_without_astropy_fits_is_refused_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "astropy", None)
    monkeypatch.setitem(__import__("sys").modules, "astropy.io", None)
    (tmp_path / "k.fits").write_bytes(b"SIMPLE  =")
    assert "pip install astropy" in refused(read, tmp_path / "k.fits")


def test_a_first_row_of_numbers_is_no_heading(tmp_path):
    (tmp_path / "k.csv").write_text("1.000,5;2,0\n1;2\n3;4\n")
    with pytest.raises(sd.InputError, match=r"1\.000,5"):
        stored.read_array(tmp_path / "k.csv")


@pytest.mark.parametrize("name", ["k.png", "k.bmp", "k.tif"])
def test_a_picture_of_greys_that_is_stored_as_colours_is_a_kernel(tmp_path, name):
    greys = np.arange(1, 16, dtype=np.uint8).reshape(3, 5)
    image = sitk.GetImageFromArray(np.stack([greys] * 3, axis=-1), isVector=True)
    sitk.WriteImage(image, str(tmp_path / name))
    np.testing.assert_array_equal(stored.read_array(tmp_path / name).values, greys)
