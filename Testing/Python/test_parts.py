"""Parts of a kernel field, and how far kernels reach."""

import numpy as np
import pytest

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel

GUIDE = np.random.default_rng(0).uniform(0, 100, (40, 44))
BOX = (slice(5, 30), slice(11, 44))
KERNELS = [gaussian_kernel(s, ndim=2) for s in (0.8, 1.6)]
FIELDS = [
    KernelField.uniform(KERNELS[0]),
    KernelField.by_intensity({30: KERNELS[0], 80: KERNELS[1]}, outside="unchanged"),
    KernelField.by_region((GUIDE > 50).astype(int), dict(enumerate(KERNELS)), feather=4.0),
    KernelField.by_position({(3.0, 3.0): KERNELS[0], (30.0, 40.0): KERNELS[1]}, "inverse-distance"),
]


@pytest.mark.parametrize("field", FIELDS, ids=[field.key for field in FIELDS])
def test_a_part_of_a_field_has_the_kernels_and_weights_of_the_whole(field):
    whole = field.bind(GUIDE, 1.0)
    part = whole.part(BOX, np.float64)
    assert part.shape == (25, 33)
    assert part.spacing == whole.spacing
    for k in range(len(part)):
        np.testing.assert_array_equal(part.kernel(k).values, whole.kernel(k).values)
        np.testing.assert_allclose(part.weight(k, np.float64), whole.weight(k, np.float64)[BOX], atol=1e-12)


@pytest.mark.parametrize("box", [BOX, (slice(0, 4), slice(0, 5))], ids=["large", "small"])
@pytest.mark.parametrize("field", FIELDS, ids=[field.key for field in FIELDS])
def test_a_part_may_take_what_is_known_of_supports_and_misses_no_voxel(field, box):
    whole = field.bind(GUIDE, 1.0)
    supports = [whole.support(k) for k in range(len(whole))]
    part = whole.part(box, known=True)
    whole.weight = part.weight = None  # nothing is looked for again
    fresh = field.bind(GUIDE, 1.0).part(box)
    for k in range(len(fresh)):
        found, needed = part.support(k), fresh.support(k)
        if needed is not None:
            assert all(f.start <= n.start and f.stop >= n.stop for f, n in zip(found, needed, strict=True))
        assert found is None or all(
            f.stop - f.start <= s.stop - s.start for f, s in zip(found, supports[k], strict=True)
        )


@pytest.mark.parametrize("model", ["detector", "source"])
def test_a_part_of_an_operator_is_the_whole_away_from_the_boxs_border(model):
    op = SpatiallyVariantBlur(FIELDS[1], GUIDE.shape, guide=GUIDE, model=model, dtype="float64", workers=1)
    part = op.part(BOX, "periodic")
    x = np.random.default_rng(1).standard_normal(GUIDE.shape)
    inner = (slice(7, -7), slice(7, -7))
    np.testing.assert_allclose(part.forward(x[BOX])[inner], op.forward(x)[BOX][inner], atol=1e-12)
    assert (part.model, part.boundary, part.dtype, part.workers) == (model, "periodic", np.float64, 1)


def test_a_kernel_reaches_as_far_as_all_but_a_thousandth_of_its_weight():
    assert Kernel(np.ones((3, 7))).reach(0) == 1
    assert Kernel(np.ones((3, 7))).reach(1) == 3
    assert Kernel(np.array([[1e-5, 1.0, 0.0]])).reach(1) == 0
    assert motion_kernel(9, 0.0).reach(1) > motion_kernel(9, 0.0).reach(0)
    wide = gaussian_kernel(2.0, ndim=2)
    assert wide.reach(0) == 7  # 3.29 sigma hold all but a thousandth, 2.58 all but a hundredth
    assert wide.reach(0, 1e-2) == 5


@pytest.mark.parametrize("sigma", [0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0])
def test_between_voxels_a_gaussian_reaches_as_many_sigma_whatever_its_size(sigma):
    kernel = gaussian_kernel(sigma, ndim=2)
    assert 2.75 < kernel.fine_reach(0) / sigma < 3.9  # 3.29 of one that no voxels sum up and no array cuts off
    assert kernel.reach(0) - 0.5 < kernel.fine_reach(0) < kernel.reach(0) + 0.5
    assert Kernel(np.ones((1, 3))).fine_reach(0) == 0
    assert Kernel(np.ones((1, 3))).fine_reach(1) == pytest.approx(1.5, abs=0.01)


def test_sharp_edges_leave_gaps_in_a_spectrum():
    assert not gaussian_kernel(0.5, ndim=2).has_gaps
    assert not gaussian_kernel(3.0, ndim=2).has_gaps
    assert not Kernel(np.ones((1, 1))).has_gaps
    assert Kernel(np.ones((1, 3))).has_gaps
    assert motion_kernel(7, 30.0).has_gaps
