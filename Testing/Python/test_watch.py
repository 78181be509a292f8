"""Progress and cancellation as one object."""

import pytest

from SpatialDeconvLib.arrays.watch import UNWATCHED, Watch
from SpatialDeconvLib.errors import Cancelled


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


def test_a_part_that_says_nothing_is_told_by_its_name():
    watch, told = watched()
    for _, part in watch.parts("ab", "kernel"):
        part.step(0.0)
    watch.step(1.0)
    assert told == [(0.0, "kernel 1 of 2"), (0.5, "kernel 2 of 2"), (1.0, "")]


def test_parts_share_the_work_as_told():
    watch, told = watched()
    for _, part in watch.parts("ab", work=[1, 3]):
        part.step(1.0, "done")
    assert told == [(0.25, "done"), (1.0, "done")]


def test_a_heading_comes_first():
    watch, told = watched()
    for frame, part in watch.parts("ab"):
        below = part.under(f"frame {frame}")
        below.step(0.0)
        below.part(0.5, 1.0, "kernel 1").step(1.0, "blur")
    texts = [text for _, text in told]
    assert texts == ["frame a", "frame a: blur: kernel 1", "frame b", "frame b: blur: kernel 1"]


def test_a_quiet_watch_stops_but_tells_nothing():
    asked, told = [], []
    watch = Watch(lambda *what: told.append(what), lambda: bool(asked)).quiet()
    watch.part(0.0, 0.5).step(1.0, "work")
    asked.append(1)
    with pytest.raises(Cancelled):
        watch.check()
    assert not told


def test_a_watch_serves_functions_that_take_two_callables():
    asked, told = [], []
    outer = Watch(lambda *what: told.append(what), lambda: bool(asked)).part(0.5, 1.0, "frame 2")
    inner = Watch(outer.tell, outer.cancelled)
    inner.step(0.5, "kernel 1")
    assert told == [(0.75, "kernel 1: frame 2")]
    assert not outer.cancelled()
    asked.append(1)
    assert outer.cancelled()
    with pytest.raises(Cancelled):
        inner.check()
    outer.tell(1.0, "done all the same")
    assert told[1] == (1.0, "done all the same: frame 2")


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
