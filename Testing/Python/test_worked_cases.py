"""The worked cases of the documents run, on small sizes, and show what their pages say."""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "Resources" / "Docs" / "cases"


@pytest.fixture
def case(monkeypatch):
    """Imports a case by name, as when it is started as a script."""
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module
    for name in [
        name
        for name, module in sys.modules.items()
        if Path(getattr(module, "__file__", None) or "").parent == FOLDER
    ]:
        del sys.modules[name]


def of(numbers, *words):
    """The one number whose name has all words."""
    (found,) = [value for name, value in numbers.items() if all(word in name for word in words)]
    return found


def test_scatter_of_every_thickness_is_taken_out(case):
    numbers = case("scatter").run(shape=(72, 96), spacing=4.3)
    assert of(numbers, "restored values choose") < 0.1 * of(numbers, "one kernel")
    assert of(numbers, "thickness known") < 0.1 * of(numbers, "one kernel")
    assert of(numbers, "restored values choose") < of(numbers, "too much") < 0.2 * of(numbers, "one kernel")


def test_a_kernel_for_each_tissue_recovers_the_lesion_in_the_lung(case):
    numbers = case("positron").run(shape=(16, 40, 60), spacing=4.0)
    assert of(numbers, "lung", "each tissue") > 1.5 * of(numbers, "lung", "one kernel")


def test_kernels_of_every_depth_see_deeper(case):
    numbers = case("depth").run(shape=(32, 40, 40), count=16)
    deep = [of(numbers, "deepest third", name) for name in ("measured", "at the coverslip", "of every depth")]
    assert deep == sorted(deep)


def test_nothing_leaks_into_a_segment_that_is_smoothed_alone(case):
    numbers = case("segment").run(size=64)
    assert abs(of(numbers, "mean", "exclude")) < 0.5 * abs(of(numbers, "mean", "plain"))
    assert of(numbers, "RMSE", "restored in the mask") < of(numbers, "RMSE", "blurred")
    assert of(numbers, "changed outside") == 0


def test_the_portal_image_is_restored_where_default_filters_damage_it(case, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    numbers = case("portal").run(tmp_path / "portal.png", size=96, kernel_size=40)
    for wrong in ("logarithm", "pixels", "inverse"):
        assert of(numbers, "RMSE", "right kernel, automatic") < 0.5 * of(numbers, "RMSE", wrong)
    behind = [of(numbers, "behind the patient", name) for name in ("each thickness", "one kernel", "measured")]
    assert behind == sorted(behind)
    assert (tmp_path / "portal.png").stat().st_size > 10_000
