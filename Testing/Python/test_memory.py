import os
import sys

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays import memory
from SpatialDeconvLib.arrays.threads import usable_processors

GIB = 2**30


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="sysconf is needed to know the true size of the memory")
def test_what_is_available_is_a_part_of_what_there_is():
    available = memory.available_memory()
    assert 0 < available <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.skipif(sys.platform == "win32", reason="not known on Windows")
def test_the_peak_grows_with_what_is_held():
    before = memory.peak_memory()
    block = np.ones(before // 8)  # as many bytes as the peak was, every page touched
    after = memory.peak_memory()
    assert after >= before + block.nbytes // 2
    assert memory.peak_memory() >= after


def test_a_run_that_does_not_fit_is_refused_with_the_estimate_and_the_remedy():
    with pytest.raises(sd.NotEnoughMemory) as caught:
        memory.require(12.34 * GIB, "crop the image", limit=4 * GIB)
    message = str(caught.value)
    for word in ("12.3 GiB", "4.0 GiB are allowed", "crop the image"):
        assert word in message
    assert "\n" not in message
    assert isinstance(caught.value, MemoryError)


def test_a_limit_above_what_is_free_is_not_what_stops_a_run(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 3 * GIB)
    with pytest.raises(sd.NotEnoughMemory, match=r"3\.0 GiB are free"):
        memory.require(5 * GIB, "", limit=4 * GIB)


def test_a_run_that_fits_or_cannot_be_judged_goes_on(monkeypatch):
    memory.require(4 * GIB, "", limit=4 * GIB)
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    memory.require(1e30, "")


def test_the_system_is_asked_when_no_limit_is_given(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 3 * GIB)
    with pytest.raises(sd.NotEnoughMemory, match=r"3\.0 GiB are free"):
        memory.require(5 * GIB, "")


def cgroup(folder, limit, usage, stat=None):
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{usage}\n")
    if stat is not None:
        (folder / "memory.stat").write_text(stat)
    return str(folder), "memory.max", "memory.current", "inactive_file"


@pytest.mark.parametrize(
    ("limit", "usage", "stat", "expected"),
    [
        (8 * GIB, 3 * GIB, None, 5 * GIB),
        (8 * GIB, 7 * GIB, f"anon {GIB}\ninactive_file {4 * GIB}\nactive_file {GIB}\n", 5 * GIB),
        (8 * GIB, 9 * GIB, "inactive_file 0\n", 0),
        (8 * GIB, 3 * GIB, "inactive_file some\n", 5 * GIB),
        ("max", 3 * GIB, "inactive_file 0\n", None),
    ],
)
def test_a_containers_limit_counts_and_its_file_cache_is_free(tmp_path, limit, usage, stat, expected):
    assert memory._available_cgroup(*cgroup(tmp_path, limit, usage, stat)) == expected


def test_no_container_sets_no_limit(tmp_path):
    assert memory._available_cgroup(str(tmp_path / "none"), "memory.max", "memory.current", "inactive_file") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /proc and no cgroups")
def test_the_tightest_limit_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUPS", (cgroup(tmp_path, 3 * GIB, 2 * GIB),))
    monkeypatch.setattr(memory, "_available_proc", lambda: 2 * GIB)
    assert memory.available_memory() == GIB
    monkeypatch.setattr(memory, "_available_proc", lambda: GIB // 2)
    assert memory.available_memory() == GIB // 2
    monkeypatch.setattr(memory, "_available_proc", lambda: None)
    monkeypatch.setattr(memory, "_CGROUPS", ())
    assert memory.available_memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def test_a_share_of_the_memory_is_a_limit(monkeypatch):
    monkeypatch.setattr(memory, "_free_memory", lambda: 4 * GIB)
    monkeypatch.setenv(memory.SHARE, str(GIB))
    assert memory.available_memory() == GIB
    monkeypatch.setenv(memory.SHARE, str(8 * GIB))
    assert memory.available_memory() == 4 * GIB
    monkeypatch.setattr(memory, "_free_memory", lambda: None)
    assert memory.available_memory() == 8 * GIB


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs the processors of this process")
@pytest.mark.parametrize("set_to", ["1", "0", "all", ""])
def test_threads_are_as_many_as_the_environment_allows(monkeypatch, set_to):
    monkeypatch.setenv("OMP_NUM_THREADS", set_to)
    assert usable_processors() == (1 if set_to == "1" else len(os.sched_getaffinity(0)))


def test_sizes_are_told_with_the_digits_that_set_them_apart():
    with pytest.raises(sd.NotEnoughMemory, match=r"about 0\.119 GiB of memory are needed, 0\.115 GiB are allowed"):
        memory.require(0.119 * GIB, "", limit=0.115 * GIB)
    with pytest.raises(
        sd.NotEnoughMemory, match=r"about 0\.0300 GiB of memory are needed, 0\.0001 GiB are allowed"
    ):
        memory.require(0.03 * GIB, "", limit=1e-4 * GIB)
