"""Puts the repository root on the path, so that the tests run from a checkout without installing it."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def stand_ins():
    """The module that stands for the running Slicer, made of PySide6; skips where Qt cannot be loaded."""
    sys.path.insert(0, str(ROOT / "Testing" / "StandIns"))
    try:
        import application
    except ImportError as error:
        reason = f"the panel's tests need PySide6-Essentials and Qt's system libraries: {error}"
        if os.environ.get("SPATIALDECONV_REQUIRE_QT"):
            pytest.fail(reason)
        pytest.skip(reason)
    return application


@pytest.fixture
def slicer_window(stand_ins):
    """A running Slicer with a main window and an empty scene; fails on exceptions that slots swallowed."""
    with stand_ins.Window() as window:
        yield window
        window.processEvents()
        window.check()


@pytest.fixture
def user(slicer_window):
    """Someone who has just opened the panel."""
    from user import User

    return User(slicer_window).open()
