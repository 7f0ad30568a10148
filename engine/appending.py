"""Appending many commits, in groups that are ingested behind.

This process appends and syncs; once there is much, the ingestor applies in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from epql.engine.files import OsFiles
from epql.engine.ingest import catch_up
from epql.engine.ingestor import Ingestor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from epql.engine.database import Database
    from epql.engine.journal.writer import JournalWriter, Pending

_GROUPS_ALONE = 2
"""Groups after which it pays to start an ingestor."""


class Appending:
    """Appends groups of commits with a writer whose lock is held; see the module."""

    def __init__(self, database: Database, writer: JournalWriter) -> None:
        self._database = database
        self._writer = writer
        self._groups = 0
        self.ingestor: Ingestor | None = None
        """What applies them meanwhile, once there is much."""

    def append(self, group: Sequence[Pending]) -> None:
        """Append and sync a group, and let it be ingested. Raises: as JournalWriter.append."""
        with self._database.turns.shielded():
            self._writer.append(group)
        self._groups += 1
        if self._groups == _GROUPS_ALONE and isinstance(self._database.files, OsFiles):
            self.ingestor = Ingestor(self._database.files.root)
            self.ingestor.start()
        if self.ingestor is not None:
            self.ingestor.announce(self._writer.last_tx)

    def settle(self) -> None:
        """See to it that all that was appended is in the index."""
        if self.ingestor is not None:
            self.ingestor.stop()
            self.ingestor = None
        if self._groups and not self._writer.failed:
            with self._database.turns.shielded():
                catch_up(self._database.fold, self._database.files)
