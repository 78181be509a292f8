"""A radiotherapy portal image and its scatter kernel: what goes wrong with default filters, and why.

    python Resources/Docs/cases/portal.py [--output FILE]

The image has 1024 x 1024 pixels of 0.25 mm and values up to 304446; the kernel, from a Monte Carlo code, 250 x 250
pixels of 0.40 mm, stored as its logarithm. The second part blurs with a kernel for each thickness of the patient, as
treatment planning systems fit them, and restores with all of them and with one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from drawing import main, picture
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.cases import portal_case

#: Transmission behind 0, 10, 20 and 30 cm, and what the scattered skirts of the kernel are multiplied by.
TRANSMISSION = (1.0, 0.6, 0.36, 0.22)
SKIRTS = (1.0, 1.3, 1.7, 2.2)
BORDER = 2.0  # mm around the field whose errors are those of its edge


def run(output: Path | None = None, size: int = 1024, kernel_size: int = 250) -> dict[str, float]:
    """Restore in the ways that people try, draw; return errors in % of the open field."""
    case = portal_case(size=size, kernel_size=kernel_size)
    truth, seen, spacing = case.truth[0], case.blurred[0], case.spacing[1:]
    kernel = case.field.kernels[0]
    here = kernel.sampled(spacing)
    tries = {
        "its logarithm taken for the kernel": _filtered(seen, case.log_kernel.values, sitk.TikhonovDeconvolution),
        "kernel's pixels taken for the image's": sd.deconvolve(seen, sd.Kernel(kernel.values, spacing), spacing=spacing).image,
        "right kernel, inverse filter of SimpleITK": _filtered(seen, here.values, sitk.InverseDeconvolution),
        "right kernel, automatic": sd.deconvolve(seen, kernel, spacing=spacing).image,
    }
    numbers = {f"RMSE, {name}": _rmse(image, truth) for name, image in {"measured": seen, **tries}.items()}
    open_field = truth >= 0.05 * truth.max()
    closed = ndimage.distance_transform_edt(~open_field, sampling=spacing) > BORDER
    for name in ("right kernel, inverse filter of SimpleITK", "right kernel, automatic"):
        numbers[f"largest error more than 2 mm outside the field, {name}"] = _percent(np.abs(tries[name] - truth)[closed].max(), truth)
    numbers |= _by_thickness(truth, here, spacing)
    if output is not None:
        row = round(0.5 * size)
        window = (0.0, float(truth.max()))
        images = {"true": truth, "measured": seen, **tries}
        x = np.arange(size) * spacing[1]
        lines = {"true": truth[row], "measured": seen[row]}
        lines |= {name: tries[name][row] for name in list(tries)[1::2]}
        error = {"none": np.zeros(size)}
        error |= {name: 100 * (line - truth[row]) / truth.max() for name, line in list(lines.items())[1:]}
        short = ["true", "measured", "logarithm as kernel", "wrong voxel size", "inverse filter", "automatic"]
        picture(output, {n: (im, window) for n, im in zip(short, images.values(), strict=True)}, [
            {"x": x, "lines": lines, "xlabel": "mm", "ylabel": "signal", "limits": (-window[1] / 5, 1.2 * window[1])},
            {"x": x, "lines": error, "xlabel": "mm", "ylabel": "error, % of the open field", "limits": (-25, 25)},
        ])
    return numbers


def _filtered(image: np.ndarray, kernel: np.ndarray, method) -> np.ndarray:
    """What SimpleITK makes of the arrays as they are, with its defaults."""
    images = (sitk.GetImageFromArray(array.astype(np.float32)) for array in (image, kernel))
    return sitk.GetArrayFromImage(method(*images))


def _by_thickness(truth: np.ndarray, kernel: sd.Kernel, spacing: tuple[float, float]) -> dict[str, float]:
    """Blur with more scatter where the patient is thicker; restore knowing that, and with the mean kernel."""
    values = kernel.values / kernel.total
    rows, columns = (np.arange(n) - n // 2 for n in values.shape)
    near = np.hypot(rows[:, None] * spacing[0], columns * spacing[1]) < 1.2
    stored = [sd.Kernel(np.where(near, values, factor * values), spacing).normalized() for factor in SKIRTS]
    levels = [t * float(truth.max()) for t in TRANSMISSION]
    field = sd.KernelField.by_intensity(list(zip(levels, stored, strict=True)), of="true")
    seen = sd.convolve(truth, field, model="source", spacing=spacing, boundary="zero").image
    seen = seen + 0.001 * truth.max() * np.random.default_rng(0).standard_normal(truth.shape)
    options = {"model": "source", "spacing": spacing, "boundary": "zero"}
    single = sd.deconvolve(seen, stored[1], **options).image
    keyed = sd.deconvolve(seen, field, **options).image
    patient = (truth > 0.1 * truth.max()) & (truth < 0.9 * truth.max())
    return {
        f"mean error behind the patient, {name}": float(100 * np.mean(np.abs(image - truth)[patient] / truth[patient]))
        for name, image in {"measured": seen, "one kernel": single, "a kernel for each thickness": keyed}.items()
    }


def _rmse(image: np.ndarray, truth: np.ndarray) -> float:
    return _percent(float(np.sqrt(np.mean((image - truth) ** 2))), truth)


def _percent(value: float, truth: np.ndarray) -> float:
    return float(100 * value / truth.max())


if __name__ == "__main__":
    main(run, __doc__, __file__)
