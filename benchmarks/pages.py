"""The tables and charts of docs/performance/index.md, made of the kept figures.

python benchmarks/pages.py            write them
python benchmarks/pages.py --check    say whether they are those of the figures
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import chart
from figures import COMPARED, NAMES, PAGE, Figures, Found, kept
from machine import told

_MADE = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- /figures -->)", re.S)
LABELS = {
    "load_batch": "durable load in commits of 1,000",
    "load_single": "single durable commits",
    "now_point": "point read, now",
    "now_point_approved": "point read, the last approved",
    "asof_point": "point read, as of",
    "asof_scan": "whole snapshot, as of",
    "diff": "diff over 1 % of history",
    "diff_window": "diff over 100 commits",
    "history": "history of a slot",
    "aggregate": "GROUP BY topic, as of",
}
AIMS = {
    "load_batch": (0.6, "≥ 0.6 ×"),
    "load_single": (0.7, "≥ 0.7 ×"),
    "now_point": (5.0, "≤ 5 ×"),
    "asof_point": (5.0, "≤ 5 ×"),
    "asof_scan": (2.0, "≤ 2 ×"),
    "diff": (2.0, "≤ 2 ×"),
}
BUYS = {
    "journal": "the truth: every record, chained and checksummed; the rest is made from it",
    "span": "who was believed when: the answer of every read, now and as of, is one seek in it",
    "assertion": "object, confidence, agent, source, address of each assertion: what a read shows",
    "kv": "each address and its place in the journal: whether content is known, ids, prefixes",
    "assertion_address": "assertions by the first bytes of their addresses: is content known, ids",
    "touched": "what each commit changed: DIFF costs by the change, not by the history",
    "sqlite_autoindex_slot_1": "subject and predicate to slot: point reads, prefixes",
    "slot": "subject, predicate and topic, written once for a slot",
    "slot_predicate": "conditions on the predicate alone",
    "slot_topic": "conditions on the topic alone",
    "txn": "a commit's instant, agent, place in the journal",
    "txn_recorded_at": "AS OF an instant to a commit in one seek",
}
Row = Iterable[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * lines[0].count(" |"))
    return "\n".join(lines) + "\n"


def ratio(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f} ×" if value < 10 else f"{value:.0f} ×"


def judged(value: float | None, name: str) -> str:
    """A ratio, with a tick where it reaches its aim."""
    if value is None:
        return "–"
    aim = AIMS[name][0]
    reached = value >= aim if name.startswith("load") else value <= aim
    return f"**{ratio(value)}**{' ✓' if reached else ''}"


def time(us: float | None) -> str:
    if us is None:
        return "–"
    if us < 1000:
        return f"{us:.1f} µs" if us < 10 else f"{us:.0f} µs"
    return f"{us / 1e3:.2g} ms" if us < 10_000 else f"{us / 1e3:,.0f} ms"


def rate(value: float | None) -> str:
    return "–" if value is None else f"{float(f'{value:.3g}'):,.0f} / s"


def aims(figures: Figures) -> str:
    """Design §6: before, now, aim."""
    head = ["", "aim"]
    for n in COMPARED:
        head += [f"{NAMES[n]} before", f"{NAMES[n]} now"]
    rows = []
    for name, (_, aim) in AIMS.items():
        cells = [LABELS[name], aim]
        for n in COMPARED:
            cells.append(ratio(figures.ratio(n, name, "before")))
            cells.append(judged(figures.ratio(n, name), name))
        rows.append(cells)
    return table(head, rows)


def growth(figures: Figures) -> str:
    """Beside each other: what should not grow with the history."""
    rows = []
    for name in ("now_point", "asof_point", "diff_window"):
        for peer, label in (
            ("before", "EPQL before"),
            ("epql", "EPQL now"),
            ("baseline", "by hand"),
        ):
            times = [figures.p50_us(n, name, peer) for n in COMPARED]
            grown = times[-1] / times[0] if times[0] and times[-1] else None
            aim = "≤ 1.5 ×" if peer == "epql" else ""
            rows.append([LABELS[name], label, *map(time, times), ratio(grown), aim])
    return table(["", "", *(NAMES[n] for n in COMPARED), "grown", "aim"], rows)


def absolute(figures: Figures) -> str:
    """At 100,000: latencies and their 99th percentile."""
    n = 100_000
    base, own = figures.peer(n, "baseline"), figures.peer(n)
    rows = []
    for name, label in LABELS.items():
        cells = [label]
        for peer in (base, own):
            found = peer.get(name, {})
            if name.startswith("load"):
                cells += [rate(found.get("ops_s")), f"{time(found.get('p99_us'))} a commit"]
            else:
                cells += [time(found.get("p50_us")), time(found.get("p99_us"))]
        cpu = own.get("cpu_ratios", {}).get(name) if not name.startswith("load") else None
        rows.append([*cells, ratio(figures.ratio(n, name)), ratio(cpu)])
    for label, key, unit in (("open again", "reopen_ms", "ms"), ("disk", "disk", "MB")):
        by = 1e6 if unit == "MB" else 1.0
        shown = [f"{peer[key] / by:.1f} {unit}" if key in peer else "–" for peer in (base, own)]
        rows.append([label, shown[0], "", shown[1], "", ratio(figures.ratio(n, key)), ""])
    head = ["", "by hand", "p99", "EPQL", "p99", "ratio", "of processor time"]
    return table(head, rows)


def aggregates(figures: Figures) -> str:
    """GROUP BY topic over beliefs as of, by plan and audit."""
    ways = (
        ("aggregate_off", "fused, audit off"),
        ("aggregate", "fused, audit lazy"),
        ("aggregate_unfused_off", "unfused, audit off"),
        ("aggregate_unfused", "unfused, audit lazy"),
    )
    sizes = [n for n in NAMES if figures.peer(n)]
    rows = [["by hand", *(time(figures.p50_us(n, "aggregate", "baseline")) for n in sizes)]]
    for name, label in ways:
        cells = [label]
        for n in sizes:
            us, against = figures.p50_us(n, name), figures.ratio(n, name)
            cells.append(time(us) + (f" ({ratio(against)})" if against else ""))
        rows.append(cells)
    return table(["", *(NAMES[n] for n in sizes)], rows)


def started(figures: Figures) -> str:
    """What comes before the first answer, and what a statement costs besides its rows."""
    rows = []
    for name, (new, again) in _statements(figures.part("statements")).items():
        was = _statements(figures.before.get("statements") or {}).get(name, (None, None))
        rows.append([f"a new text of 300 characters: {name}", _ms(was[0]), _ms(new), "≤ 2 ms"])
        rows.append([f"the same again, besides its SQL: {name}", time(was[1]), time(again), ""])
    for n in COMPARED:
        found = [figures.peer(n, peer).get("start_ms") for peer in ("before", "epql")]
        if n == COMPARED[0]:
            told_ = [_ms(one and one["imported"] - one["nothing"]) for one in found]
            rows.insert(0, ["`import epql` in a new process", *told_, "≤ 150 ms"])
        told_ = [_ms(one and one["answered"] - one["imported"]) for one in found]
        place = 1 + COMPARED.index(n)
        rows.insert(place, [f"… open {NAMES[n]} assertions, first answer", *told_, "≤ 50 ms"])
    return table(["", "before", "now", "aim"], rows)


def _statements(part: Found) -> dict[str, tuple[float, float]]:
    """By statement: ms to parse and plan it, µs that running it again adds."""
    return {
        name: (
            one["new_ms"]["parse"]["p50"] + one["new_ms"]["plan"]["p50"],
            one["again_us"]["added"],
        )
        for name, one in part.get("statements", {}).items()
    }


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"


def concurrency(figures: Figures) -> str:
    """Processes and threads at once."""
    rows = []
    for name, peers in figures.part("concurrency").get("concurrency", {}).items():
        for peer, kinds in peers.items():
            for kind, one in kinds.items():
                who = "by hand" if peer == "baseline" else "EPQL"
                cells = [time(one[key]) for key in ("p50_us", "p99_us", "longest_us")]
                rows.append([name, f"{who}, {kind}", rate(one["ops_s"]), *cells])
    return table(["", "", "throughput", "p50", "p99", "longest"], rows)


def memory(figures: Figures) -> str:
    """Peaks, each in a process of its own."""
    found = figures.part("memory-1m").get("memory", {})
    labels = {
        "base": "import, open an empty database",
        "executemany": "load by `executemany`, 1,000 a commit",
        "epql import": "`epql import` of a CSV file",
        "row by row": "whole snapshot, row by row",
        "fetchall": "whole snapshot, `fetchall`",
        "aggregate": "count and sum over it",
    }
    rows = []
    for name, label in labels.items():
        one = found.get("peaks", {}).get(name)
        if one:
            per_s = "" if name == "base" else rate(found["n"] / one["seconds"])
            rows.append([label, f"{one['peak_mb']:,.0f} MB", f"{one['seconds']:.1f} s", per_s])
    return table([f"{found.get('n', 0):,} slots", "peak", "whole process", "rows"], rows)


def disk(figures: Figures) -> str:
    """Bytes per assertion, and what they buy."""
    n = next((n for n in reversed(COMPARED) if "span" in figures.peer(n).get("layout", {})), 0)
    layout = figures.peer(n).get("layout", {})
    if not layout:
        return table(["", "bytes an assertion", "what it buys"], [])
    index = sum(layout.values()) - layout["journal"]
    shown = {name: size for name, size in layout.items() if name in BUYS or size > index / 100}
    rest = sum(layout.values()) - sum(shown.values())
    rows = [[f"`{name}`", f"{size / n:.1f}", BUYS.get(name, "")] for name, size in shown.items()]
    rows.append(["all others", f"{rest / n:.1f}", "tables that this workload leaves empty"])
    rows.append(["all of `index.db`", f"{index / n:.0f}", "can be deleted: it is made again"])
    base = figures.peer(n, "baseline").get("disk", 0)
    rows.append(["by hand", f"{base / n:.0f}", "six columns, two trees"])
    return table([f"at {NAMES.get(n, '?')}", "bytes an assertion", "what it buys"], rows)


def ten_million(figures: Figures) -> str:
    """The largest size, in absolute figures."""
    own, base = figures.peer(10_000_000), figures.peer(10_000_000, "baseline")
    rows = []
    for name in ("load_batch", "load_single"):
        rows.append([LABELS[name], *(rate(p.get(name, {}).get("ops_s")) for p in (base, own))])
    for name in list(LABELS)[2:]:
        rows.append([LABELS[name], *(time(p.get(name, {}).get("p50_us")) for p in (base, own))])
    for label, key in (("open again", "reopen_ms"), ("disk", "disk")):
        told_ = [p.get(key) for p in (base, own)]
        show: Callable[[Any], str] = _ms if key == "reopen_ms" else _gb
        rows.append([label, *map(show, told_)])
    return table(["10,000,000 assertions", "by hand", "EPQL"], rows)


def _gb(size: float | None) -> str:
    return "–" if size is None else f"{size / 1e9:.2f} GB"


def measured(figures: Figures) -> str:
    """Where and when."""
    lines = [f"Now: commit {figures.now['commit']}. {told(figures.now['machine'])}."]
    for name, part in figures.now["parts"].items():
        if "machine" in part:
            lines.append(f"{name}: {part['machine']['date']}, load {part['machine']['load'][0]}.")
    names = {"epql": "Now", "before": "Before", "baseline": "By hand"}
    for peer, name in names.items():
        versions = {n: figures.peer(n, peer).get("version") for n in NAMES}
        for version in dict.fromkeys(filter(None, versions.values())):
            sizes = ", ".join(NAMES[n] for n, one in versions.items() if one == version)
            lines.append(f"{name}, {sizes}: {version}.")
    return "".join(f"- {line}\n" for line in lines)


TABLES = {
    made.__name__: made
    for made in (aims, growth, absolute, aggregates, started, concurrency, memory, disk,
                 ten_million, measured)
}  # fmt: skip


def page(figures: Figures) -> str:
    """The page with its tables made anew."""
    return _MADE.sub(lambda m: m[1] + TABLES[m[2]](figures) + m[3], PAGE.read_text())


def files(figures: Figures) -> dict[str, str]:
    """All that is made, by name."""
    return {
        PAGE.name: page(figures),
        "ratios.svg": chart.ratios(figures),
        "growth.svg": chart.growth(figures),
    }


def main() -> int:
    made = files(kept())
    if sys.argv[1:] == ["--check"]:
        stale = [name for name, words in made.items() if (PAGE.parent / name).read_text() != words]
        if stale:
            print(f"not of these figures: {', '.join(stale)}; python benchmarks/pages.py")
        return int(bool(stale))
    for name, words in made.items():
        (PAGE.parent / name).write_text(words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
