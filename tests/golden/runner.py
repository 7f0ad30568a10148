"""Golden files: statements and their answers, one story a file.

    # what the file shows
    clock 2026-01-05T10:00:00Z          the test's clock stands here
    agent architect                     who speaks from now on
    statement ok                        a statement and that it works
    ASSERT ('auth/jwt', 'algorithm', 'RS256') RETURNING id
    let RS256 = id of last row          ${RS256} in later statements and answers
    statement error lifecycle.move 1:9  the error's code and, if given, line:column
    PROMOTE '${RS256}'
    ----                                if given: the error as a person reads it
    IntegrityError lifecycle.move, line 1 column 9: ...
    query object,confidence rowsort     columns, and whether order counts (nosort: it does)
    SELECT object, confidence FROM beliefs
    notice PROPOSED                     some notice of the statement above has these words
    notice none                         it has no notice
    bind ["s", 1]                       parameters of the next statement (JSON list or object)
    ----
    RS256  0.92                         cells apart by two spaces or a tab
    restart                             close and open
    rebuild                             close, delete index.db, open

A statement runs on until an empty line, a comment (# first in a line) or a directive. NULL,
numbers and plain text stand as they are; text that could be taken for something else (a number,
NULL, two spaces, nothing) is quoted.
`query … [plan]`: a line `----plan` and the rows of EXPLAIN follow the answer. The tag [journal]
is reserved.
With EPQL_GOLDEN_REWRITE=1 answers are written instead of compared.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import epql
from tests.clock import TestClock

DIRECTIVES = (
    "clock",
    "agent",
    "statement",
    "query",
    "restart",
    "rebuild",
    "notice",
    "let",
    "bind",
    "----",
)
_CELL = re.compile(r"'.*?'(?=\t| {2}|$)|[^\t ](?:(?! {2})[^\t])*")
RESERVED_TAGS = ("[journal]",)
PLAN = "----plan"
REWRITE = os.environ.get("EPQL_GOLDEN_REWRITE") == "1"


class GoldenError(AssertionError):
    """A file's answer differs, or the file cannot be read; says where."""


@dataclass
class Block:
    """One directive with the lines that belong to it."""

    line: int  # of the directive, from 1
    words: list[str]
    body: list[str] = field(default_factory=list)
    answer: list[str] | None = None
    before: list[str] = field(default_factory=list)  # comments and empty lines above it

    @property
    def name(self) -> str:
        return self.words[0]


# ---------------------------------------------------------------- text to blocks and back


def parse(text: str) -> tuple[list[Block], list[str]]:
    """Blocks of a file, and the lines after the last one."""
    blocks: list[Block] = []
    loose: list[str] = []
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    i = 0
    while i < len(lines):
        line = lines[i]
        if not line.strip() or line.startswith("#"):
            loose.append(line)
            i += 1
            continue
        words = line.split()
        if words[0] not in DIRECTIVES:
            raise GoldenError(f"line {i + 1}: expected one of {', '.join(DIRECTIVES)}: {line}")
        block = Block(i + 1, words, before=loose)
        loose = []
        i += 1
        if words[0] == "----":
            _answered(blocks, i).answer = block.body
            block.answer = []
        if words[0] in ("statement", "query", "----"):
            while i < len(lines) and not _ends_block(lines[i]):
                block.body.append(lines[i])
                i += 1
        blocks.append(block)
    return blocks, loose


def _ends_block(line: str) -> bool:
    return not line.strip() or line[0] == "#" or re.split(r"\s", line)[0] in DIRECTIVES


def _answered(blocks: list[Block], line: int) -> Block:
    """The query, or the statement that fails, whose answer begins at this line."""
    for block in reversed(blocks):
        if block.name == "query" or block.words[:2] == ["statement", "error"]:
            return block
        if block.name != "notice":
            break
    raise GoldenError(f"line {line}: ---- without a query or an error")


def render(blocks: list[Block], rest: list[str]) -> str:
    """The file's text again, with the answers the blocks hold now."""
    lines: list[str] = []
    answer: list[str] | None = None
    for block in blocks:
        lines += block.before
        lines.append(" ".join(block.words))
        if block.name in ("query", "statement"):
            answer = block.answer
        lines += (answer or []) if block.name == "----" else block.body
    return "\n".join([*lines, *rest]) + "\n"


# ---------------------------------------------------------------- values


def show(value: Any) -> str:
    """One cell, so that different values look different."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return "x'" + value.hex() + "'"
    if not isinstance(value, str):
        return repr(value)
    plain = value.strip() == value and value and "  " not in value and value.isprintable()
    if not plain or value == "NULL" or value[0] in "'#" or _is_number(value):
        return "'" + value.replace("\t", "\\t").replace("\n", "\\n") + "'"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def cells(line: str) -> tuple[str, ...]:
    """The cells of an answer line: two spaces or a tab between them, but not within quotes."""
    return tuple(_CELL.findall(line.strip()))


# ---------------------------------------------------------------- running


class Run:
    """One file on its own database."""

    def __init__(self, path: Path, folder: Path, rewrite: bool = REWRITE) -> None:
        self.path = path
        self.database = folder / "golden.epql"
        self.rewrite = rewrite
        self.clock = TestClock()
        self.agent = "golden"
        self.names: dict[str, str] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.columns: list[str] = []
        self.notices: list[str] = []
        self.con: Any = None
        self.bound: Any = ()

    def run(self) -> None:
        """Carry out the file; rewrite it if asked."""
        blocks, rest = parse(self.path.read_text())
        self._open()
        try:
            for block in blocks:
                try:
                    getattr(self, "_do_" + block.name.replace("----", "answer"))(block)
                except GoldenError as problem:
                    raise GoldenError(f"{self.path}:{block.line}: {problem}") from None
            self._after()
        finally:
            self.con.close()
        if self.rewrite:
            self.path.write_text(render(blocks, rest))

    def _after(self) -> None:
        """What a test does when the file has been carried out."""

    def _open(self) -> None:
        self.con = epql.connect(self.database, agent=self.agent, clock=self.clock, autocommit=True)

    def _do_clock(self, block: Block) -> None:
        self.clock.set(block.words[1])

    def _do_agent(self, block: Block) -> None:
        self.agent = block.words[1]
        self.con.execute("SET AGENT '" + self.agent.replace("'", "''") + "'")

    def _do_restart(self, block: Block) -> None:
        self.con.close()
        self._open()

    def _do_rebuild(self, block: Block) -> None:
        self.con.close()
        for file in self.database.glob("index.db*"):
            file.unlink()
        self._open()

    def _do_statement(self, block: Block) -> None:
        kind, *more = _tags(block.words[1:])
        if kind == "ok":
            if more:
                raise GoldenError(f"unknown: {' '.join(more)}")
            self._execute(block)
        elif kind == "error" and more:
            self._expect_error(block, *more)
        else:
            raise GoldenError(f"statement {kind}: expected 'ok' or 'error <code>'")

    def _expect_error(self, block: Block, code: str, place: str | None = None) -> None:
        try:
            self._run_text(block)
        except epql.Error as error:
            at = error.position
            found = [error.code] + ([f"{at[0]}:{at[1]}"] if place and at else [])
            if block.answer is not None:
                self._compare_rendered(block.answer, error)
            if self.rewrite:
                block.words[2:] = found
            elif found != [code] + ([place] if place else []):
                raise GoldenError(
                    f"expected error {code} {place or ''}, got {' '.join(found)}\n{error}"
                ) from error
            return
        raise GoldenError(f"expected error {code}, but the statement worked")

    def _compare_rendered(self, answer: list[str], error: epql.Error) -> None:
        got = self._named(error.render()).split("\n")
        if self.rewrite:
            answer[:] = got
        elif answer != got:
            raise GoldenError("the error reads\n" + "\n".join(got))

    def _do_query(self, block: Block) -> None:
        with_plan = "[plan]" in block.words
        names, *more = _tags([word for word in block.words[1:] if word != "[plan]"])
        if more not in ([], ["rowsort"], ["nosort"]):
            raise GoldenError(f"unknown: {' '.join(more)}")
        if block.answer is None:
            raise GoldenError("a query needs ---- and its answer")
        bound = self.bound
        self._execute(block)
        if self.columns != names.split(","):
            raise GoldenError(f"columns are {','.join(self.columns)}, expected {names}")
        got = [[show(v) for v in row] for row in self.rows]
        answer, plan = _split(block.answer)
        want = [cells(self._filled(line)) for line in answer]
        order = sorted if more == ["rowsort"] else list
        explained = self._explained(block, bound) if with_plan else []
        if self.rewrite:
            block.answer[:] = [self._named("  ".join(row)) for row in order(got)] + explained
        elif plan != explained:
            raise GoldenError("plan differs\ngot:\n  " + "\n  ".join(explained))
        elif order(tuple(row) for row in got) != order(want):
            raise GoldenError(
                "answer differs\nexpected:\n  "
                + "\n  ".join(map("  ".join, want))
                + "\ngot:\n  "
                + "\n  ".join(self._named("  ".join(row)) for row in got)
            )

    def _explained(self, block: Block, bound: Any) -> list[str]:
        text = "EXPLAIN " + self._filled("\n".join(block.body))
        rows = self.con.execute(text, bound).fetchall()
        return [PLAN, *(self._named("  ".join(map(show, row))) for row in rows)]

    def _do_answer(self, block: Block) -> None:
        """Compared with its query."""

    def _do_notice(self, block: Block) -> None:
        words = " ".join(block.words[1:])
        if words == "none":
            if self.notices:
                raise GoldenError(f"expected no notice, got {self.notices}")
        elif not any(self._filled(words).lower() in notice.lower() for notice in self.notices):
            raise GoldenError(f"no notice says {words!r}; notices: {self.notices}")

    def _do_let(self, block: Block) -> None:
        match block.words[1:]:
            case [name, "=", column, "of", "last", "row"] if self.rows:
                self.names[name] = self.rows[-1][self.columns.index(column)]
            case _:
                raise GoldenError("expected: let NAME = <column> of last row, after a row")

    def _do_bind(self, block: Block) -> None:
        self.bound = json.loads(self._filled(" ".join(block.words[1:])))

    def _execute(self, block: Block) -> None:
        try:
            self._run_text(block)
        except epql.Error as error:
            raise GoldenError(f"{error}") from error

    def _run_text(self, block: Block) -> None:
        self.rows, self.columns, self.notices = [], [], []
        bound, self.bound = self.bound, ()
        cursor = self.con.execute(self._filled("\n".join(block.body)), bound)
        if cursor.description is not None:
            self.columns = [column[0] for column in cursor.description]
            self.rows = cursor.fetchall()
        self.notices = [str(warning) for _, warning in cursor.messages]

    def _filled(self, text: str) -> str:
        """Text with ${NAME} replaced."""
        return re.sub(r"\$\{(\w+)\}", lambda m: self.names[m[1]], text)

    def _named(self, text: str) -> str:
        """Text with known ids replaced by ${NAME}."""
        for name, value in self.names.items():
            text = text.replace(str(value), "${" + name + "}")
        return text


def _split(answer: list[str]) -> tuple[list[str], list[str]]:
    """The rows of an answer, and the lines of its plan from `----plan` on."""
    place = answer.index(PLAN) if PLAN in answer else len(answer)
    return answer[:place], answer[place:]


def _tags(words: list[str]) -> list[str]:
    """The words without tags; a tag that means nothing (yet) is an error."""
    for word in words:
        if word.startswith("["):
            known = "reserved" if word in RESERVED_TAGS else "unknown"
            raise GoldenError(f"{known} tag {word}")
    return words
