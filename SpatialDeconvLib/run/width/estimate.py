"""How wide an image's blur is, against the kernels that are said to be its cause: from the image alone.

The spectrum of a blurred image is that of the sharp one times what the blur lets through. The sharp one is not
known, but what spectra images have is (`posterior`). What kernels of one width or another let through is
simulated: random images of such a spectrum are blurred with the kernels scaled by a row of factors, with the model,
the weights and the boundary of the run, and measured in the same patches (`patchspectra`) as the image.

Where kernels differ from place to place, what happens between them tells more, but no spectrum knows it; there
Stein's risk (`risk`) has a say as well, and all of it where the kernels change with the image itself (a
guide).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import fft as sfft
from scipy import ndimage
from scipy.interpolate import CubicSpline

from ...arrays.boxes import Box, bounding_box
from ...arrays.spacing import Spacing
from ...arrays.watch import IsCancelled, Progress, Watch
from ...blur.operator import SpatiallyVariantBlur
from ...errors import InputError
from ...kernels.faults import cure_of
from ...kernels.field import BoundField, KernelField
from ...kernels.kernel import Kernel
from ...kernels.parametric import AnyKernel, ParametricKernel
from ...kernels.scaling import scale_kernels
from ...noise import NoiseLaw, as_noise_law
from ...solvers.solve import solve
from ...texts import mark as _
from ..automatic import trial_block
from ..inputs import Inputs
from ..job import Job
from ..settings import ConvolveSettings
from .patchspectra import Patches, frequencies
from .posterior import CURVATURE, SLOPE, Spectrum, expected_spectrum, log_probabilities
from .risk import MATCHED, Finding, least_risk
from .sharp import sharpest

#: Factors on the kernels whose blur is simulated (their logarithms); in between, it is interpolated.
_TRIALS = np.linspace(math.log(0.45), math.log(2.2), 13)
_GIVEN = int(np.abs(_TRIALS).argmin())  # the trial that is nearest to the kernels as they are given
_FINE = np.linspace(_TRIALS[0], _TRIALS[-1], 97)
_PILOT_STEPS = 15
_DRAWS = 2  # random images
#: Voxels that are looked at: 256 squares, 40 cubes.
_VOXELS = 2**16
#: The longest axis of an image that a blur is seen in has so many voxels at least.
_SMALLEST = 12
#: Of the largest value: differences that are none.
_ROUNDING = 1e-6
#: Of the range of values: noise of less is none, because no model of the rest is so exact. Of 12 bits, one is more.
_NOISELESS = 2e-4
#: So many bands of the highest frequencies hold the noise and more, not less than this share of its variance.
_HIGHEST = 4
_LACKING = 0.4
#: Patches of like blur are taken together, in so many groups at most, ...
_GROUPS = 3
#: ... and apart where the widths of their blurs differ by this factor.
_APART = 1.15
#: Standard deviations at which kernels are said to be wrong: 9 of 10 right ones are nearer (bench_width.py).
_CLEAR = 1.645
#: Parts of one image differ, too: no less than this is told of kernels that differ between them.
_LEAST_VARIED = 0.05
#: Relative standard deviation above which the image tells nothing.
_VAGUE = 0.25


@dataclass(frozen=True)
class WidthEstimate:
    """How wide kernels are, against the blur of an image.

    Attributes
    ----------
    factor : float
        The width of the kernels over that of the image's blur: 1.2 when they are 20 % too wide.
        ``sd.scale_kernels(kernels, 1 / factor)`` are as wide as the blur looks.
    sigma : float
        Standard deviation of the factor, relative.
    noise : NoiseLaw
        What was taken for the image's noise.
    patches : int
        Parts of the image that were looked at.
    warnings : list of str
        What is unusual about image and kernels, in words.
    """

    factor: float
    sigma: float
    noise: NoiseLaw
    patches: int
    warnings: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether the image tells anything."""
        return self.sigma <= _VAGUE

    @property
    def fits(self) -> bool:
        """Whether kernels of another width are no better, as far as the image tells."""
        return abs(math.log(self.factor)) <= _CLEAR * self.sigma

    def describe(self) -> str:
        """Return the finding in words."""
        if self.fits and not self.known:
            text = _("the image does not tell how wide its blur is (to ± {within:.0f} % only)")
        elif self.fits:
            text = _("the kernels' width fits the image (within {within:.0f} %)")
        elif self.factor > 1:
            text = _(
                "the kernels look about {off:.0f} % too wide (± {within:.0f} %); objects that are sharper or of "
                "finer texture than most read as less blur"
            )
        else:
            text = _(
                "the kernels look about {off:.0f} % too narrow (± {within:.0f} %); objects that are soft "
                "themselves read as blur"
            )
        return text.format(off=100 * abs(self.factor - 1), within=100 * self.sigma)

    def advise(self) -> str:
        """Return the finding in words, with what makes kernels as wide as it says."""
        if self.fits:
            return self.describe()
        widen = ("", "") if self.factor > 1 else (", widen=True", " --widen")
        text = _(
            "{width}. Made so by sd.refine_kernels(image, kernels{library}) or spatialdeconv kernel refine IMAGE "
            "--kernels SET{command} --output NEW.json"
        )
        return text.format(width=self.describe(), library=widen[0], command=widen[1])


@dataclass(frozen=True, eq=False)
class OwnPart:
    """One of several kernels, whose width is looked for while the others keep theirs.

    Attributes
    ----------
    kernel : int
        Its number.
    where : ndarray of bool, shape of the image
        Where to look: where it has most of the weight.
    held : sequence of float
        By what the widths of all kernels are multiplied, its own to begin with.
    """

    kernel: int
    where: np.ndarray
    held: Sequence[float]


def estimate_width(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    spacing: Spacing | None = None,
    model: str = ConvolveSettings.model,
    mask: np.ndarray | None = None,
    guide: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    boundary: str = ConvolveSettings.boundary,
    noise: Any = "auto",
    slicewise: bool = ConvolveSettings.slicewise,
    nonfinite: str = ConvolveSettings.nonfinite,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> WidthEstimate:
    """Find how much too wide or too narrow kernels are, from the blurred image itself.

    All kernels are taken to be wrong by one factor. What is compared are power spectra, so what is soft in itself
    reads as blur, and fine texture as sharpness: the finding is one about images as they mostly are, and its
    uncertainty says how far these differ. Kernels with zeros in their spectrum (disks, motions) are known best.

    Parameters
    ----------
    image, kernels, spacing, model, mask, guide, labels, label_names, boundary, slicewise, nonfinite
        See `deconvolve`. Of a large image the part with the most detail is looked at.
    noise : float, array, "poisson", NoiseLaw or "auto"
        See `as_noise_law`.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional

    Returns
    -------
    WidthEstimate

    Raises
    ------
    InputError
        If the kernels are chosen by the values of the blurred image itself (key "intensity" without a guide), if
        they do not blur or stand on a constant, if the image is too small, constant or without noise, and as
        `deconvolve` does.
    Cancelled
        If `cancelled` returned True.
    """
    watch = Watch(progress, cancelled)
    settings = ConvolveSettings(
        model=model, boundary=boundary, slicewise=slicewise, nonfinite=nonfinite, normalize=True
    )
    job = Job.prepare(Inputs(image, kernels, spacing, mask, labels, label_names, guide), settings, watch)
    law = as_noise_law(noise, job.image, job.mask, watch)
    return width_of(job, law, watch)


def width_of(job: Job, law: NoiseLaw, watch: Watch) -> WidthEstimate:
    """Do what `estimate_width` does with a job."""
    _refuse_untold(job)
    return _Search(job, law).run(watch)


def sharp_width_of(
    job: Job, law: NoiseLaw, near: WidthEstimate | None, watch: Watch, part: OwnPart | None = None
) -> WidthEstimate | None:
    """Return the width to a few per cent, as `sharp` finds it; None where nothing shows it.

    `near` is a finding to start from; without one, that of `width_of`. With a `part`, the width is that of its
    kernel alone, against the one that it is held at.
    """
    _refuse_untold(job)
    return _Search(job, law, part).sharp(near, watch)


def _refuse_untold(job: Job) -> None:
    """Refuse kernels whose widths no image tells."""
    keyed = job.bound.field
    chooses = len(keyed.kernels) > 1 or keyed.outside == "unchanged"
    if keyed.key == "intensity" and chooses and not job.guided:
        raise InputError(
            _(
                "the blurred image's own values choose the kernels, so its blur and noise are in the choice, and "
                "no width can be told from it; give the image that chooses, if there is one"
            ),
            "guide",
        )
    for at, kernel in zip(keyed.at, keyed.kernels, strict=True):
        if isinstance(kernel, Kernel) and "background" in cure_of(kernel.faults()):
            where = "the kernel" if keyed.key == "uniform" else f"the kernel at {at}"
            raise InputError(
                f"{where} stands on a constant, as a camera's offset, and what that adds is no width; subtract it "
                "first, by sd.prepare_kernel(kernel, background='border') or spatialdeconv kernel prepare FILE "
                "--background border --output NEW",
                "kernels",
            )


@dataclass(frozen=True)
class _Random:
    """Power of random images in bands: (patches, bands) as they are, (trials, patches, bands) blurred."""

    sharp: np.ndarray
    blurred: np.ndarray


class _Search:
    """The measurement on one block of an image."""

    def __init__(self, job: Job, law: NoiseLaw, part: OwnPart | None = None):
        self.job, self.part = job, part
        self.field, self.law = job.bound.field, law
        looked = _both(job.mask, None if part is None else part.where)
        self.box = box = _block(job.image, looked)
        # In units of its range, so that no unit of the image makes squares too small or too large.
        constant = np.ptp(job.image[box]) <= _ROUNDING * np.abs(job.image[box]).max()
        span = float(np.ptp(job.image[box])) or 1.0
        self.block = np.ascontiguousarray(job.image[box] / job.image.dtype.type(span))
        law = law.part(box).scaled(1 / span)
        self.mask = None if job.mask is None else job.mask[box]
        looked = None if looked is None else looked[box]
        self.patches = Patches(self.block.shape, job.bound.spacing, job.settings.slicewise, looked)
        if max(self.block.shape) < _SMALLEST or not self.patches.boxes:
            raise InputError(
                _(
                    "the image, or its mask, is too small to tell how wide its blur is: that is seen in blocks of "
                    "{size} voxels or more"
                ).format(size="x".join(str(max(n, _SMALLEST)) for n in self.patches.size))
            )
        if constant:
            raise InputError(_("the image is constant where it is looked at: no blur is seen"))
        self.ndim = sum(n > 1 for n in self.patches.size)
        signal = ndimage.uniform_filter(self.block, [min(n, 5) for n in self.patches.size])
        self.variance = law.variance(signal)
        self.noise = np.array([self.patches.mean(self.variance[patch]) for patch in self.patches.boxes])
        # Copies: a slice would keep the whole weight image alive, for every kernel at once.
        cut = ((k, job.bound.weight(k, self.block.dtype)[box].copy()) for k in range(len(job.bound)))
        self.weights = {k: weight for k, weight in cut if weight.any()}
        if all(job.bound.is_identity(k) for k in (self.weights if part is None else [part.kernel])):
            raise InputError(_("the kernels do not blur, so they have no width to be wrong"), "kernels")

        self.energies = self.patches.energies(self.block)
        self._refuse_noiseless(span)
        # What is told from noise by the low bands: the structure whose blur is seen in the others.
        self.shares = np.maximum(self.energies[:, :3].mean(axis=1) - 2 * self.noise, 0.0)
        if not self.shares.any():
            raise InputError(_("the image holds nothing but noise where it is looked at: no blur is seen"))

    def _refuse_noiseless(self, span: float) -> None:
        """Refuse an image without noise, or whose high bands hold less than is said."""
        said = float(self.noise.mean())
        least = float(self.energies[:, -_HIGHEST:].mean(axis=0).min())
        if min(said, least) < _NOISELESS**2 or least < _LACKING * said:
            held, claimed = (f"{math.sqrt(max(power, 0.0)) * span:.2g}" for power in (least, said))
            raise InputError(
                f"the image holds next to no noise (sigma {claimed} is said, {held} seen, of a range of "
                f"{span:.4g}): its blur cannot be judged, as rounding and borders, or what smoothed the noise, "
                "would count for blur",
                "noise",
            )

    def run(self, watch: Watch) -> WidthEstimate:
        varied = len(self.weights) > 1
        random = self._simulated(watch.part(0.0, 0.3 if varied else 1.0))
        if varied:
            found = self._varied(random, watch.part(0.3, 1.0))
        else:
            found = self._by_spectrum(random, np.zeros_like(random.blurred))
        watch.step(1.0, "width found")
        return WidthEstimate(
            math.exp(-found.mean), found.sigma, self.law, len(self.patches.boxes), self.job.warnings
        )

    def sharp(self, near: WidthEstimate | None, watch: Watch) -> WidthEstimate | None:
        near = near or self.run(watch.part(0.0, 0.3))
        start = -math.log(near.factor)
        found = sharpest(
            self.block, self._operator, self._sigmas(), start, self.mask, self._complete(), watch.part(0.3, 1.0),
            self.part is not None,
        )  # fmt: skip
        if found is None:
            return None
        return replace(near, factor=math.exp(-found.mean), sigma=found.sigma, patches=len(self.patches.boxes))

    def _complete(self) -> np.ndarray:
        """The voxels that count whose blur has all its sources in the block, or beyond the image's own border."""
        counted = np.ones(self.block.shape, bool) if self.mask is None else self.mask.copy()
        for axis, (side, n) in enumerate(zip(self.box, self.job.image.shape, strict=True)):
            reach = max(self.job.bound.kernel(k).reach(axis) for k in self.weights)
            reach = min(reach, counted.shape[axis] // 4)
            line = np.moveaxis(counted, axis, 0)
            if side.start > 0:
                line[:reach] = False
            if side.stop < n:
                line[len(line) - reach :] = False
        return counted

    def _sigmas(self) -> np.ndarray:
        """The standard deviation of the noise at every voxel of the block."""
        least = 1e-3 * float(np.ptp(self.block))  # no model is exact to so many digits
        return np.sqrt(np.maximum(self.variance, least**2)).astype(self.block.dtype)

    def _by_spectrum(self, random: _Random, added: np.ndarray) -> Finding:
        """What the spectra of patches tell."""
        spectra = [self._spectrum(group, random, added) for group in self._groups()]
        found = log_probabilities(spectra, self.patches.frequency, self.patches.modes, self.ndim, _FINE)
        probability = np.exp(found - found.max())
        probability /= probability.sum()
        mean = float(probability @ _FINE)
        return Finding(mean, math.sqrt(float(probability @ np.square(_FINE - mean))))

    def _varied(self, random: _Random, watch: Watch) -> Finding:
        """What is told where kernels change from place to place."""
        sigmas = self._sigmas()
        sigma = math.sqrt(float(np.mean(np.square(sigmas), dtype=np.float64)))
        weight = sigma**2 / self._expected(random, MATCHED) / (2 * math.pi * MATCHED) ** 2
        found = least_risk(self.block, self._operator, sigmas, weight, self.mask, watch)
        if self.field.key == "intensity":  # kernels change where the image does, which no random image tells
            return found
        if self.field.key == "position" and self.field.interpolation != "nearest":  # slowly
            added = np.zeros_like(random.blurred)
        else:
            pilot = solve(
                self._operator(math.exp(found.mean)), self.block, "tikhonov", iterations=_PILOT_STEPS,
                regularization=weight, noise=sigma, mask=self.mask,
            ).image  # fmt: skip
            added = self._added(pilot, random)
        return _together(found, self._by_spectrum(random, added))

    def _expected(self, random: _Random, frequency: float) -> float:
        """The power of the sharp image at a frequency, by that of its lowest bands."""
        used = self.shares > 0
        passed = (random.blurred[_GIVEN] / random.sharp)[used].mean(axis=0)
        power = (self.energies - self.noise[:, None])[used].mean(axis=0) / passed
        mean = expected_spectrum(np.append(self.patches.frequency[:3], frequency), self.ndim)
        level = np.log(np.maximum(power[:3], 1e-30)) - mean[:-1]
        return math.exp(float(level.mean() + mean[-1]))

    # -- what the blur does

    def _simulated(self, watch: Watch) -> _Random:
        images = [self._random_image(seed) for seed in range(_DRAWS)]
        sharp = self._energies(images)
        blurred = np.empty((len(_TRIALS), *sharp.shape))
        for t, (trial, part) in enumerate(watch.parts(_TRIALS)):
            part.step(0.0, f"kernels scaled by {math.exp(trial):.2g}")
            operator = self._operator(math.exp(trial))
            blurred[t] = self._energies([operator.forward(image, part.quiet()) for image in images])
        return _Random(sharp, blurred)

    def _energies(self, images: list[np.ndarray]) -> np.ndarray:
        return np.sum([self.patches.energies(image) for image in images], axis=0)

    def _added(self, pilot: np.ndarray, random: _Random) -> np.ndarray:
        """Power that the blurs of the image itself have beyond those of random ones, (trials, patches, bands).

        Where kernels change, a part of the image's power in low bands goes into others, by the image's mean and by
        what lies there. `pilot` is a first restoration; what it has in high bands is in both terms.
        """
        own = self.patches.energies(pilot)
        seen = [self.patches.energies(self._operator(math.exp(trial)).forward(pilot)) for trial in _TRIALS]
        return np.array(seen) - own * random.blurred / random.sharp

    def _operator(self, factor: float) -> SpatiallyVariantBlur:
        kernels = [self._scaled(k, self._factor(k, factor)) for k in self.weights]
        keyed = KernelField.by_weights(list(self.weights.values()), kernels)
        bound = keyed.bind(self.block, self.job.bound.spacing, normalize=True)
        settings = self.job.settings
        boundary = "edge" if settings.boundary == "extended" else settings.boundary
        # Compression would add its error where a wide blur lets next to nothing through.
        return SpatiallyVariantBlur(
            bound, self.block.shape, model=settings.model, boundary=boundary, dtype=self.block.dtype,
            low_rank=0.0,
        )  # fmt: skip

    def _factor(self, k: int, tried: float) -> float:
        """By what the width of a kernel is multiplied, when so much is tried."""
        if self.part is None:
            return tried
        held = self.part.held[k] if k < len(self.part.held) else 1.0  # the identity, where no kernel is meant
        return held * tried if k == self.part.kernel else held

    def _scaled(self, k: int, factor: float) -> Kernel:
        """A kernel on the image's grid, scaled; by its parameters where it has them in mm."""
        bound = self.job.bound
        given = self.field.kernels[k] if k < len(self.field.kernels) else bound.kernel(k)
        if isinstance(given, ParametricKernel) and not given.sized:
            given = bound.kernel(k)  # without a size in mm: all there is to scale are its values
        keyed = scale_kernels(KernelField.uniform(given), factor)
        grid = np.broadcast_to(np.float32(0), bound.shape)
        return keyed.bind(grid, bound.spacing, slicewise=self.job.settings.slicewise).kernel(0)

    def _random_image(self, seed: int) -> np.ndarray:
        """Gaussian noise with the spectrum of a typical image."""
        first = int(self.job.settings.slicewise)  # slices have nothing to do with each other
        shape, spacing = self.block.shape, self.job.bound.spacing
        radius = frequencies(shape[first:], spacing[first:], self.patches.finest)
        x = np.log(np.maximum(radius, 1 / (2 * max(shape[first:]))) / 0.1)
        # Below 0.1 the parabola would fall again; images do not.
        power = (SLOPE - (self.ndim - 2)) * x + CURVATURE * np.square(np.maximum(x, 0))
        axes = tuple(range(first, len(shape)))
        white = sfft.fftn(np.random.default_rng(seed).standard_normal(shape), axes=axes)
        return sfft.ifftn(white * np.exp(power / 2), axes=axes).real.astype(self.block.dtype)

    # -- what is compared

    def _groups(self) -> list[np.ndarray]:
        """Patches, as indices, of like blur: sorted by its width and cut into parts of equal power."""
        shares = self.shares
        used = np.flatnonzero(shares)
        widths = {k: _spread(self.job.bound, k) for k in self.weights}
        values = sum(np.float64(widths[k]) * weight for k, weight in self.weights.items())
        spread = np.array([math.sqrt(self.patches.mean(values[self.patches.boxes[i]])) for i in used])
        order = used[np.argsort(spread, kind="stable")]
        share = np.cumsum(shares[order]) / shares.sum()
        parts = np.minimum((share * _GROUPS).astype(int), _GROUPS - 1)
        ranked = np.sort(spread)
        middles = [np.median(ranked[parts == p]) for p in np.unique(parts)]
        groups: list[list[int]] = []
        last = -math.inf
        for p, middle in zip(np.unique(parts), middles, strict=True):
            if not groups or middle > _APART * last:
                groups.append([])
                last = middle
            groups[-1].extend(order[parts == p].tolist())
        return [np.array(group) for group in groups]

    def _spectrum(self, group: np.ndarray, random: _Random, added: np.ndarray) -> Spectrum:
        weight = self.shares[group] / self.shares[group].sum()
        # In proportion to the power in low bands that a patch of the image has, as its blur let it through.
        amplitude = self.shares[group] / random.blurred[_GIVEN][group, :3].mean(axis=1)
        passed = np.einsum("p,tpb->tb", amplitude, random.blurred[:, group]) / (amplitude @ random.sharp[group])
        return Spectrum(
            self.energies[group].mean(axis=0),
            float(self.noise[group].mean()),
            np.exp(CubicSpline(_TRIALS, np.log(passed))(_FINE)),
            np.maximum(CubicSpline(_TRIALS, added[:, group].mean(axis=1))(_FINE), 0.0),
            float(1 / np.square(weight).sum()),
        )


def _together(one: Finding, other: Finding) -> Finding:
    """What two findings on one image say: they err together, and are no better than they agree."""
    share = other.sigma / (one.sigma + other.sigma)
    sigma = share * one.sigma + (1 - share) * other.sigma
    apart = abs(one.mean - other.mean) / 2
    return Finding(share * one.mean + (1 - share) * other.mean, max(sigma, apart, _LEAST_VARIED))


def _both(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """The voxels of two masks; None is every voxel."""
    if one is None or other is None:
        return one if other is None else other
    return one & other


def _block(image: np.ndarray, mask: np.ndarray | None) -> Box:
    """The part of the image to look at: of boxes of the right size, the one with the most detail."""
    inside = tuple(slice(0, n) for n in image.shape) if mask is None else bounding_box(mask)
    assert inside is not None  # an empty mask has been refused
    shape = tuple(s.stop - s.start for s in inside)
    size = tuple(s.stop - s.start for s in trial_block(shape, None, _VOXELS))
    starts = [
        np.unique(np.linspace(s.start, s.stop - n, math.ceil((s.stop - s.start) / n)).astype(int))
        for s, n in zip(inside, size, strict=True)
    ]
    best, most = inside, -1.0
    for corner in np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, len(size)):
        box = tuple(slice(int(a), int(a) + n) for a, n in zip(corner, size, strict=True))
        detail = _detail(image[box])
        if detail > most:
            best, most = box, detail
    return best


def _detail(block: np.ndarray) -> float:
    """The power of the differences between voxels two apart, which noise makes alike everywhere."""
    axes = [axis for axis, n in enumerate(block.shape) if n > 2]
    return sum(
        float(np.mean(np.square(_shifted(block, axis, 2) - _shifted(block, axis, 0)), dtype=np.float64))
        for axis in axes
    )


def _shifted(block: np.ndarray, axis: int, by: int) -> np.ndarray:
    return np.moveaxis(block, axis, 0)[by : block.shape[axis] - 2 + by]


def _spread(bound: BoundField, k: int) -> float:
    """The mean square distance of a kernel's weight from its centre of mass, in mm^2."""
    kernel = bound.kernel(k)
    share = np.abs(kernel.values) / np.abs(kernel.values).sum()
    total = 0.0
    for axis, (n, h) in enumerate(zip(kernel.shape, kernel.spacing, strict=True)):
        profile = share.sum(axis=tuple(a for a in range(kernel.ndim) if a != axis))
        at = np.arange(n) * h
        total += float(profile @ np.square(at - profile @ at))
    return total
