"""Draw the pictures that the panel's tool tips show of what there is to choose from.

    python Testing/draw_choices.py [FOLDER]

What is shown is computed: every method restores the same small image, both models blur the same points. Default
folder: SpatialDeconv/Resources/Choices.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.methods import choices  # noqa: E402
from SpatialDeconvLib.methods import registry as methods  # noqa: E402
from SpatialDeconvLib.report.pixels import png  # noqa: E402

FOLDER = ROOT / "SpatialDeconv" / "Resources" / "Choices"
SIDE, ZOOM, GAP = 48, 3, 6  # voxels of a picture, pixels of a voxel, pixels between two pictures
RULES = {"edge": "edge", "zero": "constant", "periodic": "wrap"}  # numpy's names for what lies beyond the border


def object_of(side: int = SIDE) -> np.ndarray:
    """Return bars that become finer, a disk and points on a dark ground, shape (j, i)."""
    j, i = np.indices((side, side)) / side
    image = np.full((side, side), 20.0)
    image[(j > 0.08) & (j < 0.42) & (np.sin(2 * np.pi * (2 + 6 * i) * i) > 0)] = 100.0
    image[(j - 0.7) ** 2 + (i - 0.28) ** 2 < 0.18**2] = 70.0
    for place in ((0.6, 0.65), (0.6, 0.85), (0.82, 0.65), (0.82, 0.85)):
        image[int(place[0] * side) :, int(place[1] * side) :][:2, :2] = 200.0
    return image


def halves(side: int = SIDE) -> np.ndarray:
    """Return the labels of a left and a right half."""
    return (np.indices((side, side))[1] >= side // 2).astype(int)


def grey(image: np.ndarray, high: float = 110.0) -> np.ndarray:
    """Return the bytes of an image, black at 0."""
    return np.clip(255 * image / high, 0, 255).astype(np.uint8)


def beside(*images: np.ndarray) -> np.ndarray:
    """Return images of bytes side by side, enlarged."""
    large = [image.repeat(ZOOM, 0).repeat(ZOOM, 1) for image in images]
    gap = np.full((large[0].shape[0], GAP), 128, np.uint8)
    return np.hstack([part for image in large for part in (gap, image)][1:])


def restored() -> dict[str, np.ndarray]:
    """Return, for every method, the image before it and its result."""
    truth = object_of()
    field = sd.KernelField.by_intensity(
        {20: sd.gaussian_kernel(0.7, ndim=2), 100: sd.gaussian_kernel(1.4, ndim=2)}, of="true"
    )
    blurred = sd.convolve(truth, field, guide=truth).image
    blurred = (blurred + np.random.default_rng(0).normal(0, 1, truth.shape)).astype(np.float32)
    found = {}
    for strategy in choices.NAMED_STRATEGIES:
        for name, spec in methods.methods_of(strategy).items():
            if not spec.automatic:
                result = sd.deconvolve(blurred, field, strategy=strategy, method=name, noise=1.0)
                found[f"{strategy}-{name}"] = beside(grey(blurred), grey(result.image))
    return found


def modelled() -> dict[str, np.ndarray]:
    """Return, for both models, points on both sides of the border of two kernels and what becomes of them."""
    points = np.zeros((SIDE, SIDE))
    for row, column in ((9, SIDE // 2 - 3), (23, SIDE // 2 + 2), (37, 9), (37, SIDE - 12)):
        points[row : row + 2, column : column + 2] = 1.0
    kernels = {0: sd.gaussian_kernel(1.0, ndim=2), 1: sd.gaussian_kernel(3.5, ndim=2)}
    field = sd.KernelField.by_region(halves(), kernels)
    blurred = {word: sd.convolve(points, field, model=word).image for word in choices.MODELS}
    # The root, as the wide kernel is far darker than the narrow one.
    return {
        f"model-{word}": beside(grey(points, 1.0), grey(np.sqrt(np.maximum(image, 0)), 0.4))
        for word, image in blurred.items()
    }


def bordered() -> dict[str, np.ndarray]:
    """Return, for every rule, an image with what it is taken to be beyond its border, which is drawn."""
    image = object_of()[: SIDE // 2, : SIDE // 2]
    margin = SIDE // 4
    found = {}
    for word in choices.BOUNDARIES:
        beyond = np.pad(grey(image), margin, mode=RULES.get(word, "reflect"))
        if word not in RULES:  # nothing but the run knows it: hatched
            hatch = np.where(np.indices(beyond.shape).sum(0) % 4 < 2, 70, 150).astype(np.uint8)
            hatch[margin:-margin, margin:-margin] = grey(image)
            beyond = hatch
        frame = np.zeros(beyond.shape, bool)
        frame[margin - 1 : 1 - margin, margin - 1 : 1 - margin] = True
        frame[margin:-margin, margin:-margin] = False
        beyond[frame] = 255
        found[f"boundary-{word}"] = beside(grey(image).repeat(2, 0).repeat(2, 1), beyond)
    return found


def keyed() -> dict[str, np.ndarray]:
    """Return, for both meanings of a level, the image and the width of the kernel that each voxel has by it."""
    truth = object_of()
    field = sd.KernelField.by_intensity({20: sd.gaussian_kernel(0.7, ndim=2), 100: sd.gaussian_kernel(2.0, ndim=2)})
    measured = sd.convolve(truth, field, guide=truth).image
    return {
        f"of-{word}": beside(grey(measured), grey(np.clip(levels, 20, 100) - 20, 80.0))
        for word, levels in (("measured", measured), ("true", truth))
    }


def pictures() -> dict[str, np.ndarray]:
    """Return all pictures by their names, as bytes of shape (rows, columns)."""
    return {**restored(), **modelled(), **bordered(), **keyed()}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        (folder / f"{name}.png").write_bytes(png(picture))
        print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
