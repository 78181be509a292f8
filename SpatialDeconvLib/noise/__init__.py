"""How strong the noise in an image is, and how it follows the signal.

- `law`: variance = constant + slope times signal, or an image of sigma; `estimate`: the law of an image, what a
  caller may give instead of one (`as_noise_law`), and one standard deviation for the whole image.
- `coefficients`: what an image holds that is noise: its fourth differences, with the signal beside them.
- `fit`: a law from these.
- `signs`: whether an image with such noise may be non-negative.
"""

from .estimate import as_noise_law, estimate_noise, estimate_noise_law
from .law import NoiseLaw
from .signs import looks_nonnegative

__all__ = ["NoiseLaw", "as_noise_law", "estimate_noise", "estimate_noise_law", "looks_nonnegative"]
