"""Progress and cancellation as one object."""

import pytest

from SpatialDeconvLib.errors import Cancelled
from SpatialDeconvLib.watch import UNWATCHED, Watch


def watched():
    told = []
    return Watch(lambda fraction, text: told.append((round(fraction, 6), text))), told


def test_parts_of_parts_fill_their_share():
    watch, told = watched()
    for item, part in watch.part(0.5, 1.0).parts("ab", "kernel"):
        part.step(0.5, item)
    assert told == [(0.625, "a: kernel 1 of 2"), (0.875, "b: kernel 2 of 2")]


def test_fractions_never_fall_nor_exceed_one():
    watch, told = watched()
    watch.step(0.6, "a")
    watch.step(0.2, "b")
    watch.part(0.0, 0.5).step(1.0, "c")
    watch.step(7.0, "d")
    assert [fraction for fraction, _ in told] == [0.6, 0.6, 0.6, 1.0]


def test_whoever_asks_stops_every_part():
    asked = []
    watch = Watch(None, lambda: bool(asked))
    part = watch.part(0.0, 0.5)
    part.step(0.5, "going on")
    part.check()
    asked.append(1)
    for call in (part.check, lambda: part.step(1.0, "done"), watch.check):
        with pytest.raises(Cancelled):
            call()


def test_a_cancelled_step_tells_nothing():
    told = []
    with pytest.raises(Cancelled):
        Watch(lambda *what: told.append(what), lambda: True).step(0.5, "too late")
    assert not told


def test_nobody_watching_is_fine():
    UNWATCHED.step(0.5, "work")
    for _, part in UNWATCHED.parts(iter(range(3)), "frame"):
        part.check()
