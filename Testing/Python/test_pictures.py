"""The pictures of the documents are those that the commands draw. Those of pages are held where the pages run."""

import dataclasses

import numpy as np
import pytest
from pictures import STORED, assert_alike, likeness
from scipy import ndimage

pytest.importorskip("matplotlib", reason="figures need matplotlib")
pytest.importorskip("slicer", reason="the demo needs slicer-core or Slicer")

import SimpleITK as sitk

from SpatialDeconvLib import cases
from SpatialDeconvLib.command import demo


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The demo's figure of the shipped volume and all methods; the truth stands for results, which take minutes."""
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(cases.sample_path(cases.BRAIN_VOLUME)))).astype(np.float32)
    part = cases.brain_case(crop=(slice(0, 40), slice(40, 60), slice(40, 60)))
    case = dataclasses.replace(part, truth=truth, blurred=ndimage.gaussian_filter(truth, 1.8))
    folder = tmp_path_factory.mktemp("demo")
    sitk.WriteImage(sitk.GetImageFromArray(truth), str(folder / "restored-auto.nrrd"))
    gains = dict(zip([run.name for run in demo._runs(case, "blend", None, {})], np.linspace(1, 9, 7), strict=True))
    rows = {name: {"psnr": 25 + gain, "strategy": "blend", "gain": gain} for name, gain in gains.items()}
    demo._draw(folder, case, {"strategy": "blend", "methods": rows, "blurred": {"psnr": 25.0}, "others": []})
    return folder / "figure.png"


def test_the_readmes_picture_is_what_the_demo_draws(drawn):
    assert_alike(drawn, STORED / "demo.png", least=0.9)


def test_another_picture_is_not_taken_for_it(drawn):
    assert likeness(drawn, STORED / "joint.png") < 0.5
    assert likeness(STORED / "points.png", STORED / "edge.png") < 0.5
