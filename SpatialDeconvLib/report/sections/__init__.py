"""The sections of a report's page, one module each, named after what it shows; each makes it from the findings."""

from .beforeafter import before_after_section
from .convergence import convergence_section
from .edges import edges_section
from .frames import frames_section
from .kernels import kernels_section
from .regions import regions_section
from .repeat import repeat_section
from .residual import residual_section

#: In the order of the page. Each gives a `Section`, or None where there is nothing to show.
SECTIONS = (
    before_after_section,
    edges_section,
    regions_section,
    kernels_section,
    residual_section,
    convergence_section,
    frames_section,
    repeat_section,
)
