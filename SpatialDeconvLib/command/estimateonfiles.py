"""What ``spatialdeconv estimate`` does between reading the volumes and writing the kernels."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays.watch import Watch
from ..errors import InputError
from ..estimation import Estimate
from ..estimation.equations import valid_box
from ..estimation.fits import FieldFit, fit_kernel, fit_kernels, smooth_gaussians
from ..estimation.measured import Measured
from ..kernels.field import KernelField
from ..kernels.parametric import ParametricKernel
from ..mrml import estimating
from ..mrml.scene import ijkToRas, volumeArray
from ..mrml.selections import guideArray, labelArray
from ..noise import estimate_noise
from ..run.pipeline import convolve
from .request import image_of, labels_of, mask_on, mask_source, told_of_files, volume_on


def measure(request: Any, watch: Watch) -> Measured:
    """Read the volumes of a request into nodes and measure the kernels.

    Raises
    ------
    InputError
        If the volumes are no pair, determine no kernel, or an option cannot be used.
    Cancelled
    """
    return _Measurement(request, watch).run()


class _Measurement:
    def __init__(self, request: Any, watch: Watch):
        self.p, self.files, self.selection = request.parameters, request.files, request.selection
        self.original = image_of(self.files["original"], self.selection)
        self.blurred = image_of(self.files["blurred"], self.selection)
        estimating.VolumePair.fromNodes(
            self.original, self.blurred, None, False, {}
        )  # before anything else is read
        self.resample = bool(self.selection["resample"])
        self.labels = labels_of(self.files.get("labels"), self.blurred)
        self.guide = volume_on(self.files.get("guide"), self.blurred)
        self.mask = self._mask()
        self.callbacks = {"progress": watch.tell, "cancelled": watch.cancelled}
        self.size = self.p["size"][0] if len(self.p["size"]) == 1 else tuple(self.p["size"])
        self.keys = self._keys()
        files = [self.files.get(role) for role in ("blurred", "original", "mask", "labels", "guide")]
        self.warnings = told_of_files(files, self.selection["spacing"], None, self.blurred)

    def _mask(self) -> np.ndarray | None:
        mask = mask_on(
            self.blurred, self.selection, mask_source(self.selection, self.files.get("mask"), self.blurred)
        )
        limit = self.p["saturated"]
        if limit is None:
            return mask
        values = volumeArray(self.blurred)
        limit = float(np.nanmax(values)) if limit == "auto" else float(limit)
        below = values < limit
        if not below.any():
            raise InputError(f"--saturated {limit:g} leaves no voxel: the smallest is {np.nanmin(values):g}")
        return below if mask is None else mask & below

    def _keys(self) -> KernelField | None:
        p = self.p
        options = {"interpolation": p["interpolation"], "outside": p["outside"]}
        if p["levels"]:
            return estimating.levelKeys(p["levels"], **options)
        if p["levels_from_histogram"]:
            chooser = self.original if self.guide is None else self.guide
            return estimating.histogramKeys(chooser, p["levels_from_histogram"], **options)
        if p["by_labels"]:
            return estimating.regionKeys(self.labels, self.blurred, self.resample, p["feather"] or 0.0)
        if p["positions"]:
            return estimating.positionKeys(self.blurred, p["positions"], p["interpolation"])
        return None

    # -- the work

    def run(self) -> Measured:
        begun = time.perf_counter()
        found = self._fit_images() if self.p["fit_to"] == "images" else self._estimate()
        return self._judged(*found, begun)

    def _shared(self, *names: str) -> dict[str, Any]:
        return {name: self.p[name] for name in names} | {"mask": self.mask, "resample": self.resample}

    def _estimate(self):
        p = self.p
        common = self._shared("constraint", "regularization", "penalty", "noise", "register", "gain", "offset")
        common |= {"iterations": p["iterations"], "centre": p["centre"], **self.callbacks}
        if self.keys is None:
            _, kernel = estimating.estimateKernel(
                self.original, self.blurred, self.size, method=p["method"], **common
            )
            made, estimate = KernelField.uniform(kernel), kernel.estimate
        else:
            made = estimating.estimateKernels(
                self.original, self.blurred, self.keys, self.size, labels=self.labels, guide=self.guide,
                model=p["model"], neighbours=p["neighbours"], **common,
            )  # fmt: skip
            estimate = made.estimate
        self.warnings += estimate.warnings
        if p["fit"] is None:
            return made, made, None, made.at, None
        if self.keys is None:
            fit = fit_kernel(made.kernels[0], p["fit"], form=p["form"])
            self.warnings += fit.warnings
            return KernelField.uniform(fit.kernel), made, (fit,), made.at, None
        fitted = fit_kernels(made, p["fit"], form=p["form"])
        return self._smoothed(fitted, made)

    def _smoothed(self, fitted: FieldFit, values: KernelField):
        if not self.p["smooth"]:
            self.warnings += fitted.warnings
            return fitted.field, values, fitted.fits, fitted.at, None
        smooth = smooth_gaussians(fitted, self.p["smooth"], degree=self.p["degree"], at=fitted.at)
        self.warnings += smooth.warnings
        return smooth.field, values, fitted.fits, fitted.at, smooth

    def _fit_images(self):
        p = self.p
        common = self._shared("gain", "offset", "form") | self.callbacks
        if self.keys is None:
            fit = estimating.fitKernel(
                self.original, self.blurred, self.size, type=p["fit"], shift=p["register"], **common
            )
            self.warnings += fit.warnings
            return KernelField.uniform(fit.kernel), None, (fit,), (0,), None
        degree = p["degree"] if p["smooth"] is None or p["degree"] is not None else min(2, len(self.keys.at) - 1)
        fitted = estimating.fitKernels(
            self.original, self.blurred, self.keys, self.size, labels=self.labels, guide=self.guide,
            model=p["model"], degree=degree, **common,
        )  # fmt: skip
        self.warnings += fitted.warnings
        return fitted.field, None, fitted.fits, fitted.at, None

    # -- how good it is

    def _judged(self, made, values, fits, at, smooth, begun: float) -> Measured:
        estimate = None if values is None else _record(values)
        pair = estimating.VolumePair.fromNodes(self.original, self.blurred, self.mask, self.resample, {})
        used = made
        if made.key == "region":
            values, names = labelArray(self.labels, self.blurred, self.resample)
            used = made.with_labels(pair.flat(values), names)
            pair = pair.within(used)
        blurred = np.asarray(pair.arrays[1], dtype=np.float64)
        shift = estimate.shift if estimate is not None else next(fit.shift for fit in fits if fit)
        predicted = self._predicted(used, pair, shift)
        counted = self._counted(pair, shift)
        if not counted.any():
            raise InputError(
                f"beside the kernel's reach and a displacement of {np.abs(shift).max():.3g} mm no voxel is left to "
                "tell how well it fits; give larger images or a smaller size",
                "size",
            )
        gain, offset = _straight_line(predicted[counted], blurred[counted], self.p["gain"], self.p["offset"])
        if estimate is not None and fits is None:  # the kernels' own
            gain, offset = estimate.gain, estimate.offset
        predicted = gain * predicted + offset
        difference = (predicted - blurred)[counted]
        left = float(np.sqrt(np.mean(np.square(difference))))
        noise = estimate.noise if estimate is not None else self._noise(blurred, left)
        residual = left / noise if noise > 0 else float("inf")
        return Measured(
            field=made, values=values, estimate=estimate, fits=fits, at=at, smooth=smooth, original=pair.arrays[0],
            blurred=pair.arrays[1], spacing=pair.spacing, predicted=predicted, counted=counted, noise=noise,
            residual=residual, gain=gain, offset=offset, shift=tuple(float(s) for s in shift),
            seconds=time.perf_counter() - begun, names=(self.original.GetName(), self.blurred.GetName()),
            origin=_origin(self.blurred), warnings=list(dict.fromkeys(self.warnings)),
        )  # fmt: skip

    def _noise(self, blurred: np.ndarray, left: float) -> float:
        """Given, or the smaller of the image's own estimate and what a fit leaves, as `Estimate.noise`."""
        given = self.p["noise"]
        return float(given) if given != "auto" else min(float(estimate_noise(np.nan_to_num(blurred))), left)

    def _predicted(self, made: KernelField, pair: estimating.VolumePair, shift: tuple[float, ...]) -> np.ndarray:
        """The original, displaced and blurred with the kernels, without gain and offset."""
        original = np.asarray(pair.arrays[0], dtype=np.float64)
        if any(shift):
            voxels = [s / h for s, h in zip(shift, pair.spacing, strict=True)]
            original = ndimage.shift(original, voxels, order=5, mode="nearest")
        guide = None if self.guide is None else pair.flat(guideArray(self.guide, self.blurred, self.resample))
        planar = any(isinstance(k, ParametricKernel) and k.kind.planar for k in made.kernels)
        return convolve(
            original, made, spacing=pair.spacing, model=self.p["model"], guide=guide,
            slicewise=planar and original.ndim == 3,
        ).image  # fmt: skip

    def _counted(self, pair: estimating.VolumePair, shift: tuple[float, ...]) -> np.ndarray:
        """The voxels that depend on nothing outside the original, and that the mask lets count."""
        shape = pair.arrays[1].shape
        size = np.broadcast_to(pair.shape(self.size), len(shape))
        inside = np.zeros(shape, bool)
        moved = [int(np.ceil(abs(s) / h)) for s, h in zip(shift, pair.spacing, strict=True)]
        box = valid_box(shape, [min(n, m) for n, m in zip(size, shape, strict=True)])
        inside[tuple(slice(b.start + m, max(b.stop - m, b.start + m)) for b, m in zip(box, moved, strict=True))] = (
            True
        )
        inside &= np.isfinite(pair.arrays[1])
        return inside if pair.mask is None else inside & pair.mask


def _origin(volume: Any) -> str:
    direction = ijkToRas(volume)[:3, 1]
    main = int(np.abs(direction).argmax())
    return "lower" if main > 0 and direction[main] > 0 else "upper"


def _record(values: KernelField) -> Estimate:
    """The estimate that a field, or its only kernel, carries."""
    return getattr(values, "estimate", None) or values.kernels[0].estimate


def _straight_line(x: np.ndarray, y: np.ndarray, gain: bool, offset: bool) -> tuple[float, float]:
    """The best gain and offset from x to y, where they are wanted."""
    if gain and offset:
        centred = x - x.mean()
        a = float(np.vdot(centred, y) / max(float(np.vdot(centred, centred)), 1e-300))
        return a, float(y.mean() - a * x.mean())
    if gain:
        return float(np.vdot(x, y) / max(float(np.vdot(x, x)), 1e-300)), 0.0
    return 1.0, float(np.mean(y - x)) if offset else 0.0
