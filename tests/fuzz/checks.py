"""What must hold of any text: an answer or a documented error, in good time, and nothing else.

    Checker.read      parse; a statement is laid out by epql.format and stays the same tree
    Checker.plan      a query is planned, SQLite asked for its columns
    Checker.execute   a statement runs on a small database, which answers afterwards as before

Each returns a short word for what came out, and raises Finding for what never may.
"""

from __future__ import annotations

import re
import signal
import time
import traceback
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from types import FrameType
from typing import Any

import epql
from epql import nodes
from epql.engine.errors import Error, InternalError
from epql.nodes import Parsed
from epql.parse import is_complete, parse, split
from epql.parse.builder import Builder
from epql.parse.driver import Unexpected, driver
from tests.clock import TestClock
from tests.docs.pages import DOCS
from tests.unit_epql.test_format import check as check_format

HANGS_S = 20.0
"""Longer than that for one text is a hang."""
RUNS_S = 1.0
"""A query that runs longer is interrupted: it may rightly be endless."""
RENEWED = 400
"""A database is used for so many statements."""
FILES = (nodes.Import, nodes.ImportHistory, nodes.Export, nodes.Backup, nodes.Restore)
"""Statements that are not run: they name files."""
FACTS = """
ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED;
ASSERT ('auth/jwt', 'lifetime', '1h'), ('s', 'p', 42), ('a', 'b', 1 + 1);
SUPERSEDE ('s', 'p') WITH 43.5;
DEFINE PREDICATE 'tag' CARDINALITY MANY;
ASSERT ('s', 'tag', 'x'), ('s', 'tag', 'y') AGENT 'other';
RETRACT ('s', 'tag', 'y');
MARK EPOCH 'x';
DEFINE QUERY recent AS SELECT subject, object FROM beliefs AS OF '-1s';
"""
VALUES = (1, "a", None, 2.5, "-24h", "2026-01-12", b"x", "auth/jwt", "approved", -1, "", "é")


class Finding(Exception):
    """Something that may not come of any text."""


class Hang(BaseException):
    """A text that takes far too long; no code may catch it."""


class Checker:
    """Checks texts; keeps a small database and how long each text took to read."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.times = array("d")  # seconds, of each text read
        self.slowest: list[tuple[float, str]] = []  # the ten slowest
        self.ran: list[tuple[float, str]] = []  # the ten slowest to run
        self._connection: Any = None
        self._used = 0
        self._facts = 0

    # ------------------------------------------------------------ reading

    def read(self, text: str, *, must_parse: bool = False) -> tuple[str, Parsed | None]:
        """Parse the text; `must_parse` where it was drawn from the grammar."""
        with self.guard(text):
            began = time.process_time()
            try:
                parsed = parse(text)
            except Error as error:
                self._took(time.process_time() - began, text)
                self.check_error(error, text)
                if must_parse and not _is_by_grammar(text):
                    raise Finding(f"the grammar has it, and it does not parse: {error}") from None
                return f"{error.code} {_pattern(error.message)}", None
            self._took(time.process_time() - began, text)
            return type(parsed.statement).__name__, parsed

    def look(self, text: str, parsed: Parsed | None) -> None:
        """The other functions of text: laid out, split, complete or not."""
        with self.guard(text):
            is_complete(text)
            split(text)
            if parsed is not None:
                check_format(text)
                return
            try:
                epql.format(text)
            except Error as error:
                self.check_error(error, text)

    def check_error(self, error: Error, text: str) -> None:
        """Documented, of the class that the manual names, with a place inside the text."""
        if isinstance(error, InternalError):
            raise Finding(f"an InternalError: {error}") from error
        check_documented(error)
        span = error.span
        if span is not None and not 0 <= span.start <= span.end <= len(text) + 1:
            raise Finding(f"{error.code} at {span} of {len(text)} characters") from error
        if not str(error) or "\n\n" in error.message:
            raise Finding(f"{error.code} has an odd text: {error}") from error

    def _took(self, seconds: float, text: str) -> None:
        self.times.append(seconds)
        _keep(self.slowest, seconds, text)

    # ------------------------------------------------------------ planning and running

    def plan(self, text: str, parsed: Parsed) -> str:
        """Plan a query; what else is no matter of the planner, nor is half a character."""
        if not isinstance(parsed.statement, nodes.Query) or re.search("[\ud800-\udfff]", text):
            return ""
        queries = self.connection().runner.queries
        with self.guard(text):
            try:
                queries.columns_of(queries.plan(parsed, parsed.statement))
            except Error as error:
                self.check_error(error.with_text(text), text)
                return f"{error.code} {_pattern(error.message)}"
        return "planned"

    def execute(self, text: str, parsed: Parsed) -> str:
        """Run the statement with some parameters, fetch, and take everything back."""
        if isinstance(parsed.statement, FILES):
            return "names a file"
        connection = self.connection()
        params: Any = [self.random.choice(VALUES) for _ in range(parsed.positional)]
        if parsed.named:
            params = {name: self.random.choice(VALUES) for name in parsed.named}
        began = time.perf_counter()
        with self.guard(text):
            try:
                cursor = connection.execute(text, params)
                outcome = "done"
                if cursor.description is not None:
                    outcome = "rows" if cursor.fetchmany(50) else "no rows"
                if cursor.messages:
                    outcome += " and notices"
                _ = cursor.basis
            except Error as error:
                self.check_error(error, text)
                outcome = f"{error.code} {_pattern(error.message)}"
            _keep(self.ran, time.perf_counter() - began, text)
            if isinstance(parsed.statement, nodes.Set):
                self.close()  # it may stand in the past from now on
            else:
                self._answers_as_before(connection)
        return outcome

    def _answers_as_before(self, connection: Any) -> None:
        connection.rollback()
        self._used += 1
        if self._used % 10 == 0:
            _limit(connection)
            count = _count(connection)
            if count != self._facts:
                raise Finding(f"{self._facts} assertions became {count}")

    def connection(self) -> Any:
        """A connection to a small database in memory; a new one every so often."""
        if self._used >= RENEWED:
            self.close()
        if self._connection is None:
            clock = TestClock("2026-01-05T10:00:00+00:00")
            made = epql.connect(":memory:", agent="fuzz", clock=clock)
            for _ in made.script(FACTS):
                clock.move(seconds=7)
                made.commit()
            self._connection, self._used = made, 0
            self._facts = _count(made)
        _limit(self._connection)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ------------------------------------------------------------ what may not be

    @contextmanager
    def guard(self, text: str) -> Iterator[None]:
        """Anything but an Error of ours, or too long a time, becomes a Finding."""

        try:
            with guard():
                yield
        except Finding:
            self.close()
            raise


@contextmanager
def only_documented() -> Iterator[None]:
    """What is done may end in a documented error, damage included, and in no other.

    Raises: Finding.
    """
    with guard():
        try:
            yield
        except Error as error:
            check_documented(error)


def check_documented(error: Error) -> None:
    """The manual has the code, and this class for it."""
    classes = documented().get(error.code)
    if classes is None:
        raise Finding(f"{error.code} is not in docs/language/errors.md: {error}") from error
    if type(error).__name__ not in classes:
        raise Finding(f"{error.code} as {type(error).__name__}: {error}") from error


@contextmanager
def guard() -> Iterator[None]:
    """Anything but an Error of ours, or too long a time, becomes a Finding."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise Hang

    previous = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, HANGS_S)
    try:
        yield
    except (Finding, KeyboardInterrupt):
        raise
    except BaseException as error:
        told = "".join(traceback.format_exception(error, limit=-4))
        raise Finding(f"{type(error).__name__}: {told}"[-3000:]) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@cache
def documented() -> dict[str, set[str]]:
    """The codes of the manual with their classes; a code in two tables has those of both."""
    found: dict[str, set[str]] = {}
    page = (DOCS / "language" / "errors.md").read_text()
    for code, classes in re.findall(r"^\| `([a-z_.]+)` \| ([A-Za-z, ]+) \|", page, re.MULTILINE):
        found.setdefault(code, set()).update(classes.split(", "))
    return found


def _is_by_grammar(text: str) -> bool:
    """Whether the parser took every token, and only the builder had something to say."""
    try:
        driver().run(text, Builder(text))
    except Unexpected:
        return False
    except Error:
        return True
    return True


def _count(connection: Any) -> int:
    found: tuple[int] = connection.execute(
        "SELECT count(*) FROM assertions LIFECYCLE ANY"
    ).fetchone()
    return found[0]


def _limit(connection: Any) -> None:
    """From now on, what runs for more than RUNS_S is interrupted."""
    until = time.monotonic() + RUNS_S
    session = connection.runner.session
    for database in (session.sql, session.db):
        database.set_progress_handler(lambda: time.monotonic() > until, 20_000)


def _pattern(message: str) -> str:
    """A message without what it quotes of the text."""
    return re.sub(r"'.*?'|\".*?\"|\d+|[^\x00-\x7f]+", "…", message)[:60]


def _keep(slowest: list[tuple[float, str]], seconds: float, text: str) -> None:
    if len(slowest) < 10 or seconds > slowest[-1][0]:
        slowest.append((seconds, text))
        slowest.sort(key=lambda one: -one[0])
        del slowest[10:]


def percentile(times: array[float], share: float) -> float:
    """The time that this share of the texts stays below."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
