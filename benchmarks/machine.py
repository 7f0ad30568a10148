"""Where a benchmark ran: what stands beside every figure."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def machine(folder: str | None = None) -> dict[str, Any]:
    """The machine, the moment, and what one durable append costs there."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "cores": os.cpu_count(),
        "processor": _field("/proc/cpuinfo", "model name"),
        "memory_mb": int(_field("/proc/meminfo", "MemTotal").split()[0] or 0) // 1024,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "append_us": round(durable_append_us(folder)),
    }


def _field(file: str, name: str) -> str:
    """A line of one of the kernel's tables."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "0")


def durable_append_us(folder: str | None) -> float:
    """The median of write 4 KiB + fdatasync on a growing file: what bounds single commits."""
    spent = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(300):
            began = time.perf_counter()
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1e6


def commit(folder: Path = ROOT) -> str:
    """The project's commit there, with a plus where its programs were changed."""
    name = _git(folder, "rev-parse", "--short=7", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--", "epql", "engine", "grammar")
    return (name or "unknown") + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def told(where: dict[str, Any]) -> str:
    """One line for people."""
    load = " ".join(map(str, where["load"]))
    return (
        f"{where['date']}, {where['cores']} cores ({where['processor']}),"
        f" {where['memory_mb'] / 1024:.0f} GB, {where['system']}, Python {where['python']},"
        f" load {load}; 4 KiB + fdatasync {where['append_us']} µs"
    )
