"""Units of length, as programs write them into files."""

from __future__ import annotations

#: A unit's name in lower case -> its length in mm.
MM = {
    "å": 1e-7, "angstrom": 1e-7, "pm": 1e-9, "nm": 1e-6, "nanometer": 1e-6, "um": 1e-3, "µm": 1e-3, "μm": 1e-3,
    "micron": 1e-3, "microns": 1e-3, "micrometer": 1e-3, "mm": 1.0, "millimeter": 1.0, "cm": 10.0,
    "centimeter": 10.0, "m": 1000.0, "meter": 1000.0, "in": 25.4, "inch": 25.4, "inches": 25.4,
}  # fmt: skip
