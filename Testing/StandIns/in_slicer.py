"""The panel's tests inside a running Slicer, whose own window takes the place of the stand-ins.

    PythonSlicer -m pip install pytest
    Slicer --additional-module-paths SpatialDeconv --python-script Testing/StandIns/in_slicer.py -- user views

runs test_panel_user.py and test_panel_views.py on the real widgets; further words go to pytest. Only the dialogs
are answered by the tests, as on the stand-ins. Exit code 0 when all pass.
"""

import sys
import traceback
import types
from pathlib import Path

import qt
import slicer

NAME = "SpatialDeconv"


def root():
    """Return the checkout: the folder above that of the module file."""
    return Path(slicer.util.modulePath(NAME)).resolve().parents[1]


class Answered:
    """A message box that a test answers instead of a user."""

    def __init__(self, window, box):
        self._window, self._box = window, box

    def __getattr__(self, name):
        return getattr(self._box, name)

    def exec_(self):
        self._window.shown.append(self)
        return self._window.answers.pop(0)(self)


class QtWithAnswers:
    """The module qt for the panel, with dialogs that do not wait."""

    def __init__(self, window):
        def ask(*given):
            window.shown.append(given[1:3])
            return window.answers.pop(0)

        class QMessageBox:
            def __new__(cls, *given):
                return Answered(window, qt.QMessageBox(*given))

        for name in dir(qt.QMessageBox):
            if name[0].isupper():
                setattr(QMessageBox, name, getattr(qt.QMessageBox, name))
        self.QMessageBox = QMessageBox
        dialogs = ("getOpenFileName", "getOpenFileNames", "getSaveFileName")
        self.QInputDialog = types.SimpleNamespace(getText=ask)
        self.QFileDialog = types.SimpleNamespace(**dict.fromkeys(dialogs, ask))

    def __getattr__(self, name):
        return getattr(qt, name)


class Window:
    """What application.Window of the stand-ins is, around the window that is there."""

    def __init__(self, mainWindow=True):
        if not mainWindow:
            import pytest

            pytest.skip("this Slicer has a main window")
        self.shown, self.answers, self.swallowed = [], [], []

    def __enter__(self):
        self._hook, sys.excepthook = sys.excepthook, self._onException
        self._errorDisplay = slicer.util.errorDisplay
        slicer.util.errorDisplay = lambda text, **how: self.shown.append(text)
        self._reset()
        if hasattr(slicer.modules, f"{NAME}Widget"):
            slicer.util.reloadScriptedModule(NAME)
        self.processEvents(3)
        self.swallowed.clear()
        return self

    def _onException(self, kind, error, where):
        self.swallowed.append(error)
        traceback.print_exception(kind, error, where)

    def _reset(self):
        slicer.util.selectModule("Welcome")
        slicer.mrmlScene.Clear(0)
        slicer.app.layoutManager().setLayout(3)
        self.processEvents(3)

    def __exit__(self, *_):
        slicer.util.errorDisplay = self._errorDisplay
        self._reset()
        sys.excepthook = self._hook

    @staticmethod
    def processEvents(times=1):
        for _ in range(times):
            slicer.app.processEvents()

    def resizePanel(self, width, _height=None):
        dock = slicer.util.findChild(slicer.util.mainWindow(), "PanelDockWidget")
        slicer.util.mainWindow().resizeDocks([dock], [width], qt.Qt.Horizontal)
        self.processEvents(3)

    def open(self, _path):
        self.enter(NAME)
        for name, module in list(sys.modules.items()):
            if name.startswith("SpatialDeconvLib.panel.") and hasattr(module, "qt"):
                module.qt = QtWithAnswers(self)
        return self.python(NAME)

    def python(self, name):
        return getattr(slicer.modules, f"{name}Widget")

    def enter(self, name):
        slicer.util.selectModule(name)
        self.processEvents(3)

    def leave(self, _name):
        slicer.util.selectModule("Welcome")
        self.processEvents(3)

    def check(self):
        if self.swallowed:
            raise AssertionError(f"swallowed in slots: {self.swallowed!r}") from self.swallowed[0]


def main():
    import pytest

    standIn = types.ModuleType("application")
    standIn.Window = Window
    sys.modules["application"] = standIn
    tests = root() / "Testing" / "Python"
    files = [str(tests / f"test_panel_{word}.py") for word in sys.argv[1:] if word.isidentifier()]
    options = [word for word in sys.argv[1:] if not word.isidentifier()]
    return pytest.main(["-q", "-p", "no:cacheprovider", *options, *files])


if __name__ == "__main__":
    code = 1
    try:
        code = int(main())
    finally:
        slicer.util.exit(code)
