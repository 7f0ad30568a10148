"""What a statement costs besides its rows: reading, planning, running it again, starting up.

    python benchmarks/statements.py [--times 300] [--json FILE]

Each text is new when it is read and planned (other literals), and the same when it is run again.
`again` is cursor.execute and fetchall, less the SQL of the plan run on the same connection of
SQLite. Beside the numbers stand the aims; --json writes them for a machine.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import epql
from epql.engine import reading
from epql.engine.session import Opened
from epql.parse import parse

PLANNED_MS = 2.0
"""The aim: parse and plan of a new statement of 300 characters, median."""
AGAIN_US = 20.0
"""The aim: what a repeated text adds to its SQL, median."""

# {0} is another number each time; every statement has about 300 characters
STATEMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "join": (
        "SELECT b.subject, b.predicate, b.object, old.object AS before, a.agent, a.recorded_at "
        "FROM beliefs AS b JOIN beliefs AS OF '-1s' AS old ON old.subject = b.subject AND "
        "old.predicate = b.predicate LEFT JOIN assertions AS a ON a.id = b.id WHERE b.subject = "
        "'service/{0}' AND b.confidence >= 0.5 ORDER BY b.predicate LIMIT 20",
        (),
    ),
    "cte": (
        "WITH recent AS (SELECT subject, predicate, object, recorded_at FROM beliefs WHERE "
        "subject = 'service/{0}' AND confidence > 0.2), counted AS (SELECT subject, count(*) AS n "
        "FROM recent GROUP BY subject HAVING count(*) > 0) SELECT r.subject, r.object, c.n FROM "
        "recent AS r JOIN counted AS c ON c.subject = r.subject ORDER BY c.n DESC",
        (),
    ),
    "diff": (
        "SELECT change, cause, subject, predicate, before_object, after_object, agent, reason, at "
        "FROM beliefs DIFF SINCE TX 1 AS d WHERE d.subject = 'service/{0}' AND d.change IN "
        "('ADDED', 'CHANGED') AND coalesce(d.reason, '') NOT LIKE '%automatic import%' AND "
        "(d.agent <> 'importer' OR d.agent IS NULL) ORDER BY d.at DESC LIMIT 50",
        (),
    ),
    "as of": (
        "SELECT subject, predicate, object, confidence, lifecycle, agent FROM beliefs WHERE "
        "subject = 'service/{0}' AND predicate IN ('algorithm', 'lifetime', 'owner') AND CASE "
        "WHEN confidence IS NULL THEN 1 ELSE confidence > 0.25 END AND length(object) BETWEEN 1 "
        "AND 4000 ORDER BY subject, predicate LIMIT 10 AS OF ? LIFECYCLE IN (approved, proposed)",
        ("now",),
    ),
}


def median_us(call: Callable[[], object], times: int) -> float:
    """The median time of a call, without the collector."""
    spent = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(times):
            began = time.perf_counter()
            call()
            spent.append(time.perf_counter() - began)
    finally:
        gc.enable()
    return statistics.median(spent) * 1e6


def connection() -> Any:
    """A database in memory with a few hundred beliefs."""
    made = epql.connect(":memory:", agent="architect")
    rows = [(f"service/{n % 100}", p, f"value {n}") for n in range(100) for p in ("algorithm", "x")]
    made.executemany("ASSERT (?, ?, ?)", rows)
    made.commit()
    made.execute("ASSERT ('service/1', 'lifetime', '1h')")
    made.commit()
    return made


def new_text(con: Any, text: str, times: int) -> dict[str, list[float]]:
    """Milliseconds to parse, to plan and to have SQLite check a text never seen before."""
    queries = con.runner.queries
    spent: dict[str, list[float]] = {"parse": [], "plan": [], "check": [], "sum": []}
    for number in range(times):
        one = text.format(number + 1000)
        marks = [time.perf_counter()]
        parsed = parse(one)
        marks.append(time.perf_counter())
        plan = queries.plan(parsed, parsed.statement)
        marks.append(time.perf_counter())
        queries.columns_of(plan)
        marks.append(time.perf_counter())
        parts = [(b - a) * 1e3 for a, b in itertools.pairwise(marks)]
        for name, part in zip(spent, [*parts, sum(parts)], strict=True):
            spent[name].append(part)
    return spent


def same_text(con: Any, text: str, params: tuple[Any, ...], times: int) -> tuple[float, float]:
    """Microseconds of execute and fetchall, and of the plan's SQL alone."""
    runner = con.runner
    one = text.format(1)
    cursor = con.cursor()
    whole = median_us(lambda: cursor.execute(one, params).fetchall(), times)
    parsed = parse(one)
    plan = runner.queries.plan(parsed, parsed.statement)
    # an older version, to compare with, has another name for it
    resolver = (getattr(runner, "resolver", None) or runner._resolver)(params)
    scopes = [Opened(resolver.scope(use)) for use in plan.uses]
    named = dict(zip(plan.scope_names, scopes, strict=True))
    binds = {f"p{number}": params[number] for number in plan.binds}
    alone = median_us(lambda: list(reading.run(runner.session, plan.sql, binds, named)), times)
    return whole, alone


def start_up() -> dict[str, float]:
    """Milliseconds that a new process takes longer than one that does nothing."""
    parse_one = "import epql.parse; epql.parse.parse('SELECT 1')"
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        nothing = _process_ms("pass", environment)
        imported = _process_ms("import epql", environment)
        cold = _process_ms(parse_one, environment, times=1)
        warm = _process_ms(parse_one, environment)
    return {
        "import epql": imported - nothing,
        "first parse, tables kept": warm - imported,
        "first parse, tables made": cold - imported,
    }


def _process_ms(code: str, environment: dict[str, str], times: int = 7) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        spent.append(time.perf_counter() - began)
    return min(spent) * 1e3


def measure(times: int) -> dict[str, Any]:
    """All numbers, by statement."""
    con = connection()
    found: dict[str, Any] = {}
    for name, (text, params) in STATEMENTS.items():
        new_text(con, text, 5)
        new = new_text(con, text, times)
        whole, alone = same_text(con, text, params, times * 3)
        found[name] = {
            "characters": len(text),
            "new_ms": {part: _quantiles(values) for part, values in new.items()},
            "again_us": {"whole": whole, "sql": alone, "added": whole - alone},
        }
    con.close()
    return found


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p99": ordered[int(len(ordered) * 0.99)]}


def report(found: dict[str, Any], started: dict[str, float]) -> None:
    """The table."""
    version = sys.version.split()[0]
    print(f"\nmachine  {os.cpu_count()} cores, {platform.platform()}, Python {version}")
    print(f"\n{'a new text, ms':16}{'parse':>8}{'plan':>8}{'check':>8}{'sum':>8}{'p99':>8}", end="")
    print(f"{'aim':>8}   {'again, µs':>10}{'of it SQL':>11}{'added':>8}{'aim':>8}")
    for name, one in found.items():
        new, again = one["new_ms"], one["again_us"]
        line = f"{name + ', ' + str(one['characters']):16}"
        line += "".join(f"{new[part]['p50']:8.2f}" for part in ("parse", "plan", "check", "sum"))
        line += f"{new['sum']['p99']:8.2f}{f'≤ {PLANNED_MS:g}':>8}"
        line += f"   {again['whole']:10.0f}{again['sql']:11.0f}{again['added']:8.0f}"
        print(line + f"{f'≤ {AGAIN_US:g}':>8}")
    print()
    for name, spent in started.items():
        print(f"{name:32}{spent:8.0f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    found, started = measure(options.times), start_up()
    report(found, started)
    if options.json:
        options.json.write_text(json.dumps({"statements": found, "start_ms": started}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
