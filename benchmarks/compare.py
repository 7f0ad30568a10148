"""EPQL beside the hand-written baseline: the same workload in the same run, as ratios.

    python benchmarks/compare.py [--n 100000 …] [--before PYTHON] [--json FILE] [--check]

Each peer runs in a process of its own, and they take turns: a tenth of the load, a hundred single
commits, one round of questions. So whatever else the machine does meets both. Before an operation
is timed its questions are put once; all answers, those and the timed ones, are compared with the
oracle's, and a wrong one makes the run fail. What travels from machine to machine is the ratio;
beside the numbers stand the machine, the versions and what one durable append costs here.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from machine import machine, told

HERE = Path(__file__).resolve().parent
TINY = 1_000
"""At this size the program is tried, not the peers: nobody rests."""
SIZES = (TINY, 10_000, 100_000, 1_000_000, 10_000_000)
ADAPTERS = {"baseline": "baseline", "before": "epql_connector", "epql": "epql_connector"}
"""The peers; `before` is another version of EPQL, if there is one to compare with."""
REST_S = 0.12
"""Between turns: what one peer does in the background (at most 100 ms) does not meet the other."""


class Operation(NamedTuple):
    """What is compared: its rounds, and the aim for EPQL's latency in the baseline's."""

    name: str
    rounds: int
    aim: float | None = None
    baseline: str = ""
    """Which of the baseline's operations it is compared with, if not its own."""


OPERATIONS = (
    Operation("now_point", 5, 5.0),
    Operation("now_point_approved", 3, 5.0),
    Operation("asof_point", 5, 5.0),
    Operation("asof_scan", 5, 2.0),
    Operation("diff", 5, 2.0),
    Operation("diff_window", 5),
    Operation("history", 3),
    Operation("aggregate", 5),
    Operation("aggregate_off", 5, baseline="aggregate"),
    Operation("aggregate_unfused", 5, baseline="aggregate"),
    Operation("aggregate_unfused_off", 5, baseline="aggregate"),
)
LOAD_AIMS = {"load_batch": 0.6, "load_single": 0.7}

Found = dict[str, Any]


class Peer:
    """A process with one of the peers; methods are those of peer.Worker."""

    def __init__(self, adapter: str, n: int, folder: Path, expected: Path, python: str) -> None:
        folder.mkdir()
        self.rest_s = 0.0 if n == TINY else REST_S
        arguments = [adapter, str(n), str(folder), str(expected)]
        self.process = subprocess.Popen(
            [python, str(HERE / "peer.py"), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            assert self.process.stdin and self.process.stdout
            self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the peer ended with {self.process.wait()} in {name}")
            return json.loads(line)

        return call

    def end(self) -> None:
        """Close its database and leave."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def peers(n: int, options: argparse.Namespace) -> Iterator[dict[str, Peer]]:
    """All of them, or EPQL alone, in a folder that is removed."""
    top = Path(tempfile.mkdtemp(prefix="bench-", dir=options.dir))
    pythons = {"baseline": sys.executable, "before": options.before, "epql": sys.executable}
    wanted = ["epql"] if options.alone else [name for name in ADAPTERS if pythons[name]]
    found: dict[str, Peer] = {}
    try:
        expect = [sys.executable, str(HERE / "workload.py"), "expect", "--n", str(n)]
        subprocess.run([*expect, "--to", str(top / "expected")], check=True)
        for name in wanted:
            found[name] = Peer(ADAPTERS[name], n, top / name, top / "expected", pythons[name])
        yield found
    finally:
        for peer in found.values():
            peer.end()
        shutil.rmtree(top, ignore_errors=True)


def turns(found: dict[str, Peer]) -> Iterator[tuple[str, Peer]]:
    """Each peer once, after a rest."""
    for name, peer in found.items():
        time.sleep(peer.rest_s)
        yield name, peer


def measured(n: int, options: argparse.Namespace) -> Found:
    """Everything about one size: by peer and operation."""
    began = time.perf_counter()
    with peers(n, options) as both:
        found: Found = {name: peer.about() for name, peer in both.items()}
        load(n, both, found)
        rest(both, found, options.rounds or 5)
        for operation in OPERATIONS:
            for name, result in asked(operation, both, options).items():
                found[name][operation.name] = result
        for name, peer in both.items():
            found[name]["peak_rss"] = peer.peak()
    for name in both.keys() & {"before", "epql"} if "baseline" in both else ():
        found[name]["ratios"] = ratios(found["baseline"], found[name], "p50_us")
        found[name]["cpu_ratios"] = ratios(found["baseline"], found[name], "cpu_us")
    found["seconds"] = time.perf_counter() - began
    return found


def load(n: int, both: dict[str, Peer], found: Found) -> None:
    """Commits of up to 1,000, a tenth of all in a turn; then single commits, 100 in a turn."""
    commits = n // min(1000, n // 100)
    for operation, source, count, step in (
        ("load_batch", "commits", commits, commits // 10),
        ("load_single", "singles", 500 if n > TINY else 40, 100),
    ):
        spent: dict[str, list[float]] = {name: [] for name in both}
        for _ in range(0, count, step):
            for name, peer in turns(both):
                spent[name] += peer.write(source, step)
        rows = n if source == "commits" else count
        for name, seconds in spent.items():
            found[name][operation] = {
                "ops_s": rows / sum(seconds), "seconds": sum(seconds), **quantiles(seconds),
            }  # fmt: skip
            tenth = max(1, len(seconds) // 10)
            slowed = sum(seconds[-tenth:]) / sum(seconds[:tenth])
            found[name][operation]["last_tenth_slower"] = slowed


def rest(both: dict[str, Peer], found: Found, rounds: int) -> None:
    """Close and open: sizes, what opening costs here and in a new process."""
    for name, peer in both.items():
        peer.settle()
        found[name] |= peer.rest()
    for name, peer in turns(both):
        found[name]["start_ms"] = {part: s * 1e3 for part, s in peer.start(rounds).items()}
    opened: dict[str, list[float]] = {name: [] for name in both}
    for number in range(rounds):
        for name, peer in turns(both):
            if number:
                peer.close()
            opened[name].append(peer.reopen())
    for name, seconds in opened.items():
        found[name]["reopen_ms"] = statistics.median(seconds) * 1e3


def asked(
    operation: Operation, both: dict[str, Peer], options: argparse.Namespace
) -> dict[str, Found]:
    """All rounds of one operation, the first of them untimed."""
    runs: dict[str, list[Found]] = {name: [] for name in both}
    rounds = options.rounds or operation.rounds
    for _ in range(rounds + 1):
        for name, peer in turns(both):
            if not (runs[name] and "unsupported" in runs[name][0]):
                runs[name].append(peer.ask(operation.name, options.budget / rounds))
    return {name: summary(told) for name, told in runs.items()}


def summary(runs: list[Found]) -> Found:
    """The rounds as one: the median of their medians; the quantile of all their calls."""
    if "unsupported" in runs[0]:
        return runs[0]
    timed = runs[1:]
    spent = [second for run in timed for second in run["spent"]]
    return {
        "calls": len(spent),
        "ops_s": len(spent) / sum(spent),
        **quantiles(spent),
        "p50_us": statistics.median(statistics.median(run["spent"]) for run in timed) * 1e6,
        "cpu_us": min(run["cpu"] for run in timed) * 1e6,
        "wrong": sum(run["wrong"] for run in runs),
    }


def quantiles(seconds: list[float]) -> Found:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return {"p50_us": statistics.median(ordered) * 1e6, "p99_us": p99 * 1e6}


def ratios(base: Found, own: Found, aspect: str) -> dict[str, float]:
    """EPQL's figure in the baseline's: of throughput for loads, of this aspect for questions."""
    made = {name: own[name]["ops_s"] / base[name]["ops_s"] for name in LOAD_AIMS}
    for operation in OPERATIONS:
        mine, theirs = own[operation.name], base[operation.baseline or operation.name]
        if aspect in mine and aspect in theirs:
            made[operation.name] = mine[aspect] / theirs[aspect]
    return made | {name: own[name] / base[name] for name in ("reopen_ms", "disk")}


def wrong(found: Found) -> int:
    """How many answers were not the oracle's."""
    results = (
        found[name].get(o.name, {}) for name in ADAPTERS if name in found for o in OPERATIONS
    )
    return sum(result.get("wrong", 0) for result in results)


def report(n: int, found: Found) -> None:
    """The table of one size."""
    base, own = found.get("baseline", {}), found["epql"]
    print(f"\n{n:,} assertions, in {found['seconds']:.0f} s")
    for name in ADAPTERS.keys() & found.keys():
        print(f"{name:9}{found[name]['peer']}: {found[name]['version']}")
    head = ("", "", "baseline", "EPQL", "ratio", "aim", "before", "of CPU", "p99", "EPQL p99")
    print("{:23}{:4}{:>12}{:>12}{:>10}{:>8}{:>10}{:>10}{:>12}{:>12}".format(*head))
    for name, aim in LOAD_AIMS.items():
        line(name, "/s", base.get(name), own[name], "ops_s", found, f"≥ {aim}")
    for operation in OPERATIONS:
        aim_ = f"≤ {operation.aim:g}" if operation.aim else ""
        theirs = base.get(operation.baseline or operation.name)
        line(operation.name, "µs", theirs, own[operation.name], "p50_us", found, aim_)
    for name, unit, key, by in (("reopen", "ms", "reopen_ms", 1.0), ("disk", "MB", "disk", 1e6)):
        values = [peer[key] / by if peer else None for peer in (base, own)]
        print(f"{name:23}{unit:4}{number(values[0])}{number(values[1])}{ratio_of(found, key)}")
    if wrong(found):
        print(f"{wrong(found)} WRONG ANSWERS")


def line(
    name: str, unit: str, base: Found | None, own: Found, key: str, found: Found, aim: str
) -> None:
    if "unsupported" in own:
        print(f"{name:23}{unit:4}   not there: {own['unsupported']}")
        return
    values, tails = ([number(peer.get(part) if peer else None) for peer in (base, own)]
                     for part in (key, "p99_us"))  # fmt: skip
    ratio, was = ratio_of(found, name), ratio_of(found, name, peer="before")
    cpu = ratio_of(found, name, "cpu_ratios") if unit == "µs" else " " * 10
    failed = f"  {own['wrong']} WRONG" if own.get("wrong") else ""
    print(f"{name:23}{unit:4}{''.join(values)}{ratio}{aim:>8}{was}{cpu}{''.join(tails)}{failed}")


def number(value: float | None) -> str:
    return f"{'-':>12}" if value is None else f"{value:12,.1f}"


def ratio_of(found: Found, name: str, aspect: str = "ratios", peer: str = "epql") -> str:
    ratio = found.get(peer, {}).get(aspect, {}).get(name)
    return " " * 10 if ratio is None else f"{ratio:9.2f}×"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--n", type=int, nargs="+", default=[100_000], choices=SIZES)
    parser.add_argument("--check", action="store_true", help="only check answers, tiny scale")
    parser.add_argument("--dir", help="where the databases go (default: the temporary folder)")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--budget", type=float, default=15, help="seconds for one operation")
    parser.add_argument("--rounds", type=int, help="of each operation (default: 3 or 5)")
    parser.add_argument("--alone", action="store_true", help="EPQL without the baseline")
    parser.add_argument(
        "--before", metavar="PYTHON", help="another EPQL in turn: the Python it is installed for"
    )
    return parser.parse_args()


def main() -> int:
    options = parsed()
    if options.check:
        command = [sys.executable, str(HERE / "workload.py"), "check"]
        checks = [subprocess.run([*command, a], check=False) for a in set(ADAPTERS.values())]
        return max(check.returncode for check in checks)
    where = machine(options.dir)
    print("machine ", told(where))
    sizes = {}
    for n in options.n:
        sizes[str(n)] = measured(n, options)
        report(n, sizes[str(n)])
        if options.json:  # after each size: what comes may be stopped
            options.json.write_text(json.dumps({"machine": where, "sizes": sizes}, indent=1) + "\n")
    return int(any(wrong(found) for found in sizes.values()))


if __name__ == "__main__":
    sys.exit(main())
