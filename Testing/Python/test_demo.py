import hashlib
import json
import re
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage, signal

from SpatialDeconvLib import deconvolve
from SpatialDeconvLib.doors import cli, demo
from SpatialDeconvLib.doors.files import ensureScene
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.kernelsets import read_kernel_set
from SpatialDeconvLib.metrics import psnr, rmse, ssim

CROP = (slice(20, 36), slice(40, 64), slice(50, 78))
METHODS = ("wiener", "richardson-lucy")


@pytest.fixture(scope="module")
def small():
    return demo.brain_case(crop=CROP)


def _array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def _volumes():
    """The ids of the volume nodes in the scene."""
    nodes = ensureScene().GetNodesByClass("vtkMRMLVolumeNode")
    nodes.UnRegister(None)
    return {nodes.GetItemAsObject(n).GetID() for n in range(nodes.GetNumberOfItems())}


# ---------------------------------------------------------------------------------------- sample data


def test_the_sample_volume_is_what_its_readme_says():
    path = demo.sample_path(demo.BRAIN_VOLUME)
    image = sitk.ReadImage(str(path))
    assert image.GetSize() == (128, 128, 64)
    assert image.GetSpacing() == (1.0, 1.0, 1.0)
    assert image.GetPixelID() == sitk.sitkUInt8
    values = sitk.GetArrayFromImage(image)
    assert (values.min(), values.max()) == (0, 100)
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in readme
    notice = (path.parent / "LICENSE-ICBM152.txt").read_text(encoding="utf-8")
    assert "Copyright (C) 1993-2004 Louis Collins" in notice
    assert path.stat().st_size < 700_000


@pytest.mark.parametrize("folder", ["SpatialDeconvLib/sampledata", "Resources/SampleData"])
def test_sample_data_is_found_in_the_wheel_and_beside_the_library(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "SpatialDeconvLib" / "doors" / "demo.py"))
    with pytest.raises(InputError, match=r"'x\.nrrd' was not found in .*sampledata.*SampleData"):
        demo.sample_path("x.nrrd")
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "x.nrrd").write_bytes(b"")
    assert demo.sample_path("x.nrrd") == tmp_path / folder / "x.nrrd"


# ---------------------------------------------------------------------------------------------- cases


def test_the_brain_is_blurred_by_the_kernels_of_its_true_intensities(small):
    truth = small.truth.astype(float)
    expected = np.zeros(truth.shape)
    for level, sigma in zip(range(10, 101, 10), np.round(np.linspace(0.8, 2.5, 10), 3), strict=True):
        weight = np.clip(1 - np.abs(np.clip(truth, 10, 100) - level) / 10, 0, None)
        expected += weight * ndimage.gaussian_filter(truth, sigma, mode="nearest", truncate=4.0)
    noise = small.blurred - expected
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert abs(noise.mean()) < 0.02
    np.testing.assert_allclose(noise, np.random.default_rng(0).normal(0, 0.5, truth.shape), atol=2e-3)


def test_the_brain_case_repeats_with_its_seed_and_changes_with_another(small):
    again, other = demo.brain_case(crop=CROP), demo.brain_case(seed=1, crop=CROP)
    np.testing.assert_array_equal(small.blurred, again.blurred)
    np.testing.assert_array_equal(small.truth, other.truth)
    assert not np.array_equal(small.blurred, other.blurred)


def test_a_crop_lies_where_it_lay_in_the_volume(small):
    image = sitk.ReadImage(str(demo.sample_path(demo.BRAIN_VOLUME)))
    np.testing.assert_array_equal(small.truth, sitk.GetArrayFromImage(image)[CROP])
    for offset in ((0, 0, 0), (3, 5, 7)):
        lps = image.TransformIndexToPhysicalPoint([n + c.start for n, c in zip(offset, CROP[::-1], strict=True)])
        ras = small.ijk_to_ras @ [*offset, 1]
        np.testing.assert_allclose(ras, [-lps[0], -lps[1], lps[2], 1], atol=1e-9)


@pytest.fixture(scope="module")
def portal():
    return demo.portal_case(size=160, kernel_size=61)


def test_the_portal_image_is_blurred_by_the_kernel_its_file_describes(portal):
    log_kernel = portal.log_kernel
    assert log_kernel.shape == (61, 61)
    assert log_kernel.spacing == (0.4, 0.4)
    assert log_kernel.values.max() == 0.0
    weights = np.exp(log_kernel.values)
    # Area-preserving resampling from 0.4 to 0.25 mm by way of voxels of 0.025 mm: 16 and 10 to a voxel.
    fine = np.kron(weights, np.ones((16, 16))) / 16**2
    radius = -(-(61 * 16 // 2 - 5) // 10)
    margin = radius * 10 + 5 - 61 * 16 // 2
    coarse = np.pad(fine, margin).reshape(2 * radius + 1, 10, 2 * radius + 1, 10).sum(axis=(1, 3))
    coarse /= coarse.sum()
    padded = np.pad(portal.truth[0].astype(float), radius, mode="edge")
    expected = signal.fftconvolve(padded, coarse, mode="valid")
    residual = (portal.blurred[0] - expected) / np.sqrt(expected)
    inner = (slice(20, -20),) * 2
    assert abs(residual[inner].mean()) < 0.02 * residual[inner].std()
    smooth = ndimage.uniform_filter(residual, 15)[inner]
    assert smooth.std() < 1.5 * residual[inner].std() / 15  # white: nothing of the image is left


def test_the_portal_image_has_the_range_of_the_real_ones_and_repeats(portal):
    assert portal.blurred.min() == pytest.approx(530, abs=0.5)
    assert portal.blurred.max() == pytest.approx(304446, abs=0.5)
    again = demo.portal_case(size=160, kernel_size=61)
    np.testing.assert_array_equal(portal.blurred, again.blurred)
    assert portal.spacing == (1.0, 0.25, 0.25)
    np.testing.assert_allclose(np.diag(portal.ijk_to_ras), [0.25, -0.25, 1, 1])


def test_the_full_portal_image_is_positive():
    case = demo.portal_case()
    assert case.truth.shape == case.blurred.shape == (1, 1024, 1024)
    assert case.truth.min() > 300
    assert 2.5e5 < case.truth.max() < 3.5e5


def test_the_full_portal_kernel_spans_the_logarithms_of_the_real_one():
    kernel = demo.portal_kernel(np.random.default_rng(0))
    assert kernel.shape == (250, 250)
    assert kernel.values.max() == 0.0
    assert kernel.values.argmax() == np.ravel_multi_index((125, 125), (250, 250))
    assert -28 < kernel.values.min() < -26


def test_the_written_kernels_are_those_that_blurred(portal, small, tmp_path):
    field = read_kernel_set(portal.write_kernels(tmp_path))
    np.testing.assert_allclose(field.kernels[0].values, portal.field.kernels[0].values, rtol=1e-12)
    assert json.loads((tmp_path / "kernels.json").read_text())["kernels"][0]["log"] is True
    (tmp_path / "brain").mkdir()
    field = read_kernel_set(small.write_kernels(tmp_path / "brain"))
    assert field.at == tuple(range(10, 101, 10))
    assert [k.parameters["sigma_mm"] for k in field.kernels] == list(demo.BRAIN_SIGMAS_MM)


# ------------------------------------------------------------------------------------------------ run


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    """The folder, the summary, the printed text, the progress and the volumes left by a small run."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    reports, lines = [], []
    before = _volumes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda *a, **k: lines.append(" ".join(map(str, a))))
        summary = demo.run_demo(
            folder,
            small,
            methods=METHODS,
            iterations={"richardson-lucy": 2},
            progress=lambda f, t: reports.append(f),
        )
    return folder, summary, "\n".join(lines), reports, sorted(_volumes() - before)


def test_the_demo_writes_volumes_recipes_kernels_numbers_and_the_figure(finished):
    folder = finished[0]
    expected = {"truth.nrrd", "blurred.nrrd", "kernels.json", "metrics.json"}
    for method in METHODS:
        expected |= {f"restored-{method}.nrrd", f"restored-{method}.nrrd.recipe.json"}
    assert {p.name for p in folder.iterdir()} - {"figure.png"} == expected


def test_the_demo_writes_its_figure(finished):
    pytest.importorskip("matplotlib")
    folder, _, text = finished[:3]
    assert sitk.ReadImage(str(folder / "figure.png")).GetSize()[0] > 1500
    assert str(folder / "figure.png") in text


def test_the_demo_restores_what_the_engine_restores_from_the_files(finished, small):
    folder = finished[0]
    blurred = _array(folder / "blurred.nrrd")
    np.testing.assert_array_equal(blurred, small.blurred)
    field = read_kernel_set(folder / "kernels.json")
    for method, options in (("wiener", {}), ("richardson-lucy", {"iterations": 2})):
        expected = deconvolve(blurred, field, spacing=small.spacing, method=method, **options).image
        np.testing.assert_array_equal(_array(folder / f"restored-{method}.nrrd"), expected)


def test_the_demo_keeps_the_geometry(finished, small):
    folder = finished[0]
    for path in folder.glob("*.nrrd"):
        image = sitk.ReadImage(str(path))
        lps = np.diag([-1, -1, 1, 1]) @ small.ijk_to_ras
        np.testing.assert_allclose(image.GetOrigin(), lps[:3, 3], atol=1e-9)
        np.testing.assert_allclose(image.GetDirection(), lps[:3, :3].ravel(), atol=1e-9)


def test_the_numbers_are_those_of_the_files(finished):
    folder, summary, text = finished[:3]
    assert json.loads((folder / "metrics.json").read_text()) == summary
    truth, blurred = _array(folder / "truth.nrrd"), _array(folder / "blurred.nrrd")
    assert summary["blurred"]["psnr"] == pytest.approx(psnr(truth, blurred, 100.0))
    for method in METHODS:
        row, image = summary["methods"][method], _array(folder / f"restored-{method}.nrrd")
        assert row["psnr"] == pytest.approx(psnr(truth, image, 100.0))
        assert row["ssim"] == pytest.approx(ssim(truth, image, 100.0))
        assert row["rmse"] == pytest.approx(rmse(truth, image))
        assert row["gain"] == pytest.approx(row["psnr"] - summary["blurred"]["psnr"])
        printed = next(line for line in text.splitlines() if line.startswith(method))
        assert re.search(rf"\s{row['psnr']:.2f}\s+{re.escape(format(row['gain'], '+.2f'))}\s", printed)


def test_each_output_has_a_recipe_that_repeats_it(finished, tmp_path):
    folder = finished[0]
    recipe = folder / "restored-richardson-lucy.nrrd.recipe.json"
    assert cli.main(["repeat", str(recipe), str(tmp_path / "again.nrrd"), "--quiet"]) == 0
    np.testing.assert_array_equal(_array(tmp_path / "again.nrrd"), _array(folder / "restored-richardson-lucy.nrrd"))


def test_progress_never_goes_back_and_ends_at_one(finished):
    reports = finished[3]
    assert reports == sorted(reports)
    assert reports[-1] == 1.0


def test_the_scene_is_left_without_the_demos_volumes(finished):
    assert finished[4] == []


def test_a_cancelled_demo_leaves_nothing_behind(small, tmp_path):
    folder, before = tmp_path / "a" / "b", _volumes()
    first = folder / "restored-wiener.nrrd"
    with pytest.raises(Cancelled):
        demo.run_demo(folder, small, methods=METHODS, cancelled=first.exists)
    assert not list(tmp_path.iterdir())
    assert _volumes() == before


def test_a_cancelled_demo_keeps_other_files_of_the_folder(small, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Cancelled):
        demo.run_demo(tmp_path, small, methods=METHODS, cancelled=lambda: True)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_without_matplotlib_everything_else_is_written(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    demo.run_demo(tmp_path, small, methods=["wiener"])
    assert (tmp_path / "metrics.json").exists()
    assert (tmp_path / "restored-wiener.nrrd").exists()
    assert not (tmp_path / "figure.png").exists()
    assert "pip install spatialdeconv[figure]" in capsys.readouterr().out


def test_the_portal_case_runs_through_the_same_doors(portal, tmp_path, capsys):
    summary = demo.run_demo(tmp_path, portal, methods=["wiener"])
    assert summary["methods"]["wiener"]["gain"] > 0
    assert _array(tmp_path / "restored-wiener.nrrd").shape == (1, 160, 160)
    assert (tmp_path / "kernel-log.nrrd").exists()
    assert "wiener" in capsys.readouterr().out


def test_unusable_arguments_are_refused_with_the_reason(small, tmp_path):
    with pytest.raises(InputError, match="'liver' is unknown; choose one of brain, portal"):
        demo.run_demo(tmp_path / "x", "liver")
    with pytest.raises(InputError, match="magic"):
        demo.run_demo(tmp_path / "x", small, methods=["magic"])
    with pytest.raises(InputError, match="empty"):
        demo.run_demo(tmp_path / "x", small, methods=[])
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be made"):
        demo.run_demo(tmp_path / "file" / "x", small, methods=["wiener"])
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# -------------------------------------------------------------------------------------------- verdict


def _summary(**gains):
    rows = {
        name: {
            "psnr": 25.0 + gain,
            "gain": gain,
            "ssim": 0.8,
            "rmse": 5.0 - gain,
            "residual": 1.0,
            "edge_share": 0.4,
        }
        for name, gain in gains.items()
    }
    return {"blurred": {"psnr": 25.0, "ssim": 0.7, "rmse": 5.0}, "methods": rows, "strategy": "blend"}


def test_the_verdict_names_the_best_and_those_that_did_harm():
    text = demo._verdict(_summary(inverse=-3.0, wiener=-1.0, landweber=2.5), kernels=10)
    assert text.startswith("1 of 3 filters brought the image closer to the truth.")
    assert "The best, landweber, took the PSNR from 25.00 to 27.50 dB (+2.50 dB)" in text
    assert "the error down by 50 %" in text
    assert "Inverse and wiener made it worse" in text
    assert "only an approximation" in text


def test_the_verdict_admits_that_nothing_helped():
    text = demo._verdict(_summary(inverse=-3.0), kernels=1)
    assert text.startswith("0 of 1 filters")
    assert "The best" not in text
    assert "Inverse made it worse" in text
    assert "only an approximation" not in text


@pytest.mark.parametrize(("residual", "words"), [(1.0, "explains"), (2.0, "more than noise"), (0.5, "fitted")])
def test_the_verdict_reads_the_residual(residual, words):
    summary = _summary(wiener=1.0)
    summary["methods"]["wiener"]["residual"] = residual
    assert words in demo._verdict(summary, kernels=1)
