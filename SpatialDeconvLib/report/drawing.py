"""Pictures and charts for the report, without matplotlib: PNG bytes from arrays, and SVG text.

Colours of charts are CSS classes (see `style`), so that they follow a light or dark page and the printer.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .tags import Markup, joined, tag

# Diverging colours from blue over white to red; the ends differ in lightness from the middle by the same amount.
_DIVERGING = ((0.0, (5, 59, 128)), (0.25, (73, 137, 199)), (0.5, (250, 250, 248)), (0.75, (224, 110, 84)))
_DIVERGING += ((1.0, (128, 12, 32)),)
# A ramp of rising lightness for kernels: the weight is read from the lightness, with or without colour vision.
_SEQUENTIAL = ((0.0, (6, 8, 28)), (0.25, (66, 28, 110)), (0.5, (160, 48, 112)), (0.75, (236, 118, 76)))
_SEQUENTIAL += ((1.0, (252, 240, 190)),)
# Colours of kernels in charts and maps, in their order: all of middle lightness, seen on white and on black.
_KERNEL_RAMP = ((0.0, (58, 104, 190)), (0.35, (30, 150, 150)), (0.68, (208, 142, 30)), (1.0, (200, 62, 88)))
_MISSING = (255, 0, 200)  # not a number


# ------------------------------------------------------------------------------------------- pictures


def png(pixels: np.ndarray) -> bytes:
    """Return a PNG file with the pixels: uint8, shape (rows, columns) for grey or (rows, columns, 3) for RGB."""
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    rows, columns = pixels.shape[:2]
    grey = pixels.ndim == 2
    lines = pixels.reshape(rows, -1)
    # Filter 2 of the PNG specification: each byte less the one above it, modulo 256.
    filtered = np.full((rows, lines.shape[1] + 1), 2, np.uint8)
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0 if grey else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def data_uri(pixels: np.ndarray) -> str:
    """Return pixels as the ``data:`` address of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")


def ramp(stops: Sequence[tuple[float, tuple[int, int, int]]], fractions: np.ndarray) -> np.ndarray:
    """Return RGB colours, uint8 with a last axis of 3, of fractions in 0 ... 1 along a list of colour stops."""
    at = [stop for stop, _ in stops]
    channels = [np.interp(fractions, at, [colour[c] for _, colour in stops]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def kernel_colours(count: int) -> list[str]:
    """Return `count` CSS colours for kernels, in their order."""
    rgb = ramp(_KERNEL_RAMP, np.linspace(0, 1, count) if count > 1 else np.zeros(1))
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in rgb]


def shares_picture(shares: np.ndarray) -> np.ndarray:
    """Return the RGB picture of weights, shape (K, rows, columns): the kernels' colours mixed by weight."""
    count = len(shares)
    colours = ramp(_KERNEL_RAMP, np.linspace(0, 1, count) if count > 1 else np.zeros(1)).astype(float)
    return np.clip(np.rint(np.tensordot(shares, colours, axes=(0, 0))), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class GreyScale:
    """Grey levels for a set of pictures that are to be compared: black at `low`, white at `high`."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, values: np.ndarray) -> GreyScale:
        """A scale for an image: from its 0.5 % to its 99.5 % quantile; logarithmic when that spans decades."""
        values = values[np.isfinite(values)]
        if values.size == 0:
            return cls(0.0, 1.0)
        low, low_decade, high = (float(q) for q in np.quantile(values, (0.005, 0.05, 0.995)))
        lowest = float(values.min())
        if lowest > 0 and high > 50 * low_decade:
            return cls(max(low, lowest), high, True)
        return cls(low, high if high > low else low + 1.0)

    def pixels(self, plane: np.ndarray) -> np.ndarray:
        """The grey picture of a plane, uint8; RGB when some of it is not a number."""
        values, low, high = np.asarray(plane, float), self.low, self.high
        missing = ~np.isfinite(values)
        if self.log:
            values = np.log(np.maximum(values, low))
            low, high = math.log(low), math.log(high)
        grey = np.nan_to_num((values - low) * (255.0 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
        grey = np.rint(np.clip(grey, 0, 255)).astype(np.uint8)
        if not missing.any():
            return grey
        picture = np.repeat(grey[..., None], 3, axis=-1)
        picture[missing] = _MISSING
        return picture

    def text(self) -> str:
        """What black and white stand for."""
        kind = " (logarithmic)" if self.log else ""
        return f"black {number(self.low)} to white {number(self.high)}{kind}"


def diverging_pixels(plane: np.ndarray, limit: float) -> np.ndarray:
    """Return the RGB picture of a difference: blue at -limit, white at 0, red at +limit."""
    fractions = np.nan_to_num(np.asarray(plane, float) / (2 * limit) + 0.5, nan=0.5, posinf=1.0, neginf=0.0)
    return ramp(_DIVERGING, np.clip(fractions, 0, 1))


def sequential_pixels(plane: np.ndarray, high: float, log_decades: float | None = None) -> np.ndarray:
    """Return the RGB picture of weights from 0 (dark) to `high`, or of their logarithm over some decades."""
    values = np.asarray(plane, float) / high
    if log_decades is not None:
        values = 1 + np.log10(np.maximum(values, 10.0**-log_decades)) / log_decades
    return ramp(_SEQUENTIAL, np.clip(values, 0, 1))


def reduced(plane: np.ndarray, limit: int) -> tuple[np.ndarray, int]:
    """Average squares of voxels so that no side has more than `limit`: the smaller plane and the squares' side."""
    step = -(-max(plane.shape[:2]) // limit)
    if step == 1:
        return plane, 1
    rows, columns = (n - n % step or n for n in plane.shape)
    # Sides shorter than a square stay whole; a rim of less than a square is left out.
    tall, wide = min(step, rows), min(step, columns)
    cut = np.asarray(plane[:rows, :columns], float)
    return cut.reshape(rows // tall, tall, columns // wide, wide).mean(axis=(1, 3)), step


# --------------------------------------------------------------------------------------------- charts


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


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers, 1, 2 or 5 times a power of ten apart, from `low` to `high`; about `count` of them."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    step = min((power * f for f in (1, 2, 5, 10)), key=lambda s: abs(math.log((high - low) / s / count)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12 - math.floor(math.log10(step))) + 0.0 for n in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten from `low` to `high`, with 2 and 5 between them when there are fewer than three."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    step = -(-len(decades) // 7)
    ticks = [10.0**d for d in decades if d % step == 0]
    inside = [t for t in ticks if low * 0.999 <= t <= high * 1.001]
    if len(inside) < 3:
        inside = [f * 10.0**d for d in decades for f in (1, 2, 5) if low * 0.999 <= f * 10.0**d <= high * 1.001]
    return inside


@dataclass
class Chart:
    """One chart as SVG: axes, lines, steps and bars in data coordinates.

    Parameters
    ----------
    x, y : (low, high)
        Range of each axis.
    x_label, y_label : str
        With the unit.
    description : str
        What the chart shows, for those who cannot see it.
    x_log, y_log : bool
    x_names : sequence of (position, text), optional
        Ticks of the x axis, in place of numbers.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str
    description: str
    x_log: bool = False
    y_log: bool = False
    x_names: Sequence[tuple[float, str]] | None = None
    size: tuple[int, int] = (560, 300)
    _marks: list[Markup] = field(default_factory=list)
    _legend: list[tuple[str, str, str]] = field(default_factory=list)

    _LEFT, _RIGHT, _TOP, _BOTTOM = 72, 14, 14, 46

    def __post_init__(self):
        self.x, self.y = _widened(self.x, self.x_log), _widened(self.y, self.y_log)

    def line(self, xs, ys, name: str = "", kind: str = "", colour: str = "") -> None:
        """Draw a line through points; `kind` is a CSS class, `name` its entry in the legend."""
        xs, ys = self._at_x(xs), self._at_y(ys)
        good = np.isfinite(xs) & np.isfinite(ys)
        runs = np.split(np.flatnonzero(good), np.flatnonzero(np.diff(np.flatnonzero(good)) > 1) + 1)
        path = "".join("M" + "L".join(f"{xs[n]:.1f},{ys[n]:.1f}" for n in run) for run in runs if run.size)
        self._marks.append(tag("path", class_=f"line {kind}", style=_stroke(colour), d=path))
        if name:
            self._legend.append((name, f"line {kind}", colour))

    def points(self, xs, ys, kind: str = "") -> None:
        """Draw dots."""
        xs, ys = self._at_x(xs), self._at_y(ys)
        self._marks += [
            tag("circle", class_=f"dot {kind}", cx=f"{a:.1f}", cy=f"{b:.1f}", r=2.6)
            for a, b in zip(xs, ys, strict=True)
            if np.isfinite(a) and np.isfinite(b)
        ]

    def steps(self, edges, counts, name: str = "", kind: str = "fill") -> None:
        """Fill a histogram: counts between edges."""
        xs, ys = self._at_x(edges), self._at_y(counts)
        base = float(self._at_y([self.y[0]])[0])
        path = f"M{xs[0]:.1f},{base:.1f}"
        for left, right, top in zip(xs[:-1], xs[1:], ys, strict=True):
            path += f"L{left:.1f},{top:.1f}L{right:.1f},{top:.1f}"
        self._marks.append(tag("path", class_=f"area {kind}", d=f"{path}L{xs[-1]:.1f},{base:.1f}Z"))
        if name:
            self._legend.append((name, f"area {kind}", ""))

    def bars(self, xs, heights, colours: Sequence[str]) -> None:
        """Draw a bar at each x, from the axis up."""
        base = float(self._at_y([self.y[0]])[0])
        width = 0.7 * (self.size[0] - self._LEFT - self._RIGHT) / max(1, len(colours))
        for x, y, colour in zip(self._at_x(xs), self._at_y(heights), colours, strict=True):
            left, height = f"{x - width / 2:.1f}", f"{max(base - y, 0.0):.1f}"
            self._marks.append(
                tag("rect", x=left, y=f"{y:.1f}", width=f"{width:.1f}", height=height, style=f"fill:{colour}")
            )

    def level(self, y: float, name: str = "", kind: str = "rule") -> None:
        """Draw a horizontal line."""
        self.line(self.x, (y, y), name, kind)

    def mark(self, x: float, kind: str = "rule") -> None:
        """Draw a vertical line."""
        self.line((x, x), self.y, "", kind)

    def svg(self) -> Markup:
        """Return the chart as an SVG element."""
        width, height = self.size
        grid, axis, labels = self._axes()
        clip = f"c{zlib.crc32(repr((self.description, self._marks, self.x, self.y)).encode()):08x}"
        x, y, w, h = self._frame()
        return tag(
            "svg",
            tag("clipPath", tag("rect", x=x, y=y, width=w, height=h), id=clip),
            grid,
            tag("g", *self._marks, clip_path=f"url(#{clip})"),
            axis,
            labels,
            *self._legend_marks(height),
            class_="chart",
            viewBox=f"0 0 {width} {height + self._legend_height()}",
            role="img",
            aria_label=self.description,
        )

    # -- parts

    def _frame(self) -> tuple[int, int, int, int]:
        width, height = self.size
        return self._LEFT, self._TOP, width - self._LEFT - self._RIGHT, height - self._TOP - self._BOTTOM

    def _axes(self) -> tuple[Markup, Markup, Markup]:
        """The grid, the axis and the texts beside it."""
        left, top, width, height = self._frame()
        bottom = top + height
        grid, labels = [], []
        for tick in log_ticks(*self.y) if self.y_log else nice_ticks(*self.y):
            y = float(self._at_y([tick])[0])
            grid.append(tag("line", class_="grid", x1=left, x2=left + width, y1=f"{y:.1f}", y2=f"{y:.1f}"))
            labels.append(tag("text", _tick(tick), x=left - 7, y=f"{y + 4:.1f}", text_anchor="end"))
        for at, text in self._x_ticks():
            x = float(self._at_x([at])[0])
            grid.append(tag("line", class_="grid", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=top, y2=bottom))
            labels.append(tag("text", text, x=f"{x:.1f}", y=bottom + 17, text_anchor="middle"))
        upright = f"translate(13 {top + height / 2}) rotate(-90)"
        middle = left + width / 2
        labels += [
            tag("text", self.x_label, class_="label", x=middle, y=bottom + 37, text_anchor="middle"),
            tag("text", self.y_label, class_="label", transform=upright, text_anchor="middle"),
        ]
        axis = tag("path", class_="axis", d=f"M{left},{top}V{bottom}H{left + width}")
        return joined(*grid), axis, joined(*labels)

    def _x_ticks(self) -> Sequence[tuple[float, str]]:
        if self.x_names is not None:
            return self.x_names
        ticks = log_ticks(*self.x) if self.x_log else nice_ticks(*self.x, count=6)
        return [(tick, _tick(tick)) for tick in ticks]

    def _legend_places(self) -> list[tuple[float, int]]:
        """Where each entry of the legend starts, and in which row."""
        places, x, row = [], float(self._LEFT), 0
        for name, _, _ in self._legend:
            width = 34 + 6.6 * len(name)
            if x + width > self.size[0] and x > self._LEFT:
                x, row = float(self._LEFT), row + 1
            places.append((x, row))
            x += width
        return places

    def _legend_height(self) -> int:
        places = self._legend_places()
        return 18 * (places[-1][1] + 1) + 4 if places else 0

    def _legend_marks(self, top: int) -> list[Markup]:
        marks = []
        for (name, kind, colour), (x, row) in zip(self._legend, self._legend_places(), strict=True):
            y = top + 18 * row + 8
            shape = f"M{x},{y}h20" if kind.startswith("line") else f"M{x},{y - 5}h20v10h-20z"
            marks.append(tag("path", class_=kind, style=_stroke(colour), d=shape))
            marks.append(tag("text", name, x=x + 25, y=y + 4))
        return marks

    def _at_x(self, values) -> np.ndarray:
        left, _, width, _ = self._frame()
        return left + width * _fractions(values, self.x, self.x_log)

    def _at_y(self, values) -> np.ndarray:
        _, top, _, height = self._frame()
        return top + height * (1 - _fractions(values, self.y, self.y_log))


def _fractions(values, limits: tuple[float, float], log: bool) -> np.ndarray:
    """Where values lie between the limits; far outside them, somewhere outside."""
    values = np.asarray(values, float)
    low, high = limits
    if log:
        values = np.log(np.maximum(values, low * 1e-6))
        low, high = math.log(low), math.log(high)
    return np.clip((values - low) / (high - low), -3, 4)


def _widened(limits: tuple[float, float], log: bool) -> tuple[float, float]:
    low, high = (float(v) for v in limits)
    if log:
        low = low if low > 0 else 1e-12
        return (low, high) if high > low else (low / 2, low * 2)
    if high > low:
        return low, high
    half = abs(low) / 2 or 0.5
    return low - half, low + half


def _tick(value: float) -> str:
    text = number(value)
    return text.replace("1·", "") if text.startswith(("1·", "−1·")) else text


def _stroke(colour: str) -> str | None:
    return f"stroke:{colour}" if colour else None
