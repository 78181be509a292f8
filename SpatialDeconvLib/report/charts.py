"""Charts as SVG: axes, lines, histograms and bars.

Colours are CSS classes (see `style`), so that they follow a light or dark page and the printer.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .formatting import number
from .layout import captioned
from .tags import Markup, joined, tag


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


def charted(chart: Chart, caption: str) -> Markup:
    """A chart with its caption."""
    return captioned(chart.svg(), caption)


def chart_row(*charts: Markup | None) -> Markup:
    """Charts beside each other, as many as there is room for."""
    return tag("div", *charts, class_="charts")


# ----------------------------------------------------------------------------------------------- ticks


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
