"""What a database lies on: the kind of file system, free space, how quick a sync is."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path

from epql.cli.doctor.finding import FAIL, OK, WARN, Finding, Findings
from epql.engine import volumes
from epql.output.sizes import size

GONE = {"tmpfs", "ramfs"}
_SYNCS = 20
_SYNC_SIZE = 512
_SLOW_S = 0.05
_UNREAL_S = 0.000_05
_FREE_MIN = 100 * 2**20


def volume(folder: Path) -> Findings:
    """The file system of a folder that is there."""
    kind, mount = volumes.kind_of(folder)
    if kind is None:
        yield Finding("file system", "cannot be told on this platform")
    elif kind in volumes.NETWORK or kind in volumes.SHARED:
        yield Finding(
            "file system", f"{kind}, mounted at {mount}: locks and syncs may not hold there", WARN,
            "keep the database on a local disk, and copies of it on the network",
        )  # fmt: skip
    elif kind in GONE:
        yield Finding(
            "file system", f"{kind}, mounted at {mount}: in memory, gone after a restart", WARN,
            "keep what matters on a disk",
        )  # fmt: skip
    else:
        yield Finding("file system", f"{kind}, mounted at {mount}")


def space(folder: Path, needed: int) -> Findings:
    """Free space; a rebuild needs as much as the index has."""
    usage = shutil.disk_usage(folder)
    text = f"{size(usage.free)} of {size(usage.total)}"
    status, remedy = OK, None
    if not usage.free:
        status, remedy = FAIL, "make room: nothing can be written"
    elif usage.free < max(_FREE_MIN, needed):
        status, remedy = WARN, "make room: a rebuild needs as much as the index has"
    yield Finding("free space", text, status, remedy, usage.free)


def sync_speed(folder: Path) -> Findings:
    """How long a commit waits for the disk: measured in the folder beside the database."""
    from epql.engine.errors import Error

    beside = folder.resolve().parent
    if not os.access(beside, os.W_OK) or os.stat(beside).st_dev != os.stat(folder).st_dev:
        yield Finding("sync", f"not measured: no file can be made in {beside} for it")
        return
    try:
        took = statistics.median(_timed(beside))
    except (Error, OSError) as error:
        yield Finding("sync", f"cannot be measured: {error}", WARN)
        return
    text = f"{took * 1000:.2f} ms (median of {_SYNCS} of {_SYNC_SIZE} bytes, in {beside})"
    if took > _SLOW_S:
        remedy = "write several assertions in one transaction, or use --durability os"
        yield Finding("sync", text, WARN, remedy, took)
    elif took < _UNREAL_S:
        yield Finding("sync", f"{text}: quicker than a disk can be, so maybe not one", data=took)
    else:
        yield Finding("sync", text, data=took)


def _timed(folder: Path) -> list[float]:
    """Seconds of each of some syncs, done as the journal does them, in a file that is removed."""
    from epql.engine.files import OsFiles

    files = OsFiles(folder)
    name = f".epql-doctor-{os.getpid()}"
    handle = files.create(name)
    try:
        times = []
        for _ in range(_SYNCS):
            handle.write(b"\0" * _SYNC_SIZE)
            began = time.perf_counter()
            handle.sync()
            times.append(time.perf_counter() - began)
        return times
    finally:
        handle.close()
        files.remove(name)
