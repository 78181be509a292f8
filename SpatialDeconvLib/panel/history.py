"""What can be undone, and done again: the kernel tables before and after the one that is shown. No Qt."""

MOST_STEPS = 100


class History:
    """The tables before and after the one that is shown. A table is a key and its rows."""

    def __init__(self):
        self.clear()

    def clear(self):
        self._past, self._future, self._now = [], [], None

    @property
    def canUndo(self):
        return bool(self._past)

    @property
    def canRedo(self):
        return bool(self._future)

    def note(self, table):
        """The table is now this one; nothing happens when it is what it was."""
        if self._now is not None and table != self._now:
            self._past = [*self._past, self._now][-MOST_STEPS:]
            self._future = []
        self._now = table

    def undo(self, asPossible):
        """Go to the last table before this one, made ``asPossible(table)``, and return it; None without one."""
        return self._go(self._past, self._future, asPossible)

    def redo(self, asPossible):
        """Go back to the table that the last undo left, and return it; None without one."""
        return self._go(self._future, self._past, asPossible)

    def _go(self, source, goal, asPossible):
        while source:
            table = asPossible(source.pop())
            if table != self._now:
                goal.append(self._now)
                self._now = table
                return table
        return None
