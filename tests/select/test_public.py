"""SQLite's own SELECT statements (public.sql) give in EPQL what they give in SQLite."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from tests.select.compare import Pair

_PARTS = re.split(
    r"^-- part (.*)\n", Path(__file__).with_name("public.sql").read_text(), flags=re.M
)
PARTS = dict(zip(_PARTS[1::2], _PARTS[2::2], strict=True))
_IS_QUERY = re.compile(r"(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)


def statements(part: str) -> list[str]:
    """The statements of a part, as SQLite itself tells where one ends."""
    found: list[str] = []
    held = ""
    for piece in part.strip().split(";"):
        held += piece + ";"
        if apsw.complete(held):
            found.append(held.strip().removesuffix(";"))
            held = ""
    return [text for text in found if text]


@pytest.mark.parametrize("name", PARTS)
def test_public_statements_give_the_same(name: str) -> None:
    connection = apsw.Connection(":memory:", statementcachesize=0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    for text in statements(PARTS[name]):
        if not _IS_QUERY.match(text):
            connection.execute(text)
            continue
        tables = connection.execute("SELECT lower(name) FROM sqlite_schema")
        pair = Pair(connection, frozenset(row[0] for row in tables))
        assert pair.difference(text) is None, text
        assert pair.is_accepted, text
        connection.set_progress_handler(None)


def test_there_are_many() -> None:
    texts = {text for part in PARTS.values() for text in statements(part) if _IS_QUERY.match(text)}
    assert len(texts) >= 300
