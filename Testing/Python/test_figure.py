import itertools
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, laplacian_kernel, motion_kernel
from SpatialDeconvLib.report import figures
from SpatialDeconvLib.report.figures import demo, kernels, panels

pytest.importorskip("matplotlib", reason="figures need matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def _case(shape=(6, 40, 50)):
    truth = np.full(shape, 20.0)
    truth[..., 10:25, 20:40] = 80.0
    noise = np.random.default_rng(0).normal(0, 1, shape)
    blurred = truth.copy()
    for axis in (-1, -2):
        blurred = (np.roll(blurred, 1, axis) + blurred + np.roll(blurred, -1, axis)) / 3
    kernels = [(f"level {n}\nsigma {s} mm", gaussian_kernel(s, (1.0, 1.0))) for n, s in ((10, 0.8), (60, 2.0))]
    values = np.linspace(0, 100, 11)
    weights = values, np.stack([1 - values / 100, values / 100])
    return {
        "truth": truth,
        "blurred": blurred + noise,
        "restored": truth + noise,
        "spacing": (2.0, 1.0, 0.5)[-len(shape) :],
        "kernels": kernels,
        "weights": weights,
        "scores": {"inverse": 20.0, "richardson-lucy": 27.5},
        "blurred_score": 25.0,
        "title": "A title of the whole figure",
    }


@pytest.fixture(autouse=True)
def _coarse(monkeypatch):
    monkeypatch.setattr(panels, "DPI", 60)  # drawing at print resolution takes a second or two


@pytest.fixture
def drawn(monkeypatch):
    """The matplotlib figures that were saved."""
    saved = []

    def keep(made, path):
        saved.append(made)
        return panels.save(made, path)

    for module in (demo, kernels):
        monkeypatch.setattr(module, "save", keep)
    return saved


def _png_size(path):
    return sitk.ReadImage(str(path)).GetSize()


def test_demo_figure_is_written_at_the_asked_resolution_and_nothing_else_is(tmp_path):
    path = figures.demo_figure(tmp_path / "f.png", **_case())
    assert path == tmp_path / "f.png"
    assert _png_size(path) == (12.5 * panels.DPI, 10.4 * panels.DPI)
    assert [p.name for p in tmp_path.iterdir()] == ["f.png"]


@pytest.mark.parametrize("shape", [(6, 40, 50), (64, 48)])
@pytest.mark.parametrize("layout", ["several kernels", "one kernel, logarithmic"])
def test_no_text_is_cut_off_or_overlaps_another(tmp_path, drawn, monkeypatch, layout, shape):
    monkeypatch.setattr(panels, "DPI", 100)  # the figure's own: labels are where they were drawn
    case = _case(shape)
    if layout != "several kernels":
        for name in ("truth", "blurred", "restored"):
            case[name] = 10.0 ** (case[name] / 20.0)
        case.update(log=True, kernels=[("K", gaussian_kernel(2.0, (0.4, 0.4)))], weights=None)
    figures.demo_figure(tmp_path / "f.png", **case)
    _check_texts(drawn[0])


def _check_texts(made):
    renderer = FigureCanvasAgg(made).get_renderer()
    texts = [ax.title for ax in made.axes] + [axis.label for ax in made.axes for axis in (ax.xaxis, ax.yaxis)]
    texts += [t for ax in made.axes for t in ax.texts]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
    assert len(boxes) >= 15
    for name, box in boxes:
        assert min(box.x0, box.y0) >= 0, name
        assert box.x1 <= made.bbox.width, name
        assert box.y1 <= made.bbox.height, name
    for (name, one), (other_name, other) in itertools.combinations(boxes, 2):
        apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert apart, (name, other_name)


def _joint_case(shape=(6, 40, 50), count=2):
    case = _case(shape)
    names = ["blend wiener", "joint tv", "joint self-keyed"][: count + 1]
    errors = {"(blurred image)": [3.0, 2.0, None], **{name: [2.0, 1.0, None] for name in names}}
    kept = {name: case[name] for name in ("truth", "blurred", "spacing", "blurred_score", "title")}
    return kept | {
        "restored": {name: case["restored"] + n for n, name in enumerate(names)},
        "edges": np.abs(np.gradient(case["truth"], axis=-1)) > 10,
        "distances": ["0-1 mm", "1-2 mm", ">2 mm"],
        "curves": {"brain": errors, "three regions, source model": errors},
        "scores": {"blend wiener": 26.0, "joint tv": 28.0, "joint self-keyed": 30.0},
    }


@pytest.mark.parametrize(("shape", "count"), [((6, 40, 50), 2), ((64, 48), 1)])
def test_no_text_of_the_comparison_is_cut_off_or_overlaps_another(tmp_path, drawn, monkeypatch, shape, count):
    monkeypatch.setattr(panels, "DPI", 100)
    path = figures.joint_figure(tmp_path / "f.png", **_joint_case(shape, count))
    assert _png_size(path) == (1250, 1180)
    _check_texts(drawn[0])


def test_the_comparison_shows_each_restoration_above_its_error(tmp_path, drawn):
    case = _joint_case()
    figures.joint_figure(tmp_path / "f.png", slice_index=2, **case)
    axes = drawn[0].axes
    (left, right, bottom, top) = axes[0].images[0].get_extent()
    box = (slice(2, 3), slice(int(top), int(bottom)), slice(int(left / 0.5), int(right / 0.5)))
    for n, image in enumerate([case["truth"], case["blurred"], *case["restored"].values()]):
        np.testing.assert_array_equal(axes[n].images[0].get_array(), image[box][0])
        if n:
            np.testing.assert_allclose(axes[5 + n].images[0].get_array(), (image - case["truth"])[box][0])
    over = axes[5].images[1].get_array()
    np.testing.assert_array_equal(~over.mask, case["edges"][2])


def test_a_method_has_one_colour_in_the_whole_comparison(tmp_path, drawn):
    figures.joint_figure(tmp_path / "f.png", **_joint_case())
    colours = {}
    for ax in drawn[0].axes:
        for line in ax.lines:
            if line.get_label() in ("blend wiener", "joint tv", "joint self-keyed"):
                colours.setdefault(line.get_label(), []).append(line.get_color())
    assert [len(c) for c in colours.values()] == [3, 3, 3]
    assert [len(set(c)) for c in colours.values()] == [1, 1, 1]
    assert len({c[0] for c in colours.values()}) == 3


def test_images_share_one_scale_and_errors_another(tmp_path, drawn):
    case = _case()
    figures.demo_figure(tmp_path / "f.png", slice_index=2, **case)
    images = [ax.images[0] for ax in drawn[0].axes[:10]]  # the two rows of five
    for row in (images[:5], images[5:]):
        assert {image.get_clim() for image in row[:3]} == {(20.0, 80.0)}
        (low, high), other = (image.get_clim() for image in row[3:])
        assert (low, high) == other == (-high, high)
    np.testing.assert_array_equal(images[0].get_array(), case["truth"][2])
    np.testing.assert_allclose(images[3].get_array(), (case["blurred"] - case["truth"])[2])


def test_images_are_drawn_in_mm_and_in_true_aspect(tmp_path, drawn):
    figures.demo_figure(tmp_path / "f.png", origin="lower", **_case())
    whole, enlarged = drawn[0].axes[0], drawn[0].axes[5]
    assert whole.images[0].get_extent() == [0.0, 25.0, 0.0, 40.0]
    assert whole.get_aspect() == 1.0
    left, right, bottom, top = enlarged.images[0].get_extent()
    assert right - left == pytest.approx(top - bottom, abs=1.0)
    assert 0 <= left < right <= 25
    assert 0 <= bottom < top <= 40


def test_the_enlarged_square_is_where_the_blur_does_most_harm_or_where_it_is_asked_for(tmp_path, drawn):
    case = _case((80, 100))
    case["blurred"][50:60, 70:80] += 40.0
    figures.demo_figure(tmp_path / "f.png", **case)
    left, right, bottom, top = drawn[0].axes[5].images[0].get_extent()
    assert left <= 70 * 0.5 < 80 * 0.5 <= right
    assert top <= 50 < 60 <= bottom  # origin "upper": rows run down
    figures.demo_figure(tmp_path / "g.png", focus=(79, 0), **case)
    left, right, bottom, top = drawn[1].axes[5].images[0].get_extent()
    assert left == 0
    assert bottom == 80


def test_kernels_are_centred_on_their_centre_voxel_and_share_one_scale_of_mm(tmp_path, drawn):
    kernels = [gaussian_kernel(1.0, (0.5, 0.5, 0.5)), motion_kernel(9.0, 30.0, (1.0, 0.5)), laplacian_kernel()]
    figures.kernels_figure(tmp_path / "k.png", kernels, ["one", "two", "three"])
    axes = drawn[0].axes
    assert [ax.get_title() for ax in axes] == ["one", "two", "three"]
    assert len({ax.get_xlim() for ax in axes}) == 1
    for ax, kernel in zip(axes, kernels, strict=True):
        left, right, bottom, top = ax.images[0].get_extent()
        j, i = kernel.centre[-2:]
        dj, di = kernel.spacing[-2:]
        assert left + (i + 0.5) * di == pytest.approx(0.0)
        assert top + (j + 0.5) * dj == pytest.approx(0.0)
        assert right - left == pytest.approx(kernel.shape[-1] * di)
        assert bottom - top == pytest.approx(kernel.shape[-2] * dj)
    low, high = axes[2].images[0].get_clim()
    assert low == -high  # negative weights: a scale around zero


@pytest.mark.parametrize("origin", ["upper", "lower"])
def test_kernels_lie_as_the_image_beside_them(origin):
    """A point blurred by a motion shows the same streak as the picture of the kernel."""
    kernel = motion_kernel(6.5, 30)
    kernels_ax, image_ax = Figure().subplots(1, 2)
    panels.draw_kernels([kernels_ax], [kernel], ["motion"], origin=origin)
    panels.draw_image(image_ax, kernel.values, kernel.spacing, origin=origin)
    shown = []
    for ax in (kernels_ax, image_ax):
        (image,) = ax.images
        left, right, bottom, top = image.get_extent()
        upwards = (top > bottom) == (ax.get_ylim()[1] > ax.get_ylim()[0])
        assert upwards
        values = np.asarray(image.get_array())
        shown.append(values if image.origin == "upper" else values[::-1])  # rows from the top down
        assert right > left
    np.testing.assert_array_equal(*shown)


def test_a_single_kernel_is_drawn_and_more_than_five_take_two_rows(tmp_path):
    one = figures.kernels_figure(tmp_path / "1.png", [gaussian_kernel(2.0, 1.0)], log=True)
    six = figures.kernels_figure(tmp_path / "6.png", [gaussian_kernel(2.0, 1.0)] * 6)
    assert _png_size(six)[0] > 3 * _png_size(one)[0]
    assert _png_size(six)[1] == 2 * 2.5 * panels.DPI


def test_bars_start_at_the_blurred_image():
    ax = Figure().subplots()
    panels.draw_scores(ax, {"worse": 24.0, "better": 27.5}, 25.0)
    assert [(p.get_x(), p.get_width()) for p in ax.patches] == [(25.0, -1.0), (25.0, 2.5)]
    assert {t.get_text() for t in ax.texts} == {"24.00 (-1.00)", "27.50 (+2.50)", "blurred 25.00"}


def test_the_weights_are_drawn_over_the_histogram():
    made = Figure()
    ax = made.subplots()
    values = np.linspace(0, 100, 5)
    rows = np.stack([1 - values / 100, values / 100])
    panels.draw_histogram(ax, np.random.default_rng(0).uniform(0, 100, (20, 20)), weights=(values, rows))
    (_, over) = made.axes
    for line, row in zip(over.lines, rows, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), values)
        np.testing.assert_array_equal(line.get_ydata(), row)


def test_drawing_leaves_no_global_state(tmp_path):
    code = (
        "import sys, matplotlib\n"
        "from SpatialDeconvLib.report.figures import kernels_figure\n"
        "from SpatialDeconvLib.kernels.shapes import gaussian_kernel\n"
        "names = [n for n in matplotlib.rcParams if n != 'backend']\n"  # reading that one imports pyplot
        "before = [matplotlib.rcParams[n] for n in names]\n"
        f"kernels_figure({str(tmp_path / 'k.png')!r}, [gaussian_kernel(1.0, 1.0)])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert [matplotlib.rcParams[n] for n in names] == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_library_is_imported_without_matplotlib():
    code = "import sys, SpatialDeconvLib.report.figures; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install spatialdeconv\[figure\]"):
        figures.kernels_figure(tmp_path / "k.png", [gaussian_kernel(1.0, 1.0)])
    assert not list(tmp_path.iterdir())


def test_unusable_input_is_refused_with_the_reason(tmp_path):
    with pytest.raises(InputError, match="empty"):
        figures.kernels_figure(tmp_path / "k.png", [])
    with pytest.raises(InputError, match="2 for 1 kernels"):
        figures.kernels_figure(tmp_path / "k.png", [gaussian_kernel(1.0, 1.0)], ["a", "b"])
    case = _case()
    case["restored"] = case["restored"][:, 1:]
    with pytest.raises(InputError, match="differ"):
        figures.demo_figure(tmp_path / "f.png", **case)
    case = _joint_case()
    with pytest.raises(InputError, match=r"edges: shape \(6, 40\)"):
        figures.joint_figure(tmp_path / "f.png", **(case | {"edges": case["edges"][..., 0]}))
    with pytest.raises(InputError, match="restored: an empty mapping"):
        figures.joint_figure(tmp_path / "f.png", **(case | {"restored": {}}))
    with pytest.raises(OSError, match="does not exist"):
        figures.kernels_figure(tmp_path / "missing" / "k.png", [gaussian_kernel(1.0, 1.0)])


def test_errors_in_the_dark_take_the_place_of_the_histogram_of_one_kernel(tmp_path, drawn):
    case = {**_case(), "weights": None}
    errors = {"inverse": 29.0, "auto": 6.0}
    figures.demo_figure(tmp_path / "one.png", **{**case, "kernels": case["kernels"][:1]}, dark=errors)
    figures.demo_figure(tmp_path / "several.png", **case, dark=errors)
    one, several = ({ax.get_title(): ax for ax in figure.axes} for figure in drawn)
    bars = one["Error where it is dark"].patches
    assert [bar.get_width() for bar in bars] == [29.0, 6.0]
    assert "Histogram of the blurred image" not in one
    assert "Error where it is dark" not in several
