"""EXPORT (query) TO: the rows of a query to a file; EXPORT TO: the whole database.

Rows stream; the file gets its name when it is whole. The query is asked as any other, and
audited so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from epql import nodes
from epql.engine.errors import ProgrammingError
from epql.engine.journal.recovery import open_tail
from epql.engine.replay import Commit, commits_of
from epql.exchange import dump
from epql.exchange.files import Progress, written
from epql.exchange.formats import Format
from epql.parse import parse
from epql.plan.values import Params
from epql.result import Result, Row

if TYPE_CHECKING:
    from epql.engine.database import Database
    from epql.runner import Runner

_TELL_EVERY = 1000


def export_rows(
    runner: Runner,
    query: str,
    params: Params,
    path: str,
    file_format: Format,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> tuple[int, Result]:
    """Write the rows of a query; how many, and what the query gave besides.

    Raises: ProgrammingError `export.query` for what has no rows; OperationalError `export.exists`.
    """
    writer = file_format.writer()
    asked = parse(query)
    if not isinstance(asked.statement, nodes.Query):
        raise ProgrammingError(
            "only the rows of a query can be exported",
            code="export.query",
            hint="EXPORT (SELECT * FROM beliefs) TO 'file.csv'",
        )
    with written(path, overwrite=overwrite) as file:
        result = runner.execute(query, params)
        assert result.columns is not None
        try:
            rows = result.rows if progress is None else _told(result.rows, progress)
            count = writer.write(file, result.columns, rows)
        finally:
            result.close()
    return count, result


def _told(rows: Iterator[Row], progress: Progress) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number % _TELL_EVERY == 0:
            progress(number, 0)
        yield row


def own_params(query: str, params: Params) -> Params:
    """Those of a statement's parameters that the query at its beginning takes."""
    asked = parse(query)
    if isinstance(params, Mapping):
        return {name: params[name] for name in asked.named}
    return tuple(islice(params, asked.positional))


def export_all(
    database: Database, path: str, *, overwrite: bool = False, progress: Progress | None = None
) -> tuple[int, int]:
    """Write every commit up to the last one; (how many, records). Source: dump.py."""
    tail = open_tail(database.files, repair=False, lock=database.lock).tail
    commits = records = 0

    def counted() -> Iterator[Commit]:
        nonlocal commits, records
        for commit in database.turns.checked(commits_of(database.files, tail)):
            commits, records = commits + 1, records + len(commit.records)
            if progress is not None and commits % _TELL_EVERY == 0:
                progress(commits, tail.last_tx)
            yield commit

    with written(path, overwrite=overwrite) as file:
        for line in dump.lines(counted()):
            file.write(line)
    return commits, records
