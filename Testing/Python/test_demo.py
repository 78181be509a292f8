import dataclasses
import hashlib
import itertools
import json
import re
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage, signal

from SpatialDeconvLib import cases, deconvolve
from SpatialDeconvLib.command import cli, demo, progressbar
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.kernels.sets import read_set_file
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.metrics import psnr, rmse, ssim
from SpatialDeconvLib.mrml.files import ensureScene
from SpatialDeconvLib.report import figures

CROP = (slice(20, 36), slice(40, 64), slice(50, 78))
METHODS = ("wiener", "richardson-lucy")


@pytest.fixture(scope="module")
def small():
    return cases.brain_case(crop=CROP)


def _array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def _volumes():
    """The ids of the volume nodes in the scene."""
    nodes = ensureScene().GetNodesByClass("vtkMRMLVolumeNode")
    nodes.UnRegister(None)
    return {nodes.GetItemAsObject(n).GetID() for n in range(nodes.GetNumberOfItems())}


# ---------------------------------------------------------------------------------------- sample data


def test_the_sample_volume_is_what_its_readme_says():
    path = cases.sample_path(cases.BRAIN_VOLUME)
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
    monkeypatch.setattr(cases, "__file__", str(tmp_path / "SpatialDeconvLib" / "cases.py"))
    with pytest.raises(InputError, match=r"'x\.nrrd' was not found in .*sampledata.*SampleData"):
        cases.sample_path("x.nrrd")
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "x.nrrd").write_bytes(b"")
    assert cases.sample_path("x.nrrd") == tmp_path / folder / "x.nrrd"


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
    again, other = cases.brain_case(crop=CROP), cases.brain_case(seed=1, crop=CROP)
    np.testing.assert_array_equal(small.blurred, again.blurred)
    np.testing.assert_array_equal(small.truth, other.truth)
    assert not np.array_equal(small.blurred, other.blurred)


def test_a_crop_lies_where_it_lay_in_the_volume(small):
    image = sitk.ReadImage(str(cases.sample_path(cases.BRAIN_VOLUME)))
    np.testing.assert_array_equal(small.truth, sitk.GetArrayFromImage(image)[CROP])
    for offset in ((0, 0, 0), (3, 5, 7)):
        lps = image.TransformIndexToPhysicalPoint([n + c.start for n, c in zip(offset, CROP[::-1], strict=True)])
        ras = small.ijk_to_ras @ [*offset, 1]
        np.testing.assert_allclose(ras, [-lps[0], -lps[1], lps[2], 1], atol=1e-9)


@pytest.fixture(scope="module")
def portal():
    return cases.portal_case(size=160, kernel_size=61)


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
    again = cases.portal_case(size=160, kernel_size=61)
    np.testing.assert_array_equal(portal.blurred, again.blurred)
    assert portal.spacing == (1.0, 0.25, 0.25)
    np.testing.assert_allclose(np.diag(portal.ijk_to_ras), [0.25, -0.25, 1, 1])


def test_the_full_portal_image_is_positive():
    case = cases.portal_case()
    assert case.truth.shape == case.blurred.shape == (1, 1024, 1024)
    assert case.truth.min() > 300
    assert 2.5e5 < case.truth.max() < 3.5e5


def test_the_full_portal_kernel_spans_the_logarithms_of_the_real_one():
    kernel = cases.portal_kernel(np.random.default_rng(0))
    assert kernel.shape == (250, 250)
    assert kernel.values.max() == 0.0
    assert kernel.values.argmax() == np.ravel_multi_index((125, 125), (250, 250))
    assert -28 < kernel.values.min() < -26


def test_the_written_kernels_are_those_that_blurred(portal, small, tmp_path):
    field = read_set_file(portal.write_kernels(tmp_path))
    np.testing.assert_allclose(field.kernels[0].values, portal.field.kernels[0].values, rtol=1e-12)
    assert json.loads((tmp_path / "kernels.json").read_text())["kernels"][0]["log"] is True
    (tmp_path / "brain").mkdir()
    field = read_set_file(small.write_kernels(tmp_path / "brain"))
    assert field.at == tuple(range(10, 101, 10))
    assert [k.parameters["sigma_mm"] for k in field.kernels] == list(cases.BRAIN_SIGMAS_MM)


# ------------------------------------------------------------------------------------------------ run


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    """The folder, the summary, the printed text, the progress and the volumes left by a small run."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    reports = []
    before = _volumes()
    summary = demo.run_demo(
        folder, small, methods=METHODS, iterations={"richardson-lucy": 2}, progress=lambda f, t: reports.append(f)
    )
    return folder, summary, demo.describe(summary, folder), reports, sorted(_volumes() - before)


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
    field = read_set_file(folder / "kernels.json")
    for method, options in (("wiener", {}), ("richardson-lucy", {"iterations": 2})):
        expected = deconvolve(blurred, field, spacing=small.spacing, method=method, engine="fft", **options).image
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


def test_the_demo_shows_what_a_run_takes_that_is_told_nothing(small, tmp_path):
    summary = demo.run_demo(tmp_path, small, methods=["wiener", "auto"])
    row = summary["methods"]["auto"]
    assert row["taken"]["strategy"] == "joint"
    assert row["gain"] > summary["methods"]["wiener"]["gain"]
    assert "Told nothing, a run takes joint" in " ".join(demo.describe(summary, tmp_path).split())
    assert (tmp_path / "restored-auto.nrrd.recipe.json").exists()


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


def test_without_matplotlib_everything_else_is_written(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    summary = demo.run_demo(tmp_path, small, methods=["wiener"])
    assert (tmp_path / "metrics.json").exists()
    assert (tmp_path / "restored-wiener.nrrd").exists()
    assert not (tmp_path / "figure.png").exists()
    assert "pip install spatialdeconv[figure]" in demo.describe(summary, tmp_path)


def test_the_portal_case_runs_like_the_brain(portal, tmp_path):
    summary = demo.run_demo(tmp_path, portal, methods=["wiener"])
    assert summary["methods"]["wiener"]["gain"] > 0
    assert _array(tmp_path / "restored-wiener.nrrd").shape == (1, 160, 160)
    assert (tmp_path / "kernel-log.nrrd").exists()
    assert "wiener" in demo.describe(summary, tmp_path)


def test_what_rings_in_the_dark_of_the_portal_image_is_said_and_drawn(portal, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(figures, "demo_figure", lambda path, **given: drawn.update(given))
    summary = demo.run_demo(tmp_path, portal, methods=["wiener"])
    truth, found = _array(tmp_path / "truth.nrrd").astype(float), _array(tmp_path / "restored-wiener.nrrd")
    dark = (truth > 0) & (truth < 0.05 * truth.max())
    errors = 100 * np.abs(found - truth)[dark] / truth[dark]
    of_wiener = summary["methods"]["wiener"]["dark"]
    assert of_wiener["rms"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-6)
    assert of_wiener["one_in_100"] == pytest.approx(np.percentile(errors, 99), rel=1e-6)
    assert drawn["dark"] == {"wiener": of_wiener["rms"]}
    words = " ".join(demo.describe(summary, tmp_path).split())
    assert f"{of_wiener['rms']:.0f} % ({of_wiener['one_in_100']:.0f} %) for wiener" in words


def test_unusable_arguments_are_refused_with_the_reason(small, tmp_path):
    with pytest.raises(InputError, match="'liver' is unknown; choose one of brain, portal"):
        demo.run_demo(tmp_path / "x", "liver")
    with pytest.raises(InputError, match="magic"):
        demo.run_demo(tmp_path / "x", small, methods=["magic"])
    with pytest.raises(InputError, match="empty"):
        demo.run_demo(tmp_path / "x", small, methods=[])
    with pytest.raises(InputError, match="'tv' is unknown"):  # a joint method
        demo.run_demo(tmp_path / "x", small, methods=["tv"])
    with pytest.raises(InputError, match="strategy 'both' is unknown; choose one of blend, joint"):
        demo.run_demo(tmp_path / "x", small, "both")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be made"):
        demo.run_demo(tmp_path / "file" / "x", small, methods=["wiener"])
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# ------------------------------------------------------------------------------------ blend against joint


@pytest.fixture(scope="module")
def compared(small, tmp_path_factory):
    """The folder, the summary, the printed text and the progress of a small comparison with three regions."""
    folder, reports = tmp_path_factory.mktemp("joint"), []
    with pytest.MonkeyPatch.context() as patch:
        regions = cases.regions_case
        patch.setattr(demo, "_case", lambda name, seed: small)
        patch.setattr(cases, "regions_case", lambda model, seed: regions(model, seed, crop=CROP))
        summary = demo.run_demo(
            folder, "brain", "joint", ["landweber", "tikhonov"], progress=lambda f, t: reports.append(f)
        )
    return folder, summary, demo.describe(summary, folder), reports


COMPARED = ["blend landweber", "blend tikhonov", "joint landweber", "joint tikhonov"]


def test_edges_lie_on_both_sides_of_a_step_and_distance_is_in_mm(small):
    truth = np.full((4, 5, 12), 30.0, dtype=np.float32)
    truth[..., 6:] = 50.0
    case = dataclasses.replace(small, truth=truth, spacing=(3.0, 2.0, 0.5))
    np.testing.assert_array_equal(np.flatnonzero(case.edges()[0, 0]), [5, 6])
    expected = [2.5, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    np.testing.assert_allclose(case.edge_distance(), np.broadcast_to(expected, truth.shape))
    truth[..., 6:] = 49.9  # less than two kernel levels
    assert not case.edges().any()
    assert np.isinf(case.edge_distance()).all()
    labelled = dataclasses.replace(case, labels=np.where(truth > 40, 7, 8).astype(np.int16))
    np.testing.assert_array_equal(np.flatnonzero(labelled.edges()[0, 0]), [5, 6])


def test_errors_are_averaged_by_their_distance_from_an_edge(compared, small):
    folder, summary = compared[:2]
    distance = small.edge_distance()
    for name in COMPARED:
        squared = (_array(folder / f"restored-{name.replace(' ', '-')}.nrrd").astype(float) - small.truth) ** 2
        row = summary["methods"][name]
        parts = [squared[(distance >= a) & (distance < b)] for a, b in itertools.pairwise(demo.DISTANCES_MM)]
        for value, part in zip(row["rmse_by_distance"], parts, strict=True):
            assert value is None if part.size == 0 else value == pytest.approx(np.sqrt(part.mean()))
        assert row["rmse_near"] == pytest.approx(np.sqrt(squared[distance < 4].mean()))
    assert sum(summary["edges"]["voxel_share"]) == pytest.approx(1.0)


def test_blend_and_joint_restore_the_same_data_with_the_engines_own_settings(compared, small):
    folder, summary = compared[:2]
    assert list(summary["methods"]) == COMPARED
    for name, options in (
        ("blend landweber", {"strategy": "blend", "engine": "fft", "iterations": 20}),
        ("joint landweber", {"strategy": "joint"}),
    ):
        result = deconvolve(small.blurred, small.field, spacing=small.spacing, method="landweber", **options)
        np.testing.assert_array_equal(_array(folder / f"restored-{name.replace(' ', '-')}.nrrd"), result.image)
        assert summary["methods"][name]["residual"] == pytest.approx(result.residual)


def test_the_three_regions_are_blurred_by_their_kernels_in_either_model():
    for model in ("detector", "source"):
        case = cases.regions_case(model, crop=CROP)
        truth, expected = case.truth.astype(float), 0.0
        for label, sigma in ((1, 0.8), (2, 1.5), (3, 2.5)):
            inside = case.labels == label
            assert inside.any()

            def blur(x, sigma=sigma):
                return ndimage.gaussian_filter(x, sigma, mode="nearest", truncate=4.0)

            expected = expected + (inside * blur(truth) if model == "detector" else blur(inside * truth))
        noise = case.blurred - expected
        assert noise.std() == pytest.approx(0.5, rel=0.03)
        assert abs(noise.mean()) < 0.02


def test_region_results_have_recipes_that_repeat_them(compared, tmp_path):
    for model in ("detector", "source"):
        path = compared[0] / f"regions-{model}" / "restored-joint-landweber.nrrd"
        assert cli.main(["repeat", f"{path}.recipe.json", str(tmp_path / "again.nrrd"), "--quiet"]) == 0
        np.testing.assert_array_equal(_array(tmp_path / "again.nrrd"), _array(path))


def test_the_comparison_is_printed_with_its_numbers(compared):
    folder, summary, text, reports = compared
    assert json.loads((folder / "metrics.json").read_text()) == summary
    assert reports == sorted(reports)
    assert reports[-1] == 1.0
    for name in COMPARED:
        row = summary["methods"][name]
        assert re.search(rf"^{name} .* {row['psnr']:.2f} .* {row['rmse']:.4g} ", text, re.MULTILINE)
    near = " +".join(f"{v:.4g}" for v in summary["methods"]["joint tikhonov"]["rmse_by_distance"] if v is not None)
    assert re.search(rf"^joint tikhonov +{near} *$", text, re.MULTILINE)
    for other in summary["others"]:
        rows = other["methods"]
        blend = min((n for n in rows if n.startswith("blend")), key=lambda n: rows[n]["rmse_near"])
        row = rows["joint tikhonov"]
        ratio = row["rmse_near"] / rows[blend]["rmse_near"]
        assert re.search(rf"^joint tikhonov +{row['rmse_near']:.4g} +{ratio:.2f} ", text, re.MULTILINE)


def test_the_comparison_draws_its_figure(compared):
    pytest.importorskip("matplotlib")
    assert compared[1]["figure"] == "figure.png"
    assert sitk.ReadImage(str(compared[0] / "figure.png")).GetSize()[0] > 1500


def test_one_kernel_is_compared_without_what_needs_several(portal, tmp_path):
    names = [run.name for run in demo._runs(portal, "joint", None, {})]
    assert "joint tv" in names
    assert "joint self-keyed" not in names
    summary = demo.run_demo(tmp_path, portal, "joint", ["richardson-lucy"], iterations={"richardson-lucy": 2})
    assert "nothing is blended" in demo.describe(summary, tmp_path)


def test_a_cancelled_comparison_leaves_nothing_behind(small, tmp_path, monkeypatch):
    regions = cases.regions_case
    monkeypatch.setattr(demo, "_case", lambda name, seed: small)
    monkeypatch.setattr(cases, "regions_case", lambda model, seed: regions(model, seed, crop=CROP))
    late = tmp_path / "a" / "regions-source" / "restored-blend-landweber.nrrd"
    with pytest.raises(Cancelled):
        demo.run_demo(tmp_path / "a", "brain", "joint", ["landweber"], cancelled=late.exists)
    assert not list(tmp_path.iterdir())


def test_the_table_starts_on_a_line_of_its_own_after_the_bar(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "_case", lambda name, seed: small)
    monkeypatch.setattr(demo, "methods_of", lambda strategy: {"landweber": methods.method(strategy, "landweber")})
    events = []
    close = progressbar.ProgressBar.close
    monkeypatch.setattr(
        progressbar.ProgressBar, "close", lambda bar: (close(bar), events.append(capsys.readouterr().out))
    )
    assert cli.main(["demo", "--output", str(tmp_path / "d")]) == 0
    assert events == [""]  # nothing printed before the bar's line was left
    assert capsys.readouterr().out.startswith("method ")


# -------------------------------------------------------------------------------------------- verdict


def _summary(kernels=1, **gains):
    rows = {
        name: {
            "psnr": 25.0 + gain,
            "gain": gain,
            "ssim": 0.8,
            "rmse": 5.0 - gain,
            "residual": 1.0,
            "edge_share": 0.4,
            "strategy": "blend",
        }
        for name, gain in gains.items()
    }
    blurred = {"psnr": 25.0, "ssim": 0.7, "rmse": 5.0}
    return {"blurred": blurred, "methods": rows, "strategy": "blend", "kernels": kernels}


def test_the_verdict_names_the_best_and_those_that_did_harm():
    text = demo._verdict(_summary(10, inverse=-3.0, wiener=-1.0, landweber=2.5))
    assert text.startswith("1 of 3 filters brought the image closer to the truth.")
    assert "The best, landweber, took the PSNR from 25.00 to 27.50 dB (+2.50 dB)" in text
    assert "the error down by 50 %" in text
    assert "Inverse and wiener made it worse" in text
    assert "only an approximation" in text


def test_the_verdict_says_what_a_run_took_that_was_told_nothing():
    summary = _summary(10, inverse=-3.0, wiener=1.0)
    taken = {"strategy": "joint", "method": "tv", "why": "kernels keyed by position"}
    summary["methods"]["auto"] = {"psnr": 30.0, "gain": 5.0, "strategy": "auto", "taken": taken}
    text = demo._verdict(summary)
    assert text.startswith("1 of 2 filters brought the image closer to the truth.")  # "auto" is none of them
    assert "The best, wiener" in text
    assert text.endswith("takes joint tv here (kernels keyed by position): 30.00 dB (+5.00 dB).")


def test_the_verdict_admits_that_nothing_helped():
    text = demo._verdict(_summary(inverse=-3.0))
    assert text.startswith("0 of 1 filters")
    assert "The best" not in text
    assert "Inverse made it worse" in text
    assert "only an approximation" not in text


@pytest.mark.parametrize(("residual", "words"), [(1.0, "explains"), (2.0, "more than noise"), (0.5, "fitted")])
def test_the_verdict_reads_the_residual(residual, words):
    summary = _summary(wiener=1.0)
    summary["methods"]["wiener"]["residual"] = residual
    assert words in demo._verdict(summary)


def _comparison(blend, joint, seconds=(2.0, 20.0), kernels=10, residuals=(1.6, 1.0)):
    """A summary with the errors by distance of one blend and of joint methods."""
    rows = {}
    both = [("blend wiener", blend, residuals[0]), *((name, errors, residuals[1]) for name, errors in joint)]
    for name, errors, residual in both:
        rmse = float(np.sqrt(np.mean(np.square(errors))))
        rows[name] = {
            "psnr": 40 - 20 * np.log10(rmse), "rmse": rmse, "rmse_by_distance": errors, "rmse_near": errors[0],
            "strategy": name.split()[0], "residual": residual, "seconds": seconds[name.startswith("joint")],
        }  # fmt: skip
    return {"methods": rows, "blurred": {"rmse_near": 9.0}, "kernels": kernels, "others": [], "model": "source"}


def test_the_comparison_says_where_joint_gains_and_where_it_does_not():
    blend = [8.0, 6.0, 4.0, 2.0, 1.0]
    text = " ".join(demo._joint_verdict(_comparison(blend, [("joint tv", [4.0, 4.2, 3.6, 1.9, 1.1])])))
    assert "1 of 1 joint methods" in text
    assert "0.50 at 0-1 mm, 0.70 at 1-2 mm" in text
    assert "1.10 at >8 mm" in text
    assert "gains more on edges (0-1 mm) than far from them (>8 mm)" in text
    assert "joint tv is worse than blend wiener at >8 mm." in text
    assert "setting failed" not in text
    assert "1.60 times the noise: more than noise alone" in text
    text = " ".join(demo._joint_verdict(_comparison(blend, [("joint tv", [7.9, 5.0, 3.0, 1.0, 0.5])])))
    assert "does not gain more on edges" in text
    assert "worse than" not in text


def test_the_comparison_admits_that_joint_lost():
    text = " ".join(demo._joint_verdict(_comparison([4.0] * 5, [("joint tv", [5.0] * 5)])))
    assert text.startswith("0 of 1 joint methods")
    assert "Joint tv (-1.94 dB) did not." in text
    text = " ".join(demo._joint_verdict(_comparison([4.0] * 5, [("joint tv", [5.0] * 5)], residuals=(1.0, 9.0))))
    assert "Joint tv (9.0) left far more than noise: the automatic setting failed" in text


@pytest.mark.parametrize(("ratio", "word"), [(0.5, "met"), (0.51, "missed")])
def test_the_goal_near_region_borders_is_met_or_missed(ratio, word):
    summary = _comparison([4.0] * 5, [("joint tv", [4.0 * ratio] * 5)])
    text = demo._region_words(summary)
    assert f"leaves {ratio:.2f} of the error of blend wiener" in text
    assert text.endswith(f"which is {word}.")
    summary["blurred"]["rmse_near"] = 3.0
    assert demo._region_words(summary).endswith("There every blend is worse than leaving the image alone.")
