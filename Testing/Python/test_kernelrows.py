"""The kernel table without Qt: what rows mean, what is wrong with them, and text from a spreadsheet."""

import json
from dataclasses import replace

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.estimation import levels
from SpatialDeconvLib.kernels import sets as kernelsets
from SpatialDeconvLib.kernels.shapes import registry
from SpatialDeconvLib.panel import kernelfacts, kernelfields, kernelfiles, kernelpictures, kernelrows
from SpatialDeconvLib.panel.kernelrows import KINDS, KernelRow

LEVELS = [KernelRow(str(level), size=str(level / 20)) for level in (10, 20, 40)]


def pictures_of(field, spacing=(1.0, 1.0, 1.0)):
    return [kernel.sampled(spacing).values for kernel in field.kernels]


def write_set(tmp_path, *kernels, key="intensity", **more):
    path = tmp_path / "set.json"
    content = {"schema": kernelsets.SCHEMA, "key": key, "kernels": list(kernels), **more}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


# -- rows and the engine


def test_every_kind_of_the_engine_can_be_a_row():
    assert set(KINDS) == set(registry.KINDS) | {"volume", "file"}
    for name, kind in KINDS.items():
        if not kind.stored:
            row = kernelrows.rowOfKind(KernelRow("10", "identity"), name)
            assert row.kernel().type == name
            assert kernelrows.rowProblem("intensity", row) == ""
        assert kernelrows.kindLabel(name)
        assert kernelrows.kindSentence(name).endswith(".")
        assert bool(kernelrows.sizeLabel(name)) == bool(kind.size)


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        (KernelRow("10", "gaussian", "1.5"), {"type": "gaussian", "sigma_mm": 1.5}),
        (KernelRow("10", "gaussian", "3, 1.5 1.5"), {"type": "gaussian", "sigma_mm": [3, 1.5, 1.5]}),
        (KernelRow("10", "motion", "5", "30"), {"type": "motion", "length_mm": 5, "angle_deg": 30}),
        (KernelRow("10", "motion", "5", "0, 1, -1"), {"type": "motion", "length_mm": 5, "direction": [0, 1, -1]}),
        (KernelRow("10", "mean", "3"), {"type": "mean", "shape": 3}),
        (KernelRow("10", "sharpen", "0.5"), {"type": "sharpen", "amount": 0.5}),
        (KernelRow("10", "laplacian", "7"), {"type": "laplacian"}),
        (KernelRow("10", options='{"truncate": 3}'), {"type": "gaussian", "sigma_mm": 1, "truncate": 3}),
        (KernelRow("10", "mean", "4", options='{"centre": "itk"}'), {"type": "mean", "shape": 4, "centre": "itk"}),
    ],
)
def test_a_row_is_an_entry_of_a_kernel_set(row, entry):
    assert row.entry(key="intensity") == {"at": 10.0, **entry}
    direct = kernelsets.kernel_from_dict(entry)
    np.testing.assert_array_equal(row.kernel().sampled(1.0).values, direct.sampled(1.0).values)
    assert row.kernel().sampled(1.0).centre == direct.sampled(1.0).centre


@pytest.mark.parametrize(
    ("key", "text", "place"),
    [
        ("intensity", " 10.5 ", 10.5),
        ("intensity", "-1e3", -1000.0),
        ("region", "2", 2),
        ("region", "liver", "liver"),
        ("region", '"2"', "2"),
        ("position", "0, 12.5 -3", (0.0, 12.5, -3.0)),
        ("position", "12.5, 3", (12.5, 3.0)),
        ("uniform", "anything", 0),
        ("weights", "w.nrrd", "w.nrrd"),
    ],
)
def test_what_a_kernel_belongs_to(key, text, place):
    assert KernelRow(text).place(key) == place


@pytest.mark.parametrize(
    ("key", "row", "word"),
    [
        ("intensity", KernelRow("high"), "'high' is no number"),
        ("intensity", KernelRow(""), "no number"),
        ("intensity", KernelRow("1e999"), "no number"),
        ("position", KernelRow("1"), "z, y, x"),
        ("region", KernelRow(" "), "no segment"),
        ("intensity", KernelRow("1", size=""), "size"),
        ("intensity", KernelRow("1", size="-1"), "sigma"),
        ("intensity", KernelRow("1", "disk", "1, 2"), "one number"),
        ("intensity", KernelRow("1", "mean", "2.5"), "whole voxels"),
        ("intensity", KernelRow("1", "motion", "5", "north"), "angle"),
        ("intensity", KernelRow("1", "volume"), "no volume"),
        ("intensity", KernelRow("1", "file"), "no file"),
        ("intensity", KernelRow("1", "file", path="/no/such.nrrd"), "does not exist"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(key, row, word):
    problem = kernelrows.rowProblem(key, row)
    assert word in problem
    assert "\n" not in problem
    summary = kernelrows.tableSummary(key, [row])
    assert not summary.usable
    assert problem in summary.text
    with pytest.raises(InputError, match="kernel 1"):
        kernelrows.fieldFromRows(key, [row])


def test_a_table_is_the_field_that_the_constructor_makes():
    field = kernelrows.fieldFromRows("intensity", LEVELS, "nearest", "unchanged")
    direct = sd.KernelField.by_intensity(
        {level: sd.ParametricKernel("gaussian", sigma_mm=level / 20) for level in (10, 20, 40)},
        "nearest",
        "unchanged",
    )
    assert (field.at, field.interpolation, field.outside) == (direct.at, "nearest", "unchanged")
    for ours, theirs in zip(pictures_of(field), pictures_of(direct), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    region = kernelrows.fieldFromRows("region", [KernelRow("1"), KernelRow("lung")], feather=2.0, outside="error")
    assert (region.at, region.feather, region.outside) == ((1, "lung"), 2.0, "error")
    position = kernelrows.fieldFromRows("position", [KernelRow("0, 0, 0"), KernelRow("0, 0, 9")], "nearest")
    assert (position.at, position.interpolation) == (((0, 0, 0), (0, 0, 9)), "nearest")
    assert kernelrows.fieldFromRows("uniform", [KernelRow("")]).key == "uniform"


def test_an_interpolation_of_another_key_is_not_used():
    assert kernelrows.fieldFromRows("intensity", LEVELS, "inverse-distance").interpolation == "linear"


def test_whose_intensity_it_is_belongs_to_keys_of_intensity():
    for of in ("auto", "measured", "true"):
        assert kernelrows.fieldFromRows("intensity", LEVELS, of=of).of == of
        assert kernelrows.keysFromRows("intensity", LEVELS, of=of).of == of
        assert kernelrows.fieldFromRows("position", [KernelRow("0, 0, 0")], of=of).of == "auto"


def test_weight_images_are_read(tmp_path):
    paths = []
    for number, weight in enumerate((0.25, 0.75)):
        paths.append(tmp_path / f"w{number}.npy")
        np.save(paths[-1], np.full((4, 5), weight))
    rows = [KernelRow(str(path), size=str(size)) for path, size in zip(paths, (1, 2), strict=True)]
    field = kernelrows.fieldFromRows("weights", rows)
    assert [float(w[0, 0]) for w in field.weight_arrays] == [0.25, 0.75]
    assert [k.parameters["sigma_mm"] for k in field.kernels] == [1, 2]


def test_keys_need_no_finished_kernels():
    rows = [KernelRow("10", "volume"), KernelRow("20", size="?")]
    field = kernelrows.keysFromRows("intensity", rows)
    assert field.at == (10.0, 20.0)
    with pytest.raises(InputError, match="kernel 2"):
        kernelrows.keysFromRows("intensity", [*rows[:1], KernelRow("x")])


@pytest.mark.parametrize(
    ("key", "rows", "words"),
    [
        ("intensity", LEVELS, "3 Gaussian kernels, intensity 10 to 40."),
        ("intensity", LEVELS[:1], "One Gaussian kernel, at intensity 10."),
        ("intensity", [KernelRow("15,5")], "at intensity 15.5."),
        ("intensity", [*LEVELS, KernelRow("50", "box", "3")], "4 different kernels"),
        ("uniform", [KernelRow("", "box", "3")], "One Box kernel"),
        ("region", [KernelRow("a"), KernelRow("b")], "keyed to regions"),
        ("position", [KernelRow("0, 0, 0")], "keyed to position"),
    ],
)
def test_a_table_is_summed_up_in_one_line(key, rows, words):
    summary = kernelrows.tableSummary(key, rows)
    assert summary.usable
    assert words in summary.text
    assert (summary.key, summary.count) == (key, len(rows))


@pytest.mark.parametrize(
    ("key", "rows", "words"),
    [
        ("intensity", [], "no kernels yet"),
        ("uniform", LEVELS, "the table has 3"),
        ("intensity", [LEVELS[0], KernelRow("10.0")], "1 and 2 are both"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(key, rows, words):
    summary = kernelrows.tableSummary(key, rows)
    assert not summary.usable
    assert words in summary.text
    with pytest.raises(InputError):
        kernelrows.fieldFromRows(key, rows)


def test_kernels_in_the_slice_are_known():
    flat = [KernelRow(kind="disk"), KernelRow(kind="motion"), KernelRow(kind="box", size="3, 3")]
    assert all(kernelrows.isFlat(row) for row in flat)
    solid = [KernelRow(), KernelRow(kind="motion", direction="1, 0, 0"), KernelRow(kind="box", size="3, 3, 3")]
    assert not any(kernelrows.isFlat(row) for row in solid)
    for row in flat:
        assert row.kernel().sampled(1.0).ndim == 2
    assert kernelrows.tableSummary("intensity", [replace(flat[0], at="1")]).flat


def test_warnings_are_those_of_the_kernel():
    shifted = np.zeros((5, 5))
    shifted[0, 0] = 1
    assert "shifted" in kernelrows.warningsOf(sd.Kernel(shifted), None)[0]
    tiny = KernelRow(size="0.1").kernel()
    assert "narrower" in kernelrows.warningsOf(tiny, (3.0, 1.0, 1.0))[0]
    assert kernelrows.warningsOf(tiny, (0.1, 0.1, 0.1)) == kernelrows.warningsOf(tiny, None) == []


# -- kernel set files


def test_a_kernel_set_file_becomes_the_same_field(tmp_path):
    np.save(tmp_path / "k.npy", np.log(np.arange(1.0, 10).reshape(3, 3)))
    path = write_set(
        tmp_path,
        {"at": 10, "type": "gaussian", "sigma_mm": [1, 2, 2], "truncate": 3},
        {"at": 20, "type": "motion", "length_mm": 5, "direction": [0, 1, 1]},
        {"at": 30, "type": "file", "path": "k.npy", "log": 10, "spacing_mm": 0.5},
        {"at": 40, "type": "gaussian", "covariance_mm2": [[4, 0, 0], [0, 2, 1], [0, 1, 2]]},
        {"at": 50, "type": "sharpen"},
        of="true",
        interpolation="nearest",
        outside="unchanged",
    )
    key, rows, options = kernelrows.rowsFromFile(path)
    assert (key, options) == ("intensity", {"of": "true", "interpolation": "nearest", "outside": "unchanged"})
    ours, theirs = kernelrows.fieldFromRows(key, rows, **options), sd.read_kernel_set(path)
    assert (ours.at, ours.interpolation, ours.outside) == (theirs.at, theirs.interpolation, theirs.outside)
    assert ours.of == theirs.of == "true"
    for one, other in zip(pictures_of(ours), pictures_of(theirs), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("key", "at"), [("region", "liver"), ("region", 3), ("region", "3"), ("position", [0, 1.5, -2])]
)
def test_every_place_survives_a_file(tmp_path, key, at):
    path = write_set(tmp_path, {"at": at, "type": "box", "width_mm": 3}, key=key)
    found, rows, options = kernelrows.rowsFromFile(path)
    expected = tuple(at) if isinstance(at, list) else at
    assert (found, rows[0].place(key)) == (key, expected)
    assert isinstance(rows[0].place(key), type(expected))
    saved = tmp_path / "again.json"
    sd.write_kernel_set(saved, kernelrows.fieldFromRows(key, rows, **options))
    assert sd.read_kernel_set(saved).at == (expected,)


def test_kernels_written_out_in_a_file_go_where_they_are_told(tmp_path):
    path = write_set(tmp_path, {"at": 5, "type": "values", "values": [[1, 2], [3, 4]], "spacing_mm": 0.5})
    made = []
    _key, rows, _options = kernelrows.rowsFromFile(path, lambda kernel, name: made.append((kernel, name)) or name)
    assert rows[0] == KernelRow("5", "volume", volume="Kernel 5")
    np.testing.assert_array_equal(made[0][0].values, [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="kernel 1"):
        kernelrows.rowsFromFile(path)


def test_a_table_keeps_the_centres_of_a_file(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((4, 4)))
    entries = [
        {"at": 10, "type": "file", "path": "k.npy", "centre": [2, "middle"]},
        {"at": 20, "type": "values", "values": [[1, 1]], "spacing_mm": 1, "centre": "itk"},
    ]
    path = write_set(tmp_path, *entries)
    _key, rows, _options = kernelrows.rowsFromFile(path, lambda kernel, name: name)
    assert rows[0].kernel().centre == (2, 1.5)
    assert rows[0].entry(tmp_path, "intensity") == entries[0]
    assert rows[1].options == '{"centre": "itk"}'


def test_a_file_entry_is_relative_to_the_folder_it_is_saved_in(tmp_path):
    row = KernelRow("1", "file", path=str(tmp_path / "deep" / "k.nrrd"), logarithm="natural")
    entry = row.entry(tmp_path, "intensity")
    assert entry == {"at": 1.0, "type": "file", "path": "deep/k.nrrd", "log": True}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "line 1"),
        ("[]", "schema"),
        (json.dumps({"schema": kernelsets.SCHEMA, "key": "weather", "kernels": [{}]}), "weather"),
        (json.dumps({"schema": kernelsets.SCHEMA, "key": "intensity", "kernels": []}), "empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, word):
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(InputError, match=word) as caught:
        kernelrows.rowsFromFile(path)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        kernelrows.rowsFromFile(tmp_path / "gone.json")


def test_a_measured_field_becomes_rows_of_volumes():
    kernels = [sd.Kernel(np.ones((3, 3))), sd.Kernel(np.ones((5, 5)))]
    field = sd.KernelField.by_intensity(dict(zip((10, 20), kernels, strict=True)))
    rows = kernelrows.rowsFromField(field, lambda kernel, name: (name, kernel.shape))
    assert [(row.at, row.kind, row.volume) for row in rows] == [
        ("10", "volume", ("Kernel 10", (3, 3))),
        ("20", "volume", ("Kernel 20", (5, 5))),
    ]


# -- changing a table


@pytest.mark.parametrize(
    ("row", "text", "changed"),
    [
        (KernelRow(), "1.5", KernelRow(size="1.5")),
        (KernelRow(), "3, 1.5, 1.5 mm", KernelRow(size="3, 1.5, 1.5")),
        (KernelRow(kind="motion"), "5 mm at 30°", KernelRow(kind="motion", size="5", direction="30")),
        (KernelRow(kind="motion", direction="45"), "7", KernelRow(kind="motion", size="7", direction="45")),
        (
            KernelRow(kind="motion"),
            "5 mm along 0, 1, -1",
            KernelRow(kind="motion", size="5", direction="0, 1, -1"),
        ),
        (KernelRow(), "wide", KernelRow(size="wide")),
        (KernelRow(kind="cross"), "3", KernelRow(kind="cross")),
    ],
)
def test_parameters_typed_into_the_table_are_understood(row, text, changed):
    assert kernelrows.rowWithParameters(row, text) == changed


@pytest.mark.parametrize(
    "row",
    [
        KernelRow(size="1.25"),
        KernelRow(size="1, 2, 3"),
        KernelRow(kind="motion", size="5", direction="-30.5"),
        KernelRow(kind="motion", size="5", direction="0, 1, 1"),
        KernelRow(size="", options='{"covariance_mm2": [[1, 0], [0, 2]]}'),
    ],
)
def test_what_the_table_shows_is_read_back_unchanged(row):
    assert kernelrows.rowWithParameters(row, kernelrows.parametersText(row)) == row


def test_the_table_says_what_a_number_is():
    assert kernelrows.parametersText(KernelRow(size="0.8")) == "sigma 0.8 mm"
    assert kernelrows.parametersText(KernelRow(kind="motion", size="5", direction="30")) == "length 5 mm at 30°"
    assert kernelrows.parametersText(KernelRow(kind="mean", size="3")) == "size 3 voxels"
    assert kernelrows.parametersText(KernelRow(size="wide")) == "wide"  # to be corrected
    assert "wide" in kernelrows.rowProblem("intensity", KernelRow("10", size="wide"))


def test_a_size_replaces_a_covariance():
    row = KernelRow(size="", options='{"covariance_mm2": [[1, 0], [0, 2]], "truncate": 3}')
    changed = kernelrows.rowWithParameters(row, "2")
    assert (changed.size, json.loads(changed.options)) == ("2", {"truncate": 3})


def test_another_kind_keeps_a_size_in_mm():
    assert kernelrows.rowOfKind(KernelRow(size="2.5"), "box") == KernelRow(kind="box", size="2.5")
    assert kernelrows.rowOfKind(KernelRow(size="2.5"), "mean").size == kernelrows.firstSize("mean")
    assert kernelrows.rowOfKind(KernelRow(size="1, 2, 3"), "disk").size == kernelrows.firstSize("disk")


def test_a_new_row_is_the_next_one():
    assert kernelrows.newRow("intensity", []).at == "10"
    added = kernelrows.newRow("intensity", LEVELS[:2])
    assert added == replace(LEVELS[1], at="30")
    assert kernelrows.newRow("region", [KernelRow("liver")], ["liver", "lung"]).at == "lung"
    assert kernelrows.newRow("region", [KernelRow("1")], ["1", "2"]).place("region") == "2"
    assert kernelrows.newRow("region", [KernelRow("4")]).at == "5"
    assert kernelrows.newRow("position", []).at == "0, 0, 0"


def test_rows_are_sorted_by_place_and_keep_what_has_none():
    rows = [KernelRow(at) for at in ("100", "x", "9", "-1")]
    assert [row.at for row in kernelrows.sortedRows("intensity", rows)] == ["-1", "9", "100", "x"]
    assert [r.at for r in kernelrows.sortedRows("region", rows)] == ["-1", "9", "100", "x"]
    places = [KernelRow("0, 2, 0"), KernelRow("0, 1, 5")]
    assert kernelrows.sortedRows("position", places) == places[::-1]


def test_the_levels_of_a_histogram_are_where_the_voxels_are():
    random = np.random.default_rng(5)
    tissue = [random.normal(mean, 2, count) for mean, count in ((10, 9000), (50, 4000), (100, 600))]
    found = levels.levels_from_histogram(np.concatenate([*tissue, [np.nan, np.inf]]), 3)
    np.testing.assert_allclose(found, (10, 50, 100), atol=1)
    many = levels.levels_from_histogram(np.concatenate(tissue), 10)
    assert len(many) == 10
    assert many == sorted(many)


@pytest.mark.parametrize(("values", "expected"), [([3, 3, 3], [3]), ([1, 2, 2, 5], [1, 2, 5])])
def test_few_different_values_are_the_levels(values, expected):
    assert levels.levels_from_histogram(np.array(values), 10) == expected


def test_a_few_bright_voxels_do_not_stretch_the_levels():
    values = np.random.default_rng(1).uniform(0, 10, 100000)
    values[:20] = 1e6
    assert max(levels.levels_from_histogram(values, 5)) < 20


def test_an_image_without_numbers_has_no_levels():
    with pytest.raises(InputError, match="no finite value"):
        levels.levels_from_histogram(np.full(5, np.nan), 3)


def test_rows_of_levels_take_the_nearest_kernel():
    rows = kernelrows.rowsFromLevels([12, 39], LEVELS)
    assert [(row.at, row.size) for row in rows] == [("12", "0.5"), ("39", "2.0")]
    assert kernelrows.rowsFromLevels([1.5], []) == [KernelRow("1.5")]


@pytest.mark.parametrize(
    ("name", "level"),
    [("k20", "20"), ("kernel_0.5.nrrd", "0.5"), ("k_-900.npy", "-900"), ("psf 3 of 10", ""), ("psf", "")],
)
def test_the_number_in_a_name_is_a_level(name, level):
    assert kernelfiles.guessedLevel(name) == level


# -- a spreadsheet's text


@pytest.mark.parametrize(
    ("text", "key", "rows"),
    [
        ("10\t1.5\n20\t2\n", "intensity", [KernelRow("10", size="1.5"), KernelRow("20", size="2")]),
        ("Level\tSigma\r\n10\t1,5\r\n", "intensity", [KernelRow("10", size="1.5")]),
        ("10,gaussian,1.5", "intensity", [KernelRow("10", size="1.5")]),
        ("10;Motion;5;30", "intensity", [KernelRow("10", "motion", "5", "30")]),
        ("10 motion 5 30", "intensity", [KernelRow("10", "motion", "5", "30")]),
        ("10\tgaussian\t3, 1.5, 1.5", "intensity", [KernelRow("10", size="3, 1.5, 1.5")]),
        ("10\tbox\t1,4,4", "intensity", [KernelRow("10", "box", "1, 4, 4")]),
        ("10", "intensity", [KernelRow("10")]),
        (
            "liver\tdisk\t2\nlung\tLaplace",
            "region",
            [KernelRow("liver", "disk", "2"), KernelRow("lung", "laplacian")],
        ),
        ("0\t12.5\t3\tbox\t4", "position", [KernelRow("0, 12.5, 3", "box", "4")]),
        ("0 12.5 3\tbox\t4", "position", [KernelRow("0 12.5 3", "box", "4")]),
        ("1.5", "uniform", [KernelRow("", size="1.5")]),
        ("10\tfile\t/data/k.nrrd", "intensity", [KernelRow("10", "file", path="/data/k.nrrd")]),
    ],
)
def test_cells_of_a_spreadsheet_become_rows(text, key, rows):
    assert kernelrows.parsePasted(text, key) == rows


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "clipboard"),
        (" \n ", "clipboard"),
        ("10\t1\nten\t2", "line 2: level 'ten'"),
        ("10\tfog\t1", "'fog' is no kind"),
        ("10\tfile", "path"),
    ],
)
def test_text_that_is_no_table_is_refused_with_its_line(text, word):
    with pytest.raises(InputError, match=word):
        kernelrows.parsePasted(text, "intensity")


# -- what stored kernels are


def bump(shape):
    """A Gaussian of sigma 1.2 voxels about the middle of an array."""
    grid = np.indices(shape) - (np.array(shape).reshape(-1, *[1] * len(shape)) - 1) / 2
    values = np.exp(-0.5 * (grid**2).sum(axis=0) / 1.2**2)
    return values / values.sum()


def stored(tmp_path, values, name="kernel_30.npy"):
    np.save(tmp_path / name, values)
    return KernelRow("10", "file", path=str(tmp_path / name))


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (bump((6, 6)), "", "centre in the middle, between voxels"),
        (bump((7, 7)), "", "centre in the middle"),
        (bump((6, 6)), '{"centre": "itk"}', "centre at ITK's voxel 3, 3"),
        (bump((6, 6)), '{"centre": [2, 4]}', "centre at 2, 4"),
    ],
)
def test_a_row_says_where_the_centre_of_its_kernel_is_taken(tmp_path, values, options, said):
    row = replace(stored(tmp_path, values), options=options)
    kernel, problem = kernelfacts.kernelOf(row)
    assert problem == ""
    size = " x ".join(map(str, values.shape))
    assert kernelfacts.factsText(kernel) == f"{size} of the image's voxels, {said}"


def test_a_centre_is_chosen_by_word_and_given_up_again(tmp_path):
    row = stored(tmp_path, bump((6, 6)))
    moved = kernelrows.rowWithCentre(row, "itk")
    assert (kernelrows.centreOf(row), kernelrows.centreOf(moved)) == ("auto", "itk")
    assert (row.kernel().centre, moved.kernel().centre) == ((2.5, 2.5), (3, 3))
    assert kernelrows.rowWithCentre(moved, "auto") == row
    gaussian = KernelRow("10")
    assert kernelrows.rowWithCentre(gaussian, "itk") == gaussian  # its centre is where it is made


def test_a_voxel_size_that_is_typed_is_that_of_the_file(tmp_path):
    row = stored(tmp_path, bump((6, 6)))
    typed = kernelrows.rowWithSpacing(row, "0.25, 0.5")
    assert typed.kernel().spacing == (0.25, 0.5)
    assert kernelrows.spacingOf(typed) == "0.25, 0.5"
    assert kernelfacts.factsText(typed.kernel()).startswith("6 x 6 voxels of 0.25 x 0.5 mm")
    assert kernelrows.rowWithSpacing(row, "0.25").kernel().spacing == (0.25, 0.25)
    assert kernelrows.rowWithSpacing(typed, " ") == row
    for wrong in ("wide", "-1", "0", "1, 2, 3, 4"):
        assert "spacing" in kernelrows.rowProblem("intensity", kernelrows.rowWithSpacing(row, wrong))


def test_a_file_is_looked_into_once_until_it_changes(tmp_path, monkeypatch):
    row, read = stored(tmp_path, bump((5, 5))), []
    wasRead = kernelrows.kernel_from_dict
    monkeypatch.setattr(kernelrows, "kernel_from_dict", lambda *given: read.append(1) or wasRead(*given))
    for at in ("10", "20", "30"):  # a level is no matter of the file
        assert kernelrows.tableSummary("intensity", [replace(row, at=at)]).flat
    assert len(read) == 1
    np.save(row.path, bump((5, 5, 5)))
    assert not kernelrows.tableSummary("intensity", [row]).flat
    assert len(read) == 2


def test_a_table_with_a_file_that_is_no_kernel_cannot_be_used(tmp_path):
    row = stored(tmp_path, bump((5, 5)))
    assert kernelrows.tableSummary("intensity", [row]).usable
    with open(row.path, "wb") as file:
        file.write(b"no array")
    summary = kernelrows.tableSummary("intensity", [KernelRow("5"), row])
    assert not summary.usable
    assert summary.text.startswith("Kernel 2: ")
    assert ".npy" in summary.text


# -- fields of a kind


def test_a_full_width_and_a_sigma_replace_each_other():
    row = kernelfields.rowWithField(KernelRow("10", size="1.5", options='{"truncate": 3}'), "fwhm_mm", "2.4")
    assert row.entry(key="intensity") == {"at": 10, "type": "gaussian", "fwhm_mm": 2.4, "truncate": 3}
    assert kernelrows.parametersText(row) == "FWHM 2.4 mm"
    again = kernelfields.rowWithSize(row, "3, 1, 1")
    assert again.entry(key="intensity") == {"at": 10, "type": "gaussian", "sigma_mm": [3, 1, 1], "truncate": 3}
    empty = kernelfields.rowWithField(row, "fwhm_mm", "")
    assert kernelrows.rowProblem("intensity", empty) == "its size is missing"


@pytest.mark.parametrize("kind", registry.KINDS)
def test_fields_of_all_kinds_stand_in_the_order_of_each(kind):
    order = list(kernelfields.allFields())
    places = [order.index(parameter.name) for parameter in kernelfields.fieldsOf(kind)]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", [name for name, kind in registry.KINDS.items() if kind.size is not None])
def test_a_cell_of_the_table_says_what_it_means(kind):
    row = kernelrows.rowOfKind(KernelRow("10", "identity"), kind)
    for parameter in kernelfields.fieldsOf(kind):
        if not parameter.instead_of:
            row = kernelfields.rowWithField(
                row, parameter.name, kernelfields.fieldText(row, parameter.name) or "1.2"
            )
    text = kernelrows.parametersText(row)
    blank = kernelrows.rowOfKind(KernelRow("10", "identity"), kind)
    assert kernelrows.rowWithParameters(blank, text) == row
    assert kernelrows.rowWithParameters(row, text) == row


@pytest.mark.parametrize(
    ("typed", "entry"),
    [
        ("0.9", {"na": 0.9, "wavelength_nm": 550}),
        ("na 0.9, Wavelength 488 nm", {"na": 0.9, "wavelength_nm": 488}),
        ("wavelength 488; depth 0.01 mm", {"na": 1.4, "wavelength_nm": 488, "depth_mm": 0.01}),
    ],
)
def test_what_is_typed_into_a_cell_goes_where_its_word_says(typed, entry):
    row = kernelrows.rowOfKind(KernelRow("10"), "gibson-lanni")
    row = kernelrows.rowWithParameters(row, typed)
    assert row.entry(key="intensity") == {"at": 10, "type": "gibson-lanni", **entry}


def test_fields_take_a_decimal_comma_and_several_numbers():
    row = kernelfields.rowWithField(KernelRow("10"), "fwhm_mm", "2,5")
    assert row.kernel().parameters == {"fwhm_mm": 2.5}
    row = kernelfields.rowWithField(row, "fwhm_mm", "3, 2, 2")
    assert row.kernel().parameters == {"fwhm_mm": [3, 2, 2]}


def test_a_long_table_is_counted_in_its_cell_and_left_alone_there(tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(f"{r} {20 - r}" for r in range(20)), encoding="utf-8")
    path = write_set(tmp_path, {"at": 10, "type": "radial", "path": "t.txt"})
    _key, (row,), _options = kernelrows.rowsFromFile(path)
    text = kernelrows.parametersText(row)
    assert text == "distances (20 numbers) mm, densities (20 numbers)"
    assert kernelrows.rowWithParameters(row, text + " ").kernel().parameters["density"] == list(range(20, 0, -1))
    assert row.entry(key="intensity")["r_mm"] == list(range(20))


def test_kernels_of_several_depths_are_rows(tmp_path):
    lens = {"type": "confocal", "na": 1.2, "wavelength_nm": 520, "excitation_nm": 488}
    path = write_set(tmp_path, lens, key="position", depths_mm=[0, 0.01])
    key, rows, _options = kernelrows.rowsFromFile(path)
    assert (key, [row.at for row in rows]) == ("position", ["0, 0, 0", "0.01, 0, 0"])
    assert [kernelfields.fieldText(row, "depth_mm") for row in rows] == ["0", "0.01"]


@pytest.mark.parametrize(
    ("kind", "name", "text", "words"),
    [
        ("gibson-lanni", "wavelength_nm", "blue", "'blue'"),
        ("gibson-lanni", "wavelength_nm", "", "needs 'wavelength_nm'"),
        ("gibson-lanni", "immersion_index", "1.0", "na 1.4 is greater"),
        ("gaussians", "amplitudes", "1", "as many"),
        ("moffat", "beta", "1", "greater than 1"),
    ],
)
def test_a_field_that_is_wrong_is_told(kind, name, text, words):
    row = kernelfields.rowWithField(kernelrows.rowOfKind(KernelRow("10"), kind), name, text)
    assert words in kernelrows.rowProblem("intensity", row)


def test_a_pasted_line_says_fields_by_their_words():
    (row,) = kernelrows.parsePasted("10\tgaussian\tFWHM 2.5", "intensity")
    assert row.kernel().parameters == {"fwhm_mm": 2.5}
    (row,) = kernelrows.parsePasted("10\tmoffat\t1.5\tbeta 3", "intensity")
    assert row.kernel().parameters == {"alpha_mm": 1.5, "beta": 3.0}


def test_a_microscopes_kernel_has_a_picture_at_its_own_scale():
    kernel = kernelrows.rowOfKind(KernelRow("10"), "born-wolf").kernel()
    pixels = kernelpictures.kernelPicture(kernel, 64).pixels
    assert len(np.unique(pixels)) > 20


# -- files


def save(folder, *names, shape=(5, 5)):
    folder.mkdir(exist_ok=True)
    for name in names:
        np.save(folder / name, np.random.default_rng(0).random(shape))
    return [str(folder / name) for name in names]


def nobody(count, reason):
    raise AssertionError(f"asked for {count} levels: {reason}")


def test_rows_of_files_have_the_levels_of_their_names(tmp_path):
    found = kernelfiles.rowsFromFiles(save(tmp_path, "k100.npy", "k20.npy"), "intensity", [], nobody)
    assert [(row.at, row.kind, row.path) for row in found.rows] == [
        ("20", "file", str(tmp_path / "k20.npy")),
        ("100", "file", str(tmp_path / "k100.npy")),
    ]
    assert found.notes == []
    regions = kernelfiles.rowsFromFiles(save(tmp_path, "x1.npy", "x2.npy"), "region", [], nobody, ["liver", "lung"])
    assert [row.at for row in regions.rows] == ["liver", "lung"]


def test_levels_that_nothing_says_are_asked_for_in_order(tmp_path):
    files, asked = save(tmp_path, "x.npy", "y.npy", "z.npy"), []
    found = kernelfiles.rowsFromFiles(
        files, "intensity", [], lambda *given: asked.append(given) or [30.0, 5.0, 7.5]
    )
    assert [(row.at, row.path[-5:]) for row in found.rows] == [("5", "y.npy"), ("7.5", "z.npy"), ("30", "x.npy")]
    assert asked == [(3, "the name 'x.npy' has no number that could be its level")]


def test_levels_are_written_as_numbers_or_as_a_range():
    assert kernelfiles.levelsFromText("10 20, 35", 3) == [10, 20, 35]
    assert kernelfiles.levelsFromText("10:100:10", 10) == list(range(10, 101, 10))
    with pytest.raises(InputError, match="10 20 are 2 levels, not 3"):
        kernelfiles.levelsFromText("10 20", 3)
    with pytest.raises(InputError, match="neither a number nor"):
        kernelfiles.levelsFromText("ten", 1)


@pytest.mark.parametrize(
    ("count", "values", "proposed"),
    [
        (10, (8.79, 100.8), "10:100:10"),
        (10, (18.2, 99.1), "10:100:10"),  # no voxel has the first one
        (10, (0.0, 255.0), "25:250:25"),
        (4, (-1000.0, 2000.0), "-1000:2000:1000"),
        (3, (0.0, 0.0211), "0:0.02:0.01"),
        (3, None, "10:30:10"),
        (2, (5.0, 5.0), "10:20:10"),
    ],
)
def test_levels_that_are_proposed_are_round(count, values, proposed):
    assert kernelfiles.roundLevels(count, values) == proposed
    assert len(kernelfiles.levelsFromText(proposed, count)) == count


def test_pages_of_one_file_are_a_row_each_whose_kernel_is_that_page(tmp_path):
    (path,) = save(tmp_path, "stack.npy", shape=(3, 4, 5))
    assert kernelfiles.stackIn([path], single=False) == ("stack.npy", (3, 4, 5))
    assert kernelfiles.stackIn([path], single=True) is None
    assert len(kernelfiles.rowsFromFiles([path], "intensity", [], nobody).rows) == 1
    rows = kernelfiles.rowsFromFiles([path], "intensity", [], lambda *_given: [10, 20, 30], split=True).rows
    assert [(row.at, kernelrows.parametersText(row)) for row in rows] == [
        ("10", "stack.npy, page 1"), ("20", "stack.npy, page 2"), ("30", "stack.npy, page 3")
    ]  # fmt: skip
    expected = np.load(path)[1]
    np.testing.assert_allclose(rows[1].kernel().values, expected / expected.sum())
    assert kernelrows.isFlat(rows[1])


def test_another_file_in_a_row_is_meant_as_a_whole(tmp_path):
    stack, other = save(tmp_path, "stack.npy", "k70.npy")
    row = KernelRow("10", "file", path=stack, options='{"centre": "peak", "page": 2, "variable": "psf"}')
    assert kernelfiles.rowOfFile(row, other, "intensity") == KernelRow(
        "70", "file", path=other, options='{"centre": "peak"}'
    )


def test_a_text_of_paths_is_files(tmp_path):
    path = tmp_path / "k 1.npy"
    path.write_bytes(b"")
    assert kernelfiles.pathsInText(f'"{path}"\n{path.as_uri()}\r\n\n') == [str(path)] * 2
    assert kernelfiles.pathsInText(f"{path}\n10 gaussian 2") == []
    assert kernelfiles.pathsInText("") == []
