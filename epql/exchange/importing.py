"""IMPORT FROM: the rows of a file become assertions, batch by batch.

Each row goes the way of ASSERT SELECT (epql/verbs/assert_rows.py), so that checks, rules and
policies are the same. A batch is one commit: all of it or nothing. A row that says what somebody
has said already, in whatever state that is now, adds nothing, so a file can be imported again,
and an interrupted import goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from epql import nodes
from epql.engine.digest import digests
from epql.engine.errors import (
    DataError,
    Error,
    IntegrityError,
    ProgrammingError,
)
from epql.engine.records import Assertion, encode
from epql.exchange.files import Progress, opened
from epql.exchange.formats import Format, Reading, Row
from epql.exchange.mapping import Mapping, Parts, typed
from epql.exchange.words import counted
from epql.verbs.assert_rows import EVERY, PARTS, content_of
from epql.verbs.asserter import Asserter, tell_of_grounds
from epql.verbs.work import Answer, Work

if TYPE_CHECKING:
    from epql.plan.scope import Resolver
    from epql.runner import Runner

BATCH = 10_000
"""Rows of one commit; fewer where they are long."""
_BATCH_CHARACTERS = 8 * 2**20
_BAD_KEPT = 1000
_NOTICES_KEPT = 20
_PREDICATE, _OBJECT = PARTS.index("predicate"), PARTS.index("object")


_OF_ROWS = (DataError, IntegrityError, ProgrammingError)
"""Errors that are a row's; a full disk or an interrupt is not."""


@dataclass
class Imported:
    """What an import did. `bad`: (line number, what is wrong) of the first rows left out, of
    `bad_rows`; `there`: assertions that were there already."""

    rows: int = 0
    assertions: int = 0
    there: int = 0
    bad_rows: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """The report in words."""
        parts = [f"{counted(self.rows, 'row')} read", counted(self.assertions, "new assertion")]
        if self.there:
            parts.append(f"{self.there} there already")
        if self.bad_rows:
            parts.append(f"{counted(self.bad_rows, 'bad row')} left out")
        return "; ".join(parts)


def import_rows(
    runner: Runner,
    path: str,
    file_format: Format,
    statement: nodes.Import,
    resolver: Resolver,
    *,
    progress: Progress | None = None,
) -> Imported:
    """Import a file; see the module.

    Raises: DataError `import.*` and what ASSERT raises, with the line's number, for the first bad
    row unless it is to be skipped; the batches before it stay.
    """
    runner.check_may_commit("an import")
    mapping = Mapping(statement.columns, statement.wide)
    with opened(path) as source:
        table = file_format.reader().read(source, Reading(not statement.no_header))
        load = _Load(runner, statement, resolver, mapping, file_format)
        load.report.notices += table.notices
        if table.columns:
            mapping.check(table.columns)
        for batch in _batches(runner.turns.checked(table.rows)):
            load.batch(batch)
            if progress is not None:
                progress(source.position(), source.size)
        if progress is not None:
            progress(source.size, source.size)
    return load.finished()


Line = tuple[int, Row | Error]


def _batches(rows: Iterator[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in rows:
        batch.append(line)
        if isinstance(line[1], dict):
            size += sum(len(value) for value in line[1].values() if isinstance(value, str))
        if len(batch) >= BATCH or size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass
class _Ready:
    """An assertion to be made, and the line that says it."""

    line: int
    content: Assertion
    state: str


class _Load:
    """One import on its way."""

    def __init__(
        self,
        runner: Runner,
        statement: nodes.Import,
        resolver: Resolver,
        mapping: Mapping,
        file_format: Format,
    ) -> None:
        self._runner = runner
        self._statement = statement
        self._resolver = resolver
        self._mapping = mapping
        self._has_text = file_format.has_text
        self._options = nodes.Assert(
            (),
            statement.span,
            agent=statement.agent,
            confidence=statement.confidence,
            lifecycle=statement.lifecycle,
            source=statement.source,
        )
        self.report = Imported()

    def batch(self, lines: list[Line]) -> None:
        """Write the rows of a batch, in one commit."""
        result = self._runner.write_alone(
            lambda work: self._write(work, lines), self._resolver, dry_run=self._statement.dry_run
        )
        for text in result.notices:
            self._tell(text)

    def _tell(self, text: str) -> None:
        told = self.report.notices
        if text not in told and len(told) < _NOTICES_KEPT:
            told.append(text)

    def finished(self) -> Imported:
        """The report, with what is to be told of all of it."""
        if self._mapping.left_out:
            names = ", ".join(sorted(self._mapping.left_out))
            self.report.notices.append(f"left out, because the database computes it: {names}")
        return self.report

    # ------------------------------------------------------------ one batch

    def _write(self, work: Work, lines: list[Line]) -> Answer:
        common = Asserter(work, self._options).common(work)
        pending: list[_Ready] = []
        written = 0
        for number, row in lines:
            self.report.rows += 1
            said: list[_Ready] = []  # all that a row says, or nothing
            try:
                for parts in self._assertions(row):
                    parts = self._typed(work, parts)
                    try:
                        content, state = content_of(work, parts, EVERY, common)
                    except ProgrammingError as error:
                        if error.code != "id.unknown":
                            raise
                        written += self._flush(work, pending)  # its ground may be among them
                        content, state = content_of(work, parts, EVERY, common)
                    said.append(_Ready(number, content, state))
            except _OF_ROWS as error:
                self._bad(number, error)
            else:
                pending += said
        written += self._flush(work, pending)
        self.report.assertions += written
        return Answer(written)

    def _assertions(self, row: Row | Error) -> Iterator[Parts]:
        if isinstance(row, Error):
            raise row
        return self._mapping.assertions(row)

    def _flush(self, work: Work, pending: list[_Ready]) -> int:
        """Assert what waits; how many were new."""
        new = self._new(work, pending)
        pending.clear()
        try:
            with work.transaction.statement():
                self._assert(work, new)
            work.notices += work.transaction.notices  # the next statement forgets them
        except _OF_ROWS:  # one of them cannot be: find out which
            return sum(self._assert_alone(work, one) for one in new)
        return len(new)

    def _typed(self, work: Work, parts: Parts) -> Parts:
        value = parts[_OBJECT]
        if not self._has_text or not isinstance(value, str):
            return parts
        declared = work.transaction.declared.predicates.get(parts[_PREDICATE])
        found = typed(value, declared, detect=self._statement.detect_types)
        return (*parts[:_OBJECT], found, *parts[_OBJECT + 1 :])

    def _new(self, work: Work, ready: list[_Ready]) -> list[_Ready]:
        """What nobody has said yet."""
        addresses = digests([encode(one.content) for one in reversed(ready)])
        keyed = dict(zip(addresses, reversed(ready), strict=True))
        known = work.transaction.fold.addresses.find_many(keyed)
        new = [one for address, one in reversed(keyed.items()) if address not in known]
        self.report.there += len(ready) - len(new)
        return new

    @staticmethod
    def _assert(work: Work, new: list[_Ready]) -> None:
        if new:
            contents = [one.content for one in new]
            work.transaction.assert_many(contents, [one.state for one in new])
            tell_of_grounds(work, contents)

    def _assert_alone(self, work: Work, one: _Ready) -> bool:
        try:
            with work.transaction.statement():
                self._assert(work, [one])
            work.notices += work.transaction.notices
        except _OF_ROWS as error:
            self._bad(one.line, error)
            return False
        return True

    def _bad(self, number: int, error: Error) -> None:
        """Leave a row out, or end the import. Raises: the error, with the line's number."""
        if self._statement.skip_bad:
            self.report.bad_rows += 1
            if len(self.report.bad) < _BAD_KEPT:
                self.report.bad.append((number, error.message))
            return
        error.message = f"line {number}: {error.message}"
        error.span = None
        if self.report.assertions:
            stays = f"{self.report.assertions} assertions of lines before it are written; mend"
            error.hint = f"{stays} the file and import it again" + (
                "" if error.hint is None else f" ({error.hint})"
            )
        raise error
