"""What a garden needs besides corrections: proposals that nobody looks after, flags that nobody
answered, reads that are old enough to be forgotten. Only the last changes anything.
"""

from __future__ import annotations

from typing import NamedTuple

from epql.engine.audit import retention
from epql.engine.database import Database
from epql.engine.lifecycle import CODE, LANDING, NAME
from epql.engine.records import Object, assertion_id
from epql.engine.store.objects import seq_of


class Waiting(NamedTuple):
    """An assertion that waits for somebody.

    `since` in microseconds UTC: when something last happened to it, or when it was flagged;
    `why`: the reason of its flag, or None for a stale proposal.
    """

    id: str
    subject: str
    predicate: str
    object: Object
    lifecycle: str
    agent: str
    since: int
    why: str | None = None


def stale_proposals(database: Database) -> list[Waiting]:
    """Proposed or in review, and nothing has happened to them for the policy `stale_after`:
    not asserted again, moved, voted on or confirmed. The longest ago first; those whose valid
    time is over are left out.
    """
    now = database.now()
    limit = database.tx_at(now - _policy(database, "stale_after"))
    return _waiting(database, _STALE, {"limit": seq_of(limit + 1, 0), "now": now})


def unanswered_flags(database: Database) -> list[Waiting]:
    """What stands although it lost its ground, and nobody has confirmed it since."""
    return _waiting(database, _UNANSWERED, {})


def forget_old_reads(database: Database) -> int:
    """Remove what is older than the policy `audit_retention` from the audit; how many reads.

    Raises: OperationalError `audit.busy`, `audit.remove`.
    """
    limit = database.now() - _policy(database, "audit_retention")
    return retention.prune(database.audited(), limit)


def _policy(database: Database, name: str) -> int:
    tx, _ = database.last()
    return int(database.declarations.at(tx).value(name))


def _waiting(database: Database, sql: str, params: dict[str, int]) -> list[Waiting]:
    return [
        Waiting(assertion_id(digest), subject, predicate, obj, NAME[state], agent, since, why)
        for digest, subject, predicate, obj, state, agent, since, why in database.db.execute(
            sql, params
        )
    ]


_TOLD = (
    "SELECT a.digest, s.subject, s.predicate, a.object, a.state, g.name, c.recorded_at, {why}"
    " FROM {source} JOIN slot s ON s.id=a.slot JOIN agent g ON g.id=a.agent"
    " JOIN txn c ON c.tx=({last} >> 20) WHERE {where} ORDER BY {last}, a.id"
)
_LATEST = (
    "max(a.seq"
    ", ifnull((SELECT max(t.id) FROM transition t WHERE t.assertion=a.id), 0)"
    ", ifnull((SELECT max(v.id) FROM vote v WHERE v.assertion=a.id), 0)"
    ", ifnull((SELECT max(u.id) FROM used u WHERE u.what='assertion' AND u.target=a.id), 0))"
)
_STALE = _TOLD.format(
    why="NULL",
    source=f"(SELECT a.*, {_LATEST} AS last FROM assertion a"
    f" WHERE a.state IN ({CODE['proposed']}, {CODE['review']}) AND a.seq<:limit"
    " AND a.valid_to>:now) a",
    last="a.last",
    where="a.last<:limit",
)
_UNANSWERED = _TOLD.format(
    why="f.reason",
    source="(SELECT assertion, max(id) AS id FROM flag GROUP BY assertion) l"
    " JOIN flag f ON f.assertion=l.assertion AND f.id=l.id JOIN assertion a ON a.id=f.assertion",
    last="f.id",
    where=f"a.state IN ({', '.join(str(CODE[state]) for state in LANDING)})"
    " AND NOT EXISTS (SELECT 1 FROM used u"
    "  WHERE u.what='assertion' AND u.target=a.id AND u.id>f.id)",
)
