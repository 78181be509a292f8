"""The spatially variant blur as a linear operator.

With H_k the convolution with kernel h_k and W_k the multiplication by its weights w_k (w_k >= 0, summing
to 1 at every voxel),

    detector model:  A = sum_k W_k H_k      A^T = sum_k H_k^T W_k
    source model:    A = sum_k H_k W_k      A^T = sum_k W_k H_k^T

Both A and A^T cost K + 1 real FFTs: what is common to the K convolutions, the transform of the image or
the sum of the spectra, is done once.

How it works. Every convolution is C F^-1 diag(s_k) F E: E extends the image by the boundary rule, F is the
FFT on a fast size, C cuts the result out (`grids`). The transforms run in slabs that stay in the processor's
cache and that are fused with the work around them (extension, product with the spectrum, weights), and skip
rows that are known to be zero or that are cut away afterwards (`slabfft`). The transpose uses the same parts
backwards, so the adjoint is exact. Families of similar kernels are compressed (`compression`), and weights
are kept or made again as memory allows (`termweights`). Slabs do not depend on the number of threads and
sums are always taken in the same order, so neither does the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ..arrays.boxes import Box, bounding_box
from ..arrays.spacing import Spacing
from ..arrays.threads import Crew, Lock, usable_processors
from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError, check_choice
from ..kernels.field import BoundField, KernelField
from ..methods.choices import BOUNDARIES, MODELS
from .compression import Compression, compress
from .grids import Geometry, Layout, Side, geometry_for, reach_of, reduced_kernel
from .slabfft import Read, Spectrum, Transform, Write, rows_kept
from .termweights import Name, TermWeights

#: Relative error accepted by default when a family of kernels is compressed (float32 operators only).
LOW_RANK_TOLERANCE = 2e-3
#: Caches (spectra, weights) may take this many times the image's size, unless cache_bytes says otherwise,
CACHE_VOLUMES = 12
#: ... and in any case this many bytes.
CACHE_LEAST = 1 << 26


@dataclass(eq=False)
class _Term:
    """One convolution: its spectrum, and which weights it goes with."""

    index: Name
    spectrum: Spectrum


@dataclass(eq=False)
class _Group:
    """Terms that share one FFT grid; with `compression`, its basis in place of the kernels."""

    transform: Transform
    terms: list[_Term]
    compression: Compression | None = None


class SpatiallyVariantBlur(LinearOperator):
    """Blur with kernels that change from voxel to voxel, as a `scipy.sparse.linalg.LinearOperator`.

        detector model:  (A x)_i = sum_k w_k(i) sum_d h_k(d) x(i - d)
        source model:    (A x)_i = sum_k sum_d h_k(d) w_k(i - d) x(i - d)

    Parameters
    ----------
    field : KernelField or BoundField
        Kernels and what chooses among them.
    shape : tuple of int
        Shape of the image, (k, j, i) or (j, i).
    spacing : float or sequence of float, optional
        Voxel size in mm, in the same order.
    guide : ndarray, optional
        The image whose values choose the kernel; needed when `field` is keyed by intensity and not bound.
    model : {"detector", "source"}
    boundary : {"edge", "zero", "periodic", "extended"}
        What lies outside: the border voxel repeated, zero, or the image again; in the source model it is
        the weighted image w_k x that is extended. "extended": nothing is assumed, the unknown lives on a
        domain that is larger by the reach of the kernels (`domain_shape`), and A maps it to the image's
        voxels only.
    dtype : {"float32", "float64"}
        Of the images and of the weights. In float64 the operator is exact to float64's rounding.
    workers : int, optional
        Threads; by default as many as there are processors. Results do not depend on it.
    low_rank : float or "auto"
        Accepted error of the automatic compression of families of similar kernels (see `compress`); 0
        switches it off. "auto" is 2e-3 for float32 and 0 for float64. Unless 0, intensity weights that do
        not fit into `cache_bytes` come from levels in 16 bits, a far smaller error.
    cache_bytes : int, optional
        Bytes that cached spectra and weights may take; 12 images (at least 64 MiB) by default. What does
        not fit is computed again at each use.
    normalize : bool
        Scale every kernel to sum 1.
    family : sequence of int, optional
        The kernels that are compressed together, used here or not: those of the operator on a larger image of which
        this is a part, so that both have the same error. By default as is best.
    watch : Watch, optional
        Asked whether to stop while what is kept is being made; it is not kept itself.

    Attributes
    ----------
    data_shape, domain_shape : tuple of int
        Shapes of y and of x; equal unless the boundary is "extended".
    shape : (int, int)
        Numbers of voxels of y and x: the operator as a matrix, on raveled images.
    compression : Compression or None
        The reduced basis, when one is used.
    family : tuple of int
        The kernels in it.
    grid : tuple of int
        Size of the full FFT grid, along the canonical axes: those of the image, with an axis of one voxel
        between the two of a 2-D image.
    transforms : float
        Real FFTs (of the full grid's size, smaller ones counted in proportion) of one product.

    Notes
    -----
    Memory beyond input and output: two spectra, each of the grid's size, and the caches. Copies (`copy.deepcopy`,
    `pickle`) carry the caches, so that they give the same bits, and have threads and buffers of their own.
    """

    def __init__(
        self,
        field: KernelField | BoundField,
        shape: Sequence[int],
        spacing: Spacing | None = None,
        guide: np.ndarray | None = None,
        model: str = "detector",
        boundary: str = "edge",
        dtype: str | np.dtype = "float32",
        workers: int | None = None,
        *,
        low_rank: float | str = "auto",
        cache_bytes: int | None = None,
        normalize: bool = False,
        family: Sequence[int] | None = None,
        watch: Watch = UNWATCHED,
    ):
        check_choice(model, MODELS, "model")
        check_choice(boundary, BOUNDARIES, "boundary")
        self.model, self.boundary = model, boundary
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise InputError(f"dtype {dtype} is not supported; use float32 or float64")
        self.workers = _worker_count(workers)
        self.run = Crew(self.workers)
        self._lock = Lock()  # the buffers serve one product at a time
        try:
            self.data_shape = tuple(int(n) for n in shape)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"shape {shape!r} must be the numbers of voxels, (k, j, i) or (j, i)", "shape"
            ) from error
        if isinstance(field, KernelField):
            field = _bind(field, self.data_shape, spacing, guide, normalize)
        elif tuple(field.shape) != self.data_shape:
            raise InputError(f"the field is bound to shape {field.shape}, the image has {self.data_shape}")
        self.bound = field
        self._lay_out([np.asarray(field.kernel(k).values) for k in range(len(field))])
        super().__init__(dtype, (math.prod(self.data_shape), math.prod(self.domain_shape)))
        tolerance = self._tolerance(low_rank)
        limit = max(CACHE_VOLUMES * self.shape[0] * dtype.itemsize, CACHE_LEAST)
        limit = limit if cache_bytes is None else int(cache_bytes)
        self._prepare(tolerance, limit, family, watch)

    # -- set-up

    def _lay_out(self, kernels: list[np.ndarray]) -> None:
        """Fix domain and canonical shapes. Canonical arrays have three axes; a 2-D image has none between
        its rows and columns: (j, i) becomes (j, 1, i)."""
        reduced = [reduced_kernel(h, self.data_shape, self.boundary) for h in kernels]
        ndim = len(self.data_shape)
        if self.boundary == "extended":
            self.margins = tuple(
                (max(h.shape[a] - 1 - h.shape[a] // 2 for h in reduced), max(h.shape[a] // 2 for h in reduced))
                for a in range(ndim)
            )
        else:
            self.margins = ((0, 0),) * ndim
        self.domain_shape = tuple(n + l + r for n, (l, r) in zip(self.data_shape, self.margins, strict=True))
        used = [a for a in range(ndim) if self.domain_shape[a] > 1 or any(h.shape[a] > 1 for h in reduced)]
        spare = [a for a in range(ndim) if a not in used]
        used = sorted(used + spare[: max(0, 2 - len(used))])

        def canonical(values: Sequence[int], between: int = 1) -> tuple[int, ...]:
            kept = [values[a] for a in used]
            return tuple(kept) if len(kept) == 3 else (kept[0], between, kept[1])

        rows, cols = canonical(self.data_shape), canonical(self.domain_shape)
        lead = canonical([l for l, _ in self.margins], 0)
        self._problem = Layout(rows, cols, lead, self.boundary, self.model == "source")
        self.canonical_data, self.canonical_domain = rows, cols
        self._canonical_kernels = [h.reshape(canonical(h.shape)) for h in reduced]
        source = self.model == "source"
        self._weighted_shape = cols if source else rows
        self._weight_pads = self.margins if source else ((0, 0),) * ndim

    def _tolerance(self, low_rank: float | str) -> float:
        if low_rank == "auto":
            return LOW_RANK_TOLERANCE if self.dtype == np.float32 else 0.0
        try:
            tolerance = float(low_rank)
        except (TypeError, ValueError) as error:
            raise InputError(f"low_rank {low_rank!r} must be 'auto' or an accepted error such as 2e-3") from error
        if not 0 <= tolerance < 1:
            raise InputError(f"low_rank {low_rank!r} must be at least 0 (off) and less than 1")
        return tolerance

    def _prepare(self, tolerance: float, limit: int, family: Sequence[int] | None, watch: Watch) -> None:
        self._accepted = tolerance
        kernels = self._canonical_kernels
        self._weights = TermWeights(
            self.bound, self._weighted_shape, self._weight_pads, self.dtype, coarse=tolerance > 0
        )
        full = geometry_for(self._problem, reach_of(kernels))
        self._identities, local, shared = self._sort_terms(full, watch)
        self._budget = budget = _Budget(limit)
        self._groups: list[_Group] = []
        local, together, self.compression = self._families(local, shared, full, tolerance, family)
        self.family = () if self.compression is None else tuple(together)
        if together:
            self._groups.append(self._shared_group(full, together, self.compression, budget))
            if self.compression is not None:
                self._combine_weights(together, self.compression, budget, watch)
        local += [(k, full) for k in shared if k not in together and k not in dict(local)]
        for k, geometry in local:
            transform = Transform(geometry, self.dtype, self.run)
            keep = budget.take(Spectrum.bytes_for(kernels[k], transform, keep=True))
            self._groups.append(_Group(transform, [_Term(k, Spectrum(kernels[k], transform, keep))]))
        self._keep_weights(budget, watch)
        cost = sum((1 + len(g.terms)) * g.transform.geometry.cost for g in self._groups)
        self.transforms = cost / full.cost
        self.grid = full.grid

    def _families(
        self, local: list[tuple[int, Geometry]], shared: list[int], full: Geometry, tolerance: float,
        family: Sequence[int] | None,
    ) -> tuple[list[tuple[int, Geometry]], list[int], Compression | None]:  # fmt: skip
        """Kernels with boxes of their own, those that share a grid, and what these are compressed to."""
        budget = self._budget
        if family is not None:
            compression = self._compressed(list(family), full, tolerance, budget) if len(family) else None
            if compression is None:
                return local, shared, None
            return [(k, g) for k, g in local if k not in family], list(family), compression
        # Another member of a compressed family costs nothing, so compression competes with small boxes.
        everyone = sorted([k for k, _ in local] + shared)
        compression = self._compressed(everyone, full, tolerance, budget)
        apart = bool(shared) + len(shared) + sum(2 * g.cost for _, g in local) / full.cost
        if compression is not None and compression.rank + 1 <= apart:
            return [], everyone, compression
        if local:
            compression = self._compressed(shared, full, tolerance, budget)
        return local, shared, compression

    def _sort_terms(self, full: Geometry, watch: Watch) -> tuple[list[int], list[tuple[int, Geometry]], list[int]]:
        """Split the kernels: identities, those worth an FFT of their own bounding box, and the rest."""
        identities, local, shared = [], [], []
        for k, h in enumerate(self._canonical_kernels):
            watch.check()
            box = self._support(k)
            if box is None:
                continue  # no voxel uses this kernel
            if self.bound.is_identity(k):
                identities.append(k)
                continue
            # A box that wraps around is all of the image.
            wraps = self.boundary == "periodic"
            geometry = full if wraps else geometry_for(self._problem, reach_of([h]), box)
            # Alone, a term takes two transforms of its box; in the shared group, one of the full grid.
            if 2 * geometry.cost < 0.8 * full.cost:
                local.append((k, geometry))
            else:
                shared.append(k)
        return identities, local, shared

    def _compressed(
        self, shared: list[int], full: Geometry, tolerance: float, budget: _Budget
    ) -> Compression | None:
        kernels = [self._canonical_kernels[k] for k in shared]
        if not tolerance or len(kernels) < 3 or len(kernels) * max(h.size for h in kernels) > 1 << 25:
            return None
        compression = compress(kernels, tolerance)
        if compression is None:
            return None
        columns = full.grid[1] * (full.grid[2] // 2 + 1)
        spectra = sum(2 * self.dtype.itemsize * columns * rows_kept(h, full.grid[0]) for h in compression.basis)
        weights = compression.rank * self._weights.bytes_each
        return compression if self._weights.hats or budget.fits(spectra + weights) else None

    def _support(self, k: int) -> Box | None:
        box = self.bound.support(k, self.dtype)
        if box is None:
            return None
        if all(s.start == 0 and s.stop == n for s, n in zip(box, self.data_shape, strict=True)):
            return tuple(slice(0, n) for n in self._weighted_shape)
        if self._weighted_shape == self.data_shape:
            return box
        return bounding_box(self._weights.whole(k))

    def _shared_group(
        self, geometry: Geometry, shared: list[int], compression: Compression | None, budget: _Budget,
        near: _Group | None = None,
    ) -> _Group:  # fmt: skip
        """The group of some kernels on one grid, with the spectra of another group on it where that has them."""
        transform = Transform(geometry, self.dtype, self.run) if near is None else near.transform
        made = {} if near is None else {t.index: t for t in near.terms}
        named: list[tuple[Name, np.ndarray]] = [(k, self._canonical_kernels[k]) for k in shared]
        if compression is not None:
            named = [(("basis", r), h) for r, h in enumerate(compression.basis)]
        terms = []
        for name, kernel in named:
            if name in made:
                terms.append(made[name])
                continue
            keep = budget.take(Spectrum.bytes_for(kernel, transform, keep=True))
            terms.append(_Term(name, Spectrum(kernel, transform, keep)))
        return _Group(transform, terms, compression)

    def _combine_weights(self, shared: list[int], compression: Compression, budget: _Budget, watch: Watch) -> None:
        matrix = np.zeros((compression.rank, len(self.bound)))
        matrix[:, shared] = compression.coefficients.T
        names: list[Name] = [("basis", r) for r in range(len(matrix))]
        if self._weights.hats and not budget.fits(len(names) * self._weights.bytes_each):
            self._weights.tabulate(names, matrix)
            return
        for name, weight in zip(names, self._weights.combined(matrix, watch), strict=True):
            self._weights.kept[name] = weight
            budget.take(weight.nbytes)

    def all_kernels(self) -> _Group:
        """The group of all kernels in their order, whatever the weights are: for models with other weights."""
        everyone = list(range(len(self._canonical_kernels)))
        for group in self._groups:
            if group.compression is not None and len(group.compression.coefficients) == len(everyone):
                return group
            if [t.index for t in group.terms] == everyone:
                return group
        geometry = geometry_for(self._problem, reach_of(self._canonical_kernels))
        compression = self._compressed(everyone, geometry, self._accepted, self._budget)
        near = next((g for g in self._groups if g.transform.geometry == geometry and g.compression is None), None)
        return self._shared_group(geometry, everyone, compression, self._budget, near)

    def _keep_weights(self, budget: _Budget, watch: Watch) -> None:
        """Keep weights in memory as far as the limit goes; past it, hats come from one number per voxel."""
        # Those of a compressed family are kept, or come from tables, already.
        kernels = [t.index for g in self._groups for t in g.terms if isinstance(t.index, int)] + self._identities
        size = self._weights.bytes_each
        if self._weights.hats and len(kernels) > 0 and not budget.fits(size * len(kernels)):
            self._weights.prepare_levels()
            return
        for k in kernels:
            watch.check()
            if budget.take(size):
                self._weights.keep(k)

    def part(self, box: Box, boundary: str) -> SpatiallyVariantBlur:
        """Return the operator on a box of the data, with another boundary; its weights are those there."""
        return SpatiallyVariantBlur(
            self.bound.part(box, self.dtype), [s.stop - s.start for s in box], model=self.model, boundary=boundary,
            dtype=self.dtype, workers=self.workers, low_rank=self._accepted,
        )  # fmt: skip

    # -- products

    def forward(self, x: np.ndarray, watch: Watch | None = None) -> np.ndarray:
        """Return A x.

        Parameters
        ----------
        x : ndarray of shape `domain_shape`
        watch : Watch, optional
            Asked before each kernel, told after it.

        Returns
        -------
        ndarray of shape `data_shape`, of the operator's dtype

        Raises
        ------
        InputError
            If `x` has another shape or is complex.
        Cancelled
            If `watch` says so.
        """
        x = self._canonical(x, self.domain_shape, self.canonical_domain, "x")
        return self._product(x, self.canonical_data, False, watch).reshape(self.data_shape)

    def adjoint(self, y: np.ndarray, watch: Watch | None = None) -> np.ndarray:
        """Return A^T y, of shape `domain_shape`, for `y` of shape `data_shape`. See `forward`."""
        y = self._canonical(y, self.data_shape, self.canonical_data, "y")
        return self._product(y, self.canonical_domain, True, watch).reshape(self.domain_shape)

    def _product(
        self, image: np.ndarray, shape: tuple[int, ...], transposed: bool, watch: Watch | None
    ) -> np.ndarray:
        out = _Later(shape, self.dtype)
        sizes = [len(self._identities), *(len(g.terms) for g in self._groups)]
        watches = _watches(watch or UNWATCHED, sizes, "transposed blur" if transposed else "blur")
        # The weights follow the transforms back in A of the detector model and in A^T of the source model.
        method = self._spread if (self.model == "detector") != transposed else self._collect
        with self._lock:
            self._add_identities(image, out, transposed, next(watches))
            for group, part in zip(self._groups, watches, strict=True):
                domain, data = group.transform.geometry.domain, group.transform.geometry.data
                side, other = (data, domain) if transposed else (domain, data)
                method(group, image, side, out, other, transposed, part)
        return out()

    def _spread(
        self, group: _Group, image: np.ndarray, side: Side, out: _Later, other: Side, conjugate: bool, watch: Watch
    ) -> None:
        """out += sum_k w_k (h_k * image)."""
        target = out()[other.box]

        def write(r: int) -> Write:
            times = self._weights.times(group.terms[r].index, other.box)

            def add(a: int, b: int, part: np.ndarray) -> None:
                target[a:b] += times(a, b, part, out=part)

            return add

        self.scatter(group, image[side.box], side, other, conjugate, write, watch)

    def _collect(
        self, group: _Group, image: np.ndarray, side: Side, out: _Later, other: Side, conjugate: bool, watch: Watch
    ) -> None:
        """out += sum_k h_k * (w_k image)."""
        values = image[side.box]

        def read(r: int) -> Read:
            times = self._weights.times(group.terms[r].index, side.box)
            return lambda a, b: times(a, b, values[a:b])

        self.gather(group, side, lambda: out()[other.box], other, conjugate, read, watch)

    def scatter(
        self,
        group: _Group,
        values: np.ndarray,
        side: Side,
        other: Side,
        conjugate: bool,
        write: Callable[[int], Write],
        watch: Watch | None = None,
    ) -> None:
        """Convolve one image with every kernel of a group: one transform, and one back for every kernel.

        ``write(r)(a, b, part)`` takes planes a to b, on the box of `other`, of the image convolved with
        kernel r (with its transpose when `conjugate`); it may change `part`. `watch` is asked before each kernel,
        and told after it.
        """
        watch = watch or UNWATCHED
        transform = group.transform
        one = len(group.terms) == 1
        spectrum: dict[int, np.ndarray] = {}  # slab by slab
        first = group.terms[0].spectrum

        def store(i: int, part: np.ndarray) -> None:
            spectrum[i] = first.times(i, part, out=part) if one else part

        transform.analyse(side, lambda a, b: values[a:b], store, conjugate, watch.check)
        for r, term in enumerate(group.terms):
            watch.check()
            if one:
                transform.synthesise(other, spectrum.__getitem__, write(r), conjugate, check=watch.check)
            else:
                times = term.spectrum.times

                def product(i: int, times: Callable = times) -> np.ndarray:
                    return times(i, spectrum[i])

                transform.synthesise(other, product, write(r), conjugate, check=watch.check)
            watch.tell((r + 1) / len(group.terms))

    def gather(
        self,
        group: _Group,
        side: Side,
        target: Callable[[], np.ndarray],
        other: Side,
        conjugate: bool,
        read: Callable[[int], Read],
        watch: Watch | None = None,
    ) -> None:
        """Add to `target()` the sum of images convolved with the kernels of a group: one transform each, one back.

        ``read(r)(a, b)`` gives planes a to b, on the box of `side`, of the image for kernel r. `watch` as for
        `scatter`.
        """
        watch = watch or UNWATCHED
        transform = group.transform
        total: dict[int, np.ndarray] = {}  # slab by slab
        for r, term in enumerate(group.terms):
            watch.check()
            times = term.spectrum.times

            def add(i: int, part: np.ndarray, times: Callable = times, r: int = r) -> None:
                times(i, part, out=part)
                if r:
                    total[i] += part
                else:
                    total[i] = part

            transform.analyse(side, read(r), add, conjugate, watch.check)
            watch.tell((r + 1) / len(group.terms))

        image: list[np.ndarray] = []

        def write(a: int, b: int, part: np.ndarray) -> None:
            image[0][a:b] += part

        # Slab by slab, so that the spectrum goes while the image comes.
        transform.synthesise(
            other, total.pop, write, conjugate, between=lambda: image.append(target()), check=watch.check
        )

    def _add_identities(self, image: np.ndarray, out: _Later, transposed: bool, watch: Watch) -> None:
        inner = self._inner()  # weights are on the data or on the domain
        everything = tuple(slice(0, n) for n in self._weighted_shape)
        for number, k in enumerate(self._identities, 1):
            watch.check()
            weight = self._weights.reader(k, everything)(0, self._weighted_shape[0])
            if self.model == "source":
                weight = weight[inner]
            if transposed:
                out()[inner] += weight * image
            else:
                total = out()
                total += weight * image[inner]
            watch.tell(number / len(self._identities))

    def _inner(self) -> Box:
        """The data's voxels in the canonical domain."""
        return tuple(slice(a, a + n) for a, n in zip(self._problem.lead, self._problem.rows, strict=True))

    def canonical_crop(self, x: np.ndarray) -> np.ndarray:
        """`crop` for arrays in the canonical shape."""
        return x[self._inner()]

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self.forward(np.asarray(x).reshape(self.domain_shape)).ravel()

    def _rmatvec(self, y: np.ndarray) -> np.ndarray:
        return self.adjoint(np.asarray(y).reshape(self.data_shape)).ravel()

    # -- helpers

    def extend(self, y: np.ndarray) -> np.ndarray:
        """Put an image on the domain: itself, or with the border voxels repeated when the domain is larger."""
        y = np.asarray(y, self.dtype)
        return np.pad(y, self.margins, mode="edge") if any(map(sum, self.margins)) else y.copy()

    def crop(self, x: np.ndarray) -> np.ndarray:
        """Cut the image's voxels out of the domain (a view)."""
        inner = (slice(l, l + n) for n, (l, _) in zip(self.data_shape, self.margins, strict=True))
        return x[tuple(inner)]

    def _canonical(self, array: np.ndarray, shape: tuple[int, ...], to: tuple[int, ...], name: str) -> np.ndarray:
        array = np.asarray(array)
        if array.shape != shape:
            raise InputError(f"{name} has shape {array.shape}, the operator needs {shape}")
        if np.iscomplexobj(array):
            raise InputError(f"{name} is complex ({array.dtype}); give real values")
        return np.ascontiguousarray(array, self.dtype).reshape(to)


class _Later:
    """An image of zeros that is made when it is first asked for."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        self.shape, self.dtype = shape, dtype
        self.array: np.ndarray | None = None

    def __call__(self) -> np.ndarray:
        if self.array is None:
            self.array = np.zeros(self.shape, self.dtype)
        return self.array


class _Budget:
    """Bytes left for caches."""

    def __init__(self, limit: int):
        self.left = limit

    def fits(self, size: int) -> bool:
        return size <= self.left

    def take(self, size: int) -> bool:
        if not self.fits(size):
            return False
        self.left -= size
        return True


def _watches(watch: Watch, sizes: Sequence[int], text: str) -> Iterator[Watch]:
    """A watch for each of several lots of so many kernels; what they tell is numbered through all of them."""
    count = max(sum(sizes), 1)

    def tell(fraction: float, _: str) -> None:
        watch.tell(fraction, f"{text}: kernel {round(fraction * count)} of {count}")

    numbered, done = Watch(tell, watch.cancelled), 0
    for size in sizes:
        yield numbered.part(done / count, (done + size) / count)
        done += size


def _bind(
    field: KernelField,
    shape: tuple[int, ...],
    spacing: Spacing | None,
    guide: np.ndarray | None,
    normalize: bool,
) -> BoundField:
    if guide is None:
        if field.key == "intensity":
            raise InputError(
                "the kernels are keyed by intensity, but guide is None; give the image that chooses", "guide"
            )
        guide = np.broadcast_to(np.float32(0), shape)
    guide = np.asarray(guide)
    if guide.shape != shape:
        raise InputError(f"guide has shape {guide.shape}, the image {shape}; they must agree", "guide")
    return field.bind(guide, spacing, normalize=normalize)


def _worker_count(workers: int | None) -> int:
    if workers is None:
        return usable_processors()
    if int(workers) != workers or workers < 1:
        raise InputError(f"workers {workers!r} must be a whole number of threads, at least 1")
    return int(workers)
