"""Manifests of a batch: what they may say, and everything that is wrong with one, said at once."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.batch.manifest import read_manifest
from SpatialDeconvLib.errors import InputError

KERNELS = {
    "schema": "spatialdeconv-kernels/1",
    "key": "intensity",
    "kernels": [{"at": 10, "type": "gaussian", "sigma_mm": 1.0}],
}


@pytest.fixture
def folder(tmp_path):
    image = sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32))
    for name in ("a.nrrd", "b.nii.gz", "mask.nrrd"):
        sitk.WriteImage(image, str(tmp_path / name))
    sitk.WriteImage(image[:, :, :2], str(tmp_path / "small.nrrd"))
    (tmp_path / "set.json").write_text(json.dumps(KERNELS))
    (tmp_path / "regions.json").write_text(json.dumps({**KERNELS, "key": "region"}))
    return tmp_path


def read(folder, text, name="cohort.csv", defaults=None):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest(folder / name, folder / "out", defaults or {}, cli.command_parser())


def problems(cases):
    return {case.row: case.problems for case in cases if case.problems}


def test_a_row_stands_for_a_command_with_absolute_paths(folder):
    text = "case,input,kernels,mask,mask_range,method,iterations\np1,a.nrrd,set.json,mask.nrrd,-5 90,landweber,7\n"
    (case,) = read(folder, text)
    assert case.problems == []
    assert (case.row, case.name, case.output) == (2, "p1", folder / "out" / "p1.nrrd")
    options = case.options
    assert (options.operation, options.method, options.iterations) == ("deconvolve", "landweber", 7)
    assert options.mask_range == [-5.0, 90.0]
    assert (options.input, options.mask) == (str(folder / "a.nrrd"), str(folder / "mask.nrrd"))
    assert cli.command_parser().parse_args(case.arguments).kernels == [str(folder / "set.json")]


def test_json_and_csv_say_the_same(folder):
    content = {
        "schema": "spatialdeconv-batch/1",
        "defaults": {"kernels": "set.json", "slicewise": True},
        "cases": [
            {"input": "a.nrrd", "mask_box": [0, 0, 0, 2, 2, 2], "noise": 1.5, "segments": None},
            {"input": "b.nii.gz", "slicewise": False, "output": "deep/b.nii.gz"},
        ],
    }
    text = "input;kernels;mask box;noise;slicewise;output;#note\n"
    text += "a.nrrd;set.json;0 0 0 2 2 2;1,5;yes;;first\nb.nii.gz;set.json;;;no;deep/b.nii.gz;\n"
    from_json = read(folder, json.dumps(content), "cohort.json")
    from_csv = read(folder, b"\xef\xbb\xbf" + text.replace("1,5", "1.5").encode())
    assert problems(from_json) == problems(from_csv) == {}
    assert [case.options for case in from_json] == [case.options for case in from_csv]
    assert [case.name for case in from_csv] == ["a", "b"]
    assert [case.row for case in from_json] == [1, 2]
    assert [case.row for case in from_csv] == [2, 3]


def test_empty_cells_take_the_defaults_and_blank_rows_are_skipped(folder):
    text = "input,kernels,method\na.nrrd,,\n,,\n\nb.nii.gz,set.json,tikhonov\n"
    cases = read(folder, text, defaults={"kernels": str(folder / "set.json"), "method": "inverse"})
    assert problems(cases) == {}
    assert [(case.row, case.options.method) for case in cases] == [(2, "inverse"), (5, "tikhonov")]


def test_segment_names_with_spaces_are_quoted(folder):
    cases = read(folder, "input,kernels,mask,segments\na.nrrd,set.json,mask.nrrd,\"'left lung' heart\"\n")
    assert cases[0].options.segments == ["left lung", "heart"]


def test_everything_wrong_is_found_at_once_by_row(folder):
    (folder / "broken.nrrd").write_bytes(b"nothing")
    rows = [
        "input,kernels,output,operation,method,strategy,iterations,mask,labels,cascade,reference",
        "missing.nrrd,set.json,,,,,,,,,",
        "a.nrrd,none.json,../a.nrrd,,,,,,,,",
        "a.nrrd,none.json,x.txt,,tv,,many,,,,",
        "broken.nrrd,regions.json,x.nrrd,,tv,blend,,small.nrrd,,,",
        "a.nrrd,set.json,x.nrrd,blur,,,,,,,",
        "a.nrrd,set.json,X.nrrd,convolve,wiener,,,,,on,",
        "a.nrrd,set.json,fine.nrrd,convolve,,,,,,on,",
        ",set.json,x2.nrrd,,,,,,,,",
        "a.nrrd,set.json,y.nrrd,,,,,small.nrrd,,,small.nrrd",
        "a.nrrd,set.json,y.nrrd,,,,,,,,",
    ]
    found = problems(read(folder, "\n".join(rows)))
    expected = {
        2: ["missing.nrrd does not exist"],
        3: ["output ../a.nrrd leaves the output folder"],
        4: ["--iterations: invalid int value: 'many'"],
        5: ["broken.nrrd cannot be read", "keyed by region, but labels is missing", "'tv' is unknown for strategy"],
        6: ["operation 'blur' is unknown"],
        7: ["method is no option of convolve; leave it out of this case"],
        9: ["input is missing"],
        10: ["mask", "has 5 x 4 x 2 voxels, the input 5 x 4 x 3", "reference"],
        11: ["output y.nrrd is also the output of row 10 (y)"],
    }
    assert set(found) == set(expected)
    for row, words in expected.items():
        for word in words:
            assert any(word in problem for problem in found[row]), (row, word, found[row])
    assert all("\n" not in problem for said in found.values() for problem in said)


def test_outputs_that_differ_only_in_capitals_are_one_file_elsewhere(folder):
    text = "input,kernels,output\na.nrrd,set.json,x.nrrd\na.nrrd,set.json,X.nrrd\n"
    assert list(problems(read(folder, text))) == [3]


def test_an_output_must_not_be_the_input_of_a_case(folder):
    (folder / "out").mkdir()
    (folder / "a.nrrd").rename(folder / "out" / "a.nrrd")
    found = problems(read(folder, "input,kernels\nout/a.nrrd,set.json\n"))
    assert "is an input of row 2 (a)" in found[2][0]


def test_an_output_must_not_be_the_kernel_of_a_case(folder):
    (folder / "out").mkdir()
    (folder / "mask.nrrd").rename(folder / "out" / "k.nrrd")
    found = problems(read(folder, "case,input,kernels\nk,a.nrrd,out/k.nrrd\n"))
    assert "is an input of row 2 (k)" in found[2][0]


def test_two_rows_must_not_write_into_the_same_place(folder):
    rows = [
        "input,kernels,output,report",
        "a.nrrd,set.json,caf\u00e9.nrrd,r",
        "a.nrrd,set.json,cafe\u0301.nrrd,",  # the same name on a Mac
        "a.nrrd,set.json,x.nrrd,R",
        "a.nrrd,set.json,x.nrrd/y.nrrd,",
        "a.nrrd,set.json,r/z.nrrd,caf\u00e9.nrrd",
        "a.nrrd,set.json,.spatialdeconv-batch/a.nrrd,",
        "a.nrrd,set.json,b.nrrd,../r",
    ]
    found = problems(read(folder, "\n".join(rows)))
    expected = {
        3: "is also the output of row 2 (caf\u00e9)", 4: "report R is also the report of row 2",
        5: "output x.nrrd/y.nrrd lies in what is a file, the output of row 4 (x)",
        6: "is also the output of row 2", 7: "own folder", 8: "report ../r leaves the output folder",
    }  # fmt: skip
    assert set(found) == set(expected)
    for row, words in expected.items():
        assert len(found[row]) == 1
        assert words in found[row][0]


def test_what_the_method_does_not_take_is_found_before_it_runs(folder):
    rows = [
        "case,input,kernels,strategy,method,iterations,noise,regularization,operation,exclude",
        "a,a.nrrd,set.json,,wiener,5,,,,",
        "b,a.nrrd,set.json,,landweber,0,,,,",
        "c,a.nrrd,set.json,,,,-1,,,",
        "d,a.nrrd,set.json,,wiener,,,0.1,,",
        "e,a.nrrd,set.json,joint,tv,-2,,,,",
        "f,a.nrrd,set.json,,,,,,convolve,yes",
        "g,a.nrrd,set.json,joint,tv,7,2.5,auto,,",
        "h,a.nrrd,set.json,,,3,,,,",
    ]
    found = problems(read(folder, "\n".join(rows)))
    words = {
        2: "wiener does not iterate", 3: "iterations 0 must be", 4: "noise -1", 5: "wiener has no constant",
        6: "iterations -2 must be", 7: "exclude needs a mask", 9: "an automatic method finds its iterations itself",
    }  # fmt: skip
    assert set(found) == set(words)
    assert all(word in found[row][0] for row, word in words.items())


def test_whose_intensity_it_is_is_a_column_and_found_wrong_before_it_runs(folder):
    text = (
        "input,kernels,of,guide,labels,output\n"
        "a.nrrd,set.json,true,,,1.nrrd\n"
        "a.nrrd,set.json,true,a.nrrd,,2.nrrd\n"
        "a.nrrd,regions.json,measured,,mask.nrrd,3.nrrd\n"
        "a.nrrd,set.json,maybe,,,4.nrrd\n"
    )
    cases = read(folder, text)
    assert cases[0].options.of == "true"
    found = problems(cases)
    assert sorted(found) == [3, 4, 5]
    assert "leave out --of or --guide" in found[3][0]
    assert "--of measured is for kernels keyed to intensity" in found[4][0]
    assert "maybe" in found[5][0]


def test_a_sequence_keeps_its_index_unless_another_output_is_asked_for(folder):
    frames = sitk.JoinSeries([sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32))] * 2)
    sitk.WriteImage(frames, str(folder / "s.nrrd"))
    rows = ["s.nrrd,set.json,", "s.nrrd,set.json,t.nii", "s.nrrd,set.json,t.png", "a.nrrd,set.json,"]
    cases = read(folder, "\n".join(["input,kernels,output", *rows]))
    assert [case.output.name for case in cases] == ["s.seq.nrrd", "t.nii", "t.png", "a.nrrd"]
    (problem,) = problems(cases)[4]
    assert "t.png cannot hold the frames of a sequence" in problem


def test_a_reference_of_another_size_is_refused_even_with_resampling(folder):
    text = "input,kernels,mask,reference,resample\na.nrrd,set.json,small.nrrd,small.nrrd,yes\n"
    (problem,) = problems(read(folder, text))[2]
    assert "reference" in problem


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.csv", "", "is empty"),
        ("c.csv", "input,kernels\n", "has no cases"),
        ("c.csv", "input,kernel\na.nrrd,set.json\n", "column 'kernel' is unknown; there are boundary"),
        ("c.csv", "input,input\na.nrrd,a.nrrd\n", "two columns 'input'"),
        ("c.csv", "input,,kernels\na.nrrd,,set.json\n", "a column without name"),
        ("c.csv", "input,kernels\na.nrrd,set.json,left,over\n", "row 2 has 4 cells, the header 2"),
        ("c.csv", b"input,kernels\n\xe4.nrrd,set.json\n", "is not UTF-8"),
        ("c.csv", "input,kernels\na.nrrd,set.json\n".encode("utf-16"), "is not UTF-8"),
        ("c.csv", b"input,kernels\na.nrrd\0,set.json\n", "is not UTF-8"),
        ("c.csv", 'input,kernels\n"a.nrrd,set.json\n', "is no readable CSV"),
        ("c.json", "{", "is no valid JSON"),
        ("c.json", "{}", "has no list"),
        ("c.json", '{"cases": [1]}', "case 1 is no object"),
        ("c.json", '{"cases": [{}], "case": 1}', "unknown entry 'case'"),
        ("c.json", '{"cases": [{}], "schema": "other/1"}', "schema 'other/1'"),
        ("c.json", '{"cases": [{"nothing": 1}]}', "column 'nothing' is unknown"),
    ],
)
def test_a_manifest_that_makes_no_sense_as_a_whole_is_refused(folder, name, text, words):
    with pytest.raises(InputError, match=words):
        read(folder, text, name)


def test_a_missing_manifest_is_refused(folder):
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_manifest(folder / "none.csv", folder, {}, cli.command_parser())


def test_values_of_the_wrong_kind_are_problems_of_their_row(folder):
    row = {"input": "a.nrrd", "kernels": "set.json"}
    cases = [{**row, "slicewise": "perhaps"}, {**row, "method": ["wiener"]}, {**row, "mask_range": "5"}]
    cases += [{**row, "segments": "patient's"}, {**row, "kernels": {"at": 1}}, {"input": ["a.nrrd", "b.nrrd"]}]
    found = problems(read(folder, json.dumps(cases), "c.json"))
    assert "slicewise 'perhaps' is neither yes nor no" in found[1][0]
    assert "method ['wiener'] must be one value" in found[2][0]
    assert "--mask-range: expected 2 arguments" in found[3][0]
    assert "segments patient's: No closing quotation" in found[4][0]
    assert found[5] == ["kernels {'at': 1} must be a path, or a list of words such as 10=k10.nrrd"]
    assert found[6] == ["input ['a.nrrd', 'b.nrrd'] must be one value", "kernels is missing"]


def test_nothing_is_started_or_made_when_a_row_is_wrong(folder, capsys):
    (folder / "c.csv").write_text("input,kernels\na.nrrd,set.json\nnone.nrrd,set.json\n")
    assert cli.main(["batch", str(folder / "c.csv"), "--output", str(folder / "out")]) == 1
    said = capsys.readouterr().err
    assert "row 3 (none): " in said
    assert "1 error in 1 of 2 rows" in said
    assert "nothing was started" in said
    assert not (folder / "out").exists()


def test_check_says_what_would_run_and_makes_nothing(folder, capsys, monkeypatch):
    (folder / "c.csv").write_text("method\nwiener\n")
    (folder / "deep").mkdir()
    (folder / "c.csv").rename(folder / "deep" / "c.csv")
    monkeypatch.chdir(folder)
    settings = ["--set", "Kernels=set.json", "--set", "input=a.nrrd"]  # relative to here, not to the manifest
    assert cli.main(["batch", "deep/c.csv", "--output", "out", "--check", *settings]) == 0
    assert capsys.readouterr().out == "row 2 (a) would run\n"
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "kernels"], "--set kernels needs a column and a value"),
        (["--set", "kernel=x"], "--set: column 'kernel' is unknown"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "--workers 2 is for this machine"),
    ],
)
def test_options_that_make_no_sense_are_refused(folder, capsys, arguments, words):
    (folder / "c.csv").write_text("input,kernels\na.nrrd,set.json\n")
    assert cli.main(["batch", str(folder / "c.csv"), "--output", str(folder / "out"), *arguments]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--threads", "x"], ["--retries", "-1"]])
def test_numbers_that_are_none_are_wrong_usage(folder, arguments):
    assert cli.main(["batch", "c.csv", "--output", str(folder), *arguments]) == 2
