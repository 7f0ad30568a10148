"""What rules cost: CHECK and ASSERT with none, 10 and 10,000 rules of mixed shapes.

    python benchmarks/rules.py

In memory, one process; CHECK of triples that no rule is about, and of those that meet one.
"""

from __future__ import annotations

import statistics
import time

import epql


def rules(count: int) -> list[tuple[str, str, str]]:
    """Exact triples, subject globs, object globs, predicates alone, and objects alone."""
    made = []
    for n in range(count):
        shape = n % 5
        made.append((
            (f"svc{n}/api", "library", f"lib{n}"),
            (f"team{n}/*", "library", "*"),
            ("*", "library", f"pkg{n}-*"),
            ("*", f"secret{n}", "*"),
            ("*", "*", f"x{n}*"),
        )[shape])  # fmt: skip
    return made


def opened(count: int) -> epql.Connection:
    """A database with so many rules."""
    con = epql.connect(":memory:", agent="bench", autocommit=True)
    if count:
        con.executemany("FORBID (?, ?, ?)", rules(count))
    return con


def p50_us(act: object, times: int = 1000) -> float:
    """The median of some calls, in microseconds."""
    spent = []
    for n in range(times):
        begun = time.perf_counter()
        act(n)  # type: ignore[operator]
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1e6


def measured(con: epql.Connection) -> tuple[float, float, float, float]:
    """CHECK that meets no rule and one, ASSERT (µs), executemany of 1,000 (ms)."""
    free = p50_us(lambda n: con.execute("CHECK (?, 'engine', ?)", (f"db{n}", "pg")).fetchall())
    met = p50_us(lambda n: con.execute("CHECK ('team1/a', 'library', 'y')").fetchall(), 200)
    one = p50_us(lambda n: con.execute("ASSERT (?, 'engine', 'pg')", (f"db{n}",)))
    batches = []
    for batch in range(5):
        rows = [(f"many{batch}/{n}", f"v{n}") for n in range(1000)]
        begun = time.perf_counter()
        con.executemany("ASSERT (?, 'engine', ?)", rows)
        batches.append(time.perf_counter() - begun)
    return free, met, one, statistics.median(batches) * 1e3


def main() -> None:
    """Measure and print."""
    print("rules   CHECK, none met   CHECK, one met   ASSERT   executemany of 1,000")
    for count in (0, 10, 10_000):
        with opened(count) as con:
            free, met, one, many = measured(con)
        print(f"{count:6}  {free:12.0f} µs  {met:12.0f} µs  {one:5.0f} µs  {many:8.1f} ms")


if __name__ == "__main__":
    main()
