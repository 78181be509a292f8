"""Families of Gaussians through a cascade: each level filtered from an earlier one, on ever coarser grids.

The detector model needs h_k * x for every kernel, the source model the sum of h_k * (w_k x). Gaussians of
growing width can share the work: a level is a narrow increment of an earlier, narrower one; and once a
level is smooth against the spacing, every second sample of it holds all there is, so that wide levels
live on grids with 8, 64, ... times fewer voxels and are interpolated back.

Everything is separable. Along one axis, in voxels of the image,

    s_k[i] = sum_q c_k(f i - q) x[q]                the samples of level k, on a grid of step f
    c_k(q) = sum_m d_k(m) c_p(q - f_p m)            from its parent p, d_k fitted by least squares
    y_k[j] = sum_i u_k(j - f i) s_k[i]              back on the image's grid, u_k fitted by least squares

The fits aim at the sampled, truncated Gaussian that direct filtering uses. Their error is known before any
image is: with e_a the largest L1 distance on axis a between the composed and the direct impulse response,
over all phases of the coarse grid, and |.| the largest absolute voxel,

    |cascade - direct| <= (prod_a (1 + e_a) - 1) |x|     for every image and boundary rule,

because extending an image by its border, by zeros or periodically does not raise its largest voxel.
(Rounding adds some 1e-6 |x| in float32.) A kernel that cannot keep the tolerance is filtered directly: by
itself, exactly: one axis after the other, or by FFT where that is cheaper or it is not separable.

The boundary rule holds for what the direct definition extends: the image (detector) or w_k x (source), and
not for the levels. But far enough outside, levels repeat themselves as their input does, so they are kept
to where that begins (`Beyond`), a few sigmas from the border.

The source model runs the same steps backwards (Horner's scheme): what belongs to the widest kernels is
added up on the coarsest grid, and every increment is applied once to the sum of all that need it.
"""

from .cascade import Cascade
from .levels import ROOT, Level, plan

__all__ = ["ROOT", "Cascade", "Level", "plan"]
