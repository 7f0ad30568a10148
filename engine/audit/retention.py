"""Forgetting reads: whole chains whose last record is older than a limit.

What it is: chain and rows go together. A chain is small or one week old at most when it is sealed
(stream.py), so what is kept longer than asked for is little.
What it is not: a policy. Whoever calls it says how old is too old.
"""

from __future__ import annotations

from epql.engine.audit.chains import Chains, is_begun
from epql.engine.audit.index import AuditIndex
from epql.engine.audit.stream import stamp, system_us
from epql.engine.errors import InternalError, OperationalError
from epql.engine.index.ask import only
from epql.engine.journal.recovery import open_tail
from epql.engine.lock import WriterLock

_BIRTH_US = 3_600_000_000
"""A chain without a segment that nobody holds is a leftover after an hour."""


def prune(index: AuditIndex, older_than_us: int) -> int:
    """Remove the chains in which all is older than an instant; how many questions that were.

    Never a chain whose writer lives, nor one with damage: what is in it is not known.
    Raises: OperationalError `audit.busy`, `audit.remove`.
    """
    index.catch_up()
    chains = index.log.chains
    sql = "SELECT name FROM chain WHERE last_at<? AND problem IS NULL"
    old = {str(row[0]) for row in index.db.execute(sql, (older_than_us,))}
    count = 0
    for name in chains.names():
        if name in old and _remove(chains, name, older_than_us):
            sql = "SELECT count(*) FROM query WHERE chain=(SELECT id FROM chain WHERE name=?)"
            count += only(index.db, sql, (name,))[0]
            index.follower.forget([name])
        elif not is_begun(chains.files(name)) and _is_leftover(name):
            _remove(chains, name, older_than_us)
    return count


def _remove(chains: Chains, name: str, older_than_us: int) -> bool:
    """Remove a chain, unless its writer lives or somebody has gone on with it meanwhile."""
    files = chains.files(name)
    lock = WriterLock.of(files)
    if lock.probe():
        return False
    try:
        lock.acquire(0)
        if is_begun(files):
            tail = open_tail(files, repair=False, lock=lock).tail
            if tail.last_recorded_at >= older_than_us:
                return False
        chains.remove(name)
    except (OperationalError, InternalError) as error:
        if error.code == "audit.remove":
            raise
        return False
    finally:
        lock.close()
    return True


def _is_leftover(name: str) -> bool:
    return name < stamp(system_us() - _BIRTH_US)
