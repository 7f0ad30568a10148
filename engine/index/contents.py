"""Whether what the index says of an assertion is what its content address stands for (rule I7).

The index has the content of each assertion in columns, and the digest beside it; the journal has
the bytes that the digest is of. Some assertions, chosen at random, are compared at each opening;
`epql verify` compares all. What leaves by DUMP or BACKUP is read from the journal, frame by frame
checked.
"""

from __future__ import annotations

import random

import apsw

from epql.engine.errors import InternalError
from epql.engine.files import Files
from epql.engine.index.ask import first
from epql.engine.journal.format import Malformed
from epql.engine.journal.reader import read_frame_at
from epql.engine.records import Assertion, decode, key_of
from epql.engine.store.objects import order_of

_RECORDS_MAX = 2_000
"""Larger commits are left out of the choice: each is read as a whole."""


def content_fault(db: apsw.Connection, files: Files, count: int) -> str | None:
    """What is wrong with one of `count` assertions chosen at random; None: nothing.

    Raises: apsw.Error, OperationalError, as reading does.
    """
    last = first(db, "SELECT max(id) FROM assertion")
    if last is None or last[0] is None:
        return None
    starts = [(random.randint(0, int(last[0])),) for _ in range(count)]
    for row in list(db.executemany(_ONE, starts)):
        if not _is_as_recorded(files, *row):
            return f"an assertion of commit {row[0] >> 20} is not what the journal says"
    return None


_ONE = (
    "SELECT a.id, c.segment, c.offset, a.digest, s.subject, s.predicate, a.object, a.confidence,"
    " g.name, a.source FROM assertion a LEFT JOIN txn c ON c.tx=(a.id >> 20)"
    " LEFT JOIN slot s ON s.id=a.slot LEFT JOIN agent g ON g.id=a.agent"
    " WHERE a.id=(SELECT x.id FROM assertion x WHERE x.id>=? ORDER BY x.id LIMIT 1)"
    f" AND ifnull(c.records, 0)<={_RECORDS_MAX}"
)


def _is_as_recorded(
    files: Files, number: int, segment: int | None, offset: int | None, digest: bytes, *told: object
) -> bool:
    if segment is None or offset is None:
        return False
    try:
        frame = read_frame_at(files, segment, offset)
    except InternalError:
        return True  # the journal is damaged there, which is not the index's fault: verify tells
    try:
        for order, (kind, _, payload, _) in enumerate(frame.records()):
            if order == order_of(number):
                return key_of(kind, bytes(payload)) == b"H:" + digest and told == _told(payload)
    except Malformed:
        pass
    return False


def _told(payload: memoryview) -> tuple[object, ...]:
    content = decode("H", payload)
    assert isinstance(content, Assertion)
    return (
        content.subject, content.predicate, content.object, content.confidence, content.agent,
        content.source,
    )  # fmt: skip
