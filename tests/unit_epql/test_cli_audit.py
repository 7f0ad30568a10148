"""What `epql verify` and `epql rebuild` do about the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

import epql
from epql.cli.main import main
from tests.unit_engine.audits import read, segments


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of one commit and three reads."""
    con = epql.connect(tmp_path / "kb", autocommit=True)
    con.execute("ASSERT ('a', 'b', 'c')")
    log = con.runner.database.audit
    for _ in range(3):
        read(log)
        log.flush()
    log.mode = "off"
    assert con.execute("SELECT count(*) FROM queries").fetchall() == [(3,)]
    con.close()
    return tmp_path / "kb"


def verified(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["verify", str(path)])
    return code, *capsys.readouterr()


def test_a_sound_audit_has_its_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verified(path, capsys)
    assert code == 0 and not err
    assert "audit    1 chain, 3 reads, " in out and "each chain holds" in out


def test_without_an_audit_there_is_no_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    epql.connect(tmp_path / "kb").close()
    code, out, _ = verified(tmp_path / "kb", capsys)
    assert code == 0 and "audit" not in out


def test_damage_in_the_audit_is_found(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (segment,) = segments(path)
    data = bytearray(segment.read_bytes())
    data[250] ^= 1
    segment.write_bytes(data)
    code, out, err = verified(path, capsys)
    assert code == 1 and out.endswith("not sound\n")
    assert "journal.damaged: the audit's chain " in err
    assert "The knowledge is whole" in out and "rebuild" not in out


def test_a_torn_tail_in_the_audit_is_harmless(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (segment,) = segments(path)
    segment.write_bytes(segment.read_bytes()[:-5])
    code, out, err = verified(path, capsys)
    assert code == 0 and "2 reads" in out
    assert "unfinished write" in err and "audit" in err


def test_rebuild_makes_way_for_a_new_audit_db(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (path / "audit" / "audit.db").exists()
    assert main(["rebuild", str(path)]) == 0
    assert not list((path / "audit").glob("audit.db*"))
    con = epql.connect(path, audit="off")
    assert con.execute("SELECT count(*) FROM reads").fetchall() == [(3,)]
    con.close()
