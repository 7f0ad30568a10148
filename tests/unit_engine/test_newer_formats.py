"""What a newer program has written is refused, or set aside, and said: never cut off or guessed."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import epql
from epql.cli.main import main
from epql.engine.check import check
from epql.engine.digest import digest
from epql.engine.journal import format as form
from epql.engine.journal.format import SEGMENT_HEADER_SIZE, decode_segment_header, encode_frame
from tests.samples.sample import unpack

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return unpack("v1/plain", tmp_path)


def segment(base: Path) -> Path:
    (file,) = (base / "journal").glob("*.log")
    return file


def header_of_version_2(base: Path) -> None:
    file = segment(base)
    data = bytearray(file.read_bytes())
    struct.pack_into("<H", data, 8, 2)
    data[88:120] = digest(bytes(data[:88]))
    file.write_bytes(data)


def frame_of_version_2(base: Path) -> None:
    """The last frame is a newer program's: the header has the same form, its check holds."""
    file = segment(base)
    data = bytearray(file.read_bytes())
    salt = decode_segment_header(data).salt
    at = data.rindex(b"EPQF")
    struct.pack_into("<H", data, at + 4, 2)
    data[at + 80 : at + 88] = digest(salt + bytes(data[at : at + 80]))[:8]
    data[-32:] = digest(salt + bytes(data[at:-32]))
    file.write_bytes(data)


def trailer_of_version_2(base: Path) -> None:
    file = segment(base)
    data = file.read_bytes()
    salt = decode_segment_header(data).salt
    trailer = form.Trailer(9, len(data), 9, 20, 1, bytes(32), bytes(32))
    head = bytearray(form.encode_trailer(trailer, salt)[:-32])
    struct.pack_into("<H", head, 4, 2)
    file.write_bytes(data + head + digest(salt + bytes(head)))


def write(base: Path) -> None:
    with closing(epql.connect(base, autocommit=True)) as connection:
        connection.execute("ASSERT ('a', 'b', 'c')")


def folder_of_version_2(base: Path) -> None:
    (base / "FORMAT").write_text("EPQL database\nversion 2\n")


@pytest.mark.parametrize("has_lock", [True, False])
@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize(
    "spoil", [header_of_version_2, frame_of_version_2, trailer_of_version_2, folder_of_version_2]
)
def test_a_newer_journal_is_refused_and_stays_as_it_is(
    base: Path, spoil: Callable[[Path], None], has_index: bool, has_lock: bool, capsys: Capture
) -> None:
    spoil(base)
    if not has_index:
        (base / "index.db").unlink()
    if not has_lock:
        (base / "LOCK").unlink()
    before = {file: file.read_bytes() for file in (base / "journal").iterdir()}
    for _ in range(2):
        with pytest.raises(epql.OperationalError) as caught:
            write(base)
        assert caught.value.code == "database.version"
        assert "version 2" in str(caught.value) and caught.value.hint == "install a newer epql"
    assert {file: file.read_bytes() for file in (base / "journal").iterdir()} == before
    assert main(["verify", str(base)]) == 2
    assert "cannot tell" in capsys.readouterr().out


def test_a_record_of_an_unknown_kind_is_set_aside(base: Path) -> None:
    file = segment(base)
    data = file.read_bytes()
    salt = decode_segment_header(data[:SEGMENT_HEADER_SIZE]).salt
    last = data[-32:]
    frame, _ = encode_frame(
        tx=10, offset=len(data), recorded_at=1_900_000_000_000_000, synced_up_to=len(data),
        records=[("M", 0, b"\x94\x0a\xa3new\xa5local\xc0"), ("Z", 0, b"what is this")],
        previous=last, salt=salt,
    )  # fmt: skip
    file.write_bytes(data + frame)
    (base / "LOCK").unlink()
    with closing(epql.connect(base, autocommit=True)) as connection:
        sql = "SELECT tx, agent FROM commits ORDER BY tx DESC LIMIT 1"
        assert connection.execute(sql).fetchall() == [(10, "new")]
        connection.execute("ASSERT ('goes', 'on', 'here')")
    verdict = check(base)
    assert verdict.is_sound
    assert [fault.code for fault in verdict.faults] == ["record.unknown"]


def test_a_newer_index_is_refused_and_an_older_one_made_anew(base: Path) -> None:
    for version, code in ((99, "index.version"), (1, None)):
        with closing(sqlite3.connect(base / "index.db")) as db:
            db.execute(f"PRAGMA user_version={version}")
        if code is None:
            with closing(epql.connect(base)) as connection:
                assert connection.execute("SELECT count(*) FROM commits").fetchone() == (9,)
            continue
        with pytest.raises(epql.InternalError) as caught:
            epql.connect(base)
        assert caught.value.code == code and "schema version 99" in str(caught.value)
        with closing(epql.connect(base, read_only=True)) as connection:  # a private index will do
            assert connection.execute("SELECT count(*) FROM commits").fetchone() == (9,)


def test_a_newer_backup_and_a_newer_export(base: Path, tmp_path: Path, capsys: Capture) -> None:
    with closing(epql.connect(base)) as connection:
        connection.backup(tmp_path / "b")
        connection.export_all(tmp_path / "all.jsonl.gz")
    manifest = (tmp_path / "b" / "BACKUP").read_text()
    (tmp_path / "b" / "BACKUP").write_text(manifest.replace("version 1", "version 2"))
    assert main(["restore", str(tmp_path / "b"), str(tmp_path / "new")]) == 1
    assert "backup.version" in capsys.readouterr().err
    text = gzip.decompress((tmp_path / "all.jsonl.gz").read_bytes()).decode()
    first, _, rest = text.partition("\n")
    assert '"version":1' in first.replace(" ", "")
    newer = first.replace('"version":1', '"version":2').replace('"version": 1', '"version": 2')
    (tmp_path / "newer.jsonl").write_text(f"{newer}\n{rest}")
    assert main(["restore", str(tmp_path / "newer.jsonl"), str(tmp_path / "new")]) == 1
    assert "export.version" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
    shutil.rmtree(tmp_path / "b")
