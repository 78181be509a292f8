"""What ``spatialdeconv estimate`` does between reading the volumes and writing the kernels."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..estimation import Estimate
from ..estimation.equations import valid_box
from ..estimation.fits import FieldFit, KernelFit, SmoothGaussians, fit_kernel, fit_kernels, smooth_gaussians
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import ParametricKernel
from ..mrml import estimating
from ..mrml import files as volumes
from ..mrml.scene import ijkToRas, volumeArray
from ..mrml.selections import guideArray, labelArray
from ..noise import estimate_noise
from ..run.pipeline import convolve
from ..watch import Watch
from .request import labels_of, mask_on, mask_source


@dataclass
class Measured:
    """Kernels that were measured, and what there is to say about them.

    Attributes
    ----------
    field : KernelField
        What is written.
    values : KernelField or None
        The free kernels; None where parameters were fitted to the images directly.
    estimate : Estimate or None
        Of the free kernels.
    fits : tuple of KernelFit or None
        One per kernel that was asked for, where parameters were fitted.
    at : tuple
        What these kernels belong to.
    smooth : SmoothGaussians or None
    pair : estimating.Pair
    predicted : ndarray
        The original, blurred with `field`, times gain plus offset.
    origin : {"upper", "lower"}
        Where row j = 0 is to be shown: below, where j runs towards anterior or superior.
    counted : ndarray of bool
        Where it was compared with the blurred image.
    noise, residual, gain, offset : float
        Residual: of `field`, in units of the noise.
    """

    field: KernelField
    values: KernelField | None
    estimate: Estimate | None
    fits: tuple[KernelFit | None, ...] | None
    at: tuple[Any, ...]
    smooth: SmoothGaussians | None
    pair: estimating.Pair
    predicted: np.ndarray
    counted: np.ndarray
    noise: float
    residual: float
    gain: float
    offset: float
    shift: tuple[float, ...]
    seconds: float
    names: tuple[str, str]
    origin: str = "upper"
    warnings: list[str] = field(default_factory=list)

    def headline(self) -> str:
        """One line about the whole."""
        count = len(self.field.kernels)
        sizes = {k.shape for k in self.field.kernels if isinstance(k, Kernel)}
        what = f"{count} kernel{'s' * (count != 1)}"
        if sizes:
            what += f" of {'x'.join(map(str, sizes.pop()))} voxels"
        facts = [what, f"{self.seconds:.1f} s", f"noise {self.noise:.4g}"]
        facts.append(f"residual {self.residual:.3g} (about 1 when the kernels explain the blurred image)")
        if self.gain != 1:
            facts.append(f"gain {self.gain:.5g}")
        if self.offset != 0:
            facts.append(f"offset {self.offset:.4g}")
        if any(self.shift):
            facts.append(f"displacement {', '.join(f'{s:.3f}' for s in self.shift)} mm")
        return ", ".join(facts)

    def lines(self) -> list[str]:
        """One line per kernel."""
        lines = []
        for number, at in enumerate(self.at):
            facts = []
            if self.estimate is not None:
                uncertainty = float(np.ravel(self.estimate.uncertainty)[number])
                facts.append(
                    f"uncertain by {100 * uncertainty:.2g} %" if np.isfinite(uncertainty) else "no evidence"
                )
            if self.estimate is not None and self.estimate.share is not None:
                facts.append(f"{self.estimate.share[number]:.1%} of the evidence")
            if self.fits is not None:
                fit = self.fits[number]
                facts.append("not fitted" if fit is None else fit.describe())
            if self.smooth is not None:
                sigma = np.ravel(self.smooth.sigma(np.array([at], dtype=float)))
                facts.append(f"smooth sigma {' x '.join(f'{s:.4g}' for s in sigma)} mm")
            lines.append(f"{place_text(self.field.key, at):14} {', '.join(facts)}")
        return lines

    def summary(self) -> dict[str, Any]:
        """What a recipe keeps of the result."""
        content: dict[str, Any] = {
            "residual": self.residual, "noise": self.noise, "gain": self.gain, "offset": self.offset,
            "shift_mm": self.shift, "warnings": self.warnings, "seconds": self.seconds,
        }  # fmt: skip
        if self.estimate is not None:
            names = ("regularization", "iterations", "condition", "uncertainty", "determined", "share")
            content |= {name: getattr(self.estimate, name) for name in names}
            content["residual_of_values"] = self.estimate.residual
        if self.fits is not None:
            content["fits"] = [
                {"at": at, "type": fit.kernel.type, **fit.parameters, "errors": fit.errors, "misfit": fit.misfit}
                for at, fit in zip(self.at, self.fits, strict=True)
                if fit is not None
            ]
        if self.smooth is not None:
            content["smooth"] = self.smooth.how
        return content

    def draw(self, path: str) -> None:
        """Draw the figure."""
        from ..report.estimatefigure import estimate_figure

        estimate_figure(path, self)


def place_text(key: str, at: Any) -> str:
    """What a kernel belongs to, in a few words."""
    if key == "uniform":
        return "kernel"
    if key == "position":
        return "at " + ", ".join(f"{v:.4g}" for v in at) + " mm"
    return f"level {at:g}" if key == "intensity" else f"{key} {at}"


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
        self.original = volumes.readVolume(self.files["original"])
        self.blurred = volumes.readVolume(self.files["blurred"])
        estimating.Pair.fromNodes(self.original, self.blurred, None, False, {})  # before anything else is read
        self.resample = bool(self.selection["resample"])
        self.labels = labels_of(self.files.get("labels"))
        self.guide = volumes.readVolume(self.files["guide"]) if "guide" in self.files else None
        self.mask = self._mask()
        self.callbacks = {"progress": watch.tell, "cancelled": watch.cancelled}
        self.size = self.p["size"][0] if len(self.p["size"]) == 1 else tuple(self.p["size"])
        self.keys = self._keys()
        self.warnings: list[str] = []

    def _mask(self) -> np.ndarray | None:
        mask = mask_on(self.blurred, self.selection, mask_source(self.selection, self.files.get("mask")))
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
        common |= {"iterations": p["iterations"], **self.callbacks}
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
        pair = estimating.Pair.fromNodes(self.original, self.blurred, self.mask, self.resample, {})
        used = made
        if made.key == "region":
            values, names = labelArray(self.labels, self.blurred, self.resample)
            used = made.with_labels(pair.flat(values), names)
            pair = pair.within(used)
        blurred = np.asarray(pair.arrays[1], dtype=np.float64)
        shift = estimate.shift if estimate is not None else next(fit.shift for fit in fits if fit)
        predicted = self._predicted(used, pair, shift)
        counted = self._counted(pair, shift)
        gain, offset = _straight_line(predicted[counted], blurred[counted], self.p["gain"], self.p["offset"])
        if estimate is not None and fits is None:  # the kernels' own
            gain, offset = estimate.gain, estimate.offset
        predicted = gain * predicted + offset
        difference = (predicted - blurred)[counted]
        left = float(np.sqrt(np.mean(np.square(difference))))
        noise = estimate.noise if estimate is not None else self._noise(blurred, left)
        residual = left / noise if noise > 0 else float("inf")
        return Measured(
            made, values, estimate, fits, at, smooth, pair, predicted, counted, noise, residual, gain, offset,
            tuple(float(s) for s in shift), time.perf_counter() - begun,
            (self.original.GetName(), self.blurred.GetName()), _origin(self.blurred),
            list(dict.fromkeys(self.warnings)),
        )  # fmt: skip

    def _noise(self, blurred: np.ndarray, left: float) -> float:
        """Given, or the smaller of the image's own estimate and what a fit leaves, as `Estimate.noise`."""
        given = self.p["noise"]
        return float(given) if given != "auto" else min(float(estimate_noise(np.nan_to_num(blurred))), left)

    def _predicted(self, made: KernelField, pair: estimating.Pair, shift: tuple[float, ...]) -> np.ndarray:
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

    def _counted(self, pair: estimating.Pair, shift: tuple[float, ...]) -> np.ndarray:
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


def measured_labels(measured: Measured) -> list[str]:
    """A title per kernel of the field, for figures."""
    made = measured.field
    titles = [place_text(made.key, at) for at in made.at]
    return [
        f"{title}\n{_sigma_text(kernel)}" if isinstance(kernel, ParametricKernel) else title
        for title, kernel in zip(titles, made.kernels, strict=True)
    ]


def _sigma_text(kernel: ParametricKernel) -> str:
    values = {k.split("_")[0]: v for k, v in kernel.parameters.items() if k not in ("direction", "covariance_mm2")}
    if not values:
        return kernel.type
    parts = []
    for word, value in values.items():
        numbers = [v for v in np.ravel(value) if v] or [0.0]
        shown = numbers[:1] if len(set(numbers)) == 1 else numbers
        parts.append(f"{word} {'×'.join(f'{v:#.3g}' for v in shown)}{'°' if word == 'angle' else ' mm'}")
    return ", ".join(parts)
