"""Work shared out among threads; objects that hold threads, locks and buffers end, and can be copied."""

import copy
import gc
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from SpatialDeconvLib.arrays.threads import Crew, Lock, Scratch, usable_processors
from SpatialDeconvLib.blur.cascade import Cascade
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.blur.selfkeyed import SelfKeyedBlur
from SpatialDeconvLib.estimation.equations import Equations
from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel

COPIES = {
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.fixture
def no_garbage_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_crew_asks_after_every_item_and_begins_no_more_when_told_to_stop(workers):
    done, asked = [], []

    def check():
        asked.append(threading.get_ident())
        if len(asked) == 4:
            raise KeyboardInterrupt

    slow = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        Crew(workers)(lambda n: slow.wait(0.002) or done.append(n), range(100), check)
    assert asked == [threading.get_ident()] * 4
    assert 4 <= len(done) < 50


def image_of(shape):
    return np.random.default_rng(1).uniform(5, 105, shape).astype(np.float32)


def gaussians(ndim):
    return KernelField.by_intensity(
        {10.0 * n: gaussian_kernel(s, ndim=ndim) for n, s in enumerate(np.linspace(0.6, 2, 10), 1)}
    )


# ------------------------------------------------------------------------------------------------ crews


@pytest.mark.parametrize("workers", [1, 3])
def test_a_crew_gives_results_in_the_order_of_the_items(workers):
    turns = [threading.Event() for _ in range(3)]
    turns[-1].set()

    def work(n):
        if workers > 1:  # the last item is the first to be done
            turns[n].wait(10)
            turns[n - 1].set()
        return 10 * n

    assert Crew(workers)(work, range(3)) == [0, 10, 20]


def test_one_worker_and_one_item_need_no_threads():
    before = threading.active_count()
    here = threading.current_thread()
    crews = Crew(1), Crew(4)
    assert crews[0](lambda _: threading.current_thread(), range(5)) == [here] * 5
    assert crews[1](lambda _: threading.current_thread(), [1]) == [here]
    assert crews[1](lambda _: threading.current_thread(), []) == []
    assert threading.active_count() == before


def test_a_crew_keeps_its_threads_from_call_to_call_and_has_as_many_as_it_may(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    crew = Crew()
    assert crew.workers == usable_processors()
    crew, before, seen = Crew(2), threading.active_count(), set()
    for _ in range(5):
        seen.update(crew(lambda _: threading.current_thread(), range(50)))
    assert len(seen) <= 2
    assert threading.active_count() <= before + 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_crew_reaches_the_caller(workers):
    with pytest.raises(ZeroDivisionError):
        Crew(workers)(lambda n: 1 / n, range(-2, 3))


def operator():
    image = image_of((32, 36, 40))
    op = SpatiallyVariantBlur(gaussians(3), image.shape, guide=image, workers=2)
    op.forward(image)
    return op


def filters():
    found = FFTFilters(image_of((40, 44, 36)), workers=2)
    found.run("richardson-lucy", gaussian_kernel(1).values, iterations=1)
    return found


def cascade():
    image = image_of((40, 44, 36))
    found = Cascade(gaussians(3).bind(image, None))
    found.detector(image)
    return found


def equations():
    found = Equations(
        image_of((400, 400)), (5, 5), weights=lambda k: np.full((400, 400), 0.5), count=2, model="source", workers=2
    )
    found.adjoint(found.forward(np.ones((2, 5, 5))))
    return found


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("make", [operator, filters, cascade, equations])
def test_threads_end_with_the_last_reference_to_what_uses_them(make, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = set(threading.enumerate())
    made = make()
    own = set(threading.enumerate()) - before
    del made
    for thread in own:
        thread.join(10)
    assert not any(thread.is_alive() for thread in own)


# ----------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("copied", COPIES)
def test_copies_of_crews_locks_and_buffers_are_their_own(copied):
    crew, lock, scratch = Crew(3), Lock(), Scratch()
    crew(int, range(9))
    scratch("a", (3,))[...] = 7
    again = COPIES[copied]([crew, lock, scratch]) if copied != "copy" else [*map(copy.copy, (crew, lock, scratch))]
    assert again[0].workers == 3
    assert again[0](str, range(3)) == ["0", "1", "2"]
    assert again[2]("a", (2,)).shape == (2,)
    with lock, lock:  # a copy is free while the first is taken
        free = []
        thread = threading.Thread(target=lambda: [free.append(1) for _ in [again[1].__enter__()]])
        thread.start()
        thread.join(10)
    assert free


FIELDS = {
    "compressed": {},
    "uncompressed": {"low_rank": 0.0},
    "without caches": {"cache_bytes": 0},
    "uncompressed without caches": {"low_rank": 0.0, "cache_bytes": 0},
    "float64": {"dtype": "float64"},
    "extended": {"boundary": "extended"},
}


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("options", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("shape", [(40, 37), (14, 17, 16)])
def test_a_copy_of_an_operator_gives_the_same_bits(shape, model, options, copied):
    image = image_of(shape)
    op = SpatiallyVariantBlur(gaussians(len(shape)), shape, guide=image, model=model, **options)
    x, y = image_of(op.domain_shape), image_of(op.data_shape)
    forward, adjoint = op.forward(x), op.adjoint(y)
    again = COPIES[copied](op)
    assert again.compression is None or again.compression.rank == op.compression.rank
    np.testing.assert_array_equal(again.forward(x), forward)
    np.testing.assert_array_equal(again.adjoint(y), adjoint)
    np.testing.assert_array_equal(COPIES[copied](op.T) @ y.ravel(), adjoint.ravel())
    np.testing.assert_array_equal(op.forward(x), forward)


NARROW, MOTION = gaussian_kernel(1, ndim=2), motion_kernel(5, 30)
KEYS = {
    "uniform": KernelField.uniform(MOTION),
    "region": KernelField.by_region(np.arange(40)[:, None] // 20 * np.ones(37, int), [(0, NARROW), (1, MOTION)]),
    "position": KernelField.by_position({(0.0, 0.0): NARROW, (9.0, 9.0): MOTION}, "nearest"),
    "weights": KernelField.by_weights(np.full((2, 40, 37), 0.5), [NARROW, MOTION]),
    "unchanged": KernelField.by_intensity({40: NARROW, 60: MOTION}, outside="unchanged"),
}


@pytest.mark.parametrize("key", KEYS)
def test_operators_of_every_key_can_be_pickled(key):
    image = image_of((40, 37))
    op = SpatiallyVariantBlur(KEYS[key], image.shape, guide=image)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(op)).forward(image), op.forward(image))


def test_a_pickled_operator_carries_neither_threads_nor_buffers():
    image = image_of((48, 50, 46))
    field = KernelField.uniform(gaussian_kernel(1))
    op = SpatiallyVariantBlur(field, image.shape, cache_bytes=0, workers=2)
    op.forward(image)
    assert len(pickle.dumps(op)) < 0.1 * image.nbytes


@pytest.mark.parametrize("copied", COPIES)
def test_copies_work_at_the_same_time(copied):
    image = image_of((40, 44, 36))
    op = SpatiallyVariantBlur(gaussians(3), image.shape, guide=image, workers=1)
    images = [image, image[::-1].copy()]
    expected = [op.forward(x) for x in images]
    operators = [op, COPIES[copied](op)]
    for _ in range(5):
        together = Crew(2)(lambda n: operators[n].forward(images[n]), range(2))
        for ours, theirs in zip(together, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_an_operator_works_in_another_process():
    image = image_of((40, 37))
    op = SpatiallyVariantBlur(gaussians(2), image.shape, guide=image)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(op.forward, image).result(timeout=120)
    np.testing.assert_array_equal(there, op.forward(image))


@pytest.mark.parametrize("copied", COPIES)
def test_what_holds_an_operator_or_threads_can_be_copied_too(copied):
    image = image_of((40, 37))
    op = SpatiallyVariantBlur(gaussians(2), image.shape, guide=image)
    made = {
        "self-keyed": (SelfKeyedBlur(op), lambda m: m.forward(image)[0]),
        "cascade": (Cascade(op.bound), lambda m: m.detector(image)),
        "filters": (
            FFTFilters(image, workers=2), lambda m: m.run("wiener", gaussian_kernel(1, ndim=2).values, noise=1.0),
        ),
        "equations": (Equations(image, (5, 5)), lambda m: m.forward(np.ones((1, 5, 5)))),
    }  # fmt: skip
    for thing, result in made.values():
        np.testing.assert_array_equal(result(COPIES[copied](thing)), result(thing))
