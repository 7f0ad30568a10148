"""Benchmarks in a row, their numbers as one JSON file.

    python benchmarks/run.py quick            what `make bench` runs: at most three minutes
    python benchmarks/run.py large            1 M and 10 M assertions: about an hour, 10 GB of disk
    python benchmarks/run.py keep [--before PYTHON] [--again PART …]
                                              the figures of docs/performance, and its pages

A part is a program of this folder. Its numbers are in build/benchmarks/<commit>/<part>.json, those
of the whole run in build/benchmarks/<commit>/<what>.json. `keep` goes on where it was stopped:
parts that have run on this commit are not run again. `--before`: the Python of a checkout to
compare with in turn (git worktree add ../before COMMIT; make -C ../before .venv/bin/.dev).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import figures
from machine import ROOT, commit, machine

HERE = Path(__file__).resolve().parent
GB_NEEDED = 10

Part = list[str]
"""The program of this folder and its arguments."""

QUICK: dict[str, Part] = {
    "10k": ["compare.py", "--n", "10000", "--rounds", "3"],
    "100k": ["compare.py", "--n", "100000", "--rounds", "3"],
    "statements": ["statements.py", "--times", "100"],
    "executemany": ["executemany.py"],
    "audited": ["audited.py", "--rounds", "3"],
    "frames": ["frames.py", "--rounds", "1"],
    "concurrency": ["concurrency.py", "--seconds", "1"],
    "memory": ["memory.py", "--n", "100000"],
}
LARGE: dict[str, Part] = {
    "1m": ["compare.py", "--n", "1000000", "--budget", "30"],
    "memory-1m": ["memory.py", "--n", "1000000"],
    "10m": ["compare.py", "--n", "10000000", "--budget", "120", "--rounds", "3"],
}
KEEP: dict[str, Part] = {
    "10k": ["compare.py", "--n", "10000"],
    "100k": ["compare.py", "--n", "100000"],
    "1m": LARGE["1m"],
    "statements": ["statements.py"],
    "audited": ["audited.py"],
    "concurrency": ["concurrency.py", "--seconds", "8"],
    "memory-1m": LARGE["memory-1m"],
    "10m": LARGE["10m"],
}


def run(
    parts: dict[str, Part], folder: Path, again: list[str], before: str
) -> tuple[dict[str, Any], list[str]]:
    """The numbers of all parts, and which of them failed."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    failed = []
    for name, (program, *arguments) in parts.items():
        python = before if name.endswith("-before") else sys.executable
        file = folder / f"{name}.json"
        if name in again:
            file.unlink(missing_ok=True)
        if not file.exists():
            print(f"\n── {name}: {program} {' '.join(arguments)}", flush=True)
            if not _ran(python, program, arguments, file):
                failed.append(name)
                continue
        found[name] = json.loads(file.read_text())
    return found, failed


def _ran(python: str, program: str, arguments: list[str], file: Path) -> bool:
    """Run one; its file is there only if every answer was right."""
    half = file.with_suffix(".half")
    began = time.perf_counter()
    command = [python, str(HERE / program), *arguments, "--json", str(half)]
    done = subprocess.run(command, check=False)
    print(f"({time.perf_counter() - began:.0f} s)")
    if done.returncode:
        half.unlink(missing_ok=True)
        return False
    half.rename(file)
    return True


@contextmanager
def scratch(folder: str | None) -> Iterator[None]:
    """Where all parts put their databases: removed at the end, also when the run is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(
        prefix="bench-", dir=folder, ignore_cleanup_errors=True
    ) as made:
        os.environ["TMPDIR"] = made
        yield


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("quick", "large", "keep"))
    parser.add_argument("--before", metavar="PYTHON")
    parser.add_argument("--again", nargs="+", default=[], metavar="PART")
    parser.add_argument("--without", nargs="+", default=[], metavar="PART")
    parser.add_argument("--dir", help="where the databases go (default: the temporary folder)")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> dict[str, Part]:
    """The parts that are to run, with what the caller asked of them."""
    parts = {"quick": QUICK, "large": LARGE, "keep": KEEP}[options.what]
    made = {name: list(part) for name, part in parts.items() if name not in options.without}
    if options.before and "statements" in made:
        made["statements-before"] = made["statements"]
    for part in made.values():
        if options.before and part[0] == "compare.py" and part is not made.get("10m"):
            part += ["--before", options.before]
    return made


def main() -> int:
    options = parsed()
    parts = chosen(options)
    free = shutil.disk_usage(options.dir or tempfile.gettempdir()).free / 1e9
    if options.what != "quick" and free < GB_NEEDED:
        raise SystemExit(f"{GB_NEEDED} GB of disk are needed, {free:.0f} are free: --dir FOLDER")
    began, here = time.perf_counter(), commit()
    again = options.again if options.what == "keep" else list(parts)
    folder = ROOT / "build" / "benchmarks" / here
    with scratch(options.dir):
        found, failed = run(parts, folder, again, options.before or "")
    whole = {"commit": here, "machine": machine(options.dir), "parts": found}
    (folder / f"{options.what}.json").write_text(json.dumps(whole, indent=1) + "\n")
    print(f"\n{time.perf_counter() - began:.0f} s in all; {folder / options.what}.json")
    if failed:
        print("failed: " + ", ".join(failed))
    elif options.what == "keep":
        figures.keep(whole)
        subprocess.run([sys.executable, str(HERE / "pages.py")], check=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
