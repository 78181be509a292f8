"""The verdict on a result in words and colour, and buttons for what may help."""

import qt

from ..methods import choices
from ..run.verdict import advice_on
from . import forms
from . import model as panelmodel

# Red, green and blue of the stripe beside a verdict; the ground has the same colour, thinned out, so that the
# window's own text colour can be read on it, be that dark or light.
COLORS = {
    "unknown": (128, 128, 128),
    "explained": (46, 160, 67),
    "partly": (219, 154, 4),
    "not": (218, 54, 51),
    "noisy": (218, 54, 51),
}
COLUMNS = 2  # of buttons


class VerdictSection:
    """The label and the buttons between Apply and the status line.

    :param ui: the panel's widgets
    :param actions: what a click on the button of each word of `choices.ADVICE` does: ``{word: callable}``
    :param fit: callable that fits the labels' heights to their texts
    """

    def __init__(self, ui, actions, fit):
        self._ui, self._fit = ui, fit
        self.buttons = {}
        for number, (word, action) in enumerate(actions.items()):
            button = qt.QPushButton(panelmodel.labelOf(choices.ADVICE, word))
            button.toolTip = panelmodel.sentenceOf(choices.ADVICE, word)
            button.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
            setattr(ui, f"{word}AdviceButton", button)
            button.connect("clicked(bool)", lambda _checked=False, action=action: action())
            ui.adviceRow.layout().addWidget(button, number // COLUMNS, number % COLUMNS)
            self.buttons[word] = button
        self.clear()

    def fontChanged(self, font):
        """The panel has another font, which a label with a style sheet does not take up by itself."""
        font.setBold(True)
        self._ui.verdictLabel.font = font

    def show(self, result):
        """Show what a result says of itself."""
        word = result.automatic.get("verdict")
        if word is None:  # of a convolution
            self.clear()
            return
        label, advice = self._ui.verdictLabel, advice_on(result)
        color = ", ".join(map(str, COLORS[word]))
        label.styleSheet = (
            f"QLabel {{ border-left: 4px solid rgb({color}); background-color: rgba({color}, 50); padding: 4px; }}"
        )
        label.toolTip = panelmodel.sentenceOf(choices.VERDICTS, word)
        forms.show(label, panelmodel.labelOf(choices.VERDICTS, word))
        for each, button in self.buttons.items():
            button.visible = each in advice
        self._ui.adviceRow.visible = bool(advice)
        self._fit()

    def clear(self):
        """There is no result to judge."""
        forms.show(self._ui.verdictLabel, "")
        self._ui.adviceRow.visible = False
