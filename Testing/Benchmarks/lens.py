"""A picture through a lens that is sharp in its middle only, and what programs for kernels by place make of it.

regularizepsf and deepinv are on PyPI; deepinv brings PyTorch. rdmpy is not (what is called so there is another
program): clone github.com/apsk14/rdmpy, name its folder in PYTHONPATH, and install torch, kornia, matplotlib, tqdm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Call = Callable[[], np.ndarray]
RADIUS = 9  # of the lens's kernels, in pixels
_OVERLAP = 4 / 9  # of regularizepsf's windows, sin^4, whose sum over four shifts on each axis is 3 / 2
_DEBLURRED = 0.5  # standard deviation of what regularizepsf makes of every point, in pixels


@dataclass(frozen=True)
class Lens:
    """A picture through a lens that is sharp in the middle only, without and with its blur.

    Attributes
    ----------
    blurred, truth : ndarray, (j, i)
    kernels : mapping of (j, i) to ndarray
        Kernels at places on a grid; the blur itself has one of its own for every pixel.
    noise : float
    """

    blurred: np.ndarray
    truth: np.ndarray
    kernels: dict[tuple[float, float], np.ndarray]
    noise: float


def through_a_lens(picture: np.ndarray, places: int = 7, noise: float = 0.01, seed: int = 0) -> Lens:
    """Blur a picture, every pixel with a kernel of its own, that of the pixel which sends the light.

    They are Gaussians that widen with the square of the distance from the middle: from a standard deviation of 0.8
    pixels to 3 along it and 1.8 across it.
    """
    rows, columns = picture.shape
    blurred = np.zeros_like(picture)
    padded = np.pad(picture, RADIUS, mode="edge")
    rim = [axis.astype(float) - RADIUS for axis in np.indices(padded.shape)]
    padded /= sum(weight_at(*rim, dj, di, picture.shape) for dj, di in _offsets())
    for dj, di in _offsets():
        sent = padded * weight_at(*rim, dj, di, picture.shape)
        start = RADIUS - dj, RADIUS - di
        blurred += sent[start[0] : start[0] + rows, start[1] : start[1] + columns]
    span = np.ptp(picture)
    blurred += noise * span * np.random.default_rng(seed).standard_normal(picture.shape)
    kernels = {}
    for y in np.linspace(0, rows - 1, places):
        for x in np.linspace(0, columns - 1, places):
            kernels[float(y), float(x)] = kernel_at(y, x, picture.shape)
    return Lens(blurred, picture, kernels, noise * span)


def kernel_at(y: float, x: float, shape: tuple[int, int]) -> np.ndarray:
    """The lens's kernel at a place, of sum 1; its centre is its middle."""
    width = 2 * RADIUS + 1
    values = np.array([float(weight_at(y, x, dj, di, shape)) for dj, di in _offsets()]).reshape(width, width)
    return values / values.sum()


def weight_at(y, x, dj: int, di: int, shape: tuple[int, int]):
    """What a pixel at a place sends so far, but for a factor that does not depend on how far."""
    from_middle = y - (shape[0] - 1) / 2, x - (shape[1] - 1) / 2
    angle = np.arctan2(*from_middle)  # any, in the middle itself, where the kernel is round
    share = (np.hypot(*from_middle) / (np.hypot(*shape) / 2)) ** 2
    along = dj * np.sin(angle) + di * np.cos(angle)
    across = di * np.sin(angle) - dj * np.cos(angle)
    return np.exp(-0.5 * ((along / (0.8 + 2.2 * share)) ** 2 + (across / (0.8 + share)) ** 2))


def _offsets() -> list[tuple[int, int]]:
    reach = range(-RADIUS, RADIUS + 1)
    return [(dj, di) for dj in reach for di in reach]


# ---------------------------------------------------------------------------------------- other programs


def peers(case: Lens) -> dict[str, Call]:
    """What other programs make of it, told the kernels; their constants are the best of some by the truth."""
    found: dict[str, Call] = {}
    for module, calls in (("regularizepsf", _regularizepsf), ("deepinv", _deepinv), ("rdmpy", _rdmpy)):
        try:
            found |= calls(case)
        except ImportError:
            print(f"{module} is not installed: see Testing/Benchmarks/lens.py")
    return found


def _regularizepsf(case: Lens) -> dict[str, Call]:
    """Patches, each brought to a narrow kernel (Hughes et al. 2023)."""
    from regularizepsf import ArrayPSF, ArrayPSFTransform
    from regularizepsf.util import IndexedCube, calculate_covering

    size = 32
    axis = np.arange(size) - size // 2
    narrow = np.exp(-0.5 * (axis[:, None] ** 2 + axis**2) / _DEBLURRED**2)
    corners = [(int(y), int(x)) for y, x in calculate_covering(case.truth.shape, size, 4)]
    middle = slice(size // 2 - RADIUS, size // 2 + RADIUS + 1)
    patches = np.zeros((len(corners), size, size))
    for patch, (y, x) in zip(patches, corners, strict=True):
        patch[middle, middle] = kernel_at(y + size / 2, x + size / 2, case.truth.shape)
    source = ArrayPSF(IndexedCube(corners, patches))
    target = ArrayPSF(IndexedCube(corners, np.array([narrow / narrow.sum()] * len(corners))))

    def run(alpha: float, epsilon: float) -> np.ndarray:
        transform = ArrayPSFTransform.construct(source, target, alpha, epsilon)
        return transform.apply(case.blurred, normalization_coefficient=_OVERLAP)

    choices = [(alpha, epsilon) for alpha in (1.0, 2.0, 3.0) for epsilon in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)]
    alpha, epsilon = _best(case, run, choices)
    return {f"regularizepsf, alpha {alpha:g}, epsilon {epsilon:g} by the truth": lambda: run(alpha, epsilon)}


def _deepinv(case: Lens) -> dict[str, Call]:
    """The same model with the same kernels: its least squares, and total variation by its proximal gradient."""
    import deepinv
    import torch

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)[None, None]

    bound = field_of(case).bind(case.blurred, (1.0, 1.0))
    weights = np.stack([bound.weight(k) for k in range(len(bound))])
    kernels = np.stack(list(case.kernels.values()))
    physics = deepinv.physics.SpaceVaryingBlur(tensor(kernels), tensor(weights), padding="replicate", use_fft=True)
    image = tensor(case.blurred / 255)

    def least_squares(steps: int) -> np.ndarray:
        return 255 * physics.A_dagger(image, max_iter=steps, tol=0.0)[0, 0].numpy()

    def total_variation(weight: float) -> np.ndarray:
        model = deepinv.optim.optim_builder(
            "FISTA", data_fidelity=deepinv.optim.L2(), prior=deepinv.optim.TVPrior(n_it_max=20), max_iter=100,
            params_algo={"stepsize": 0.9, "lambda": weight, "a": 3},
        )  # fmt: skip
        with torch.no_grad():
            return 255 * model(image, physics)[0, 0].numpy()

    steps = _best(case, least_squares, [(4,), (8,), (16,)])[0]
    weight = _best(case, total_variation, [(0.003,), (0.006,)])[0]
    return {
        f"deepinv {deepinv.__version__}, least squares, {steps} steps by the truth": lambda: least_squares(steps),
        f"deepinv, total variation, 100 steps, weight {weight:g} by the truth": lambda: total_variation(weight),
    }


def _rdmpy(case: Lens) -> dict[str, Call]:
    """Rings, each with the kernel of its radius (Kohli et al. 2025): least squares and total variation by Adam."""
    import torch
    from rdmpy import ring_deconvolve

    rings = torch.as_tensor(_rings(case), dtype=torch.float32)
    inside = (slice(RADIUS, -RADIUS),) * 2
    image = torch.as_tensor(np.pad(case.blurred, RADIUS, mode="edge") / 255, dtype=torch.float32)

    def run(weight: float) -> np.ndarray:
        found = ring_deconvolve(image, rings, iters=40, tv_reg=weight, process=False, verbose=False)
        found = found.numpy()[inside].astype(float)  # stretched to 0 ... 1: brought back by a straight line
        return np.polyval(np.polyfit(found.ravel(), case.truth.ravel(), 1), found)

    weight = _best(case, run, [(2e-8,), (5e-8,)])[0]
    return {f"rdmpy, 40 steps, weight {weight:g}, scale by the truth": lambda: run(weight)}


def _rings(case: Lens) -> np.ndarray:
    """The lens's kernel at every radius of the picture and its border, as rdmpy takes them.

    Each lies where its point is, on the diagonal, in polar coordinates; real and imaginary parts of its transform
    along the angle stand one after the other.
    """
    import torch
    from rdmpy._src.polar_transform import img2polar

    rows, size = case.truth.shape[0], case.truth.shape[0] + 2 * RADIUS
    steps, pixels = np.arange(-RADIUS, RADIUS + 1), np.arange(size)
    found = []
    for radius in np.linspace(0, size / 2, size, endpoint=False):
        at = size / 2 + radius
        y = x = at - RADIUS
        there = weight_at(y, x, pixels[:, None] - at, pixels - at, (rows, rows))
        there /= weight_at(y, x, steps[:, None], steps, (rows, rows)).sum()
        ring = np.fft.rfft(img2polar(torch.as_tensor(there, dtype=torch.float32), numRadii=size).numpy(), axis=0)
        found.append(np.concatenate([ring.real, ring.imag]).astype(np.float32))
    return np.stack(found)


def _best(case: Lens, run: Callable[..., np.ndarray], choices: list[tuple]) -> tuple:
    from public import psnr_fitted

    return max(choices, key=lambda choice: psnr_fitted(run(*choice), case.truth))


def field_of(case: Lens):
    """The kernels as this program takes them."""
    import SpatialDeconvLib as sd

    return sd.KernelField.by_position({at: sd.Kernel(values) for at, values in case.kernels.items()})
