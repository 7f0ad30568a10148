"""Network file systems are not written to unless somebody says so (rule J11)."""

from __future__ import annotations

from pathlib import Path

import pytest

import epql
from epql.engine import volumes


def mounted(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a folder lie on another kind of file system."""
    table = folder.parent / "mountinfo"
    table.write_text(
        "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
        f"26 25 0:99 / {str(folder).replace(' ', chr(92) + '040')} rw - {kind} server:/export rw\n"
    )
    monkeypatch.setattr(volumes, "MOUNTS", table)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "ceph", "lustre", "afs"])
def test_a_network_file_system_is_refused_and_nothing_is_made(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a share"
    folder.mkdir()
    mounted(kind, folder, monkeypatch)
    with pytest.raises(epql.OperationalError) as caught:
        epql.connect(folder / "kb")
    assert caught.value.code == "database.network"
    assert kind in caught.value.message and "EPQL_ALLOW_NETWORK=1" in str(caught.value.hint)
    assert list(folder.iterdir()) == []
    epql.connect(tmp_path / "kb").close()


def test_the_environment_allows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    mounted("nfs4", folder, monkeypatch)
    monkeypatch.setenv("EPQL_ALLOW_NETWORK", "1")
    epql.connect(folder / "kb").close()


def test_it_is_read_there_with_a_private_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    with epql.connect(folder / "kb", autocommit=True) as connection:
        connection.execute("ASSERT ('s', 'p', 1)")
        connection.close()
    mounted("cifs", folder, monkeypatch)
    with pytest.raises(epql.OperationalError):
        epql.connect(folder / "kb")
    before = sorted(file.name for file in (folder / "kb").iterdir())
    with epql.connect(folder / "kb", read_only=True, audit="off") as connection:
        assert "a private one was made" in connection.notices[0]
        assert connection.execute("SELECT object FROM beliefs").fetchall() == [(1,)]
        connection.close()
    assert sorted(file.name for file in (folder / "kb").iterdir()) == before


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "9p", "virtiofs"])
def test_others_are_opened(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted(kind, folder, monkeypatch)
    epql.connect(folder / "kb").close()


def test_where_no_table_of_mounts_is_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "MOUNTS", tmp_path / "none")
    assert volumes.network_kind(tmp_path) is None
