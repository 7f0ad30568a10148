"""The stories again, disturbed after every statement that writes.

restart   the database is closed and opened
rebuild   it is closed, index.db is deleted, it is opened
killed    another process carries the statement out and is killed (SIGKILL) right after its
          commit, before the gardener and without closing anything; then it is opened again
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.golden.runner import Block, GoldenError, Run

WAYS = ("restart", "rebuild", "killed")
_WRITES = (
    "ASSERT", "SUPERSEDE", "CORRECT", "RETRACT", "REVIVE", "CONFIRM", "VOTE", "PROMOTE", "REJECT",
    "TRANSITION", "FORBID", "REPEAL", "DEFINE", "MARK",
)  # fmt: skip

_CHILD = """
import json, os, signal, sys
import epql
from tests.clock import TestClock
path, clock, agent, text, bound = json.loads(sys.argv[1])
con = epql.connect(path, agent=agent, clock=TestClock(clock), autocommit=True, gardener=False)
try:
    cursor = con.execute(text, bound)
except epql.Error as error:
    answer = {"error": error.code}
else:
    rows = None if cursor.description is None else cursor.fetchall()
    columns = [column[0] for column in cursor.description or ()]
    answer = {"rows": rows, "columns": columns, "notices": cursor.notices}
print(json.dumps(answer), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Disturbed(Run):
    """A story that is disturbed in one of WAYS."""

    way = WAYS[0]
    _is_set = False

    def _run_text(self, block: Block) -> None:
        word = block.body[0].split()[0].upper() if block.body else ""
        if word in ("SET", "BEGIN"):
            self._is_set = True  # the session's own state would not outlive it
        if word not in _WRITES or self._is_set or block.words[1] == "error":
            super()._run_text(block)
        elif self.way == "killed":
            self._in_child(block)
            self._do_restart(block)
        else:
            super()._run_text(block)
            getattr(self, "_do_" + self.way)(block)

    def _in_child(self, block: Block) -> None:
        bound, self.bound = self.bound, ()
        text = self._filled("\n".join(block.body))
        given = [str(self.database), self.clock.now.isoformat(), self.agent, text, bound]
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, json.dumps(given)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode != -9 or not done.stdout:
            raise GoldenError(f"the writer ended with {done.returncode}: {done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        if "error" in answer:
            raise GoldenError(f"{text}: {answer['error']}")
        self.rows = [tuple(row) for row in answer["rows"] or ()]
        self.columns, self.notices = answer["columns"], answer["notices"]
