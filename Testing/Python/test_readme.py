"""The README's Library block runs as it stands, with the README's own kernel set."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from scipy import ndimage

import SpatialDeconvLib as sd

TEXT = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, holding: str) -> str:
    """The README's only block in this language that holds the words."""
    found = [b for b in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if holding in b]
    assert len(found) == 1, f"{len(found)} {language} blocks hold {holding!r}"
    return found[0]


def test_library_block_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("set.json").write_text(block("json", '"intensity"'))
    log = sd.Kernel(np.log(sd.gaussian_kernel(1.0).values + 1e-9), 1.0)
    sd.write_kernel(log, "k20.nrrd")
    rng = np.random.default_rng(0)
    original = ndimage.gaussian_filter(rng.random((24, 40, 40)), 1.5)
    original = (100 * (original - original.min()) / np.ptp(original)).astype(np.float32)
    image, labels = original, (original > 50).astype(np.uint8) + 1
    measured = ndimage.gaussian_filter(original, 1.0) + rng.normal(0, 1, original.shape)
    names = {"image": image, "original": original, "labels": labels, "measured": measured}
    exec(block("python", "import SpatialDeconvLib as sd"), names)
    assert names["result"].image.shape == image.shape
    assert len(names["field"].kernels) == 3
    assert names["kernel"].estimate is not None
