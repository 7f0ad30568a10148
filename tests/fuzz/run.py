"""The guided fuzzer: one target for some seconds, in a process of its own, with atheris.

    python -m tests.fuzz.run TARGET [--seconds 60] [--seed 1] [--corpus FOLDER] [--merge]

Without --corpus it begins with the inputs kept in corpus/TARGET.jsonl and what is written down
(the manual, golden files, real databases). `--merge` keeps the smallest set of inputs that covers
as much, in corpus/TARGET.jsonl. Findings are printed with the input in Python's form, and left in
the folder that is named; made smaller they belong in found/TARGET.jsonl (test_found.py).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import corpora
from tests.fuzz.child import AGAIN, read_current
from tests.fuzz.targets import TARGETS, seeds_of

ROOT = Path(__file__).resolve().parents[2]
HANGS_S = 60.0
"""One input longer than that is a hang, also where Python's signals do not get through."""
MEMORY_MB = 1500
"""More is a finding: a decoder that believed a length."""
LIMITS = ("-timeout=86400", f"-rss_limit_mb={MEMORY_MB}")
"""The clock and the memory of libFuzzer's own. A day, not 0: atheris takes 0 for a second, and ends
the process (77) at the first input, which takes that long on a busy machine. `_wait` sees hangs."""
_STATUS = re.compile(r"#\d+\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/\S+.*?rss: (\d+)Mb")


@dataclass
class Run:
    """What a run did. `executions`: inputs tried, by the child's own count, with those that it
    began with. `findings`: what was said, and the input."""

    executions: int = 0
    seconds: float = 0.0
    edges: int = 0
    features: int = 0
    corpus: int = 0
    memory_mb: int = 0
    began_edges: int = 0
    findings: list[tuple[str, bytes]] = field(default_factory=list)
    said: str = ""

    def sentence(self) -> str:
        """The figures in words."""
        rate = self.executions / self.seconds if self.seconds else 0
        return (
            f"{self.executions:,} executions in {self.seconds:.0f} s ({rate:.0f}/s), coverage"
            f" {self.began_edges} → {self.edges} edges, {self.features} features, {self.corpus}"
            f" inputs, {self.memory_mb} MB; {len(self.findings)} findings"
        )


def is_possible() -> bool:
    """Whether atheris is installed."""
    return find_spec("atheris") is not None


def fill(name: str, folder: Path, seed: int = 1, *, seeds: bool = True) -> None:
    """Put the inputs that are known into a folder for libFuzzer."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = [*corpora.kept(name), *(seeds_of(name) if seeds else ())]
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def run(name: str, seconds: float, *, seed: int, work: Path, seeds: bool = True) -> Run:
    """Fuzz a target; `work` is an empty folder, where corpus and findings stay.

    `seeds`: begin with what is written down, too, not only with the corpus.
    """
    corpus, found = work / "corpus", work / "found"
    found.mkdir(parents=True, exist_ok=True)
    fill(name, corpus, seed, seeds=seeds)
    target = TARGETS[name]
    command = [
        sys.executable, "-m", "tests.fuzz.child", name, str(found), str(corpus),
        f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", *LIMITS,
        f"-max_len={target.length}", "-reload=0",
        f"-artifact_prefix={found}/artifact-", "-print_final_stats=1",
    ]  # fmt: skip
    return _watched(command, found, seconds)


def _watched(command: list[str], found: Path, seconds: float) -> Run:
    result = Run()
    began = time.monotonic()
    log = found / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        try:
            reason = _wait(process, found / "current", began, seconds)
        finally:
            process.kill()
            process.wait()
    result.seconds = time.monotonic() - began
    text = log.read_text(errors="replace")
    _read_log(text, result)
    if (found / "current").exists():
        result.executions = read_current(found / "current")[0]
    for path in sorted(found.glob("finding-*[0-9a-f]")):
        result.findings.append((path.with_suffix(".txt").read_text(), path.read_bytes()))
    if reason:
        said = [line for line in text.splitlines() if not line.startswith("INFO: Instrumenting")]
        end = "\n".join(said[-80:])
        result.findings.append((f"{reason}\n{end}", read_current(found / "current")[1]))
    return result


def _wait(process: subprocess.Popen[bytes], current: Path, began: float, seconds: float) -> str:
    """Why the child ended, if it was not that its time was over."""
    seen, since = -1, time.monotonic()
    while True:
        try:
            code = process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            code = None
        if code is not None:
            return "" if code == 0 else f"the process ended with {code}"
        number = read_current(current)[0] if current.exists() else 0
        now = time.monotonic()
        if number != seen:
            seen, since = number, now
        if now - since > HANGS_S and number:
            return f"input {number} ran for more than {HANGS_S:.0f} s"
        if now - began > 3 * seconds + 300:
            return "the process did not end in its time"


def _read_log(text: str, result: Run) -> None:
    for edges, features, corpus, memory in _STATUS.findall(text):
        result.edges, result.features = int(edges), int(features)
        result.corpus, result.memory_mb = int(corpus), int(memory)
        if not result.began_edges:
            result.began_edges = int(edges)
    began = re.search(r"INITED\s+cov: (\d+)", text)
    if began:
        result.began_edges = int(began[1])
    result.said = text[-2000:]


def merge(name: str, folder: Path, work: Path) -> int:
    """Keep the smallest set of a folder's inputs that covers as much; how many bytes."""
    small = work / "merged"
    small.mkdir(parents=True)
    again = work / "again"
    again.write_text(
        f'#!/bin/sh\ncd "{ROOT}"\n'
        f'exec "{sys.executable}" -m tests.fuzz.child {name} "{work}" "$@"\n'
    )
    again.chmod(0o700)
    command = [
        sys.executable, "-m", "tests.fuzz.child", name, str(work), str(small), str(folder),
        "-merge=1", f"-max_len={TARGETS[name].length}", *LIMITS,
    ]  # fmt: skip
    more = {**os.environ, AGAIN: str(again)}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=more)
    return corpora.keep(name, [path.read_bytes() for path in small.iterdir()])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a folder of inputs to begin with")
    parser.add_argument("--merge", action="store_true", help="keep what covers something new")
    options = parser.parse_args()
    if not is_possible():
        parser.error("atheris is not installed: pip install atheris")
    work = Path(tempfile.mkdtemp(prefix=f"fuzz-{options.target}-"))
    if options.corpus is not None:
        shutil.copytree(options.corpus, work / "corpus")
    found = run(options.target, options.seconds, seed=options.seed, work=work)
    print(f"{options.target}: {found.sentence()}")
    for said, data in found.findings:
        print(f"\n{said}\n  {data[:300]!r} ({len(data)} bytes)")
    if options.merge:
        print(f"kept {merge(options.target, work / 'corpus', work):,} bytes")
    print(f"\nin {work}")
    return int(bool(found.findings))


if __name__ == "__main__":
    sys.exit(main())
