"""Where the time of one row goes: EPQL under cProfile, on the workload of compare.py.

    python benchmarks/profiled.py load_batch|load_single|now_point|asof_point|asof_scan|diff|…
                                  [--n 10000] [--lines 25] [--by tottime|cumulative]

cProfile slows calls of Python more than SQLite, so shares lean towards Python.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import pstats
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import workload


def loaded(peer: Any, work: workload.Workload, profile: cProfile.Profile, wanted: str) -> list[int]:
    """The whole workload written, and what each commit is called."""
    tokens = []
    for source in ("load_batch", "load_single"):
        commits = work.commits() if source == "load_batch" else work.singles()
        for tx, rows in commits:
            if source == wanted:
                profile.enable()
            tokens.append(peer.load(rows, tx))
            profile.disable()
    return tokens


def asked(run: Callable[..., Any], arguments: list[Any], profile: cProfile.Profile) -> None:
    """All questions once without the profile, then once with it."""
    for one in arguments:
        run(*one)
    profile.enable()
    for one in itertools.islice(itertools.cycle(arguments), max(10, len(arguments))):
        run(*one)
    profile.disable()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("operation")
    parser.add_argument("--n", type=int, default=10_000, choices=sorted(workload.SHAPES))
    parser.add_argument("--lines", type=int, default=25)
    parser.add_argument("--by", default="tottime")
    options = parser.parse_args()
    work, profile = workload.Workload(options.n), cProfile.Profile()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        peer = workload.make("epql_connector")
        peer.open(folder)
        tokens = loaded(peer, work, profile, options.operation)
        if not options.operation.startswith("load"):
            run, arguments = workload.questions(peer, work, tokens)[options.operation]
            asked(run, arguments, profile)
        peer.close()
    pstats.Stats(profile).strip_dirs().sort_stats(options.by).print_stats(options.lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
