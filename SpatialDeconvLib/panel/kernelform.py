"""The fields below the kernel table that only some kinds of kernels have, made from the engine's registry."""

import qt

from . import forms, kernelfields


class KernelForm:
    """Line edits for the further parameters of a kernel, of which each kind shows its own.

    :param ui: the panel's widgets, to which these are added
    :param form: the form layout that they are put into
    :param onEdited: callable (name of the parameter, text), when one was edited
    """

    def __init__(self, ui, form, onEdited):
        self._onEdited = onEdited
        self._fields = {}
        for name, parameter in kernelfields.allFields().items():
            label, edit = qt.QLabel(kernelfields.fieldLabel(parameter)), qt.QLineEdit()
            edit.objectName = f"kernelField_{name}"
            edit.placeholderText = kernelfields.fieldHint(parameter)
            label.toolTip = edit.toolTip = kernelfields.fieldToolTip(parameter)
            setattr(ui, edit.objectName, edit)
            label.setBuddy(edit)
            form.addRow(label, edit)
            edit.connect("editingFinished()", lambda name=name, edit=edit: self._onEdited(name, edit.text))
            self._fields[name] = forms.FormRow(form, label, edit), edit

    def show(self, row):
        """Show the fields of a row's kind, and what the row says of them."""
        shown = {parameter.name for parameter in kernelfields.fieldsOf(row.kind)}
        for name, (line, edit) in self._fields.items():
            line.show(name in shown)
            text = kernelfields.fieldText(row, name) if name in shown else ""
            if edit.text != text:
                edit.text = text
