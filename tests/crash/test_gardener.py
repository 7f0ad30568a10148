"""The gardener under SIGKILL and several processes: effects of a correction come exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import epql

ROOT = Path(__file__).parents[2]


def check(path: Path) -> int:
    """What each correction brought with it, by the shares on paper; how many there are."""
    con = epql.connect(path)
    corrections = con.execute("SELECT correction, id, subject, tended FROM corrections").fetchall()
    changes = con.execute("SELECT cause, agent, topic, role, success, failure FROM trust_changes")
    found = Counter(changes.fetchall())
    authors = dict(con.execute("SELECT id, agent FROM assertions LIFECYCLE ANY").fetchall())
    expected: Counter[tuple[object, ...]] = Counter()
    for cause, about, subject, tended in corrections:
        assert tended == 1
        topic = subject.partition("/")[0]
        expected[cause, authors[about], topic, "undone", -1.0, 0.0] += 1
        expected[cause, authors[about], topic, "author", 0.0, 1.0] += 1
        expected[cause, "sre", topic, "approver", 0.0, 0.5] += 1
        expected[cause, "deriver", topic, "deriver", 0.0, 0.125] += 1
    assert Counter({key: n for key, n in found.items() if key[3] != "approved"}) == expected
    flags = con.execute("SELECT count(*), count(DISTINCT id) FROM flags").fetchall()
    assert flags == [(len(corrections), len(corrections))]
    tended = con.execute("SELECT count(*) FROM commits WHERE agent = 'gardener'").fetchall()
    assert tended == [(len(corrections),)]
    con.close()
    return len(corrections)


def start(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.corrector", str(path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> int:
    """Kill -9; how many corrections it acknowledged last."""
    process.send_signal(signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err.decode()
    lines = out.split(b"\n")[:-1]
    return int(lines[-1].split()[1]) if lines else 0


def kill_loop(path: Path, cycles: int, seed: int) -> None:
    rnd = random.Random(seed)
    for _ in range(cycles):
        writer = start(path)
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it has begun
        time.sleep(rnd.uniform(0, 0.1))
        acknowledged = max(kill(writer), int(first.split()[1]))
        if rnd.random() < 0.3:
            for file in path.glob("index.db*"):
                file.unlink()
        assert check(path) >= acknowledged


def test_killed_while_correcting(tmp_path: Path) -> None:
    kill_loop(tmp_path / "kb", cycles=6, seed=6)


@pytest.mark.slow
def test_killed_while_correcting_at_length(tmp_path: Path) -> None:
    kill_loop(tmp_path / "kb", cycles=120, seed=120)


def corrected(path: Path, count: int) -> None:
    """A database with corrections that nobody has tended."""
    con = epql.connect(path, agent="sre", autocommit=True, gardener=False)
    for number in range(count):
        (row,) = con.execute(
            "ASSERT (?, 'p', 1) AGENT 'ann' RETURNING id", (f"t/{number}",)
        ).fetchall()
        con.execute("PROMOTE ?", row)
        con.execute("ASSERT (?, 'q', 1) AGENT 'deriver' BECAUSE ?", (f"t/{number}", *row))
        con.execute("CORRECT ? REASON 'wrong'", row)
    assert con.execute("SELECT count(*) FROM corrections WHERE tended").fetchall() == [(0,)]
    con.close()


def test_a_process_killed_between_the_two_commits(tmp_path: Path) -> None:
    """It dies at the very place: after the correction's COMMIT, before the gardener's begins."""
    corrected(tmp_path / "kb", 0)
    script = (
        "import os, signal, sys, epql\n"
        "con = epql.connect(sys.argv[1], agent='sre', autocommit=True)\n"
        "a = con.execute(\"ASSERT ('t/1','p',1) AGENT 'ann' RETURNING id\").fetchone()\n"
        "con.execute('PROMOTE ?', a)\n"
        "con.execute(\"ASSERT ('t/1','q',1) AGENT 'deriver' BECAUSE ?\", a)\n"
        "database = con.runner.database\n"
        "finish = database.finish\n"
        "def die(transaction):\n"
        "    finish(transaction)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "database.finish = die\n"
        "con.execute(\"CORRECT ? REASON 'wrong'\", a)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "kb")], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    idle = epql.connect(tmp_path / "kb", gardener=False)
    assert idle.execute("SELECT tended FROM corrections").fetchall() == [(0,)]
    idle.close()
    assert check(tmp_path / "kb") == 1


def test_several_processes_garden_at_once(tmp_path: Path) -> None:
    corrected(tmp_path / "kb", 40)
    command = [sys.executable, "-m", "epql.cli.main", "garden", str(tmp_path / "kb")]
    gardeners = [
        subprocess.Popen(
            [*command, "--timeout", "30"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    said = [one.communicate(timeout=120) for one in gardeners]
    assert [one.returncode for one in gardeners] == [0, 0, 0], said
    assert check(tmp_path / "kb") == 40


def test_several_processes_correct_at_once(tmp_path: Path) -> None:
    writers = [start(tmp_path / "kb") for _ in range(2)]
    deadline = time.monotonic() + 60
    for writer in writers:
        assert writer.stdout is not None
        while not writer.stdout.readline().startswith(b"ACK") and time.monotonic() < deadline:
            time.sleep(0.01)
    time.sleep(0.3)
    for writer in writers:
        kill(writer)
    assert check(tmp_path / "kb") >= 2
