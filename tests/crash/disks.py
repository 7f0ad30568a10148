"""Running the tools that need mounts: each in a mount namespace of its own, so that nothing it
mounted stays, whatever becomes of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.rows import Row

TOOLS = Path(__file__).with_name("tools")
WORK = Path(__file__).with_name("disk_work.py")
MOUNTS = ["unshare", "--mount", "--propagation", "private"]


def run(row: Row, tmp: Path, tool: str, *arguments: object, private: bool = True) -> dict[str, int]:
    """Run a tool; the numbers that its last lines name ("cuts 50, acknowledged 81").

    Raises: AssertionError with what the tool found, and how to run it again.
    """
    command = [
        *(MOUNTS if private else []),
        sys.executable,
        str(TOOLS / tool),
        *map(str, arguments),
    ]
    tool_run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True, env={**os.environ, "TMPDIR": str(tmp)},
    )  # fmt: skip
    try:
        said, _ = tool_run.communicate(timeout=row.left() + 900)
    finally:
        if tool_run.poll() is None:
            os.killpg(tool_run.pid, signal.SIGKILL)
            tool_run.wait()
    assert tool_run.returncode == 0, f"{said}\nagain: {' '.join(command)}"
    numbers = re.findall(r"([a-z][a-z ]*) (\d+)\b", said)
    return {word: int(number) for word, number in numbers}


def program(function: str, *arguments: str) -> list[str]:
    """The arguments that name a workload of disk_work.py, and its checker."""
    return [
        "--work-py", f"{WORK}:{function}", "--args", " ".join(arguments),
        "--check-py", f"{WORK}:check",
    ]  # fmt: skip
