"""EPQL beside the hand-written baseline: the same workload in the same run, as ratios.

    python benchmarks/compare.py [--n 100000] [--runs 1] [--check] [--dir FOLDER]

Each peer runs in its own process; every answer is compared with the workload's oracle. What
travels from machine to machine is the ratio; beside the numbers stand the machine, the versions
and what one durable append costs here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = ("sqlite_apsw", "epql_connector")
# operation, what is compared, whether more is better, the aim of docs/design (None: none)
ASPECTS = (
    ("load_batch", "ops_s", True, 0.6),
    ("load_single", "ops_s", True, 0.7),
    ("now_point", "p50_us", False, 5.0),
    ("now_point_approved", "p50_us", False, 5.0),
    ("asof_point", "p50_us", False, 5.0),
    ("asof_scan", "p50_us", False, 2.0),
    ("diff", "p50_us", False, 2.0),
    ("history", "p50_us", False, None),
)

Result = dict[str, Any]


def run_peer(peer: str, options: argparse.Namespace, out: Path) -> list[Result]:
    """All runs of one peer."""
    found = []
    for number in range(options.runs):
        command = [sys.executable, str(HERE / "workload.py"), "run", peer, "--n", str(options.n)]
        command += ["--out", str(out), "--tag", f"-{number}"]
        command += ["--dir", options.dir] if options.dir else []
        subprocess.run(command, check=True)
        found.append(json.loads((out / f"{peer}-{options.n}-{number}.json").read_text()))
    return found


def median(results: list[Result], operation: str, aspect: str) -> float | None:
    """The median over runs, None where a peer has no such number."""
    values = [result.get(operation, {}).get(aspect) for result in results]
    known = [float(value) for value in values if value is not None]
    return statistics.median(known) if known else None


def durable_append_us(folder: str | None) -> float:
    """The median of write 4 KiB + fdatasync on a growing file: what bounds single commits."""
    spent = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(300):
            began = time.perf_counter()
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1e6


def report(baseline: list[Result], ours: list[Result], options: argparse.Namespace) -> None:
    """The table."""
    print(
        f"\nmachine  {os.cpu_count()} cores, {platform.platform()}, Python {sys.version.split()[0]}"
    )
    for results in (baseline, ours):
        print(f"peer     {results[0]['peer']}: {results[0]['version']}")
    print(f"data     {options.n:,} assertions, runs: {options.runs}")
    print(f"append   4 KiB + fdatasync {durable_append_us(options.dir):.0f} µs here\n")
    print(f"{'':20}{'':8}{'baseline':>12}{'EPQL':>12}{'ratio':>9}{'aim':>9}")
    for operation, aspect, more_is_better, aim in ASPECTS:
        base, own = median(baseline, operation, aspect), median(ours, operation, aspect)
        wrong = sum(result.get(operation, {}).get("wrong", 0) for result in ours)
        line = f"{operation:20}{'/s' if more_is_better else 'µs':8}"
        if base is None or own is None:
            print(line + "-".rjust(12))
            continue
        goal = "" if aim is None else f"{'≥' if more_is_better else '≤'} {aim:g}"
        line += f"{base:12,.1f}{own:12,.1f}{own / base:8.2f}×{goal:>9}"
        print(line + (f"   {wrong} WRONG" if wrong else ""))
    for name, key, unit in (("reopen", "reopen_ms", 1.0), ("disk", "disk_alloc", 1e6)):
        values = [statistics.median(r[key] for r in rs) / unit for rs in (baseline, ours)]
        label = f"{name:20}{'ms' if unit == 1.0 else 'MB':8}"
        print(label + f"{values[0]:12,.1f}{values[1]:12,.1f}{values[1] / values[0]:8.2f}×")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--n", type=int, default=100_000, choices=[1_000, 10_000, 100_000, 1_000_000]
    )
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="only check answers, tiny scale")
    parser.add_argument("--dir", help="where the databases go (default: the temporary folder)")
    options = parser.parse_args()
    if options.check:
        command = [sys.executable, str(HERE / "workload.py"), "check"]
        return max(subprocess.run([*command, peer], check=False).returncode for peer in PEERS)
    with tempfile.TemporaryDirectory() as out:
        baseline, ours = (run_peer(peer, options, Path(out)) for peer in PEERS)
    report(baseline, ours, options)
    return int(any(ours[0].get(name, {}).get("wrong") for name, *_ in ASPECTS))


if __name__ == "__main__":
    sys.exit(main())
