"""Numbers as the report writes them."""

from __future__ import annotations

import math


def number(value: float, digits: int = 4) -> str:
    """Return a number for reading: so many digits, no more; powers of ten only where they are needed."""
    if not math.isfinite(value) or value == 0:
        return "0" if value == 0 else str(value)
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 7:
        text = f"{float(f'{value:.{digits}g}'):.{max(0, digits - 1 - exponent)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        text = f"{mantissa}·{power_of_ten(int(power))}"
    return text.replace("-", "−")


def power_of_ten(exponent: int) -> str:
    """Return a power of ten in plain characters, e.g. 10⁻⁶."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
