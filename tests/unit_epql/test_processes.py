"""Several processes on one database: whole commits, never backwards, one writer at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import epql

ROOT = Path(__file__).resolve().parents[2]
PER_COMMIT = 7

WRITER = """
import sys, time, epql
path, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
connection = epql.connect(path, agent=name, timeout=30)
end, number = time.monotonic() + seconds, 0
while time.monotonic() < end:
    number += 1
    source = f"{name}-{number}"
    for k in range(PER_COMMIT):
        text = "ASSERT (?, 'p', ?) SOURCE ?"
        connection.execute(text, (f"{name}/{k}", number, source))
    connection.commit()
    print(number, flush=True)
connection.close()
""".replace("PER_COMMIT", str(PER_COMMIT))

READER = """
import json, sys, time, epql
path, seconds, options = sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3])
connection = epql.connect(path, timeout=30, **options)
end, last, last_tx, reads, half, back = time.monotonic() + seconds, {}, 0, 0, 0, 0
while time.monotonic() < end or (not last_tx and time.monotonic() < end + 30):
    rows = connection.execute(
        "SELECT source, count(*) FROM assertions GROUP BY source").fetchall()
    half += sum(n != PER_COMMIT for source, n in rows if source)
    rows = connection.execute("SELECT agent, max(object), min(object), count(*) FROM beliefs"
                              " WHERE predicate = 'p' GROUP BY agent").fetchall()
    for agent, high, low, n in rows:
        half += high != low or n != PER_COMMIT
        back += high < last.get(agent, 0)
        last[agent] = high
    (tx,), = connection.execute("SELECT count(*) FROM commits").fetchall()
    back += tx < last_tx
    last_tx = tx
    changes = connection.execute("SELECT count(*) FROM beliefs DIFF SINCE TX 0").fetchall()
    reads += 1
print(json.dumps([reads, half, back, last_tx]))
""".replace("PER_COMMIT", str(PER_COMMIT))


def start(program: str, *arguments: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with epql.connect(tmp_path / "kb") as connection:
        connection.close()
    return tmp_path / "kb"


def watched(path: Path, writers: list[str], seconds: float) -> None:
    readers = [start(READER, path, seconds, json.dumps({"read_only": n > 0})) for n in range(3)]
    writing = [start(WRITER, path, name, seconds) for name in writers]
    acknowledged = {
        name: [int(line) for line in end(process).split()]
        for name, process in zip(writers, writing, strict=True)
    }
    for process in readers:
        reads, half, back, last_tx = json.loads(end(process))
        assert reads > 3 and last_tx > 0
        assert (half, back) == (0, 0)
    with epql.connect(path) as connection:
        text = "SELECT agent, count(DISTINCT source), count(*) FROM assertions GROUP BY agent"
        found = {agent: (n, rows) for agent, n, rows in connection.execute(text)}
        assert found == {
            name: (len(numbers), PER_COMMIT * len(numbers))
            for name, numbers in acknowledged.items()
        }
        (last,) = connection.execute("SELECT max(tx) FROM commits").fetchall()
        assert last == (sum(map(len, acknowledged.values())),)


def test_readers_beside_a_writer_see_whole_commits_and_never_go_back(path: Path) -> None:
    watched(path, ["w"], 2.0)


def test_two_writers_take_turns(path: Path) -> None:
    watched(path, ["v", "w"], 1.5)


@pytest.mark.slow
def test_many_processes_for_a_while(path: Path) -> None:
    watched(path, ["u", "v", "w", "x"], 20.0)


HOLDER = """
import sys, epql
connection = epql.connect(sys.argv[1])
connection.execute("ASSERT ('held', 'p', 1)")
print("held", flush=True)
sys.stdin.readline()
connection.commit()
connection.close()
"""


def test_a_second_writer_waits_and_is_told_who_holds_the_lock(path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with epql.connect(path, timeout=0.2, autocommit=True) as connection:
        begun = time.monotonic()
        with pytest.raises(epql.OperationalError) as caught:
            connection.execute("ASSERT ('mine', 'p', 1)")
        assert 0.1 < time.monotonic() - begun < 3
        assert caught.value.code == "lock.timeout" and caught.value.retryable
        assert str(holder.pid) in caught.value.message and not connection.in_transaction
        text = "SELECT subject FROM beliefs ORDER BY subject"
        assert connection.execute(text).fetchall() == [], "readers go on meanwhile"
        holder.communicate("\n", timeout=30)
        connection.execute("ASSERT ('mine', 'p', 1)")
        assert connection.execute(text).fetchall() == [("held",), ("mine",)]


def test_the_lock_of_a_killed_writer_is_free(path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    with epql.connect(path, timeout=1, autocommit=True) as connection:
        connection.execute("ASSERT ('mine', 'p', 1)")
        rows = connection.execute("SELECT subject FROM beliefs").fetchall()
        assert rows == [("mine",)], "nothing of what was not committed"


IMPORTER = """
import sys, epql
connection = epql.connect(sys.argv[1])
connection.import_history(sys.argv[2])
connection.close()
"""


def test_readers_during_an_import_see_whole_commits(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    with file.open("w") as lines:
        for number in range(1, 2500):
            facts = [[f"w/{k}", "p", number] for k in range(PER_COMMIT)]
            line = {"at": number, "agent": "w", "source": str(number), "facts": facts}
            lines.write(json.dumps(line) + "\n")
    importer = start(IMPORTER, path, file)
    seen = [0]
    with epql.connect(path) as connection:
        while importer.poll() is None:
            text = "SELECT object, count(*) FROM beliefs GROUP BY object"
            rows = connection.execute(text).fetchall()
            assert len(rows) <= 1 and all(number == PER_COMMIT for _, number in rows)
            seen.append(rows[0][0] if rows else 0)
            assert seen[-1] >= seen[-2]
            past = connection.execute(text + " AS OF '-1h'").fetchall()
            assert len(past) <= 1
        end(importer)
        assert connection.execute(text).fetchall() == [(2499, PER_COMMIT)]
    assert len(seen) > 2
