"""Files and folders that are dropped on a widget."""

import qt


class FileDrops(qt.QObject):
    """Lets files and folders be dropped on a widget, and on those in it that take no drops themselves.

    :param widget: the widget; of a view of items its viewport
    :param dropped: called with the list of their paths
    """

    def __init__(self, widget, dropped):
        qt.QObject.__init__(self, widget)
        self._dropped = dropped
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _target, event):
        """Take what has paths; the widget does not see it."""
        kind = event.type()
        if kind not in (qt.QEvent.DragEnter, qt.QEvent.DragMove, qt.QEvent.Drop):
            return False
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.toLocalFile()]
        if not paths:
            return False
        event.acceptProposedAction()
        if kind == qt.QEvent.Drop:
            self._dropped(paths)
        return True
