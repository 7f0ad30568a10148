"""The checker says what is wrong: each promise that a database breaks, and none that it keeps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import epql
from epql.engine import usable
from tests.crash import work
from tests.crash.checker import check
from tests.crash.content import rows_of

WORK = Path(work.__file__)


def worked(folder: Path, kind: str, count: int) -> list[bytes]:
    """What a process said that worked and ended."""
    done = subprocess.run(
        [sys.executable, str(WORK), str(folder), kind, str(count)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", [*work.WORK, "create"])
def test_all_kinds_of_work_keep_their_promises(tmp_path: Path, kind: str) -> None:
    said = worked(tmp_path / "kb", kind, 7)
    check(tmp_path / "kb", said)
    said += worked(tmp_path / "kb", kind, 3)
    assert check(tmp_path / "kb", said) == check(tmp_path / "kb", said, rebuild=True) - 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    folder = tmp_path_factory.mktemp("whole") / "kb"
    return folder, worked(folder, "batch", 6)


@pytest.mark.parametrize(
    ("agent", "rows", "wrong"),
    [
        ("batch-0", rows_of("batch-0", 9), "is 7th"),
        ("batch-0", rows_of("batch-0", 7)[1:], "7 changed"),
        ("batch-1", [("batch-1/1", "p0", "else")], "1 changed"),
    ],
    ids=["left out", "part", "changed"],
)
def test_what_nobody_wrote_is_told(
    tmp_path: Path,
    whole: tuple[Path, list[bytes]],
    agent: str,
    rows: list[tuple[str, str, str]],
    wrong: str,
) -> None:
    shutil.copytree(whole[0], tmp_path / "kb")
    with epql.connect(tmp_path / "kb", agent=agent) as con:
        con.executemany("ASSERT (?, ?, ?)", rows)
    con.close()
    with pytest.raises(AssertionError, match=wrong):
        check(tmp_path / "kb", whole[1])


def test_what_is_missing_is_told(tmp_path: Path, whole: tuple[Path, list[bytes]]) -> None:
    shutil.copytree(whole[0], tmp_path / "kb")
    with pytest.raises(AssertionError, match="8 acknowledged, 6 there"):
        check(tmp_path / "kb", [*whole[1], b"ACK batch-0 8"])
    with pytest.raises(AssertionError, match="6, at most 5"):
        check(tmp_path / "kb", whole[1][:-2])


def test_an_index_that_tells_otherwise_is_told(
    tmp_path: Path, whole: tuple[Path, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usable, "SAMPLES", 0)  # which would find it at opening
    shutil.copytree(whole[0], tmp_path / "kb")
    db = apsw.Connection(str(tmp_path / "kb" / "index.db"))
    db.execute("UPDATE assertion SET confidence=0.5 WHERE id=(SELECT min(id) FROM assertion)")
    db.close()
    with pytest.raises(AssertionError, match="not what the journal says"):
        check(tmp_path / "kb", whole[1])


def test_what_was_said_while_the_power_went_may_be_there(
    tmp_path: Path, whole: tuple[Path, list[bytes]]
) -> None:
    shutil.copytree(whole[0], tmp_path / "kb")
    promised = [line for line in whole[1] if not line.startswith(b"ACK")][:1]
    late = [b"LATE " + line for line in whole[1] if line.startswith(b"ACK")]
    with pytest.raises(AssertionError, match="at most"):
        check(tmp_path / "kb", promised)
    check(tmp_path / "kb", promised + late)
