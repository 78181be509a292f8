"""Tool tips with a picture of what there is to choose from: methods, models, what lies beyond the border.

`Testing/draw_choices.py` draws the pictures; a choice without one has its text alone.
"""

import html
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from ..methods import choices
from . import model as panelmodel
from .parameters import Boundary, JointBoundary, JointMethod, Method, Model, Whose

TIP_ROLE = 3  # Qt.ToolTipRole, which PythonQt hands on as a number only


@dataclass(frozen=True)
class Shown:
    """What the tool tips of one combo box show.

    :param group: what the names of the pictures' files begin with
    :param words: the enumeration that is chosen from
    :param textOf: callable (word) -> what it does
    :param caption: what the pictures show
    """

    group: str
    words: Any
    textOf: Any
    caption: str


def shownIn():
    """Return what is shown, by the name of the combo box."""
    methods = _("Left an image, right what the method makes of it.")
    border = _("The frame is the border of the image.")

    def labelIn(table):
        return lambda word: panelmodel.labelOf(table, word)

    return {
        "methodComboBox": Shown("blend", Method, panelmodel.methodSentence, methods),
        "jointMethodComboBox": Shown(
            "joint", JointMethod, lambda word: panelmodel.methodSentence(word, "joint"), methods
        ),
        "modelComboBox": Shown(
            "model", Model, labelIn(choices.MODELS),
            _("Left points beside the border of two kernels, right their image."),
        ),
        "boundaryComboBox": Shown("boundary", Boundary, labelIn(choices.BOUNDARIES), border),
        "jointBoundaryComboBox": Shown("boundary", JointBoundary, labelIn(choices.BOUNDARIES), border),
        "ofComboBox": Shown(
            "of", Whose, labelIn(choices.WHOSE),
            _("Left an image, right how wide the kernel of each voxel is: the brighter, the wider."),
        ),
    }  # fmt: skip


class ChoiceTips:
    """Gives the items of combo boxes tool tips, and each combo box that of what is chosen.

    :param ui: the panel's widgets
    :param folder: folder of the pictures (pathlib.Path)
    """

    def __init__(self, ui, folder):
        self._folder = folder
        self._boxes = [(getattr(ui, name), getattr(ui, name).toolTip, shown) for name, shown in shownIn().items()]

    def update(self, _state):
        """Show the tool tips of what the combo boxes hold; they are filled anew with every scene."""
        for box, general, shown in self._boxes:
            tips = [self.tipOf(shown, member.value) for member in shown.words]
            if box.count == len(tips) and box.itemData(0, TIP_ROLE) != tips[0]:
                for index, tip in enumerate(tips):
                    box.setItemData(index, tip, TIP_ROLE)
            if 0 <= box.currentIndex < len(tips):
                box.toolTip = "".join([paragraph(general), tips[box.currentIndex]])

    def tipOf(self, shown, word):
        """Return what a choice does as rich text, with its picture and what that shows."""
        path = self._folder / f"{shown.group}-{word}.png"
        text = paragraph(shown.textOf(word))
        if not path.is_file():
            return text
        return f'{text}<p><img src="{path.as_uri()}"/></p>{paragraph(shown.caption)}'


def paragraph(text):
    """Return a text as a paragraph of rich text, line by line as it is; what is rich text already, unchanged."""
    if text.startswith("<"):  # so does Slicer make tool tips that wrap
        return text
    return f"<p>{html.escape(text).replace(chr(10), '<br/>')}</p>"
