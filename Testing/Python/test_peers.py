"""The blur against PyLops' non-stationary convolution: kernels on a grid, linear between them, zero outside."""

import itertools

import numpy as np
import pytest
from pylops import aslinearoperator
from pylops.optimization.basic import cgls
from pylops.signalprocessing import NonStationaryConvolve2D, NonStationaryConvolve3D

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel

# Steps of 8 and 16 voxels: the weights are exact in single precision.
CASES = [
    (NonStationaryConvolve2D, (45, 60), ((4, 20, 36), (6, 22, 38, 54)), (5, 7)),
    (NonStationaryConvolve3D, (14, 20, 26), ((3, 11), (2, 10, 18), (4, 20)), (3, 5, 3)),
]


def both(case):
    """PyLops' operator and ours, for the same random kernels."""
    peer, shape, places, size = case
    kernels = np.random.default_rng(0).random((*map(len, places), *size))
    flat = kernels.reshape(-1, *size)
    field = KernelField.by_position(dict(zip(itertools.product(*places), map(Kernel, flat), strict=True)))
    return (
        peer(shape, kernels, *places, dtype="float64"),
        SpatiallyVariantBlur(field, shape, model="source", boundary="zero", dtype="float64"),
    )


@pytest.mark.parametrize("case", CASES, ids=["2-D", "3-D"])
def test_forward_and_adjoint_equal_pylops(case):
    peer, ours = both(case)
    x = np.random.default_rng(1).standard_normal(ours.shape[1])
    for theirs, mine in ((peer @ x, ours @ x), (peer.H @ x, ours.H @ x)):
        np.testing.assert_allclose(mine, theirs, atol=1e-12 * np.abs(theirs).max())


def test_pylops_solver_takes_our_operator():
    """The same iterates with its operator and with ours, wrapped."""
    peer, ours = both(CASES[0])
    y = ours @ np.random.default_rng(2).random(ours.shape[1])
    theirs, mine = (
        cgls(op, y, np.zeros(ours.shape[1]), niter=20)[0].ravel() for op in (peer, aslinearoperator(ours))
    )
    np.testing.assert_allclose(mine, theirs, atol=1e-8 * np.abs(theirs).max())
