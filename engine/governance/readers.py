"""Who read an assertion carelessly, as the audit knows it: the gardener's one question to it."""

from __future__ import annotations

from epql.engine.audit.index import Reader
from epql.engine.database import Database
from epql.engine.governance.corrections import Case
from epql.engine.lifecycle import CODE

_SHOWING = {"beliefs", "assertions", "history"}
_UNAPPROVED = (CODE["proposed"], CODE["review"])


def careless(database: Database, case: Case) -> list[str]:
    """Agents that a SELECT without a lifecycle filter showed the assertion before it was
    corrected, while nobody had approved it; each once, by name. The corrector never.

    Raises: OperationalError `audit.busy`.
    """
    audited = database.audited()
    audited.catch_up()
    found = audited.readers_of([case.assertion], case.at)
    return sorted({one.agent for one in found if _is_careless(one)} - {case.agent})


def _is_careless(read: Reader) -> bool:
    return (
        read.is_exact
        and read.unfiltered
        and read.is_finding
        and read.kind == "select"
        and read.state in _UNAPPROVED
        and not _SHOWING.isdisjoint(read.relations)
    )
