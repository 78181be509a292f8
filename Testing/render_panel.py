"""Draw the panel in its main states, beside real slice views of the same scene.

    python Testing/render_panel.py [FOLDER] [STATE ...]

The panel is the real one (SpatialDeconv.py and its .ui files) on the stand-ins of Testing/StandIns, so fonts and
style are those of this computer and not Slicer's own. The slices come from vtkMRMLSliceLogic with the displayable
managers of rulers, markups and crosshairs, rendered off screen. No display is needed. Without STATE all are drawn.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "StandIns")]

import application  # noqa: E402
import numpy as np  # noqa: E402
import slicer  # noqa: E402
import user as users  # noqa: E402
import vtk  # noqa: E402
from PySide6.QtCore import QRect  # noqa: E402
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from vtkmodules.util.numpy_support import vtk_to_numpy  # noqa: E402

HEIGHT, PANEL_WIDTH, VIEW_WIDTH, BAR = 1000, 470, 760, 20
COLOURS = {"Red": "#f34a33", "Green": "#6eb04b", "Yellow": "#edd54c"}
MANAGERS = (
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
)


# -- slice views


def slice_picture(logic, width, height):
    """Return a slice view of this size as an image."""
    node = logic.GetSliceNode()
    node.SetDimensions(width, height, 1)
    logic.FitSliceToBackground(width, height)
    window, renderer = vtk.vtkRenderWindow(), vtk.vtkRenderer()
    window.SetOffScreenRendering(1)
    window.SetSize(width, height)
    window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    mapper, actor = vtk.vtkImageMapper(), vtk.vtkActor2D()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    mapper.SetInputConnection(logic.GetImageDataConnection())
    actor.SetMapper(mapper)
    renderer.AddViewProp(actor)
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory()
    factory.SetMRMLApplicationLogic(application.window.app._logic)
    for name in MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.Initialize(factory, renderer)
    group.SetMRMLDisplayableNode(node)
    window.Render()
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    grabber.Update()
    pixels = vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3]
    group.SetMRMLDisplayableNode(None)
    pixels = np.ascontiguousarray(pixels)
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def layer_names(composite):
    """Return the names of what a slice view shows, the uppermost first."""
    names = []
    for identifier, opacity in (
        (composite.GetForegroundVolumeID(), composite.GetForegroundOpacity()),
        (composite.GetBackgroundVolumeID(), 1.0),
    ):
        node = slicer.mrmlScene.GetNodeByID(identifier or "none")
        if node is not None and opacity > 0:
            share = f" ({round(100 * opacity)}%)" if opacity < 1 else ""
            names.append(f"{node.GetName()}{share}")
    return names


def draw_view(painter, name, area):
    """Draw the bar and the picture of one slice view."""
    widget = application.window.app._layout.sliceWidget(name)
    painter.fillRect(QRect(area.left(), area.top(), area.width(), BAR), QColor(COLOURS.get(name, "#8c8c8c")))
    painter.setPen(QColor("black"))
    painter.drawText(area.left() + 8, area.top() + 15, name)
    inner = area.adjusted(0, BAR, 0, 0)
    painter.drawImage(inner, slice_picture(widget._logic, inner.width(), inner.height()))
    painter.setPen(QColor("white"))
    for number, text in enumerate(reversed(layer_names(widget.mrmlSliceCompositeNode()))):
        painter.drawText(inner.left() + 8, inner.bottom() - 10 - 16 * number, text)


def draw_views(painter, left, width, height):
    """Draw the slice views of the layout, side by side if they are two, else one large and two small."""
    names = application.window.app._layout.sliceViewNames()
    if len(names) == 2:
        half = width // 2
        for number, name in enumerate(names):
            draw_view(painter, name, QRect(left + number * half, 0, half - 2, height))
        return
    red, *others = sorted(names, key=lambda name: list(COLOURS).index(name) if name in COLOURS else 9)
    top = round(height * 0.62)
    draw_view(painter, red, QRect(left, 0, width, top - 2))
    half = width // max(len(others), 1)
    for number, name in enumerate(others):
        draw_view(painter, name, QRect(left + number * half, top, half - 2, height - top))


def settle(window):
    """Wait until the layouts of nested widgets have found their sizes."""
    for _ in range(10):
        window.processEvents(5)
        time.sleep(0.02)


def screenshot(person, path, show=None):
    """Write a picture of the panel, scrolled to a section, with the slice views beside it."""
    window = person.window
    if show is not None:
        getattr(person.ui, show).collapsed = False
    window.main.resize(PANEL_WIDTH, HEIGHT)
    settle(window)
    bar = window.panelArea.verticalScrollBar()
    bar.setValue(0)
    if show is not None:
        top = target(person, show).mapTo(window.panelArea.widget(), target(person, show).rect().topLeft()).y()
        bar.setValue(top - 10)
    window.processEvents(5)
    picture = QPixmap(PANEL_WIDTH + VIEW_WIDTH, HEIGHT)
    picture.fill(QColor("black"))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    painter.drawPixmap(0, 0, window.main.grab())
    draw_views(painter, PANEL_WIDTH + 2, VIEW_WIDTH - 2, HEIGHT)
    painter.end()
    picture.save(str(path))
    print(path)


def panel_only(person, path):
    """Write a picture of the whole panel, however long it is."""
    widget = person.window.panelArea.widget()
    person.window.main.resize(PANEL_WIDTH, widget.sizeHint().height() + 20)
    settle(person.window)
    widget.grab().save(str(path))
    person.window.main.resize(PANEL_WIDTH, HEIGHT)
    print(path)


def target(person, name):
    return getattr(person.ui, name).__dict__["_target"]


# -- states


def begin(window):
    """Open the panel and load the brain sample."""
    colours = slicer.vtkMRMLColorLogic()
    colours.SetMRMLScene(slicer.mrmlScene)
    window.app._logic.SetColorLogic(colours)
    person = users.User(window).open()
    person.folder = tempfile.TemporaryDirectory()
    blurred, truth = person.panel.logic.loadSample("brain", person.folder.name)
    for node in (blurred, truth):
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.AutoWindowLevelOff()
        low, high = np.quantile(slicer.util.arrayFromVolume(truth), (0.01, 0.995))
        display.SetWindowLevelMinMax(float(low), float(high))
    person.truth = truth
    slicer.util.setSliceViewerLayers(background=blurred, fit=True)
    window.processEvents(10)
    return person


def wait(person, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        person.window.processEvents()
        time.sleep(0.02)


def draw_start(person, folder):
    """The sample is loaded: what will happen is to be seen."""
    screenshot(person, folder / "panel-start.png")
    panel_only(person, folder / "panel-long.png")


def draw_kernels(person, folder):
    """A kernel is selected, and the weights are drawn over the histogram."""
    person.select_rows(4)
    person.ui.weightsGroupBox.collapsed = False
    wait(person, lambda: slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1)
    screenshot(person, folder / "panel-kernels.png", "kernelsCollapsibleButton")
    person.ui.weightsGroupBox.collapsed = True


def draw_preview(person, folder):
    """The preview lies over the input volume."""
    person.ui.previewCheckBox.checked = True
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    wait(person, lambda: composite.GetForegroundVolumeID() and not person.panel.runner.kind)
    screenshot(person, folder / "panel-preview.png", "previewCollapsibleButton")
    person.ui.previewCheckBox.checked = False


def draw_sheet(person, folder):
    """Every method on one block, to choose one with a click."""
    before, person.parameters.previewSize = person.parameters.previewSize, 24
    person.click("sheetButton")
    screenshot(person, folder / "panel-sheet.png", "sheetButton")
    person.parameters.previewSize = before


def draw_running(person, folder):
    """A run is on: Apply has become Cancel, and the progress bar says how long it will take."""
    person.choose_filter("Richardson")

    def meanwhile():
        screenshot(person, folder / "panel-running.png")
        person.panel.runner.cancel()

    person.soon(meanwhile, 3000)
    person.click("applyButton")
    person.choose_text("strategyComboBox", "Automatic")


def draw_result(person, folder):
    """A run has ended: the output is shown, with a line about it and the buttons to compare."""
    person.click("applyButton")
    screenshot(person, folder / "panel.png")
    person.ui.sideBySideButton.click()
    screenshot(person, folder / "panel-compare.png")
    person.ui.sideBySideButton.click()


def draw_why(person, folder):
    """What the result leaves unexplained lies over the input; which kernel does not fit, and where."""
    person.ui.whyCollapsibleButton.collapsed = False
    person.click("residualButton")
    person.click("worstPlaceButton")
    screenshot(person, folder / "panel-why.png", "whyCollapsibleButton")
    person.click("residualButton")
    person.ui.whyCollapsibleButton.collapsed = True


def draw_measure(person, folder):
    """A kernel is measured from the sharp and the blurred volume."""
    person.ui.estimateCollapsibleButton.collapsed = False
    person.choose("originalVolumeSelector", person.truth)
    person.choose("blurredVolumeSelector", person.parameters.inputVolume)
    screenshot(person, folder / "panel-measure.png", "estimateCollapsibleButton")
    person.ui.estimateCollapsibleButton.collapsed = True


def draw_wrong(person, folder):
    """A level is no number: the row says so, and Apply waits."""
    before = person.cell(3, 0)
    person.edit_cell(3, 0, "forty")
    person.select_rows(3)
    screenshot(person, folder / "panel-wrong.png", "kernelsCollapsibleButton")
    person.edit_cell(3, 0, before)


def draw_dark(person, folder):
    """The same in dark colours."""
    light = QApplication.palette()
    dark = QPalette(QColor("#353535"), QColor("#353535"))
    for role, colour in ((QPalette.ColorRole.Base, "#2a2a2a"), (QPalette.ColorRole.Highlight, "#2a82da")):
        dark.setColor(role, QColor(colour))
    QApplication.setPalette(dark)
    screenshot(person, folder / "panel-dark.png", "kernelsCollapsibleButton")
    QApplication.setPalette(light)


STATES = {
    name.removeprefix("draw_"): value
    for name, value in list(globals().items())
    if name.startswith("draw_") and name not in ("draw_view", "draw_views")
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "panel")
    parser.add_argument("state", nargs="*", choices=[[], *STATES], help="one of " + ", ".join(STATES))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with application.Window() as window:
        person = begin(window)
        for name in options.state or STATES:
            STATES[name](person, options.folder)
        window.check()


if __name__ == "__main__":
    main()
