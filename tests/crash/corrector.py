"""The process that is killed between a correction and its effects.

    python -m tests.crash.corrector DATABASE

Asserts, approves, derives and corrects for ever; acknowledges each correction on standard output.
It goes on from what it finds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import epql


def main(path: Path) -> None:
    """Correct for ever."""
    con = epql.connect(path, agent="sre", autocommit=True)
    (number,) = con.execute("SELECT count(*) FROM corrections").fetchall()[0]
    while True:
        number += 1
        subject, agent = f"t{number % 3}/{os.urandom(8).hex()}", f"author-{number % 5}"
        (row,) = con.execute(
            "ASSERT (?, 'p', ?) AGENT ? RETURNING id", (subject, number, agent)
        ).fetchall()
        con.execute("PROMOTE ?", row)
        con.execute("ASSERT (?, 'q', 1) AGENT 'deriver' BECAUSE ?", (subject, *row))
        con.execute("CORRECT ? REASON 'wrong'", row)
        os.write(1, b"ACK %d\n" % number)  # not through a buffer: it is a promise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
