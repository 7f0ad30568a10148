"""The audit under several processes: a kill loses nothing that was synced, and nobody waits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import epql
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.inspect import inspect
from tests.unit_engine.audits import ids, opened, segments

ROOT = Path(__file__).parents[2]


def start(folder: Path, agent: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.audited", str(folder), agent],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> set[bytes]:
    """Kill -9; the questions that it said were durable."""
    process.kill()
    said, _ = process.communicate()
    whole = said.rpartition("\n")[0]
    return {bytes.fromhex(line) for line in whole.split("\n") if line}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    epql.connect(tmp_path / "kb").close()
    return tmp_path / "kb"


def test_a_third_process_reads_what_two_are_writing(folder: Path) -> None:
    writers = [start(folder, "ann"), start(folder, "bob")]
    index = AuditIndex(opened(folder)[0])
    deadline, seen = time.monotonic() + 30, 0
    while time.monotonic() < deadline and seen < 5:
        before = len(index.db.execute("SELECT 1 FROM query").fetchall())
        grown = len(ids(index)) > before
        both = index.db.execute("SELECT count(*) FROM agent").fetchall() == [(2,)]
        seen += grown and both
        time.sleep(0.02)
    said = set.union(*map(kill, writers))
    assert seen == 5
    assert said and said <= ids(index)
    assert len(segments(folder)) == 2


def test_a_killed_writer_loses_nothing_and_its_chain_goes_on(folder: Path) -> None:
    said: set[bytes] = set()
    for round_ in range(4):
        writer = start(folder, "ann")
        assert writer.stdout is not None
        for _ in range(5 + round_ * 20):
            said.add(bytes.fromhex(writer.stdout.readline()))
        said |= kill(writer)
    log, notices = opened(folder)
    assert said <= ids(AuditIndex(log))
    assert len(segments(folder)) == 1
    assert inspect(folder).is_sound and not notices


_FULL = """
import resource, signal, sys
import epql
from tests.unit_engine.audits import read
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
con = epql.connect(sys.argv[1], audit=sys.argv[2])
log = con.runner.database.audit
read(log); log.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
try:
    for _ in range(30):
        read(log); log.flush()
except epql.OperationalError as error:
    print(error.code)
print(len([n for n in con.notices if "not audited" in n]))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
con.close()
"""


@pytest.mark.parametrize(("mode", "said"), [("lazy", ["1"]), ("sync", ["journal.disk_full", "0"])])
def test_a_file_that_may_not_grow(folder: Path, mode: str, said: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(folder), mode],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == said, done.stderr
    found = len(ids(AuditIndex(opened(folder)[0])))
    assert found == 31 if mode == "lazy" else found >= 1


_FORGETFUL = """
import sys, epql
from tests.unit_engine.audits import read
con = epql.connect(sys.argv[1])
read(con.runner.database.audit)
keep = [con]; keep.append(keep)
"""


def test_a_program_that_closes_nothing_is_audited(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", _FORGETFUL, str(folder)], cwd=ROOT, check=True)
    assert len(ids(AuditIndex(opened(folder)[0]))) == 1


_FORKED = """
import os, sys, epql
from tests.unit_engine.audits import read
con = epql.connect(sys.argv[1])
log = con.runner.database.audit
read(log)
if os.fork() == 0:
    sys.exit()
os.wait()
con.close()
"""


def test_a_forked_child_writes_nothing(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", _FORKED, str(folder)], cwd=ROOT, check=True)
    assert len(ids(AuditIndex(opened(folder)[0]))) == 1
    assert inspect(folder).is_sound and len(segments(folder)) == 1
