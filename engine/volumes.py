"""What a folder lies on: the kind of its file system, and whether a database may lie there.

On a network file system another machine has the disk: a lock may hold on one machine only, a sync
may return before anything is safe, and SQLite's shared memory does not reach. So such a folder is
not opened for writing (rule J11), unless the environment says that somebody knows better.
Decision: docs/decisions/0030-network-file-systems.md.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from epql.engine.errors import OperationalError

MOUNTS = Path("/proc/self/mountinfo")
ALLOW = "EPQL_ALLOW_NETWORK"
"""Set to 1: databases on network file systems are opened all the same."""

NETWORK = frozenset({
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph",
    "glusterfs", "lustre", "gpfs", "ocfs2", "gfs", "gfs2", "beegfs", "pvfs2", "orangefs", "davfs",
    "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs", "fuse.gcsfuse", "fuse.ceph",
    "fuse.ceph-fuse", "fuse.davfs", "fuse.juicefs", "fuse.goofys", "fuse.blobfuse2",
    "fuse.mount-s3", "fuse.moosefs", "fuse.seaweedfs",
})  # fmt: skip
"""Another machine has the disk."""

SHARED = frozenset({"9p", "drvfs", "vboxsf", "virtiofs", "fuse.grpcfuse", "fuse.vmhgfs-fuse"})
"""The host of this machine has the disk. Locks hold among the processes of this machine, which is
all there are in most containers; `epql doctor` warns."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def kind_of(folder: Path) -> tuple[str | None, str]:
    """The kind of file system that a folder lies on, and where that is mounted, as Linux's table
    of mounts says; None where there is no such table."""
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None, ""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    path = os.path.realpath(folder)
    found: tuple[str | None, str] = (None, "")
    for line in lines:
        before, _, after = line.partition(" - ")
        words = before.split(" ")
        mount = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), words[4])
        is_above = path == mount or path.startswith(mount.rstrip("/") + "/")
        if is_above and (words[2] == wanted or len(mount) > len(found[1])):
            found = after.split(" ")[0], mount
    return found


def network_kind(folder: Path) -> str | None:
    """The kind of network file system that a folder lies on, or would if it were made; None: none,
    or the environment allows it."""
    if os.environ.get(ALLOW) == "1":
        return None
    there = folder.absolute()
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        kind, _ = kind_of(there)
    except OSError:
        return None  # opening says why it cannot be looked at
    return kind if kind in NETWORK else None


def check_local(folder: Path) -> None:
    """Raises OperationalError `database.network` for a folder on a network file system."""
    kind = network_kind(folder)
    if kind is not None:
        raise OperationalError(
            f"{folder} lies on a network file system ({kind}), where locks and syncs may not hold",
            code="database.network",
            hint="keep the database on a local disk and BACKUP it to the network; read_only=True"
            f" reads it there; {ALLOW}=1 in the environment opens it all the same",
        )
