"""The benchmarks start, and what they share keeps, prints and compares results. No timing is asserted."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "Benchmarks"
SCRIPTS = sorted(FOLDER.glob("bench_*.py"))


@pytest.fixture(autouse=True)
def benchmark_folder(monkeypatch):
    """Modules of the benchmarks can be imported, as when one is started as a script."""
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def results():
    import results

    return results


def compared(tmp_path, capsys, before, after, *options):
    """Exit status of compare.py on two results, and the last word of each row that it prints."""
    import compare

    files = []
    for number, one in enumerate((before, after)):
        files.append(str(tmp_path / f"{number}.json"))
        one.write(Path(files[-1]))
    capsys.readouterr()
    status = compare.main([*files, *options])
    printed = capsys.readouterr().out.splitlines()
    names = [row["name"] for row in [*before.rows, *after.rows]]
    return status, {name: line.split()[-1] for line in printed for name in names if line.startswith(name)}


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is not known on Windows")
@pytest.mark.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_every_benchmark_starts_and_takes_a_file_for_its_results(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(script), run_name="__main__")
    assert stopped.value.code == 0
    assert "--json FILE" in capsys.readouterr().out


# -- clocks


def test_contestants_take_turns_and_the_warm_up_is_not_counted(results):
    seen = []
    times = results.take_turns({"a": lambda: seen.append("a"), "b": lambda: seen.append("b") or 7}, 2, warm_up=True)
    assert seen == ["a", "b"] * 3
    assert times["b"].result == 7
    for timing in times.values():
        assert len(timing.wall) == len(timing.processor) == 2
        assert timing.least[0] <= timing.median[0]
    assert seen == ["a", "b"] * 3


# -- tables


def test_a_table_prints_its_heading_and_rows_in_columns(results, capsys):
    table = results.Table([("name", "<6"), ("seconds", ">8.2f"), ("same", ">5")])
    table.row("first", 1.234, True)
    table.row("second", "-", False)
    assert capsys.readouterr().out == "name    seconds  same\nfirst      1.23   yes\nsecond        -    NO\n"


# -- results


def test_results_are_written_with_where_they_come_from(results, tmp_path):
    ours = results.Results("example", size=(2, 3), runs=1)
    ours.add("time", np.float32(0.5), "s", ratio=np.float64(4), flags=np.array([True, False]), shape=(1, 2))
    ours.write(tmp_path / "example.json")
    content = json.loads((tmp_path / "example.json").read_text(encoding="utf-8"))
    assert content["schema"] == results.SCHEMA
    assert content["benchmark"] == "example"
    assert content["settings"] == {"size": [2, 3], "runs": 1}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00", content["date"])
    assert {"processor", "processors", "threads", "system", "python", "numpy", "scipy", "SimpleITK"} == set(
        content["machine"]
    )
    assert content["machine"]["numpy"] == np.__version__
    assert content["rows"] == [
        {
            "name": "time",
            "value": 0.5,
            "unit": "s",
            "ratio": 4.0,
            "better": "more",
            "target": None,
            "reached": None,
            "more": {"flags": [True, False], "shape": [1, 2]},
        }
    ]


def test_the_commit_is_that_of_the_checkout_and_says_when_files_differ_from_it(results, tmp_path, monkeypatch):
    def git(*arguments):
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert results.commit() == {"commit": None, "dirty": None}
    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert results.commit() == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("two")
    assert results.commit()["dirty"] is True


@pytest.mark.parametrize(
    ("value", "target", "reached"),
    [(1.4, "<= 1.4", True), (1.5, "<= 1.4", False), (40, ">= 40", True), (60, "< 60", False), (61, "> 60", True)],
)
def test_targets_are_kept_or_not(results, value, target, reached):
    row = results.Results("example").add("a", value, "x", target=target)
    assert row["reached"] is reached
    assert row["better"] == ("less" if target.startswith("<") else "more")


def test_a_target_is_for_the_ratio_where_there_is_one(results):
    row = results.Results("example").add("a", 0.01, "s", ratio=13.0, target=">= 12")
    assert row["reached"] is True
    assert results.verdict(row) == "reached"


def test_two_rows_of_one_name_are_refused(results):
    ours = results.Results("example")
    ours.add("a", 1.0, "s")
    with pytest.raises(ValueError, match="'a'"):
        ours.add("a", 2.0, "s")


def test_targets_are_printed_with_those_that_were_missed(results, capsys):
    ours = results.Results("example")
    ours.add("no target", 1.0, "s")
    ours.add("good", 0.5, "s", target="< 1")
    ours.add("bad", 0.5, "s", ratio=3.0, target=">= 12")
    ours.print_targets()
    printed = capsys.readouterr().out
    assert "no target" not in printed
    assert re.search(r"^good .* reached$", printed, re.MULTILINE)
    assert re.search(r"^bad  +3 x a peer  +>= 12  +MISSED$", printed, re.MULTILINE)
    assert printed.endswith("1 targets reached, 1 missed\n")


# -- comparing


def pair(results, old: dict, new: dict):
    """Two results of one row each."""
    both = []
    for row in (old, new):
        both.append(results.Results("example"))
        both[-1].add("row", **row)
    return both


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ({"value": 1.0, "unit": "s"}, {"value": 1.05, "unit": "s"}, "1.050"),
        ({"value": 1.0, "unit": "s"}, {"value": 1.2, "unit": "s"}, "WORSE"),
        ({"value": 1.0, "unit": "s"}, {"value": 0.8, "unit": "s"}, "better"),
        ({"value": 1.0, "unit": "kg"}, {"value": 1.2, "unit": "kg"}, "differs"),
        ({"value": 30.0, "unit": "dB"}, {"value": 29.95, "unit": "dB"}, "dB"),
        ({"value": 30.0, "unit": "dB"}, {"value": 29.8, "unit": "dB"}, "WORSE"),
        ({"value": -0.1, "unit": "dB", "better": "less"}, {"value": 0.1, "unit": "dB", "better": "less"}, "WORSE"),
        # by the ratio, not by the time: the second machine was slower
        ({"value": 1.0, "unit": "s", "ratio": 10.0}, {"value": 2.0, "unit": "s", "ratio": 10.2}, "1.020"),
        ({"value": 1.0, "unit": "s", "ratio": 10.0}, {"value": 1.0, "unit": "s", "ratio": 8.0}, "WORSE"),
        ({"value": 1.0, "unit": "x", "target": "<= 2"}, {"value": 1.3, "unit": "x", "target": "<= 2"}, "WORSE"),
        ({"value": 1.0, "unit": "x", "target": ">= 2"}, {"value": 1.3, "unit": "x", "target": ">= 2"}, "better"),
        ({"value": float("inf"), "unit": "s"}, {"value": 3.0, "unit": "s"}, "better"),
        ({"value": 3.0, "unit": "s"}, {"value": float("nan"), "unit": "s"}, "WORSE"),
        ({"value": 0.0, "unit": "s"}, {"value": 0.0, "unit": "s"}, "+0"),
    ],
)
def test_what_changed_by_more_than_the_noise_is_told(results, tmp_path, capsys, old, new, word):
    status, words = compared(tmp_path, capsys, *pair(results, old, new))
    assert words == {"row": word}
    assert status == (word == "WORSE")


def test_of_rounding_errors_only_the_target_counts(results, tmp_path, capsys):
    def row(value):
        return {"value": value, "unit": "1e-12", "target": "<= 1", "better": "target"}

    assert compared(tmp_path, capsys, *pair(results, row(0.1), row(0.9)))[0] == 0
    status, words = compared(tmp_path, capsys, *pair(results, row(0.1), row(1.1)))
    assert (status, words) == (1, {"row": "WORSE"})


def test_the_noise_can_be_given(results, tmp_path, capsys):
    slower = pair(results, {"value": 1.0, "unit": "s"}, {"value": 1.2, "unit": "s"})
    assert compared(tmp_path, capsys, *slower, "--noise", "0.3")[0] == 0
    softer = pair(results, {"value": 30.0, "unit": "dB"}, {"value": 29.8, "unit": "dB"})
    assert compared(tmp_path, capsys, *softer, "--decibels", "0.5")[0] == 0


def test_rows_that_only_one_file_has_are_shown(results, tmp_path, capsys):
    before, after = results.Results("example"), results.Results("example")
    before.add("old row", 1.0, "s")
    after.add("new row", 1.0, "s")
    assert compared(tmp_path, capsys, before, after) == (0, {"old row": "gone", "new row": "new"})


def test_other_machines_and_settings_are_named(results, tmp_path, capsys, monkeypatch):
    import compare

    results.Results("example", size=(1, 2)).write(tmp_path / "a.json")
    monkeypatch.setattr(results, "machine", lambda: {"processor": "abacus"})
    results.Results("example", size=(2, 2)).write(tmp_path / "b.json")
    compare.main([str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    printed = capsys.readouterr().out
    assert "machine differs: processor " in printed
    assert "settings differs: size [1, 2], now [2, 2]" in printed


@pytest.mark.parametrize("content", ["", "[]", '{"rows": []}'])
def test_files_that_are_no_results_are_refused(content, tmp_path, capsys):
    import compare

    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(SystemExit):
        compare.main([str(path), str(path)])
    assert str(path) in capsys.readouterr().err


def test_results_of_different_benchmarks_are_not_compared(results, tmp_path, capsys):
    import compare

    for name in ("one", "other"):
        results.Results(name).write(tmp_path / f"{name}.json")
    with pytest.raises(SystemExit):
        compare.main([str(tmp_path / "one.json"), str(tmp_path / "other.json")])
    assert "one" in capsys.readouterr().err


# -- the suite of automatic choices


@pytest.fixture
def automatic():
    pytest.importorskip("skimage")
    import bench_automatic

    return bench_automatic


def test_the_suite_spreads_over_keys_families_models_and_noises(automatic):
    cases = list(automatic.suite())
    assert len(cases) >= 120
    assert len({str(case) for case in cases}) == len(cases)
    for name, values in (
        ("image", automatic.IMAGES),
        ("key", automatic.KEYS),
        ("family", automatic.FAMILIES),
        ("model", automatic.MODELS),
    ):
        counts = [sum(getattr(case, name) == value for case in cases) for value in values]
        assert min(counts) >= 0.5 * len(cases) / len(values), (name, counts)
    noises = [sum((case.law, case.amount) == noise for case in cases) for noise in automatic.NOISES]
    assert len(set(noises)) == 1
    assert {case.key for case in cases if case.number % automatic.QUICK == 0} == set(automatic.KEYS)


def test_noise_of_the_suite_follows_its_law(automatic):
    signal = np.repeat([4.0, 64.0], 20000)
    counts = automatic.noise_of("Poisson", 25.0, signal, 3)
    for value in (4.0, 64.0):
        some = counts[signal == value]
        assert some.mean() == pytest.approx(0, abs=0.4)
        assert some.var() == pytest.approx(4 * value, rel=0.05)
    assert automatic.noise_of("Gaussian", 2.0, signal, 3).std() == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("model", ["detector", "source"])
def test_images_that_choose_their_own_kernels_are_explained_by_them(automatic, model):
    import cases

    truth = cases.blocks((40, 40), 3)
    field = cases.gaussians(2)
    noise = np.random.default_rng(0).normal(0, 0.5, truth.shape)
    y = cases.blur_by_measured(truth, field, model, noise)
    again = automatic.exact(field, y, model).forward(truth) + noise
    assert np.abs(y - again).max() < 0.02
    assert np.abs(y - automatic.exact(field, truth, model).forward(truth) - noise).max() > 1


def test_the_suite_says_how_the_default_compares(automatic, monkeypatch, tmp_path, capsys):
    case = automatic.Case(0, "dots", "region", "Gaussians", "detector", "Gaussian", 0.5)
    truth = np.full((32, 32), 10.0)
    truth[4::8, 4::8] = 100
    monkeypatch.setattr(automatic, "IMAGES", {"dots": lambda: truth})
    monkeypatch.setattr(automatic, "suite", lambda: iter([case]))
    monkeypatch.setattr(automatic, "WEIGHTS", (0.1,))
    monkeypatch.setattr(automatic, "COUNTS", (8,))
    monkeypatch.setattr(automatic, "ROUGHNESSES", (0.01,))
    file = tmp_path / "automatic.json"
    monkeypatch.setattr(sys, "argv", ["bench_automatic.py", "--best", "--only", "region", "--json", str(file)])
    automatic.main()
    assert "default over the input" in capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]}
    scores = rows[str(case)]["more"]["scores"]
    assert set(scores) == {"default", "blend", *automatic.methods_of("joint")} - {"self-keyed"}
    assert rows[str(case)]["more"]["regret"] == pytest.approx(max(scores.values()) - scores["default"])
    assert rows["default over the input"]["value"] == pytest.approx(rows[str(case)]["value"])
    assert rows["tv: within 0.5 dB"]["more"]["cases"] == 1


# -- a lens


def test_a_lens_sends_the_light_of_a_pixel_as_its_kernel_says():
    import lens

    picture = np.zeros((41, 61))
    picture[12, 45] = 100.0
    blurred = lens.through_a_lens(picture, noise=0.0).blurred
    box = slice(12 - lens.RADIUS, 13 + lens.RADIUS), slice(45 - lens.RADIUS, 46 + lens.RADIUS)
    np.testing.assert_allclose(blurred[box], 100 * lens.kernel_at(12, 45, picture.shape), atol=1e-9)
    assert blurred.sum() == pytest.approx(100)


def test_a_lens_is_sharp_in_its_middle_and_smears_along_the_distance_from_it():
    import lens

    axis = np.arange(-lens.RADIUS, lens.RADIUS + 1)
    middle, rim = lens.kernel_at(50, 50, (101, 101)), lens.kernel_at(50, 100, (101, 101))
    for kernel, expected in ((middle, (0.8, 0.8)), (rim, (0.8 + 0.5, 0.8 + 1.1))):
        widths = [np.sqrt((kernel.sum(1 - n) * axis**2).sum()) for n in (0, 1)]
        assert widths == pytest.approx(expected, rel=0.02)


# -- images that others published


def test_the_whole_pollen_says_how_far_the_defaults_are_ahead_of_the_best_published_result(results):
    import bench_public

    found = results.Results("public")
    found.add("pollen: its own: sdeconv, Wiener", 32.1, "dB")
    found.add("pollen: its own: sdeconv, Spitfire", 32.4, "dB")
    for name, value in zip(bench_public.DEFAULTS, (32.8, 32.3), strict=True):
        found.add(f"pollen: {name}", value, "dB")
    bench_public.leads(found)
    assert [(round(row["value"], 6), row["reached"]) for row in found.rows[-2:]] == [(0.4, True), (-0.1, False)]


def test_the_defaults_of_the_whole_pollen_are_among_the_contestants():
    import bench_public
    import public

    image = np.ones((3, 4, 5))
    names = bench_public.contestants(public.Case("pollen", image, image, image))
    assert set(bench_public.DEFAULTS) <= set(names)
    assert len(names) > len(bench_public.DEFAULTS)
