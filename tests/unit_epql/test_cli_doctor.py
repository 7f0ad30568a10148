"""`epql doctor`: each thing that can be wrong is found, has a remedy, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql as connector
from epql.cli.doctor import database, machine, volume
from epql.engine import volumes
from epql.engine.doubt import put_in_doubt
from epql.engine.files import OsFiles
from epql.engine.lock import WriterLock
from tests.unit_epql.cli import epql, story

Tree = dict[str, tuple[int, bytes]]


def tree(path: Path) -> Tree:
    """Every file with its time and bytes."""
    return {
        str(file.relative_to(path)): (file.stat().st_mtime_ns, file.read_bytes())
        for file in path.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = story(tmp_path_factory.mktemp("made") / "kb.epql")
    assert epql("query", path, "SELECT * FROM beliefs").code == 0
    return path


@pytest.fixture
def kb(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "kb.epql")


def doctor(path: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the findings about the database by name; it must have changed nothing."""
    before = tree(path) if path.is_dir() else None
    above = sorted(path.parent.iterdir())
    said = epql("doctor", path, "--json")
    assert before is None or tree(path) == before
    assert sorted(path.parent.iterdir()) == above
    findings = said.json["findings"]
    assert all("remedy" in found for found in findings if found["status"] != "ok")
    return said.code, {found["name"]: found for found in findings if found["about"] == str(path)}


def test_a_sound_database(kb: Path) -> None:
    code, found = doctor(kb)
    assert code == 0 and {one["status"] for one in found.values()} == {"ok"}
    assert list(found) == [
        "database", "format", "permissions", "file system", "free space", "size", "lock", "clock",
        "journal", "index", "audit", "sync",
    ]  # fmt: skip
    assert found["journal"]["value"] == 5 and found["index"]["value"] == 5
    assert found["size"]["value"]["journal"] == sum(
        file.stat().st_size for file in (kb / "journal").iterdir()
    )
    assert 0 < found["sync"]["value"] < 60
    said = epql("doctor", kb)
    assert said.out.endswith("all is well\n") and "  ok    lock: free\n" in said.out


# ---------------------------------------------------------------- what can be wrong


def test_nothing_there(tmp_path: Path) -> None:
    code, found = doctor(tmp_path / "none.epql")
    assert code == 1 and found["database"]["status"] == "fail"
    assert found["database"]["remedy"].endswith("none.epql makes one")


def test_a_file_a_link_to_nothing_and_somebody_elses_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.doc").write_text("x")
    for name, told in (("file", "not_a_folder"), ("link", "missing"), ("folder", "missing")):
        code, found = doctor(tmp_path / name)
        assert code == 1 and f"database.{told}" in found["database"]["value"]


def test_another_format(kb: Path) -> None:
    (kb / "FORMAT").write_text("EPQL database\nversion 99\n")
    code, found = doctor(kb)
    assert code == 1 and "database.version" in found["database"]["value"]
    (kb / "FORMAT").write_bytes(b"\xff\x00")
    assert "database.format" in doctor(kb)[1]["database"]["value"]


def test_a_damaged_byte_in_the_journal(kb: Path) -> None:
    [segment] = (kb / "journal").iterdir()
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    os.chmod(segment, 0o600)
    segment.write_bytes(data)
    code, found = doctor(kb)
    assert code == 1 and "journal.damaged" in found["journal"]["value"]
    assert "restore it from a copy" in found["journal"]["remedy"]


def test_commits_that_only_the_index_knows(kb: Path) -> None:
    [segment] = (kb / "journal").iterdir()
    segment.write_bytes(segment.read_bytes()[:400])
    assert doctor(kb)[0] == 1
    assert "journal.cut" in epql("doctor", kb).out


def test_a_torn_tail_is_only_warned_of(kb: Path) -> None:
    [segment] = (kb / "journal").iterdir()
    segment.write_bytes(segment.read_bytes() + b"half a commit")
    code, found = doctor(kb)
    assert code == 0 and found["journal"]["status"] == "warn"


def test_no_index(kb: Path) -> None:
    (kb / "index.db").unlink()
    code, found = doctor(kb)
    assert code == 0 and found["index"]["status"] == "warn"
    assert epql("query", kb, "SELECT 1").code == 0
    assert doctor(kb)[1]["index"]["status"] == "ok", "the remedy helps"


def test_an_index_that_is_no_index(kb: Path) -> None:
    (kb / "index.db").write_bytes(b"not a database" * 1000)
    code, found = doctor(kb)
    assert code == 1 and "epql rebuild" in found["index"]["remedy"]
    assert epql("rebuild", kb).code == 0
    assert doctor(kb)[0] == 0, "the remedy helps"


def test_an_index_that_is_behind(kb: Path, tmp_path: Path) -> None:
    old = (kb / "index.db").read_bytes()
    assert epql("assert", kb, "later", "p", "o").code == 0
    (kb / "index.db").write_bytes(old)
    code, found = doctor(kb)
    assert code == 0 and "at tx 5, the journal at tx 6" in found["index"]["value"]
    assert found["index"]["status"] == "warn"


def test_a_lock_that_another_process_holds(kb: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(kb)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        code, found = doctor(kb)
        assert code == 0 and f"held by process {holder.pid}" in found["lock"]["value"]
    finally:
        holder.stdin.close()
        holder.wait(30)
    assert doctor(kb)[1]["lock"]["value"] == "free"


_HOLD = """
import sys, epql
connection = epql.connect(sys.argv[1])
connection.execute("ASSERT ('a', 'b', 'c')")
print("held", flush=True)
sys.stdin.read()
connection.rollback()
"""


def test_a_writer_that_died(kb: Path) -> None:
    lock = WriterLock(kb / "LOCK")
    lock.acquire(1)
    [segment] = (kb / "journal").iterdir()
    lock.note("writing", 1, segment.stat().st_size)
    lock.close()
    code, found = doctor(kb)
    assert code == 0 and "ended in the middle of a write" in found["lock"]["value"]
    assert found["lock"]["status"] == "warn"
    assert epql("query", kb, "SELECT 1").code == 0
    assert doctor(kb)[1]["lock"]["status"] == "ok", "the remedy helps"


def test_a_damaged_audit(kb: Path) -> None:
    with connector.connect(kb, audit="sync") as connection:
        for number in range(5):
            connection.execute("SELECT ? FROM beliefs", (number,)).fetchall()
    connection.close()
    log = max((kb / "audit").rglob("*.log"), key=lambda file: file.stat().st_size)
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    code, found = doctor(kb)
    assert code == 1 and "journal.damaged" in found["audit"]["value"]
    assert "the knowledge is whole" in found["audit"]["remedy"]


def test_a_write_that_the_disk_refused(kb: Path) -> None:
    lock = WriterLock(kb / "LOCK")
    lock.acquire(1)
    lock.note("failed", 1, 120)
    lock.close()
    assert "a write that the disk refused" in doctor(kb)[1]["lock"]["value"]


def test_what_was_cut_off_and_kept(kb: Path) -> None:
    assert "kept aside" not in doctor(kb)[1]
    [segment] = (kb / "journal").iterdir()
    with segment.open("ab") as file:
        file.write(b"EPQF half a frame")
    assert epql("assert", kb, "goes", "on", "here").code == 0
    code, found = doctor(kb)
    [torn] = (kb / "journal").glob("torn-*.part")
    assert code == 0 and found["kept aside"]["status"] == "warn"
    assert found["kept aside"]["value"] == [torn.name]
    torn.unlink()
    assert "kept aside" not in doctor(kb)[1], "the remedy helps"


def test_records_that_were_set_aside(kb: Path) -> None:
    with closing(apsw.Connection(str(kb / "index.db"))) as db:
        db.execute("INSERT INTO aside VALUES(4096, 'Z', 'unknown kind')")
    code, found = doctor(kb)
    assert code == 0 and found["records"]["status"] == "warn" and found["records"]["value"] == 1
    assert "1 record set aside" in epql("doctor", kb).out and "Z: unknown kind" in _told(kb)


def test_an_index_in_doubt(kb: Path) -> None:
    put_in_doubt(OsFiles(kb))
    code, found = doctor(kb)
    assert code == 0 and found["doubt"]["status"] == "warn"
    assert epql("query", kb, "SELECT 1").code == 0
    assert "doubt" not in doctor(kb)[1], "the remedy helps"


def _told(kb: Path) -> str:
    return " ".join(epql("doctor", kb).out.split())


def test_a_clock_behind_the_last_commit(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor(kb)[1]["clock"]["status"] == "ok"
    monkeypatch.setattr("epql.engine.clock.system_clock", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    found = doctor(kb)[1]["clock"]
    assert found["status"] == "warn" and "it says 2001-01-01" in found["value"]
    assert "timedatectl" in found["remedy"]


def test_copies_that_were_killed(kb: Path) -> None:
    left = kb.with_name(f".{kb.name}.123.tmp")
    left.mkdir()
    found = doctor(kb)[1]["unfinished copies"]
    assert found["status"] == "warn" and str(left) in found["value"] and "rm -r" in found["remedy"]
    left.rmdir()


# ---------------------------------------------------------------- where it lies


def test_others_may_look_in(kb: Path) -> None:
    assert doctor(kb)[1]["permissions"]["status"] == "ok"
    kb.chmod(0o755)
    found = doctor(kb)[1]["permissions"]
    assert found["status"] == "warn" and f"{kb} (755)" in found["value"]
    assert "chmod -R go= " in found["remedy"]
    kb.chmod(0o700)
    [segment] = (kb / "journal").iterdir()
    segment.chmod(0o644)
    assert doctor(kb)[1]["permissions"]["status"] == "ok", "nobody gets there"
    segment.chmod(0o600)


def test_permissions(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.os, "access", lambda path, mode: mode != os.W_OK)
    code, found = doctor(kb)
    assert code == 0 and "not written" in found["permissions"]["value"]
    assert "not measured" in found["sync"]["value"]
    monkeypatch.setattr(database.os, "access", lambda path, mode: not str(path).endswith(".log"))
    code, found = doctor(kb)
    assert code == 1 and "cannot be read" in found["permissions"]["value"]


def test_what_really_cannot_be_read_is_a_finding(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(kb / "journal"))

    monkeypatch.setattr(database, "size_of", refused)
    code, found = doctor(kb)
    assert code == 1 and found["size"]["value"] == f"Permission denied: {kb / 'journal'}"
    assert found["journal"]["status"] == "ok", "the rest is looked at all the same"


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("nfs4", "warn", "locks and syncs may not hold"),
        ("fuse.sshfs", "warn", "locks and syncs may not hold"),
        ("tmpfs", "warn", "gone after a restart"),
        ("ext4", "ok", "mounted at"),
    ],
)
def test_kinds_of_file_systems(
    kb: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, status: str, told: str
) -> None:
    here = str(kb.resolve()).replace(" ", "\\040")
    table = tmp_path / "mountinfo"
    table.write_text(
        "21 1 8:1 / / rw - xfs /dev/root rw\n"
        f"22 21 0:99 / {here} rw,relatime shared:1 - {kind} server:/x rw\n"
        f"23 21 0:98 / {here}-other rw - nfs server:/y rw\n"
    )
    monkeypatch.setattr(volumes, "MOUNTS", table)
    found = doctor(kb)[1]["file system"]
    assert found["status"] == status and told in found["value"] and kind in found["value"]
    monkeypatch.setattr(volumes, "MOUNTS", tmp_path / "none")
    assert "cannot be told" in doctor(kb)[1]["file system"]["value"]


def test_a_disk_that_is_full(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil._ntuple_diskusage  # type: ignore[attr-defined]
    monkeypatch.setattr(volume.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 0))
    code, found = doctor(kb)
    assert code == 1 and found["free space"]["status"] == "fail"
    monkeypatch.setattr(volume.shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 9, 9))
    assert doctor(kb)[1]["free space"]["status"] == "warn"


def test_a_slow_disk(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "_timed", lambda folder: [0.2] * 20)
    assert doctor(kb)[1]["sync"]["status"] == "warn"
    monkeypatch.setattr(volume, "_timed", lambda folder: [0.000_001] * 20)
    assert "maybe not one" in epql("doctor", kb).out


# ---------------------------------------------------------------- the installation


def test_versions_and_what_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    said = epql("doctor")
    assert said.code == 0 and f"epql: {connector.__version__} in " in said.out
    assert f"lark: {metadata.version('lark')} (1.2 or later)" in said.out
    required = ["apsw>=999", "no-such-thing>=1", 'pandas>=2; extra == "pandas"', "lark"]
    monkeypatch.setattr(machine.metadata, "requires", lambda name: required)
    said = epql("doctor", "--json")
    assert said.code == 1
    found = {one["name"]: one for one in said.json["findings"]}
    assert found["apsw"]["status"] == "fail" and ">=999" in found["apsw"]["remedy"]
    assert "missing" in found["no-such-thing"]["value"]
    assert found["extra pandas"]["status"] == "ok", "nobody needs an extra"


def test_a_config_file_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("mode = [")
    monkeypatch.setenv("EPQL_CONFIG", str(tmp_path / "config.toml"))
    said = epql("doctor", "--json")
    assert said.code == 1
    assert [f["name"] for f in said.json["findings"] if f["status"] == "fail"] == ["config"]


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_what_names_no_folder(path: str) -> None:
    said = epql("doctor", path)
    assert said.code == 1 and "database.path" in said.out
