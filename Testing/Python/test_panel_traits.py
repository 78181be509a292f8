"""The checks of Testing/StandIns/traits.py on the stand-ins; they are made to run in Slicer as well."""

import importlib.util
from pathlib import Path

import pytest

TRAITS = Path(__file__).resolve().parents[1] / "StandIns" / "traits.py"
NAMES = [line[4:].split("(")[0] for line in TRAITS.read_text().splitlines() if line.startswith("def check_")]


@pytest.fixture(scope="module")
def traits(stand_ins):
    with stand_ins.Window(mainWindow=False):
        spec = importlib.util.spec_from_file_location("traits", TRAITS)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


@pytest.mark.filterwarnings("ignore:Function. 'QDragEnterEvent:DeprecationWarning")  # PythonQt makes them so
@pytest.mark.parametrize("name", NAMES)
def test_the_stand_ins_do_as_slicer_does(traits, name):
    getattr(traits, name)()
