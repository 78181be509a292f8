"""Resources/Docs/large.md: its table has the formats that there are, and its Python runs."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from SpatialDeconvLib import InputError
from SpatialDeconvLib.formats.parts import Geometry, create_parts, open_parts
from SpatialDeconvLib.formats.parts.registry import FORMATS
from SpatialDeconvLib.methods.registry import methods_of

TEXT = (Path(__file__).resolve().parents[2] / "Resources" / "Docs" / "large.md").read_text(encoding="utf-8")


def row_of(known):
    several = [word for word, there in (("channels", known.channels), ("frames", known.frames)) if there]
    written = ("yes" + (f", also several {' and '.join(several)}" if several else "")) if known.create else "no"
    return f"| {known.name} | {', '.join(f'`{end}`' for end in known.endings)} | {known.plain} | {written} |"


def test_the_table_has_every_format_and_no_other():
    table = TEXT.partition("## Formats")[2]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert rows == [row_of(known) for known in FORMATS]


def test_the_table_of_halos_is_that_of_the_registry():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| ")]
    said = {row[0]: [cell.replace(",", " ").split()[0] for cell in row[1:]] for row in rows if len(row) == 4}
    blend = [m for m in methods_of("blend").values() if m.halo < math.inf]
    names = ", ".join(m.in_prose for m in blend)
    expected = {f"filters of a blend: {names}": blend[0]}
    assert len({(m.halo, m.tiled_to, m.tiled_to_gaps) for m in blend}) == 1
    joint = methods_of("joint")
    expected |= {"joint Richardson-Lucy": joint["richardson-lucy"], "joint Tikhonov": joint["tikhonov"],
                 "joint Landweber, projected Landweber": joint["landweber"], "total variation": joint["tv"],
                 "self-keyed total variation": joint["self-keyed"], "plug-and-play": joint["pnp"]}  # fmt: skip
    for row, method in expected.items():
        assert [float(cell) for cell in said[row]] == [method.halo, method.tiled_to, method.tiled_to_gaps], row
    same = [joint[name] for name in ("landweber", "projected-landweber")]
    assert len({(m.halo, m.tiled_to, m.tiled_to_gaps) for m in same}) == 1


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_what_the_table_says_of_writing_holds(tmp_path, known):
    if known.name.startswith("OME-Zarr"):
        pytest.importorskip("zarr", minversion="3")
    if "TIFF" in known.name:
        pytest.importorskip("tifffile")
    for ending in known.endings:
        path = tmp_path / f"w{ending}"
        if known.create is None:
            with pytest.raises(InputError, match="cannot be written in parts"):
                create_parts(path, (2, 3, 4), "float32")
            continue
        create_parts(path, (2, 3, 4), "float32").finish()
        assert open_parts(path).is_parts
        for counts, there in (({"channels": 3}, known.channels), ({"frames": 2}, known.frames)):
            path = tmp_path / f"{'c' if 'channels' in counts else 'f'}{ending}"
            if there:
                volume = open_parts(create_parts(path, (2, 3, 4), "float32", **counts).finish())
                assert {"channels": volume.channels, "frames": volume.frames} == {
                    "channels": 1,
                    "frames": 1,
                } | counts
            else:
                with pytest.raises(InputError, match="is not written with"):
                    create_parts(path, (2, 3, 4), "float32", **counts)


def test_the_python_of_the_page_runs(tmp_path, monkeypatch):
    pytest.importorskip("zarr", minversion="3")
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).random((64, 256, 256), np.float32)
    writer = create_parts("big.zarr", values.shape, "float32", Geometry((2.0, 1.0, 1.0)), multiscale=False)
    writer.write(tuple(slice(0, n) for n in values.shape), values)
    writer.finish()
    names = {}
    exec(re.search(r"```python\n(.*?)```", TEXT, re.S)[1], names)
    box = (slice(0, 64), slice(128, 256), slice(128, 256))
    np.testing.assert_array_equal(open_parts("out.zarr").read(box), values[box])
    assert names["volume"].geometry == open_parts("out.zarr").geometry
