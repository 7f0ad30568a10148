"""When the gardener comes by: after a commit that corrected something, and at opening.

What it does is engine/governance/gardener.py; here is only that nothing of it ever takes back or
fails a correction that is acknowledged: what cannot be done now is told, and done later.
"""

from __future__ import annotations

from epql.engine.database import Database
from epql.engine.errors import Error
from epql.engine.governance.gardener import tend


class Gardening:
    """The gardener of one connection, and the notices it has not told yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.untold: list[str] = []

    def after_correction(self) -> None:
        """Do what follows from a correction that has just been committed, unless others shall."""
        if self._database.options.gardener:
            self._tend()

    def at_opening(self) -> None:
        """Do what a killed process has left undone, unless somebody is writing just now."""
        options = self._database.options
        if options.gardener and not options.read_only:
            self._tend(timeout_s=0)

    def _tend(self, timeout_s: float | None = None) -> None:
        try:
            tend(self._database, timeout_s=timeout_s)
        except Error as error:
            if timeout_s == 0 and error.code == "lock.timeout":
                return
            self.untold.append(
                "what follows from a correction (trust, flags) is not done yet:"
                f" {error.message}; epql garden finishes it"
            )

    def take_notices(self) -> list[str]:
        """What has not been told yet."""
        taken, self.untold = self.untold, []
        return taken
