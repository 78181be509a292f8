"""The report of a run: its numbers against independent ones, its page against what a browser asks for."""

import base64
import dataclasses
import importlib
import json
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib import report
from SpatialDeconvLib.methods import registry as sd_methods
from SpatialDeconvLib.mrml import recipe as recipes
from SpatialDeconvLib.report import charts, findings, formatting, numbers, pixels, style
from SpatialDeconvLib.report.sections import kernels as kernels_section

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Page(HTMLParser):
    """What a page holds: its elements with attributes, its text, and whether its tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] != ["style"]:
            self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def picture(self, alt, folder):
        sources = [a["src"] for a in self.of("img") if a["alt"] == alt]
        assert sources, alt
        return decoded(sources[0], folder)


def decoded(uri, folder):
    head, data = uri.split(",", 1)
    assert head == "data:image/png;base64"
    path = folder / "decoded.png"
    path.write_bytes(base64.b64decode(data, validate=True))
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def scene(shape=(12, 40, 44), seed=0):
    """A smooth image of blobs on a slope, values 10 ... 100."""
    generator = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(generator.random(shape), 1.5)
    image = (image - image.min()) / np.ptp(image)
    return (10 + 90 * image).astype(np.float32)


FIELD = sd.KernelField.by_intensity({20: sd.gaussian_kernel(0.7), 80: sd.gaussian_kernel(1.3)})


def run(image, field=FIELD, operation="deconvolve", spacing=1.0, **options):
    """A run, with the Wiener filter unless another method is asked for."""
    if operation == "deconvolve":
        options = {"method": "wiener"} | options
    result = getattr(sd, operation)(image, field, spacing=spacing, **options)
    return result, recipes.describe(operation, field, result)


def page_of(image, field=FIELD, spacing=(1.0, 1.0, 1.0), operation="deconvolve", more=None, **options):
    result, recipe = run(image, field, operation, spacing, **options)
    kept = {name: options[name] for name in ("mask", "labels", "guide") if name in options}
    more = dict(more or {})
    progress = more.pop("progress", None)
    page = report.report_page(reported(image, result, recipe, field, spacing, **kept, **more), progress)
    return Page(page), result


def reported(image, result, recipe, field=FIELD, spacing=(1.0, 1.0, 1.0), **more):
    return report.ReportedRun(image=image, result=result, field=field, spacing=spacing, recipe=recipe, **more)


@pytest.fixture(scope="module")
def noisy():
    truth = scene()
    blurred = sd.convolve(truth, FIELD).image
    return truth, (blurred + np.random.default_rng(1).normal(0, 0.5, truth.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def plain(noisy):
    truth, image = noisy
    return page_of(image, engine="fft", more={"reference": truth, "title": "<b>A & B"})


# ------------------------------------------------------------------------------------------- the page


def test_bins_of_whole_numbers_hold_as_many_each():
    for low, high in ((0, 1000), (3, 40), (-5, 260)):
        values = np.arange(low, high + 1)
        counts = np.histogram(values, kernels_section._bins(low, high, values.dtype, values))[0]
        assert counts.sum() == values.size
        assert set(counts[:-1][counts[:-1] > 0]) == {counts[0]}


def test_page_needs_nothing_else(plain):
    page, _ = plain
    assert not page.of("script")
    assert not page.of("link")
    assert not page.of("iframe")
    assert {"default-src 'none'; img-src data:; style-src 'unsafe-inline'"} == {
        a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy"
    }
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert attributes.get(name, "data:").startswith(("data:", "#")), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(http" not in style.STYLE
    assert "@import" not in style.STYLE


def test_page_is_accessible(plain):
    page, _ = plain
    images = page.of("img")
    assert len(images) > 15
    assert all(a["alt"].strip() for a in images)
    charts = [a for a in page.of("svg") if a.get("class") == "chart"]
    assert len(charts) >= 6
    assert all(a["role"] == "img" and a["aria-label"] for a in charts)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for attributes in page.of("a"):
        if attributes["href"].startswith("#"):
            assert attributes["href"][1:] in ids
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("h1")) == 1
    assert "prefers-color-scheme:dark" in style.STYLE
    assert "@media print" in style.STYLE


def test_text_of_the_user_is_not_markup(plain):
    page, _ = plain
    assert not page.of("b") or all(not a for a in page.of("b"))
    assert "<b>A & B: deconvolved" in page.text


class _Structure(Page):
    """The elements of a page with the names of their attributes, and its comments."""

    def __init__(self, text):
        self.comments = []
        super().__init__(text)
        self.structure = [(tag, list(attributes)) for tag, attributes in self.elements]

    def handle_comment(self, data):
        self.comments.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.fixture(scope="module")
def page_with():
    """A function that puts one text into all places of a page where somebody else's text may be."""
    image = scene((1, 24, 26))[0]
    labels = np.where(np.arange(26) < 13, 1, 2) * np.ones(image.shape, int)
    kernels = [sd.gaussian_kernel(s, ndim=2) for s in (0.7, 1.3)]
    field = sd.KernelField.by_region(None, {1: kernels[0], 2: kernels[1]})
    result, recipe = run(image, field, labels=labels, engine="fft")

    def page(text):
        named = [dataclasses.replace(kernel, name=text) for kernel in kernels]
        regions = sd.KernelField.by_region(None, {text: named[0], f"2 {text}": named[1]})
        given = {**recipe, "inputs": {text: {"path": text, "sha256": text}}, "versions": {text: text}}
        given |= {"selection": {"segments": [text]}, "metrics": {text: {"psnr": 1.0}}}
        own = dataclasses.replace(
            result, warnings=[text], automatic={"stopped": text, text: text}, iterations=2,
            parameters={**result.parameters, "noise": text},
        )  # fmt: skip
        frames = [{"index": text}, {"index": "1", "name": text, "shown": True}]
        made = report.ReportedRun(
            image=image, result=own, field=regions, spacing=(1.0, 1.0), recipe=given, title=text, labels=labels,
            label_names={text: 1, f"2 {text}": 2}, output=text, command=[text], frames=frames,
        )  # fmt: skip
        return _Structure(report.report_page(made))

    return page, page("plain")


# What ends texts, attributes, elements and comments, more often than chance would have it.
_PIECES = (
    "<",
    ">",
    "&",
    '"',
    "'",
    "/",
    "<b>",
    "</style>",
    "</pre>",
    "<!--",
    "-->",
    "<?",
    "]]>",
    "&lt;",
    "=",
    " ",
    "x",
)
_TEXTS = st.lists(
    st.one_of(st.sampled_from(_PIECES), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3)),
    min_size=1,
).map("".join)


@given(text=_TEXTS.filter(bool))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_of_others_comes_out_as_text(page_with, text):
    make, plain = page_with
    page = make(text)
    assert page.comments == ["DOCTYPE html"]
    assert page.structure == plain.structure
    for shown in (
        f"{text}, {text}: deconvolved", f"To be noted{text}", f"a sequence: {text}.", f"2{text}", f"region {text}",
        f"region 2 {text}{text}", f"noise{text}", f"segments{text}", f"SHA-256{text}{text}{text[:16]}…",
        f"Versions{text}{text}", f"seconds{text}",
        f"The run was:{shlex.join([text])}To do", shlex.quote(f"{text}.recipe.json"),
        json.dumps(text, ensure_ascii=False),
    ):  # fmt: skip
        assert shown in page.text, shown
    assert f"Kernel region {text}, in the plane of the slices" in [a["alt"] for a in page.of("img")]


def test_page_has_every_section(plain):
    page, _ = plain
    titles = [a["href"] for a in page.of("a") if a["href"].startswith("#")]
    assert titles == ["#pictures", "#edges", "#kernels", "#residual", "#convergence", "#repeat"]


def test_every_picture_decodes(plain, tmp_path):
    page, _ = plain
    for attributes in page.of("img"):
        assert decoded(attributes["src"], tmp_path).ndim in (2, 3)


def test_pictures_show_the_slices(plain, noisy, tmp_path):
    page, result = plain
    _, image = noisy
    change = np.sum((result.image.astype(float) - image) ** 2, axis=(1, 2))
    k = int(change.argmax())
    before = page.picture(f"Before, slice k = {k} of 0 … 11", tmp_path)
    after = page.picture(f"After, slice k = {k} of 0 … 11", tmp_path)
    assert before.shape == image[k].shape
    low, high = np.quantile(np.stack([image[k], result.image[k], noisy[0][k]]), (0.005, 0.995))
    for picture, plane in ((before, image[k]), (after, result.image[k])):
        expected = np.clip((plane - low) / (high - low), 0, 1) * 255
        assert np.abs(picture - expected).max() < 0.51
    difference = page.picture(f"Difference, slice k = {k} of 0 … 11", tmp_path).astype(int)
    plane = result.image[k] - image[k]
    clear = np.abs(plane) > 0.2 * np.abs(plane).max()
    assert np.all((difference[..., 0] > difference[..., 2])[clear] == (plane > 0)[clear])


def test_grey_levels_over_decades_are_the_images_own(noisy):
    image = np.exp(noisy[1] / 8).astype(np.float32)
    page, _ = page_of(image, engine="fft", method="tikhonov")
    low, high = np.quantile(image[slice_of(page)], (0.005, 0.995))
    assert f"black {formatting.number(low)} to white {formatting.number(high)} (logarithmic)" in page.text


def slice_of(page):
    return int(re.search(r"Slice k = (\d+) of", page.text)[1])


def test_recipe_is_in_the_page(plain, noisy):
    page, result = plain
    link = next(a for a in page.of("a") if a.get("download") == "recipe.json")
    recipe = json.loads(base64.b64decode(link["href"].split(",", 1)[1]))
    assert recipe == json.loads(json.dumps(recipes.describe("deconvolve", FIELD, result)))


def test_code_of_the_page_repeats_the_run(noisy, tmp_path, monkeypatch):
    _, image = noisy
    mask = image > 40
    page, result = page_of(image, engine="fft", mask=mask)
    link = next(a for a in page.of("a") if a.get("download") == "recipe.json")
    (tmp_path / "recipe.json").write_bytes(base64.b64decode(link["href"].split(",", 1)[1]))
    start = page.text.index("import json")
    code = page.text[start : page.text.index('**recipe["parameters"])', start)] + '**recipe["parameters"])'
    monkeypatch.chdir(tmp_path)
    names = {"image": image, "mask": mask, "spacing": 1.0}
    exec(code, names)
    assert np.array_equal(names["result"].image, result.image)


def test_numbers_of_the_page(plain, noisy):
    page, result = plain
    truth, image = noisy
    assert f"Residual{formatting.number(result.residual, 3)}" in page.text
    change = np.sqrt(np.mean((result.image.astype(float) - image) ** 2))
    assert f"Change{formatting.number(change, 3)}" in page.text
    assert f"PSNR{sd.psnr(truth, result.image):.2f} dB" in page.text
    assert f"Root mean square{formatting.number(result.residual * result.noise)}" in page.text


@pytest.mark.parametrize("method", ["wiener", "tv"])
def test_a_run_without_a_blur_to_undo_shows_no_residual(noisy, method):
    narrow = sd.ParametricKernel("gaussian", sigma_mm=1e-4)
    page, result = page_of(noisy[1], sd.KernelField.uniform(narrow), method=method)
    reason = result.automatic["no_residual"]
    assert f"unknown: {reason}" in page.text
    assert "level of the noise" not in page.text  # of the chart of residuals after each iteration
    assert "Root mean square" not in page.text


def test_no_matplotlib_is_needed(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, SpatialDeconvLib as sd\n"
        "from SpatialDeconvLib import report\nfrom SpatialDeconvLib.mrml import recipe\n"
        "assert 'slicer' not in sys.modules\n"
        "image = np.random.default_rng(0).random((24, 24))\n"
        "field = sd.KernelField.uniform(sd.gaussian_kernel(1.0, ndim=2))\n"
        "r = sd.deconvolve(image, field, method='wiener')\n"
        "run = report.ReportedRun(image=image, result=r, field=field, spacing=(1, 1),"
        " recipe=recipe.describe('deconvolve', field, r))\n"
        "report.write_report(sys.argv[2], run)\n"
    )
    root = str(Path(report.__file__).parents[3])
    subprocess.run([sys.executable, "-c", code, root, str(tmp_path / "new")], check=True)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["report.html"]


# ---------------------------------------------------------------------------------------- what goes in


def test_two_dimensional_image():
    image = scene((1, 48, 60))[0]
    field = sd.KernelField.uniform(sd.gaussian_kernel(1.0, 0.5, ndim=2))
    page, result = page_of(image, field, spacing=(0.5, 0.5))
    assert "60 × 48 × 1 voxels" in page.text
    assert "0.5 × 0.5 × 1 mm" in page.text
    assert "Before, the image" in [a["alt"] for a in page.of("img")]
    assert f"Residual{formatting.number(result.residual, 3)}" in page.text


def test_single_slice_keeps_its_proportions():
    image = scene((1, 30, 60))
    field = sd.KernelField.uniform(sd.ParametricKernel("gaussian", sigma_mm=1.0))
    page, _ = page_of(image, field, spacing=(5.0, 2.0, 0.5))
    styles = [a.get("style", "") for a in page.of("div") if a.get("class") == "pic"]
    assert "aspect-ratio:30/60" in styles  # 60 columns of 0.5 mm, 30 rows of 2 mm


def test_vector_volume_shows_the_channel_that_changed():
    pytest.importorskip("slicer")
    from SpatialDeconvLib.mrml import channels

    flat = np.full((6, 30, 32), 50, np.float32)
    image = np.stack([flat, scene((6, 30, 32)), flat], axis=-1)
    results = [sd.deconvolve(image[..., c], FIELD, noise=0.5, method="wiener") for c in range(3)]
    result = channels.combinedResult(results)
    recipe = recipes.describe("deconvolve", FIELD, result)
    page = Page(report.report_page(reported(image, result, recipe)))
    assert "Of the 3 values of each voxel, the pictures and charts show number 2" in page.text
    assert f"Residual{formatting.number(results[1].residual, 3)}" in page.text


def test_report_of_volume_nodes(noisy, tmp_path):
    pytest.importorskip("slicer")
    import slicer

    from SpatialDeconvLib.mrml import nodes
    from SpatialDeconvLib.mrml.scene import addToScene, ensureScene, imageDataFromArray
    from SpatialDeconvLib.report.volumes import write_volume_report

    ensureScene().Clear(1)
    input_node, truth_node = slicer.vtkMRMLScalarVolumeNode(), slicer.vtkMRMLScalarVolumeNode()
    for node, array, name in ((input_node, noisy[1], "blurred one"), (truth_node, noisy[0], "sharp one")):
        node.SetAndObserveImageData(imageDataFromArray(array))
        node.SetName(name)
        addToScene(node)
    labels = np.where(np.arange(44) < 20, 1, 2) * np.ones(noisy[1].shape, np.int16)
    field = sd.KernelField.by_region(None, {1: FIELD.kernels[0], 2: FIELD.kernels[1]})
    _, result = nodes.deconvolveVolume(input_node, field, labels=labels, method="wiener")
    path = write_volume_report(
        tmp_path, "deconvolve", input_node, field, result, labels=labels, reference=truth_node
    )
    page = Page(path.read_text(encoding="utf-8"))
    assert "blurred one: deconvolved" in page.text
    assert f"PSNR{sd.psnr(noisy[0], result.image):.2f} dB" in page.text
    assert f"… in units of the noise{formatting.number(result.residual)}" in page.text
    ensureScene().Clear(1)


def test_missing_voxels_are_shown_and_counted(noisy, tmp_path):
    _, image = noisy
    image = image.copy()
    image[6, 10:13, 20] = np.nan
    page, _ = page_of(image, engine="fft", nonfinite="fill")
    assert "3 voxels without a number are magenta" in page.text
    alts = [a["alt"] for a in page.of("img") if a["alt"].startswith("Before")]
    pictures = [page.picture(alt, tmp_path) for alt in alts]
    magenta = [int(np.all(p == (255, 0, 200), axis=-1).sum()) for p in pictures if p.ndim == 3]
    assert all(count <= 3 for count in magenta)
    assert "To be noted" in page.text
    assert "were filled" in page.text


@pytest.mark.parametrize("strategy", ["blend", "joint"])
def test_masked_run(noisy, strategy):
    _, image = noisy
    mask = np.zeros(image.shape, bool)
    mask[3:9, 8:30, 10:35] = True
    page, result = page_of(image, engine="fft", mask=mask, strategy=strategy, method="tikhonov", noise=1.0)
    assert f"only {formatting.number(100 * mask.mean(), 3)} % of the voxels" in page.text
    shown = float(re.search(r"… in units of the noise([\d.]+)", page.text)[1])
    assert shown == pytest.approx(result.residual, rel=2e-3)


def test_joint_run_has_its_convergence(noisy):
    _, image = noisy
    page, result = page_of(image, strategy="joint", method="richardson-lucy", iterations=5)
    assert len(result.history) == 5
    chart = next(a for a in page.of("svg") if a.get("aria-label") == "Residual after each iteration")
    assert chart
    assert f"Iterations{result.iterations}" in page.text


def test_automatic_run_says_what_it_took_and_why(noisy):
    _, image = noisy
    page, result = page_of(image, method="auto")
    assert f"with the joint method {result.method.in_prose}, which inverts" in page.text
    assert f"The automatic choice {result.describe_choice()}." in page.text
    assert f"auto → {result.method.name}" in page.text
    shown = float(re.search(r"… in units of the noise([\d.]+)", page.text)[1])
    assert shown == pytest.approx(result.residual, rel=2e-3)


def test_automatic_filters_are_told_as_such(noisy):
    result, recipe = run(noisy[1])
    result.automatic.update(method="auto", why="the least memory")
    page = Page(report.report_page(reported(noisy[1], result, recipe)))
    assert "with a filter chosen for each kernel, and blended" in page.text
    assert "The automatic choice took blend with a filter chosen for each kernel: the least memory." in page.text


def test_a_method_that_was_asked_for_is_no_automatic_choice(plain):
    assert "The automatic choice" not in plain[0].text


def test_convolution_has_no_residual(noisy):
    page, _ = page_of(noisy[0], operation="convolve")
    assert "convolved" in page.text
    assert "Residual" not in page.text
    assert "#spectra" in [a.get("href") for a in page.of("a")]


@pytest.mark.parametrize("key", ["region", "position", "weights", "unchanged", "extended", "self-keyed", "source"])
def test_every_kind_of_field(key, noisy):
    _, image = noisy
    kernels = [sd.gaussian_kernel(0.7), sd.gaussian_kernel(1.3)]
    options, field = {"engine": "fft"}, FIELD
    if key == "region":
        labels = np.where(np.arange(image.shape[2]) < 11, 1, 2) * np.ones(image.shape, int)
        field, options["labels"] = sd.KernelField.by_region(None, dict(zip((1, 2), kernels, strict=True))), labels
    elif key == "position":
        field = sd.KernelField.by_position({(0, 0, 0): kernels[0], (0, 0, 43): kernels[1]})
    elif key == "weights":
        ramp = np.linspace(0, 1, image.shape[2]) * np.ones(image.shape)
        field = sd.KernelField.by_weights([ramp, 1 - ramp], kernels)
    elif key == "unchanged":
        field = sd.KernelField.by_intensity({20: kernels[0], 60: kernels[1]}, outside="unchanged")
    elif key == "source":
        options["model"] = "source"
    else:
        options = {"strategy": "joint", "iterations": 3}
        own = {"method": "self-keyed"} if key == "self-keyed" else {"boundary": "extended"}
        options |= {"method": "richardson-lucy"} | own
    page, result = page_of(image, field, **options)
    assert len([a for a in page.of("img") if a["alt"].startswith("Kernel")]) == 4
    if key == "region":
        assert "25 % of the image" in page.text
        assert "75 % of the image" in page.text
    shown = float(re.search(r"… in units of the noise([\d.]+)", page.text)[1])
    assert shown == pytest.approx(result.residual, rel=2e-3)


def test_report_says_why_there_is_no_residual(noisy):
    result, recipe = run(noisy[1], engine="fft")
    page = Page(report.report_page(reported(noisy[1], dataclasses.replace(result, fits=()), recipe)))
    assert "holds no residual" in page.text
    assert "The residual in numbers" not in page.text


def test_other_shapes_are_refused(noisy):
    _, image = noisy
    result, recipe = run(image, engine="fft")
    with pytest.raises(sd.InputError, match="reference has shape"):
        report.report_page(reported(image, result, recipe, reference=image[:-1]))
    with pytest.raises(sd.InputError, match="spacing"):
        report.report_page(reported(image, result, recipe, spacing=(1,)))


# ---------------------------------------------------------------------------------------- the numbers


def test_residual_is_the_image_less_the_blurred_result(noisy):
    _, image = noisy
    result, _ = run(image, engine="fft")
    residual = numbers.residual_near(result.residual_map(), (6, 20, 20))
    share = np.clip((image.astype(float) - 20) / 60, 0, 1)
    blurs = [
        ndimage.convolve(result.image.astype(float), k.values / k.total, mode="nearest") for k in FIELD.kernels
    ]
    expected = image - ((1 - share) * blurs[0] + share * blurs[1])
    assert residual.whole
    assert np.abs(residual.values - expected).max() < 2e-4
    assert residual.root_mean_square() / result.noise == pytest.approx(result.residual, rel=1e-5)
    assert residual.mean() == pytest.approx(expected.mean(), abs=1e-5)
    flat = expected - expected.mean()
    neighbours = np.corrcoef(flat[:, :, 1:].ravel(), flat[:, :, :-1].ravel())[0, 1]
    assert residual.correlation(2) == pytest.approx(neighbours, abs=1e-3)


def test_block_has_the_residual_of_the_whole(noisy, monkeypatch):
    image = np.pad(noisy[1], ((6, 6), (30, 30), (40, 40)), mode="reflect")
    result = sd.deconvolve(image, FIELD, method="wiener", engine="fft", mask=image > 50)
    found = result.residual_map()
    whole = numbers.residual_near(found, (12, 50, 60))
    monkeypatch.setattr(numbers, "BLOCK_VOXELS", 50_000)
    block = numbers.residual_near(found, (12, 50, 60))
    assert whole.whole
    assert not block.whole
    assert block.values.size < 0.6 * whole.values.size
    assert np.array_equal(block.values, whole.values[block.box])
    assert np.array_equal(block.mask, (image > 50)[block.box])


def test_power_spectrum_of_white_noise_is_its_variance():
    noise = np.random.default_rng(3).normal(5, 2.0, (40, 96, 64))
    frequency, power = numbers.power_spectrum(noise, (0.5, 0.75))
    assert frequency[-1] == pytest.approx(0.5 / 0.75, rel=0.02)
    assert power[2:] == pytest.approx(4.0, rel=0.15)
    assert np.mean(power[2:]) == pytest.approx(4.0, rel=0.01)
    mask = np.zeros(noise.shape, bool)
    mask[:, 20:80, 10:50] = True
    masked = numbers.power_spectrum(noise, (0.5, 0.75), mask)[1]
    assert np.mean(masked[2:]) == pytest.approx(4.0, rel=0.02)


def test_power_spectrum_finds_a_wave():
    j = np.arange(128) * 0.5
    wave = np.cos(2 * np.pi * 0.25 * j)[None, :, None] * np.ones((2, 128, 128))
    frequency, power = numbers.power_spectrum(wave, (0.5, 0.5))
    assert frequency[power.argmax()] == pytest.approx(0.25, abs=0.02)


def test_width_and_transfer_of_a_gaussian():
    kernel = sd.gaussian_kernel((1.5, 2.0, 1.0), (1.0, 0.5, 0.5), truncate=6)
    assert numbers.widths(kernel) == pytest.approx((1.5, 2.0, 1.0), rel=0.05)
    round_one = sd.gaussian_kernel(1.0, (1.0, 0.25, 0.25), truncate=6)
    frequency, magnitude = numbers.transfer(round_one)
    # The voxel's own width of 0.25 mm adds a little to the blur.
    assert magnitude == pytest.approx(np.exp(-2 * np.pi**2 * frequency**2), abs=0.01)
    assert numbers.widths(sd.laplacian_kernel()) is None


def test_most_changed_slices_are_apart_and_in_order():
    before = np.zeros((24, 8, 8))
    after = before.copy()
    after[5] = 3.0
    after[6] = 2.9  # next to the first: the same place
    after[20], after[12] = 2.0, 1.0
    assert numbers.most_changed_slices(before, after) == [5, 20, 12]
    assert numbers.most_changed_slices(before, before) == [12]


def test_most_changed_places_hold_most_energy():
    change = np.zeros((40, 50))
    change[30:34, 5:9], change[3:6, 40:44] = -5.0, 2.0
    places = numbers.most_changed_places(change, (8, 8))
    assert len(places) == 2
    for (j, i), inside in zip(places, ((30, 34, 5, 9), (3, 6, 40, 44)), strict=True):
        assert j <= inside[0]
        assert inside[1] <= j + 8
        assert i <= inside[2]
        assert inside[3] <= i + 8
    assert numbers.most_changed_places(np.zeros((9, 9)), (3, 3)) == []


def test_profile_crosses_the_edge_that_changed():
    before = np.zeros((3, 40, 60))
    before[:, :, 30:] = 10.0
    before = ndimage.gaussian_filter1d(before, 2.0, axis=2)
    after = np.zeros_like(before)
    after[:, :, 30:] = 10.0
    profile = numbers.edge_profiles({"before": before, "after": after}, 1, (1.0, 0.5, 0.25), 12, count=1)[0]
    k, j, i = profile.voxel
    assert profile.axis == 2
    assert abs(i - 29.5) < 4
    assert np.array_equal(profile.lines["after"], after[k, j, profile.start : profile.start + 25])
    assert profile.position == pytest.approx((np.arange(profile.start, profile.start + 25) - i) * 0.25)
    assert profile.steepest("after") == pytest.approx(40.0)
    assert profile.steepest("before") == pytest.approx(np.abs(np.diff(before[k, j])).max() / 0.25)


def test_letters_follow_the_directions():
    las = np.diag([1.0, 1.0, 2.0, 1.0])
    assert findings.axis_letters(las) == (("I", "S"), ("P", "A"), ("L", "R"))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert findings.axis_letters(lps) == (("I", "S"), ("A", "P"), ("R", "L"))


def test_pictures_are_turned_as_slicer_shows_them(noisy, tmp_path):
    _, image = noisy
    pages = [
        page_of(image, engine="fft", more={"ijk_to_ras": m})[0] for m in (np.eye(4), np.diag([-1, -1, 1, 1.0]))
    ]
    alt = next(a["alt"] for a in pages[0].of("img") if a["alt"].startswith("Before, slice"))
    alt = re.sub(", to be.*", "", alt)
    turned, straight = (page.picture(alt, tmp_path) for page in pages)
    assert np.array_equal(turned, straight[::-1, ::-1])


# ------------------------------------------------------------------------------- pictures and charts


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 33, 3)])
def test_png_is_read_back_as_written(shape, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(pixels.png(picture))
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a.png"))), picture)


def test_large_planes_are_averaged():
    plane = np.arange(100.0 * 60).reshape(100, 60)
    small, step = pixels.reduced(plane, 40)
    assert step == 3
    assert small.shape == (33, 20)
    assert small[2, 4] == pytest.approx(plane[6:9, 12:15].mean())
    assert pixels.reduced(plane, 100)[0] is plane
    thin, _ = pixels.reduced(np.ones((2, 500)), 100)
    assert thin.shape == (1, 100)


def test_diverging_colours_are_white_at_zero():
    colours = pixels.diverging_pixels(np.array([[-2.0, 0.0, 2.0, np.nan]]), 2.0)[0].astype(int)
    assert colours[1].min() > 245
    assert colours[3].min() > 245
    assert colours[0, 2] > colours[0, 0] + 100
    assert colours[2, 0] > colours[2, 2] + 80


def test_grey_levels_are_logarithmic_over_decades():
    values = np.geomspace(1, 1e5, 1000)
    scale = pixels.GreyScale.of(values)
    assert scale.log
    assert not pixels.GreyScale.of(values - 10).log
    middle = np.sqrt(scale.low * scale.high)
    assert abs(int(scale.pixels(np.array([[middle]]))[0, 0]) - 127.5) <= 1
    assert pixels.GreyScale.of(np.full(9, np.nan)).pixels(np.zeros((2, 2))).shape == (2, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234.5, "1234"),
        (-0.5, "−0.5"),
        (99.999, "100"),
        (3.2e-7, "3.2·10⁻⁷"),
        (2.5e9, "2.5·10⁹"),
        (12, "12"),
    ],
)
def test_numbers_for_reading(value, text):
    assert formatting.number(value) == text


def test_ticks_are_round_and_inside():
    for low, high in ((0, 1), (-3.2, 17.9), (1e-5, 3e-5), (530, 304446)):
        ticks = charts.nice_ticks(low, high)
        assert 3 <= len(ticks) <= 10
        assert low <= ticks[0]
        assert ticks[-1] <= high * (1 + 1e-9)
        steps = np.diff(ticks)
        assert steps == pytest.approx(steps[0])
        assert f"{steps[0]:.0e}"[0] in "125"
    assert charts.log_ticks(0.5, 2000) == [1, 10, 100, 1000]


def test_line_of_a_chart_is_where_its_numbers_are():
    chart = charts.Chart((0.0, 10.0), (1.0, 100.0), "x", "y", "d", y_log=True)
    chart.line([0, 5, 10], [1, 10, 100], "name")
    path = re.search(r'<path class="line " d="([^"]+)"', chart.svg())[1]
    points = np.array([[float(v) for v in p.split(",")] for p in path[1:].split("L")])
    assert points[1] == pytest.approx((points[0] + points[2]) / 2, abs=0.1)
    assert points[0, 0] < points[2, 0]
    assert points[0, 1] > points[2, 1]
    broken = charts.Chart((0.0, 3.0), (0.0, 3.0), "x", "y", "d")
    broken.line([0, 1, 2, 3], [1, np.nan, 2, 3])
    assert "nan" not in broken.svg()
    assert len(re.findall("M", re.search(r'line " d="([^"]+)"', broken.svg())[1])) == 2


# --------------------------------------------------------------------------------------------- writing


def test_report_replaces_an_older_one(noisy, tmp_path):
    _, image = noisy
    result, recipe = run(image, engine="fft")
    (tmp_path / "report.html").write_text("old")
    path = report.write_report(tmp_path, reported(image, result, recipe, title="new"))
    assert path == tmp_path / "report.html"
    assert "new: deconvolved" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_cancelled_report_leaves_nothing(noisy, tmp_path):
    _, image = noisy
    result, recipe = run(image, engine="fft")
    calls = []

    def cancelled():
        calls.append(1)
        return len(calls) > 3

    with pytest.raises(sd.Cancelled):
        report.write_report(tmp_path / "a" / "b", reported(image, result, recipe), cancelled=cancelled)
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(noisy):
    seen = []
    _, image = noisy
    page_of(image[:6], engine="fft", more={"progress": lambda fraction, text: seen.append(fraction)})
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"report folder .* cannot be made"):
        report.check_folder(tmp_path / "file" / "x")
    report.check_folder(tmp_path / "new" / "deeper")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# ----------------------------------------------------------------------------------- the command line


@pytest.fixture
def files(noisy, tmp_path):
    pytest.importorskip("slicer")
    truth, image = noisy
    for name, array in (("truth", truth), ("blurred", image)):
        volume = sitk.GetImageFromArray(array)
        volume.SetSpacing((1.0, 1.0, 1.0))
        sitk.WriteImage(volume, str(tmp_path / f"{name}.nrrd"))
    sd.write_kernel_set(tmp_path / "set.json", FIELD)
    return tmp_path


def command(*words):
    from SpatialDeconvLib.command import cli

    return cli.main([str(word) for word in words])


def test_command_writes_a_report_that_says_how_to_repeat_it(files, capsys):
    out = files / "out file.nrrd"
    words = ["deconvolve", files / "blurred.nrrd", out, "--kernels", files / "set.json", "--engine", "fft"]
    words += ["--reference", files / "truth.nrrd", "--report", files / "rep", "--quiet"]
    assert command(*words) == 0
    assert "report.html" in capsys.readouterr().out
    page = Page((files / "rep" / "report.html").read_text(encoding="utf-8"))
    assert "blurred.nrrd: deconvolved" in page.text
    commands = re.findall(r"spatialdeconv (?:deconvolve|repeat) .*?(?=To do|Parameters)", page.text)
    ran, repeated = (shlex.split(text) for text in commands)
    assert ran == ["spatialdeconv", *map(str, words)]
    assert repeated[:3] == ["spatialdeconv", "repeat", f"{out}.recipe.json"]
    again = files / "again.nrrd"
    assert command("repeat", repeated[2], again, "--quiet") == 0
    first, second = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (out, again))
    assert np.array_equal(first, second)
    metrics = json.loads((files / "out file.nrrd.recipe.json").read_text())["metrics"]
    assert formatting.number(metrics["after"]["psnr"], 5) in page.text


def test_command_with_mask_labels_and_guide(files):
    labels = sitk.GetImageFromArray(
        np.repeat(np.repeat([[[1, 2]]], 22, axis=2), 40, axis=1).repeat(12, axis=0).astype(np.int16)
    )
    sitk.WriteImage(labels, str(files / "labels.nrrd"))
    sd.write_kernel_set(
        files / "regions.json", sd.KernelField.by_region(None, {1: FIELD.kernels[0], 2: FIELD.kernels[1]})
    )
    words = ["convolve", files / "truth.nrrd", files / "o.nrrd", "--kernels", files / "regions.json", "--quiet"]
    words += ["--labels", files / "labels.nrrd", "--mask-range", "20", "80", "--report", files / "rep"]
    assert command(*words) == 0
    text = Page((files / "rep" / "report.html").read_text(encoding="utf-8")).text
    assert "mask range20, 80" in text
    assert "region 1" in text
    assert "of a mask" in text
    words = ["deconvolve", files / "blurred.nrrd", files / "g.nrrd", "--kernels", files / "set.json", "--quiet"]
    assert command(*words, "--guide", files / "truth.nrrd", "--report", files / "guided") == 0
    assert "intensity of a guide image" in (files / "guided" / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def put_on_grid(monkeypatch):
    """Which of mask, labels and guide were put on the grid of an image, in every module that can; not arrays."""
    from SpatialDeconvLib.mrml import selections

    for name in ("cli", "onfiles", "sequenceonfiles"):
        importlib.import_module(f"SpatialDeconvLib.command.{name}")
    calls = []

    def counted(name, function):
        def count(selection, *arguments, **options):
            if not isinstance(selection, np.ndarray):
                calls.append(name)
            return function(selection, *arguments, **options)

        return count

    for name in ("maskArray", "labelArray", "guideArray"):
        function = getattr(selections, name)
        for module in [m for n, m in sys.modules.items() if n.startswith("SpatialDeconvLib")]:
            if getattr(module, name, None) is function:
                monkeypatch.setattr(module, name, counted(name, function))
    return calls


def test_a_report_puts_nothing_on_the_grid_again(files, put_on_grid):
    """The report shows the very arrays that the run was made of; of a sequence, those of the frame it shows."""
    images = sitk.ReadImage(str(files / "blurred.nrrd"))
    coarse = sitk.Shrink(images, [2, 2, 2])
    sitk.WriteImage(coarse, str(files / "guide.nrrd"))
    sitk.WriteImage(sitk.Cast(coarse > 50, sitk.sitkUInt8), str(files / "mask.nrrd"))
    sitk.WriteImage(sitk.Cast(coarse > 60, sitk.sitkInt16) + 1, str(files / "labels.nrrd"))
    regions = {1: FIELD.kernels[0], 2: FIELD.kernels[1]}
    sd.write_kernel_set(files / "regions.json", sd.KernelField.by_region(None, regions, outside="unchanged"))
    sitk.WriteImage(sitk.JoinSeries([images, images + 1, images]), str(files / "cine.nrrd"))
    extra = ["--mask", files / "mask.nrrd", "--resample", "--engine", "fft", "--method", "wiener", "--quiet"]
    for operation, name, frames in (("deconvolve", "blurred.nrrd", 1), ("deconvolve", "cine.nrrd", 3)):
        for words, expected in (
            (["--kernels", files / "regions.json", "--labels", files / "labels.nrrd"], ["labelArray"]),
            (["--kernels", files / "set.json", "--guide", files / "guide.nrrd"], ["guideArray"]),
        ):
            put_on_grid.clear()
            words = [operation, files / name, files / "o.nrrd", *words, *extra]
            assert command(*words, "--report", files / "rep") == 0
            assert sorted(put_on_grid) == sorted([*expected, "maskArray"] * frames)


def test_report_that_cannot_be_written_fails_before_the_work(files, capsys):
    (files / "file").write_text("")
    words = ["deconvolve", files / "blurred.nrrd", files / "o.nrrd", "--kernels", files / "set.json"]
    assert command(*words, "--report", files / "file", "--quiet") == 1
    assert "report folder" in capsys.readouterr().err
    assert not (files / "o.nrrd").exists()


def test_failed_report_takes_the_output_back(files, monkeypatch):
    def full(folder, page):
        raise OSError("disk full")

    monkeypatch.setattr(report, "save_page", full)
    words = [
        "deconvolve",
        files / "blurred.nrrd",
        files / "o.nrrd",
        "--kernels",
        files / "set.json",
        "--engine",
        "fft",
    ]
    before = sorted(p.name for p in files.iterdir())
    assert command(*words, "--report", files / "rep", "--quiet") == 1
    assert sorted(p.name for p in files.iterdir()) == before


def test_every_kernel_says_what_an_automatic_blend_filtered_it_with(noisy):
    page, result = page_of(noisy[1], engine="fft", strategy="blend", method="auto")
    for name, count in zip(
        result.automatic["method_of_each_kernel"], result.automatic["iterations_of_each_kernel"], strict=True
    ):
        spec = None if name in (None, "none") else sd_methods.method("blend", name)
        assert spec is None or spec.in_prose in page.text
        assert count is None or f"{count} iterations" in page.text


def test_a_kernel_that_was_left_alone_says_so(noisy):
    image = noisy[1]
    result, recipe = run(image, FIELD, strategy="blend", method="auto", engine="fft")
    count = len(FIELD.kernels)
    nothing = [None] * count
    left = {"method": ["none"] * count, "iterations": nothing, "constant": nothing}
    automatic = {**result.automatic, **{f"{name}_of_each_kernel": each for name, each in left.items()}}
    result = dataclasses.replace(result, automatic=automatic)
    page = Page(report.report_page(reported(image, result, recipe)))
    assert page.text.count("left as it is: no filter did better") == count
