"""Runs on volumes that stay in their files: the same result as in memory, however often they are interrupted."""

import json
import pickle
import queue
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

import SpatialDeconvLib as sd
from SpatialDeconvLib import InputError, KernelField, ParametricKernel
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.batch.scheduling import LocalWorkers
from SpatialDeconvLib.errors import Cancelled
from SpatialDeconvLib.formats.parts import View
from SpatialDeconvLib.kernels import weightfiles
from SpatialDeconvLib.kernels.sets import field_from_dict
from SpatialDeconvLib.large import Journal, exceeds_memory, opened, run_stored
from SpatialDeconvLib.run.settings import DeconvolveSettings

SHAPE = (20, 36, 40)
SETTINGS = DeconvolveSettings(
    strategy="joint", method="richardson-lucy", iterations=3, noise=0.3, tiles=(20, 18, 20)
)


def field():
    pairs = zip((10, 50, 90), (0.5, 0.7, 0.9), strict=True)
    return KernelField.by_intensity({level: ParametricKernel("gaussian", sigma_mm=s) for level, s in pairs})


def picture(seed=0, shape=SHAPE):
    random = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(random.normal(size=shape), 2)
    image = 5 + 95 * (image - image.min()) / np.ptp(image)
    return (image + random.normal(0, 0.3, shape)).astype(np.float32)


def written(path, image, spacing=(1.0, 1.0, 1.0)):
    volume = sitk.GetImageFromArray(image, isVector=image.ndim == 4)
    volume.SetSpacing(spacing)
    sitk.WriteImage(volume, str(path))
    return path


def values(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.fixture
def kernel_set(tmp_path):
    path = tmp_path / "set.json"
    kernels = [{"at": at, "type": "gaussian", "sigma_mm": s} for at, s in ((10, 0.5), (50, 0.7), (90, 0.9))]
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": kernels}))
    return path


def run_command(*arguments):
    return cli.main(list(map(str, arguments)))


# ------------------------------------------------------------------------------------------ the same result


@pytest.mark.parametrize("ending", ["nrrd", "mha", "nii", "npy", "tif", "zarr"])
def test_a_file_becomes_what_its_array_does(tmp_path, ending):
    if ending in ("tif", "zarr"):
        pytest.importorskip("zarr" if ending == "zarr" else "tifffile")
    image = picture()
    inputs = opened({"image": written(tmp_path / "in.nrrd", image)}, field())
    found = run_stored(inputs, SETTINGS, tmp_path / f"out.{ending}")
    expected = sd.deconvolve(image, field(), **SETTINGS.parameters())
    again = opened({"image": found.path}, field())
    assert np.array_equal(again.image.read(), expected.image)
    assert found.results[0].residual == expected.residual
    assert found.results[0].automatic == expected.automatic
    assert not list(tmp_path.glob("*.unfinished"))


def test_guide_mask_and_labels_are_cut_alongside(tmp_path):
    image, mask = picture(), (picture(2) > 40).astype(np.uint8)
    labels = np.ones(SHAPE, np.uint8)
    labels[:, 20:] = 2
    kernels = KernelField.by_region(
        labels, {1: ParametricKernel("gaussian", sigma_mm=0.5), 2: ParametricKernel("gaussian", sigma_mm=0.9)}
    )
    paths = {name: written(tmp_path / f"{name}.nrrd", array)
             for name, array in (("image", image), ("mask", mask), ("labels", labels))}  # fmt: skip
    unlabelled = KernelField(kernels.key, kernels.kernels, kernels.at)
    found = run_stored(opened(paths, unlabelled), SETTINGS, tmp_path / "out.nrrd")
    expected = sd.deconvolve(image, kernels, mask=mask, **SETTINGS.parameters())
    assert np.array_equal(values(found.path), expected.image)


SELECTIONS = {
    "range": (("--mask-range", "30", "70"), {"mask_range": (30, 70)}),
    "box": (("--mask-box", "2", "3", "4", "18", "30", "38"), {"mask_box": (2, 3, 4, 18, 30, 38)}),
    "all": (
        ("--mask-range", "30", "70", "--mask-box", "2", "3", "4", "18", "30", "38", "--mask-box-mm", "0", "0", "0",
         "30.5", "30.5", "30.5"),
        {"mask_range": (30, 70), "mask_box": (2, 3, 4, 18, 30, 38), "mask_box_mm": (0, 0, 0, 30.5, 30.5, 30.5)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SELECTIONS)
def test_ranges_and_boxes_are_cut_alongside(tmp_path, kernel_set, capsys, name):
    words, said = SELECTIONS[name]
    image = written(tmp_path / "in.nrrd", picture(), (2.0, 1.0, 1.0))
    mask = (picture(2) > 40).astype(np.uint8)
    paths = {"image": image, "mask": written(tmp_path / "mask.nrrd", mask, (2.0, 1.0, 1.0))}
    inputs = opened(paths, field(), None, said)
    mask = np.asarray(inputs.of(0, 0).mask[tuple(slice(0, n) for n in SHAPE)]) != 0
    crew = Lossy(0)
    found = run_stored(inputs, SETTINGS, tmp_path / "found.nrrd", workers=crew, share={"threads": 1})
    given = (
        "--kernels",
        kernel_set,
        *OPTIONS,
        "--quiet",
        "--mask",
        paths["mask"],
        *words,
        "--tiles",
        "20",
        "18",
        "20",
    )
    assert run_command("deconvolve", image, tmp_path / "out.nrrd", *given) == 0
    assert np.array_equal(values(found.path), values(tmp_path / "out.nrrd"))
    changed = values(tmp_path / "out.nrrd") != picture()
    low, high = np.zeros(3, int), np.array(SHAPE)
    if "mask_box" in said:
        low, high = np.array([2, 3, 4]), np.array([18, 30, 38])
    if "mask_box_mm" in said:
        high = np.minimum(high, [20, 31, 16])
    expected = (picture(2) > 40).copy()
    places = np.indices(SHAPE).transpose(1, 2, 3, 0)
    expected &= ((places >= low) & (places < high)).all(-1)
    if "mask_range" in said:
        expected &= (picture() >= 30) & (picture() <= 70)
    assert np.array_equal(mask, expected)
    assert not (changed & ~expected).any()
    assert changed.sum() > 0.9 * expected.sum()


def test_a_range_of_nothing_and_a_box_outside_are_refused(tmp_path, kernel_set, capsys):
    image = written(tmp_path / "in.nrrd", picture())
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet", "--tiles", "20")
    for words, text in (
        (("--mask-range", "500", "600"), "selects no voxel"),
        (("--mask-box", "50", "0", "0", "60", "9", "9"), "holds no voxel of the image"),
    ):
        assert run_command("deconvolve", image, tmp_path / "out.nrrd", *given, *words) == 1
        assert text in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def weighted_set(folder, weights):
    """A kernel set of weight images, the last two in one file; they lie along a coarse wave."""
    written(folder / "a.nrrd", weights[0])
    np.save(folder / "bc.npy", np.stack(weights[1:]))
    entries = [(0.5, "a.nrrd"), (0.7, ["bc.npy", 0]), (0.9, ["bc.npy", 1])]
    kernels = [{"at": at, "type": "gaussian", "sigma_mm": s} for s, at in entries]
    return {"schema": "spatialdeconv-kernels/1", "key": "weights", "kernels": kernels}


def shares():
    found = np.abs(np.stack([picture(seed) for seed in (3, 4, 5)]))
    return list((found / found.sum(0)).astype(np.float32))


def test_large_weight_images_are_cut_alongside(tmp_path, monkeypatch):
    image, weights = picture(), shares()
    content = weighted_set(tmp_path, weights)
    whole = field_from_dict(content, tmp_path)
    expected = sd.deconvolve(image, whole, **SETTINGS.parameters())
    monkeypatch.setattr(weightfiles, "LARGE", 0)
    kernels = field_from_dict(content, tmp_path)
    assert not whole.unread
    assert kernels.unread_bytes == sum(weight.nbytes for weight in weights)
    inputs = opened({"image": written(tmp_path / "in.nrrd", image)}, kernels)
    reads = []
    reading = View.__getitem__
    monkeypatch.setattr(View, "__getitem__", lambda view, box: reads.append(view.volume.path) or reading(view, box))
    monkeypatch.delattr(View, "__array__")  # nothing reads one whole
    found = run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert np.array_equal(values(found.path), expected.image)
    assert {path.name for path in reads} == {"in.nrrd", "a.nrrd", "bc.npy"}


def test_unread_weights_are_those_that_were_read_in_a_run_all_at_once(tmp_path, monkeypatch):
    content = weighted_set(tmp_path, shares())
    options = {**SETTINGS.parameters(), "tiles": "never"}
    expected = sd.deconvolve(picture(), field_from_dict(content, tmp_path), **options)
    monkeypatch.setattr(weightfiles, "LARGE", 0)
    assert np.array_equal(
        sd.deconvolve(picture(), field_from_dict(content, tmp_path), **options).image, expected.image
    )


def test_unread_weights_that_do_not_sum_to_one_are_refused_before_the_work(tmp_path, monkeypatch):
    weights = shares()
    weights[2][-1, -1, -1] += 0.5
    content = weighted_set(tmp_path, weights)
    with pytest.raises(InputError, match=r"weights sum to .*1\.5") as eager:
        field_from_dict(content, tmp_path)
    monkeypatch.setattr(weightfiles, "LARGE", 0)
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field_from_dict(content, tmp_path))
    with pytest.raises(InputError) as late:
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert str(late.value) == str(eager.value)
    assert not list(tmp_path.glob("out*"))
    with pytest.raises(InputError, match="weights sum to"):
        sd.deconvolve(picture(), field_from_dict(content, tmp_path), **{**SETTINGS.parameters(), "tiles": "never"})


def test_weights_that_were_changed_begin_another_run(tmp_path):
    content = weighted_set(tmp_path, shares())
    path = written(tmp_path / "in.nrrd", picture())
    interrupted(tmp_path, opened({"image": path}, field_from_dict(content, tmp_path)), tmp_path / "out.nrrd", 1)
    weighted_set(tmp_path, shares()[::-1])
    again = opened({"image": path}, field_from_dict(content, tmp_path))
    with pytest.raises(InputError, match="begun with other weights"):
        run_stored(again, SETTINGS, tmp_path / "out.nrrd")


def test_channels_are_worked_on_one_by_one(tmp_path):
    both = np.stack([picture(0), picture(1)], axis=-1)
    inputs = opened({"image": written(tmp_path / "in.nrrd", both)}, field())
    found = run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert len(found.results) == 2
    for channel in range(2):
        expected = sd.deconvolve(both[..., channel].copy(), field(), **SETTINGS.parameters())
        assert np.array_equal(values(found.path)[..., channel], expected.image)


def test_processes_give_the_same_bits(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    alone = run_stored(inputs, SETTINGS, tmp_path / "alone.nrrd")
    workers = LocalWorkers(2, queue.Queue())
    try:
        many = run_stored(inputs, SETTINGS, tmp_path / "many.nrrd", workers=workers, share={"threads": 1})
    finally:
        workers.close()
    assert np.array_equal(values(many.path), values(alone.path))


# ------------------------------------------------------------------------------------------ interrupted, and again


def interrupted(tmp_path, inputs, output, tiles, **more):
    """Stop a run when so many tiles are written."""
    folder = Path(f"{output}.unfinished")

    def enough():
        return len(list(folder.glob("tiles/tile-*.json"))) >= tiles

    with pytest.raises(Cancelled, match="the same command goes on"):
        run_stored(inputs, SETTINGS, output, cancelled=enough, **more)
    return folder


@pytest.mark.parametrize("tiles", [1, 3])
def test_a_run_goes_on_where_it_was(tmp_path, tiles):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    whole = run_stored(inputs, SETTINGS, tmp_path / "whole.nrrd")
    folder = interrupted(tmp_path, inputs, tmp_path / "out.nrrd", tiles)
    assert not (tmp_path / "out.nrrd").exists()
    done = sorted(folder.glob("tiles/tile-*.json"))
    times = [path.stat().st_mtime_ns for path in done]
    said = []

    def tell(_fraction, text):
        said.append((text, [path.stat().st_mtime_ns for path in done if path.exists()]))

    found = run_stored(inputs, SETTINGS, tmp_path / "out.nrrd", progress=tell)
    assert values(found.path).tobytes() == values(whole.path).tobytes()
    assert not any("choosing" in text for text, _ in said)
    assert all(seen in ([], times) for _, seen in said)  # none of them was done again
    assert not folder.exists()


def test_another_run_does_not_go_on_with_it(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    interrupted(tmp_path, inputs, tmp_path / "out.nrrd", 1)
    other = DeconvolveSettings(**{**SETTINGS.parameters(), "iterations": 2})
    with pytest.raises(InputError, match="begun with other parameters; remove the folder"):
        run_stored(inputs, other, tmp_path / "out.nrrd")
    written(tmp_path / "in.nrrd", picture(5))
    with pytest.raises(InputError, match="begun with other inputs"):
        run_stored(opened({"image": tmp_path / "in.nrrd"}, field()), SETTINGS, tmp_path / "out.nrrd")


def test_what_another_version_left_is_named(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    folder = interrupted(tmp_path, inputs, tmp_path / "out.nrrd", 1)
    (folder / "run.json").write_text('{"schema": "spatialdeconv-tiles/99"}')
    with pytest.raises(InputError, match="left by another version; remove it"):
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")


def test_a_run_that_fails_before_its_first_tile_leaves_nothing(tmp_path):
    image = picture()
    image[0, 0, 0] = np.nan
    inputs = opened({"image": written(tmp_path / "in.nrrd", image)}, field())
    with pytest.raises(InputError, match="1 NaN or infinite"):
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert [path.name for path in tmp_path.iterdir()] == ["in.nrrd"]


class Lossy:
    """Workers of which the first to take a tile is lost, so many times."""

    def __init__(self, losses):
        self.losses, self.events = losses, queue.Queue()

    def submit(self, number, task):
        from SpatialDeconvLib.command.batch.scheduling import Event
        from SpatialDeconvLib.large import tile_task

        if number == 0 and self.losses:
            self.losses -= 1
            self.events.put(Event("lost", number, "its machine is gone"))
            return
        self.events.put(Event("replied", number, tile_task(json.loads(json.dumps(task)), lambda *news: None)))

    def check(self):
        pass


def test_a_lost_worker_costs_its_tile(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    alone = run_stored(inputs, SETTINGS, tmp_path / "alone.nrrd")
    found = run_stored(inputs, SETTINGS, tmp_path / "out.nrrd", workers=Lossy(2), share={"threads": 1})
    assert np.array_equal(values(found.path), values(alone.path))
    with pytest.raises(OSError, match="was lost 3 times: its machine is gone"):
        run_stored(inputs, SETTINGS, tmp_path / "never.nrrd", workers=Lossy(9), share={"threads": 1})


def test_a_folder_of_the_users_own_is_left_alone(tmp_path):
    own = tmp_path / "out.nrrd.unfinished" / "thesis.txt"
    own.parent.mkdir()
    own.write_text("mine")
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    with pytest.raises(InputError, match="holds files of somebody's own"):
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert [path.name for path in own.parent.iterdir()] == ["thesis.txt"]
    assert not (tmp_path / "out.nrrd").exists()


@pytest.mark.parametrize("name", ["in.zarr", "in.zarr/out.zarr", "link.zarr"])
def test_an_input_is_not_written_over_or_into(tmp_path, name):
    pytest.importorskip("zarr")
    source = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    run_stored(source, SETTINGS, tmp_path / "in.zarr")
    (tmp_path / "link.zarr").symlink_to(tmp_path / "in.zarr")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    inputs = opened({"image": tmp_path / "in.zarr"}, field())
    for output, residual_map in ((name, None), ("out.zarr", name)):
        more = {} if residual_map is None else {"residual_map": tmp_path / residual_map}
        with pytest.raises(InputError, match=r"is the image .*in\.zarr, or lies in it"):
            run_stored(inputs, SETTINGS, tmp_path / output, **more)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_the_command_does_not_write_into_its_input(tmp_path, kernel_set, capsys):
    pytest.importorskip("zarr")
    source = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    store = run_stored(source, SETTINGS, tmp_path / "in.zarr").path
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet", "--tiles", "18")
    assert run_command("deconvolve", store, store / "out.nrrd", *given) == 1
    assert "lies inside the input" in capsys.readouterr().err
    other = run_stored(source, SETTINGS, tmp_path / "out.zarr").path
    assert run_command("deconvolve", store, other, *given, "--residual-map", other / "map.nrrd") == 1
    assert "lies inside the output" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.unfinished"))


def test_a_full_disk_is_told_with_what_could_not_be_noted(tmp_path, monkeypatch):
    import errno

    import SpatialDeconvLib.large.journal as journals

    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    replacing = journals.os.replace

    def full(made, path):
        if path.name == "tile-0-0-2.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        replacing(made, path)

    with monkeypatch.context() as patched:
        patched.setattr(journals.os, "replace", full)
        with pytest.raises(OSError, match=r"tile-0-0-2\.json was not written \(No space left") as error:
            run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert "run again" in str(error.value)
    assert not list((tmp_path / "out.nrrd.unfinished").rglob("*.new"))
    whole = run_stored(inputs, SETTINGS, tmp_path / "whole.nrrd")
    again = run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    assert again.path.read_bytes() == whole.path.read_bytes()


def test_a_run_that_is_stopped_before_its_first_tile_keeps_nothing_and_does_not_say_so(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    with pytest.raises(Cancelled) as stopped:
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd", cancelled=lambda: True)
    assert "goes on" not in str(stopped.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.nrrd"]


# ------------------------------------------------------------------------------------------ the inputs


def test_what_lies_elsewhere_is_refused(tmp_path):
    image = written(tmp_path / "in.nrrd", picture())
    for name, array, spacing, text in (
        ("small", picture(0, (20, 36, 38)), (1, 1, 1), "has 20x36x38 voxels, the image 20x36x40"),
        ("coarse", picture(), (1.5, 1, 1), "lies elsewhere than the image"),
    ):
        path = written(tmp_path / f"{name}.nrrd", array, spacing)
        with pytest.raises(InputError, match=text):
            opened({"image": image, "mask": path}, field())


@pytest.mark.parametrize("make", [KernelField.by_channel, KernelField.by_frame])
def test_kernels_of_parts_need_an_image_with_parts(tmp_path, make):
    image = written(tmp_path / "in.nrrd", picture())
    with pytest.raises(InputError, match=r"keyed by (channel|frame), which is for a .*in\.nrrd is none"):
        opened({"image": image}, make({1: ParametricKernel("gaussian", sigma_mm=0.5)}))


def test_a_given_voxel_size_counts(tmp_path):
    np.save(tmp_path / "in.npy", picture())
    inputs = opened({"image": tmp_path / "in.npy"}, field(), spacing=(2.0, 1.0, 1.0))
    assert inputs.of(0, 0).spacing == (2.0, 1.0, 1.0)


def test_a_view_can_be_sent_and_is_read_where_it_is_indexed(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    view = pickle.loads(pickle.dumps(inputs.of(0, 0).image))
    assert isinstance(view, View)
    assert (view.shape, view.ndim, view.dtype) == (SHAPE, 3, np.float32)
    box = (slice(2, 5), slice(3, 9), slice(0, 4))
    assert np.array_equal(view[box], picture()[box])


def test_memory_says_when_a_volume_is_too_large(tmp_path):
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, field())
    assert exceeds_memory(inputs, DeconvolveSettings(memory_limit=0.01))
    assert not exceeds_memory(inputs, DeconvolveSettings(memory_limit=4.0))


# ------------------------------------------------------------------------------------------ the command


OPTIONS = ("--strategy", "joint", "--method", "richardson-lucy", "--iterations", "3", "--noise", "0.3")


def test_the_command_takes_tiles_by_itself_and_its_recipe_repeats_them(tmp_path, kernel_set, capsys):
    image = written(tmp_path / "in.nrrd", picture(0, (24, 64, 64)))
    output = tmp_path / "out.nrrd"
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet")
    assert run_command("deconvolve", image, output, *given, "--tiles", "24", "32", "32") == 0
    recipe = json.loads((tmp_path / "out.nrrd.recipe.json").read_text())
    assert recipe["parameters"]["tiles"] == [24, 32, 32]
    assert "4 tiles" in recipe["automatic"]["tiles"]
    assert run_command("repeat", tmp_path / "out.nrrd.recipe.json", tmp_path / "again.nrrd", "--quiet") == 0
    assert (tmp_path / "again.nrrd").read_bytes() == output.read_bytes()
    capsys.readouterr()


def test_a_volume_larger_than_the_memory_allowed_is_not_read_whole(tmp_path, kernel_set, monkeypatch):
    from SpatialDeconvLib.mrml import files

    image = written(tmp_path / "in.nrrd", picture(0, (24, 64, 64)))
    monkeypatch.setattr(files, "readVolume", lambda *a, **k: pytest.fail("read whole"))
    monkeypatch.setattr("SpatialDeconvLib.command.large._surely_fits", lambda request: False)
    monkeypatch.setattr("SpatialDeconvLib.command.large.exceeds_memory", lambda *given: True)
    assert run_command("deconvolve", image, tmp_path / "out.nrrd", "--kernels", kernel_set, *OPTIONS) == 0
    assert "1 tile of" in json.loads((tmp_path / "out.nrrd.recipe.json").read_text())["automatic"]["tiles"]


def test_what_a_large_kernel_pads_counts_before_a_volume_is_read_whole(tmp_path, kernel_set, monkeypatch):
    asked = []
    monkeypatch.setattr("SpatialDeconvLib.command.large.exceeds_memory", lambda *given: asked.append(given))
    image, wide = written(tmp_path / "in.nrrd", picture()), np.ones((41, 61, 61), np.float32)
    given = ("--method", "landweber", "--iterations", "2", "--noise", "0.3", "--memory", "0.3", "--quiet")
    for kernels, known in ((kernel_set, 0), (written(tmp_path / "wide.nrrd", wide), 1)):
        assert run_command("deconvolve", image, tmp_path / "out.nrrd", "--kernels", kernels, *given) == 0
        assert len(asked) == known


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--tiles", "5"), "smaller than their halo"),
        (("--tiles", "20", "--workers", "2", "--scheduler", "tcp://nobody:1"), "--workers 2 is for this machine"),
        (("--tiles", "never", "--workers", "2"), "leave one out"),
        (("--workers", "2", "--report", "page"), "has no --report"),
        (("--workers", "2", "--resample"), "has no --resample"),
        (("--tiles", "20", "--scheduler", "nonsense"), "is no address of a scheduler"),
        (("--tiles", "some"), "some"),
    ],
)
def test_the_command_says_what_does_not_go_together(tmp_path, kernel_set, capsys, options, text):
    if "--scheduler" in options:
        pytest.importorskip("distributed")
    image = written(tmp_path / "in.nrrd", picture())
    assert run_command("deconvolve", image, tmp_path / "out.nrrd", "--kernels", kernel_set, *OPTIONS, *options) != 0
    assert text in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_workers_need_an_output_that_is_written_in_parts(tmp_path, kernel_set, capsys):
    image = written(tmp_path / "in.nrrd", picture())
    given = ("--kernels", kernel_set, "--workers", "2")
    assert run_command("deconvolve", image, tmp_path / "out.nii.gz", *given) == 1
    assert "cannot write out.nii.gz: use" in capsys.readouterr().err


def test_an_image_of_two_axes_comes_back_as_one(tmp_path, kernel_set):
    flat = written(tmp_path / "in.nrrd", picture()[0])
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet", "--tiles", "18")
    assert run_command("deconvolve", flat, tmp_path / "out.nrrd", *given) == 0
    assert values(tmp_path / "out.nrrd").shape == SHAPE[1:]


def test_workers_say_that_an_image_of_two_axes_gets_a_slice(tmp_path, kernel_set, capsys):
    flat = written(tmp_path / "in.nrrd", picture()[0])
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet", "--workers", "1")
    assert run_command("deconvolve", flat, tmp_path / "out.nrrd", *given) == 0
    assert values(tmp_path / "out.nrrd").shape == (1, *SHAPE[1:])
    assert "what is written in tiles has three" in capsys.readouterr().err


def test_a_journal_notes_tiles(tmp_path):
    journal = Journal(tmp_path)
    journal.begin({"inputs": {}})
    assert journal.done(0, 0, 1) is None
    journal.keep_done(0, 0, 1, {"count": 3, "residual": 1.5, "warnings": []})
    assert journal.done(0, 0, 1) == {"count": 3, "residual": 1.5, "warnings": []}
    assert journal.plan(0, 0) is None
