"""One run at a time, in the main thread, while Slicer goes on repainting."""

import logging
import time

import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled
from . import model as panelmodel

# Seconds between two repaints: so many times what the last one took, so that a window that is slow to paint does
# not take the run's time, within these limits.
REPAINT_SHARE = 5
SHORTEST = 0.05
LONGEST = 0.3

BACKGROUND = ("preview", "sheet", "residual", "forecast")  # the runs that nobody waits for


class Task:
    """A run: what is to be done, and whether it is to stop."""

    def __init__(self, kind, function, done, show):
        self.kind = kind
        self.cancelRequested = False
        self._function, self._done, self._show = function, done, show
        self._started = self._painted = time.monotonic()
        self._pause = SHORTEST
        self._fraction, self._text = 0.0, _("Preparing...")

    def progress(self, fraction, text):
        self._fraction, self._text = fraction, text
        self._repaint()

    def cancelled(self):
        self._repaint()
        return self.cancelRequested

    def run(self):
        """Do it; return the result and the exception that ended it, one of them None."""
        self._started = time.monotonic()
        try:
            if self.kind not in BACKGROUND:
                # The window shows that it has begun; not earlier, or a click on Cancel would begin another run.
                self._paint()
            if self.cancelRequested:
                raise Cancelled
            return self._function(self.progress, self.cancelled), None
        except Exception as error:
            return None, error

    def finish(self, result, error):
        if self._done:
            try:
                self._done(result, error)
            except Exception:  # the next run must not wait for this one for ever
                logging.exception("SpatialDeconv cannot show how a run ended")

    def forget(self):
        """Stop, and call nothing of the panel any more."""
        self.cancelRequested = True
        self._done = self._show = None

    def _repaint(self):
        if time.monotonic() - self._painted >= self._pause:
            self._paint()

    def _paint(self):
        begun = time.monotonic()
        if self._show and not self.cancelRequested:
            self._show(self._fraction, self._text, time.monotonic() - self._started)
        slicer.app.processEvents()
        self._painted = time.monotonic()
        self._pause = min(max(SHORTEST, REPAINT_SHARE * (self._painted - begun)), LONGEST)


class JobRunner:
    """Runs jobs one after another in the main thread.

    The engine calls `progress` and `cancelled` all the time, and both let Slicer handle its events. Whatever
    happens meanwhile (cancel, the scene closed, the module left, reloaded or destroyed) only sets flags here,
    and is acted upon when the engine has returned. So is a new job: an apply or an estimate stops a preview
    or a forecast and starts when that has unwound; a new one of these replaces the one that is on.

    :param changed: called with the `owner` whenever it may have become another
    """

    def __init__(self, changed=None):
        self._job = None
        self._next = None
        self._changed = changed

    @property
    def kind(self):
        """What is running: "apply", "estimate", one of `BACKGROUND`, or "" when nothing is."""
        return self._job.kind if self._job else ""

    @property
    def owner(self):
        """The kind of the run that the user waits for, be it on or about to begin; "" when there is none.

        It alone may be started, seen and stopped: who asks for another is refused, previews included.
        """
        return next((job.kind for job in (self._next, self._job) if job and job.kind not in BACKGROUND), "")

    def start(self, function, done=None, kind="apply", show=None):
        """Run ``function(progress, cancelled)``, then ``done(result, error)``.

        :param function: works, calls progress(fraction, text) and cancelled() -> bool often, raises on failure
        :param done: gets the result and None, or None and the exception (Cancelled after a cancel); it is not
            called when the panel has gone, nor for a preview that was replaced before it began
        :param kind: "apply", "estimate" or one of `BACKGROUND`
        :param show: called with (fraction, text, seconds since the start) before every repaint
        :return: False if another run has the panel
        """
        if self.owner:
            return False
        job = Task(kind, function, done, show)
        if self._job:
            self._job.cancelRequested = True
            self._next = job
            self._tell()
            return True
        self._job = job
        self._tell()
        while self._job:
            result, error = self._job.run()
            finished, self._job, self._next = self._job, self._next, None
            self._tell()
            finished.finish(result, error)
        return True

    def cancel(self, kind=None):
        """Ask the run that is on (of this kind), and the one that waits, to stop."""
        for job in (self._job, self._next):
            if job and kind in (None, job.kind):
                job.cancelRequested = True

    def abandon(self):
        """The panel goes away: stop everything and call nothing of it any more."""
        self._changed = None
        if self._job:
            self._job.forget()
        self._next = None

    def _tell(self):
        if self._changed:
            self._changed(self.owner)


# What the user could change or start, and so waits while a run has the panel.
SECTIONS = (
    "inputsCollapsibleButton",
    "adviceRow",
    "regionCollapsibleButton",
    "kernelsCollapsibleButton",
    "estimateCollapsibleButton",
    "methodCollapsibleButton",
    "advancedCollapsibleButton",
    "previewCollapsibleButton",
    "runsCollapsibleButton",
    "compareFrame",
    "whyCollapsibleButton",
)

# The section that has a run's own button, and the part of it that waits none the less.
OWN_PARTS = {"estimate": ("estimateCollapsibleButton", "estimateFields")}


def showOwner(ui, owner):
    """Let everything wait but what stops the run that has the panel; let nothing wait when none has it."""
    own = OWN_PARTS.get(owner, ())
    for name in SECTIONS:
        getattr(ui, name).enabled = not owner or name in own
    for section, part in OWN_PARTS.values():
        getattr(ui, part).enabled = section not in own


class RunControls:
    """A button that becomes Cancel, a progress bar and a line of text, for the time of a run.

    :param fit: called when the text has changed
    """

    def __init__(self, button, progressBar, label, text, fit):
        self._button, self._progressBar, self._label, self._text = button, progressBar, label, text
        self._fit = fit
        self._begun, self._late, self._armed = 0.0, False, False

    def start(self, toolTip):
        self._begun, self._late, self._armed = time.monotonic(), False, False
        self._showFraction(0.0)
        self._progressBar.visible = True
        self._button.text = _("Cancel")
        self._button.toolTip = toolTip
        self._button.enabled = True
        self.say(_("Preparing..."))

    def meansCancel(self):
        """Whether a click asks to stop the run: not so the second one of the double click that began it."""
        return self._armed

    def show(self, fraction, text, seconds):
        # That second click may have waited for this repaint, so clicks count from the next one on.
        self._armed = self._late
        self._late = 1000 * (time.monotonic() - self._begun) > slicer.app.doubleClickInterval
        self._showFraction(fraction)
        self.say(panelmodel.progressText(fraction, text, seconds))

    def _showFraction(self, fraction):
        """Show how much is done; before the first hundredth, only that something is being done."""
        percent = int(100 * fraction)
        self._progressBar.maximum = 100 if percent else 0  # 0: a moving bar
        self._progressBar.value = percent

    def cancelling(self):
        from . import forms  # which needs Qt, as nothing else here does

        forms.setEnabled(self._button, False)
        self.say(_("Cancelling..."))

    def stop(self):
        self._progressBar.visible = False
        self._button.text = self._text
        self._button.enabled = True

    def say(self, text):
        """Show a text in the line, or no line."""
        self._label.text = text
        self._label.visible = bool(text)
        self._fit()
