"""The charts of docs/performance as SVG text, drawn from the kept figures.

Plain text, no library: bars and lines on a logarithmic scale, on a ground of their own, in colours
for light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

from figures import NAMES, Figures

WIDTH = 760
STYLE = """<style>
svg { font: 13px system-ui, sans-serif } .ground { fill: #ffffff } text { fill: #24292f }
.quiet { fill: #57606a } .grid { stroke: #d0d7de } .now { fill: #00796b; stroke: #00796b }
.before { fill: #b0bec5; stroke: #b0bec5 } .aim { stroke: #d84315 } .aimed { fill: #d84315 }
.line { fill: none; stroke-width: 2 } .hand { stroke-dasharray: 5 4 }
.asof_point { stroke: #3949ab; fill: #3949ab } .diff_window { stroke: #ef6c00; fill: #ef6c00 }
@media (prefers-color-scheme: dark) {
.ground { fill: #1e2129 } text { fill: #e6edf3 } .quiet { fill: #9da7b3 } .grid { stroke: #3d444d }
.now { fill: #4db6ac; stroke: #4db6ac } .before { fill: #5c6b73; stroke: #5c6b73 }
.aim { stroke: #ff8a65 } .aimed { fill: #ff8a65 }
.asof_point { stroke: #9fa8da; fill: #9fa8da } .diff_window { stroke: #ffb74d; fill: #ffb74d }
}
.line { fill: none }
</style>"""
ROWS = (
    ("load_batch", "load, 1,000 a commit", 0.6),
    ("load_single", "single durable commits", 0.7),
    ("now_point", "point read, now", 5.0),
    ("asof_point", "point read, as of", 5.0),
    ("asof_scan", "whole snapshot, as of", 2.0),
    ("diff", "diff over 1 %", 2.0),
    ("aggregate", "GROUP BY topic, as of", None),
)
LINES = (
    ("now_point", "point read, now", "now"),
    ("asof_point", "point read, as of", "asof_point"),
    ("diff_window", "diff, 100 commits", "diff_window"),
)


class Scale:
    """Logarithmic: from values to places."""

    def __init__(self, values: Iterable[float], start: float, end: float, low: float) -> None:
        told = [low, *values]
        self.first = math.floor(math.log10(min(told)))
        self.last = math.log10(max(told) * 1.3)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """1, 2, 5, 10 … as far as the scale goes."""
        steps = [a * 10.0**p for p in range(self.first, math.ceil(self.last)) for a in (1, 2, 5)]
        return [step for step in steps if math.log10(step) <= self.last]


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    classed = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{classed}>{escape(words)}</text>'


def svg(height: int, title: str, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}">'
    )
    ground = f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>'
    titled = f'<text x="16" y="26" font-size="15" font-weight="600">{escape(title)}</text>'
    return "\n".join([head, STYLE, ground, titled, *parts, "</svg>"]) + "\n"


def slower(figures: Figures, n: int, operation: str, peer: str) -> float | None:
    """How many times slower than by hand; a throughput is turned round."""
    ratio = figures.ratio(n, operation, peer)
    return 1 / ratio if ratio and operation.startswith("load") else ratio


def ratios(figures: Figures, n: int = 100_000) -> str:
    """Bars: how many times slower than the table by hand, before, now, and the aim."""
    shown = [(slower(figures, n, row[0], "before"), slower(figures, n, row[0], "epql"), row)
             for row in ROWS]  # fmt: skip
    known = [value for before, now, _ in shown for value in (before, now) if value]
    left, right, top, step = 190, WIDTH - 70, 64, 44
    x = Scale(known, left, right, 1.0)
    bottom = top + step * len(shown)
    parts = []
    for tick in x.ticks():
        parts.append(f'<path class="grid" d="M{x(tick)} {top - 8}V{bottom}"/>')
        parts.append(text(x(tick), bottom + 18, f"{tick:g}×", "middle", "quiet"))
    for number, (before, now, (name, label, aim)) in enumerate(shown):
        y = top + number * step
        parts.append(text(left - 10, y + 21, label, "end"))
        parts += bar(left, x, y, before, "before") + bar(left, x, y + 16, now, "now")
        if aim:
            place = x(1 / aim if name.startswith("load") else aim)
            parts.append(f'<path class="aim" stroke-width="2" d="M{place} {y - 3}V{y + 35}"/>')
    label = f"times slower than the table by hand at {n:,} assertions (logarithmic)"
    parts.append(text((left + right) / 2, bottom + 40, label, "middle", "quiet"))
    for place, kind, word in ((16, "before", "before"), (92, "now", "now")):
        parts.append(f'<rect class="{kind}" x="{place}" y="38" width="12" height="12"/>')
        parts.append(text(place + 18, 49, word))
    parts.append('<path class="aim" stroke-width="2" d="M154 36V52"/>' + text(162, 49, "aim"))
    return svg(bottom + 54, "What the same work costs, EPQL and by hand", parts)


def bar(left: float, x: Scale, y: float, value: float | None, kind: str) -> list[str]:
    """One bar with its number; one that is faster than by hand is a line."""
    if value is None:
        return []
    width = max(2.0, x(max(value, 10.0**x.first)) - left)
    drawn = f'<rect class="{kind}" x="{left}" y="{y}" width="{width:g}" height="14"/>'
    return [
        drawn,
        text(left + width + 6, y + 12, f"{value:.2g}×" if value < 10 else f"{value:.0f}×"),
    ]


def growth(figures: Figures) -> str:
    """Lines: the latency of what should not grow with history, by size."""
    sizes = [n for n in NAMES if figures.peer(n)]
    left, right, top, bottom = 80, WIDTH - 200, 56, 330
    series = [
        (name, label, kind, peer, [(n, figures.p50_us(n, name, peer)) for n in sizes])
        for name, label, kind in LINES
        for peer in ("epql", "baseline")
    ]
    values = [value for *_, points in series for _, value in points if value]
    y = Scale(values, bottom, top, min(values, default=1.0))
    across = {n: left + 30 + (right - left - 60) * i / max(1, len(sizes) - 1)
              for i, n in enumerate(sizes)}  # fmt: skip
    parts = []
    for tick in y.ticks():
        parts.append(f'<path class="grid" d="M{left} {y(tick)}H{right}"/>')
        parts.append(text(left - 8, y(tick) + 4, f"{tick:,g} µs", "end", "quiet"))
    for n, x in across.items():
        parts.append(text(x, bottom + 20, NAMES[n], "middle", "quiet"))
    parts.append(text((left + right) / 2, bottom + 42, "assertions", "middle", "quiet"))
    labels = []
    for _, label, kind, peer, points in series:
        known = [(across[n], y(value)) for n, value in points if value]
        dashed = " hand" if peer == "baseline" else ""
        if known:
            path = "L".join(f"{x:g} {place:g}" for x, place in known)
            parts.append(f'<path class="{kind} line{dashed}" d="M{path}"/>')
            labels.append((known[-1][1] + 4, label + (", by hand" if dashed else "")))
    parts += [text(right + 8, place, words) for place, words in apart(labels)]
    return svg(bottom + 56, "Median latency as the history grows (logarithmic)", parts)


def apart(labels: list[tuple[float, str]], least: float = 15) -> list[tuple[float, str]]:
    """Labels from top to bottom, moved down so far that none covers another.

    >>> apart([(100, "b"), (98, "a")])
    [(98, 'a'), (113, 'b')]
    """
    placed: list[tuple[float, str]] = []
    for place, words in sorted(labels):
        placed.append((max(place, placed[-1][0] + least) if placed else place, words))
    return placed
