"""Means of regions: against an explicit matrix, known truths, and repeated noise; in files, nodes and reports."""

import csv
import json

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.errors import InputError

SHAPE = (12, 20, 22)
TRUTH = {0: 1.0, 3: 8.0, 7: 20.0, 9: 12.0}


def label_map() -> np.ndarray:
    labels = np.zeros(SHAPE, np.int16)
    labels[3:9, 4:12, 4:12] = 3
    labels[3:9, 4:12, 12:18] = 7
    labels[2:10, 13:17, 5:17] = 9
    return labels


def kernels() -> sd.KernelField:
    """A kernel of its own for three of the regions; 9 has that of the nearest."""
    sigmas = {0: 0.8, 3: 1.0, 7: 1.6}
    pairs = {label: sd.gaussian_kernel(s) for label, s in sigmas.items()}
    return sd.KernelField.by_region(label_map(), pairs, outside="nearest")


def blurred(model: str, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    labels = label_map()
    image = np.choose(np.searchsorted(list(TRUTH), labels), list(TRUTH.values())).astype(float)
    seen = sd.convolve(image, kernels(), model=model, spacing=1.0).image
    return seen + noise * np.random.default_rng(seed).standard_normal(SHAPE)


def means_of(image, model="source", **options):
    given = {"strategy": "joint", "method": "richardson-lucy", "iterations": 1, "noise": 0.5, **options}
    return sd.deconvolve(image, kernels(), spacing=1.0, model=model, region_means=True, **given)


@pytest.mark.parametrize("model", ["source", "detector"])
@pytest.mark.parametrize("boundary", ["edge", "extended"])
def test_matched_kernels_give_the_values_of_regions_with_kernels_of_their_own(model, boundary):
    result = means_of(blurred(model), model, boundary=boundary)
    assert {mean.label: pytest.approx(mean.mean, rel=1e-4) for mean in result.region_means} == TRUTH
    measured = {mean.label: mean.measured for mean in result.region_means}
    assert measured[7] < 0.9 * TRUTH[7]
    labels = label_map()
    assert {m.label: m.voxels for m in result.region_means} == {v: np.sum(labels == v) for v in TRUTH}


def test_they_are_the_solution_of_the_transfer_matrix():
    """With one Gaussian, every entry of the matrix is a mean of an indicator that ndimage has blurred."""
    labels, rng = label_map(), np.random.default_rng(3)
    image = 10 + rng.random(SHAPE)
    kernel = sd.gaussian_kernel(1.2)
    indicators = [labels == value for value in TRUTH]
    seen = [ndimage.convolve(p.astype(float), kernel.values, mode="nearest") for p in indicators]
    transfer = [[blurred[r].mean() for blurred in seen] for r in indicators]
    expected = np.linalg.solve(transfer, [image[r].mean() for r in indicators])
    field = sd.KernelField.by_region(labels, {0: kernel}, outside="nearest")
    found = sd.deconvolve(
        image, field, region_means=True, noise=1.0, strategy="blend", method="wiener"
    ).region_means
    np.testing.assert_allclose([mean.mean for mean in found], expected, rtol=1e-5)


def test_the_uncertainty_is_the_spread_over_repeated_noise():
    runs = np.array([[m.mean for m in means_of(blurred("source", 0.5, n)).region_means] for n in range(40)])
    stated = [m.uncertainty for m in means_of(blurred("source", 0.5)).region_means]
    np.testing.assert_allclose(runs.std(axis=0, ddof=1), stated, rtol=0.4)  # of 40: sd 11 %
    np.testing.assert_allclose(runs.mean(axis=0), list(TRUTH.values()), atol=4 * max(stated) / np.sqrt(40))


def test_regions_that_are_not_uniform_are_told():
    image = blurred("source", 0.5)
    assert not any("one value per region" in text for text in means_of(image).warnings)
    image[5:7, 6:9, 6:9] += 10
    assert any("one value per region" in text for text in means_of(image).warnings)


def test_the_unit_of_the_image_is_that_of_the_means():
    image = blurred("source", 0.5)
    plain = means_of(image).region_means
    for factor in (2.0**-90, 2.0**70):
        scaled = means_of(image * factor, noise=0.5 * factor).region_means
        for name in ("mean", "measured", "uncertainty"):
            np.testing.assert_allclose(
                [getattr(m, name) / factor for m in scaled], [getattr(m, name) for m in plain], rtol=1e-5
            )


@pytest.mark.parametrize(
    ("labels", "field", "words"),
    [
        (None, sd.KernelField.uniform(sd.gaussian_kernel(1.0)), "keyed by region.*keyed by uniform"),
        (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 2 + 1, None, "regions 1, 2 cannot be told apart"),
    ],
)
def test_what_has_no_means_is_refused(labels, field, words):
    field = field or sd.KernelField.by_region(labels, {1: sd.box_kernel(4.0)}, outside="nearest")
    image = blurred("source")
    with pytest.raises(InputError, match=words):
        sd.deconvolve(image, field, spacing=1.0, noise=0.5, boundary="periodic", region_means=True)


# ------------------------------------------------------------------------------------ files and nodes


@pytest.fixture
def folder(tmp_path, monkeypatch):
    import SimpleITK as sitk

    monkeypatch.chdir(tmp_path)
    sitk.WriteImage(sitk.GetImageFromArray(blurred("source", 0.5).astype(np.float32)), "image.nrrd")
    sitk.WriteImage(sitk.GetImageFromArray(label_map()), "labels.nrrd")
    entries = [{"at": at, "type": "gaussian", "sigma_mm": s} for at, s in ((0, 0.8), (3, 1.0), (7, 1.6))]
    content = {"schema": "spatialdeconv-kernels/1", "key": "region", "outside": "nearest", "kernels": entries}
    (tmp_path / "set.json").write_text(json.dumps(content))
    return tmp_path


def test_the_command_writes_them_beside_the_output_and_in_recipe_and_report(folder, capsys):
    from SpatialDeconvLib.command import cli

    words = "deconvolve image.nrrd out.nrrd --kernels set.json --labels labels.nrrd --model source --noise 0.5"
    words += " --region-means --method tikhonov --report report"
    assert cli.main(words.split()) == 0
    assert "out.nrrd.regions.csv: means of 4 regions" in capsys.readouterr().out
    with open("out.nrrd.regions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["label"]) for row in rows] == list(TRUTH)
    for row, truth in zip(rows, TRUTH.values(), strict=True):
        assert abs(float(row["mean"]) - truth) < 5 * float(row["uncertainty"])
    recipe = json.loads((folder / "out.nrrd.recipe.json").read_text())
    assert recipe["parameters"]["region_means"] is True
    assert [mean["mean"] for mean in recipe["result"]["region_means"]] == [float(row["mean"]) for row in rows]
    assert "Means of regions" in (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert cli.main(["repeat", "out.nrrd.recipe.json", "again.nrrd"]) == 0
    assert (folder / "again.nrrd.regions.csv").read_text() == (folder / "out.nrrd.regions.csv").read_text()


def test_slicer_has_them_as_a_table_of_the_output(folder):
    slicer = pytest.importorskip("SpatialDeconvLib.mrml.nodes")
    from SpatialDeconvLib.mrml.files import readVolume
    from SpatialDeconvLib.mrml.tables import REGION_MEANS_ROLE

    image, labels = readVolume("image.nrrd"), readVolume("labels.nrrd")
    options = {"labels": labels, "model": "source", "noise": 0.5, "strategy": "joint", "method": "tikhonov"}
    node, result = slicer.deconvolveVolume(image, "set.json", region_means=True, **options)
    table = node.GetNodeReference(REGION_MEANS_ROLE)
    assert table.GetNumberOfRows() == 4
    column = table.GetTable().GetColumnByName("mean")
    assert [column.GetValue(row) for row in range(4)] == [mean.mean for mean in result.region_means]
    again, _ = slicer.deconvolveVolume(image, "set.json", node, region_means=True, **options)
    assert again.GetNodeReference(REGION_MEANS_ROLE) is table
    slicer.deconvolveVolume(image, "set.json", node, **options)
    assert node.GetNodeReference(REGION_MEANS_ROLE) is None
