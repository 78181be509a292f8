"""Residual maps of runs in tiles: the map of a run all at once, written with the output or not at all."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from test_large import (
    OPTIONS,
    SETTINGS,
    SHAPE,
    Lossy,
    field,
    interrupted,
    kernel_set,  # noqa: F401 (a fixture)
    picture,
    run_command,
    values,
    written,
)

import SpatialDeconvLib as sd
from SpatialDeconvLib import InputError
from SpatialDeconvLib.formats.parts import StoredWriter, create_parts
from SpatialDeconvLib.large import opened, run_stored
from SpatialDeconvLib.run.residuals import KernelSums, describe_kernels, joined
from SpatialDeconvLib.run.settings import DeconvolveSettings

FILTER = DeconvolveSettings(method="landweber", engine="fft", noise=0.3, tiles=(20, 18, 20))
WITHOUT_NOISE = DeconvolveSettings(method="landweber", engine="fft", noise=0.0, tiles=(20, 18, 20))


def both(folder, settings=SETTINGS, name="out", **more):
    """A run in tiles with its map, of the picture that lies there or is put there."""
    source = folder / "in.nrrd"
    if not source.exists():
        written(source, picture())
    inputs = opened({"image": source}, field())
    return run_stored(inputs, settings, folder / f"{name}.nrrd", residual_map=folder / f"{name}-map.nrrd", **more)


def at_once(settings, **arrays):
    options = {**settings.parameters(), "tiles": "never"}
    return sd.deconvolve(picture(), field(), **options, **arrays).residual_map()


@pytest.mark.parametrize("settings", [SETTINGS, FILTER, WITHOUT_NOISE], ids=["joint", "blend", "without noise"])
def test_the_map_is_that_of_a_run_all_at_once(tmp_path, settings):
    found, expected = both(tmp_path, settings), at_once(settings)
    assert np.abs(values(tmp_path / "out-map.nrrd") - expected.values).max() < 0.02
    assert expected.values.std() > 0.2
    for line, other in zip(found.residuals[0], expected.describe(), strict=True):
        name, rms, unit, _, share, worst = re.match(LINE, line).groups()
        assert re.match(LINE, other).groups()[::2] == (name, unit, share)
        assert float(rms) == pytest.approx(float(re.match(LINE, other)[2]), rel=0.02)
        assert float(worst) == pytest.approx(float(re.match(LINE, other)[6]), rel=0.02)


LINE = r"(.*): residual (\S+) (.*) \(mean (\S+)\) over (\S+) % .*: (\S+)$"


def test_it_is_zero_outside_of_the_mask_and_in_tiles_without_any(tmp_path):
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:16, 3:15, 4:16] = 1
    paths = {"image": written(tmp_path / "in.nrrd", picture()), "mask": written(tmp_path / "mask.nrrd", mask)}
    run_stored(opened(paths, field()), SETTINGS, tmp_path / "out.nrrd", residual_map=tmp_path / "map.nrrd")
    found = values(tmp_path / "map.nrrd")
    assert not found[mask == 0].any()
    expected = at_once(SETTINGS, mask=mask)
    assert np.abs(found - expected.values)[mask > 0].max() < 0.02


def test_whoever_works_on_tiles_makes_the_same_map(tmp_path):
    alone = both(tmp_path)
    many = both(tmp_path, name="many", workers=Lossy(1), share={"threads": 1})
    assert np.array_equal(values(tmp_path / "many-map.nrrd"), values(tmp_path / "out-map.nrrd"))
    assert many.residuals == alone.residuals


def test_a_run_goes_on_with_both(tmp_path):
    both(tmp_path, name="whole")
    inputs = opened({"image": tmp_path / "in.nrrd"}, field())
    interrupted(tmp_path, inputs, tmp_path / "out.nrrd", 2, residual_map=tmp_path / "out-map.nrrd")
    assert not (tmp_path / "out-map.nrrd").exists()
    both(tmp_path)
    for name in ("", "-map"):
        assert (tmp_path / f"out{name}.nrrd").read_bytes() == (tmp_path / f"whole{name}.nrrd").read_bytes()
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_run_that_ends_between_its_outputs_goes_on_with_the_other(tmp_path, monkeypatch):
    finish = StoredWriter.finish

    def only_the_map(writer):
        if writer.path.name == "out.nrrd":
            raise OSError("the power fails")
        return finish(writer)

    with monkeypatch.context() as patched:
        patched.setattr(StoredWriter, "finish", only_the_map)
        with pytest.raises(OSError, match="the power fails"):
            both(tmp_path)
    placed = (tmp_path / "out-map.nrrd").read_bytes()
    found = both(tmp_path)
    assert (tmp_path / "out-map.nrrd").read_bytes() == placed
    assert np.abs(values(tmp_path / "out-map.nrrd")).max() > 1
    assert found.path.exists()
    assert found.residuals[0]
    assert not list(tmp_path.glob("*.unfinished"))


def test_one_output_alone_is_not_gone_on_with(tmp_path):
    import shutil

    written(tmp_path / "in.nrrd", picture())
    inputs = opened({"image": tmp_path / "in.nrrd"}, field())
    folder = interrupted(tmp_path, inputs, tmp_path / "out.nrrd", 1, residual_map=tmp_path / "out-map.nrrd")
    with pytest.raises(InputError, match="begun with other residual_map"):
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd")
    shutil.rmtree(tmp_path / "out-map.nrrd.unfinished")
    with pytest.raises(InputError, match=r"map .* is gone; remove the folder"):
        both(tmp_path)
    assert folder.exists()
    assert not (tmp_path / "out-map.nrrd.unfinished").exists()


def test_an_output_that_was_begun_without_a_map_says_so(tmp_path):
    written(tmp_path / "in.nrrd", picture())
    interrupted(tmp_path, opened({"image": tmp_path / "in.nrrd"}, field()), tmp_path / "out.nrrd", 1)
    with pytest.raises(InputError, match="begun with other residual_map"):
        both(tmp_path)
    assert not (tmp_path / "out-map.nrrd.unfinished").exists()


def assert_the_same_as_at_once(folder):
    """The run, taken up again, makes the map of one that nothing interrupted."""
    both(folder)
    both(folder, name="whole")
    assert np.array_equal(values(folder / "out-map.nrrd"), values(folder / "whole-map.nrrd"))


def test_a_run_that_was_killed_before_it_began_its_map_goes_on(tmp_path):
    written(tmp_path / "in.nrrd", picture())
    inputs = opened({"image": tmp_path / "in.nrrd"}, field())
    writer = create_parts(tmp_path / "out.nrrd", SHAPE, "float32", inputs.geometry)
    writer.let_go()
    assert writer.folder.exists()
    assert_the_same_as_at_once(tmp_path)


def test_the_map_of_an_output_that_was_removed_is_begun_anew(tmp_path):
    import shutil

    written(tmp_path / "in.nrrd", picture())
    inputs = opened({"image": tmp_path / "in.nrrd"}, field())
    shutil.rmtree(interrupted(tmp_path, inputs, tmp_path / "out.nrrd", 1, residual_map=tmp_path / "out-map.nrrd"))
    assert_the_same_as_at_once(tmp_path)


def test_where_no_map_can_be_there_is_no_output_either(tmp_path):
    written(tmp_path / "in.nrrd", picture())
    inputs = opened({"image": tmp_path / "in.nrrd"}, field())
    with pytest.raises(OSError, match="does not exist"):
        run_stored(inputs, SETTINGS, tmp_path / "out.nrrd", residual_map=tmp_path / "nowhere" / "map.nrrd")
    assert [path.name for path in tmp_path.iterdir()] == ["in.nrrd"]


def test_the_command_writes_it_and_says_how_kernels_fit(tmp_path, kernel_set, capsys):  # noqa: F811
    image = written(tmp_path / "in.nrrd", picture())
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet")
    for name, tiles in (("tiled", "18"), ("whole", "never")):
        more = ("--tiles", tiles, "--residual-map", tmp_path / f"{name}-map.nrrd")
        assert run_command("deconvolve", image, tmp_path / f"{name}.nrrd", *given, *more) == 0
        assert capsys.readouterr().out.count("kernel at ") == 3
    difference = values(tmp_path / "tiled-map.nrrd") - values(tmp_path / "whole-map.nrrd")
    assert np.abs(difference).max() < 0.02


def test_the_command_names_the_channel_and_judges_by_the_worst(tmp_path, kernel_set, capsys):  # noqa: F811
    wrong = picture(1) + 20 * (np.indices(SHAPE).sum(axis=0) % 2)  # which no kernel makes
    image = written(tmp_path / "in.nrrd", np.stack([picture(), wrong], axis=-1).astype(np.float32))
    given = ("--kernels", kernel_set, *OPTIONS, "--quiet", "--residual-map")
    found = {}
    for name, tiles in (("tiled", "18"), ("whole", "never")):
        more = (tmp_path / f"{name}-map.nrrd", "--tiles", tiles)
        assert run_command("deconvolve", image, tmp_path / f"{name}.nrrd", *given, *more) == 0
        shown = capsys.readouterr()
        assert shown.out.count("kernel, channel 2 at ") == 3
        assert "channel 2: the result, blurred again, differs" in shown.err
        found[name] = json.loads((tmp_path / f"{name}.nrrd.recipe.json").read_text())
        assert found[name]["automatic"]["verdict"] in ("partly", "not")
    tiled, whole = ([each["residual"] for each in found[name]["automatic"]["channels"]] for name in found)
    assert tiled == pytest.approx(whole, rel=0.02)


def test_where_there_is_no_blur_nothing_is_said_of_kernels(tmp_path):
    nothing = sd.KernelField.uniform(sd.Kernel(np.ones((1, 1, 1))))
    inputs = opened({"image": written(tmp_path / "in.nrrd", picture())}, nothing)
    found = run_stored(inputs, SETTINGS, tmp_path / "out.nrrd", residual_map=tmp_path / "map.nrrd")
    assert found.residuals == [[]]


def test_where_memory_asks_for_tiles_a_map_may_be_refused_early(tmp_path, kernel_set, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.run_in_tiles", lambda *given: pytest.fail("it ran"))
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.runs_in_tiles", lambda job: True)
    image = written(tmp_path / "in.nii.gz", picture())
    given = ("--kernels", kernel_set, *OPTIONS, "--residual-map", tmp_path / "map.nrrd")
    assert run_command("deconvolve", image, tmp_path / "out.nrrd", *given) == 1
    assert "leave the map out" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.nrrd"))


def test_a_sequence_is_refused_before_its_first_frame(tmp_path, kernel_set, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.run_in_tiles", lambda *given: pytest.fail("it ran"))
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.runs_in_tiles", lambda job: True)
    frames = sitk.JoinSeries([sitk.GetImageFromArray(picture(n)) for n in range(2)])
    sitk.WriteImage(frames, str(tmp_path / "in.nii.gz"))
    given = ("--kernels", kernel_set, *OPTIONS, "--residual-map", tmp_path / "map.seq.nrrd")
    assert run_command("deconvolve", tmp_path / "in.nii.gz", tmp_path / "out.seq.nrrd", *given) == 1
    said = capsys.readouterr().err
    assert "frame 0" in said
    assert "leave the map out" in said
    assert not list(tmp_path.glob("*.nrrd"))


def test_a_map_that_is_not_written_in_parts_is_refused_before_the_work(tmp_path, kernel_set, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.run", lambda *given: pytest.fail("it ran"))
    image = written(tmp_path / "in.nrrd", picture())
    given = ("--kernels", kernel_set, *OPTIONS, "--tiles", "20", "--residual-map", tmp_path / "r.nii.gz")
    assert run_command("deconvolve", image, tmp_path / "out.nrrd", *given) == 1
    assert "these are not, so leave out one of the two" in capsys.readouterr().err
    workers = (*given[:-4], "--workers", "1", *given[-2:])
    assert run_command("deconvolve", image, tmp_path / "out.nrrd", *workers) == 1
    assert "cannot write r.nii.gz" in capsys.readouterr().err


def test_where_a_kernel_hardly_applies_it_is_not_said_to_fit_least():
    sums = [
        KernelSums(0, 100.0, 100.0, 0.0, 1.0, ((0.5, 1.5, (0, 0)), (0.25, 2.0, (1, 0)))),
        KernelSums(0, 0.5, 8.0, 2.0, 0.3, ((0.25, 4.0, (9, 9)),)),
        KernelSums(0, 50.0, 50.0, 0.0, 0.9, ((0.5, 1.2, (5, 5)), (0.25, 1.2, (5, 5)))),
    ]
    (found,) = joined([[part] for part in sums], (10,), 301)
    assert (found.at, found.worst, found.worst_rms) == (10, (0, 0), 1.5)
    assert found.share == pytest.approx(0.5)
    assert found.rms == pytest.approx((158 / 150.5) ** 0.5)
    assert describe_kernels([found], True)[0].startswith("everywhere: residual 1.02 times the noise")
    again = KernelSums.of_json(json.loads(json.dumps(asdict(sums[1]))))
    assert again == sums[1]
    assert again.moved((2, 3, 4)).worst == ((0.25, 4.0, (2, 12, 13)),)
