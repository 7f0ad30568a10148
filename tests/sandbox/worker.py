"""A process that runs statements and tells what each took: python -m tests.sandbox.worker FOLDER.

    {"text": "SELECT 1", "time": 0.25}
    {"seconds": 0.002, "mib": 0.0, "outcome": "1 rows", "all_mib": 41.3}

One line of JSON each way. Seconds are the processor's, of all threads; MiB are how far the
process grew beyond what it had when the statement began; `all_mib` is what it has behind it.
Each statement has a connection of its own, or, with `"kept": true`, the one of the last.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import epql

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def limits(time_s: float) -> epql.Limits:
    """Those for strangers, with a time of one's own."""
    return epql.Limits(time_s, 10_000, 1_000_000, 100_000, 128_000_000, 100, files=False)


def main(folder: Path) -> None:
    """Answer until the input ends."""
    con: epql.Connection | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        if con is None:
            con = epql.connect(folder, read_only=True, autocommit=True, audit="off")
            con.execute("SELECT count(*) FROM beliefs").fetchall()
        con.limits = limits(asked["time"])
        found = _measured(con, asked["text"])
        if not asked.get("kept"):
            con.close()
            con = None
        print(json.dumps({**found, "all_mib": round(_mib("VmRSS"), 1)}), flush=True)


def _measured(con: epql.Connection, text: str) -> dict[str, object]:
    RESET.write_text("5")  # the peak is from now on
    before, began = _mib("VmRSS"), time.process_time()
    try:
        cursor = con.execute(text)
        outcome = f"{len(cursor.fetchall())} rows" if cursor.description else "done"
    except epql.Error as error:
        outcome = str(error.code)
    except BaseException as error:
        outcome = f"! {type(error).__name__}: {error!s:.200}"
    taken, grown = time.process_time() - began, _mib("VmHWM") - before
    return {"seconds": round(taken, 3), "mib": round(grown, 1), "outcome": outcome}


def _mib(name: str) -> float:
    """A figure of this process that the kernel keeps."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
