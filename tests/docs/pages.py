"""Pages of the manual: their blocks, links and headings, and how their examples run.

A page is one story: its examples run from top to bottom on one database in memory.

    ```sql                              (or ```epql) statements; the test's clock and agent are
    -- 2026-01-05 10:00, architect      set by a line like this one, and stay
    ASSERT ('s', 'p', 'A');
    SELECT object FROM beliefs;
    ```
    ```text                             what they gave: rows, notices, or the error that ended
    object                              the block; must be there if there is anything to show
    ------
    A
    ```
    ```python                           a doctest; the page's blocks share their names
    ```console                          a shell session (tests/docs/console.py)
    <!-- new database -->               a fresh database from here on
    <!-- not run: why -->               before a block: it is only shown
    <!-- file: history.jsonl -->        before a block: it is written to that file first
    <!-- answers left out -->           before a block: it runs, and every statement must succeed

With EPQL_DOCS_REWRITE=1 the answers are written instead of compared, and what is made of the
grammar is made anew (tests/docs/generated.py); review the diff like code.
"""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import epql
from epql.parse import split
from tests.clock import TestClock
from tests.docs import console
from tests.docs.generated import refreshed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REWRITE = os.environ.get("EPQL_DOCS_REWRITE") == "1"
EXAMPLES = ("sql", "epql")

_FENCE = re.compile(r"^```(\S*)\s*$")
_COMMENT = re.compile(r"^<!-- (.+?) -->$")
_SCENE = re.compile(r"^-- (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)Z?(?:, ([\w-]+))?$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass
class Block:
    """A fenced block: its language, its lines, where it stands, the comments right above it."""

    language: str
    lines: list[str]
    line: int  # of the opening fence, from 1
    end: int  # of the closing fence
    marks: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def mark(self, name: str) -> str | None:
        """What a comment above it says after that name; None without one."""
        for mark in self.marks:
            word, _, rest = mark.partition(":")
            if word == name:
                return rest.strip()
        return None


def pages() -> list[Path]:
    """Every page of the manual."""
    return sorted(DOCS.rglob("*.md"))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    marks: list[str] = []
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        fence = _FENCE.match(lines[i])
        comment = _COMMENT.match(lines[i])
        if fence:
            start = i
            i += 1
            while lines[i] != "```":
                i += 1
            found.append(Block(fence[1], lines[start + 1 : i], start + 1, i + 1, marks))
            marks = []
        elif comment:
            marks.append(comment[1])
        elif lines[i].strip():
            marks = [mark for mark in marks if mark == "new database"]
        i += 1
    return found


def prose_of(text: str) -> str:
    """A page without its fenced blocks."""
    lines = text.split("\n")
    for block in blocks_of(text):
        for number in range(block.line - 1, block.end):
            lines[number] = ""
    return "\n".join(lines)


def links_of(text: str) -> list[str]:
    """The targets of the links in a page."""
    return _LINK.findall(re.sub(r"`[^`]*`", "", prose_of(text)))


def headings_of(text: str) -> list[str]:
    """The headings of a page, without their marks."""
    found = re.findall(r"^#+ +(.+?) *$", prose_of(text), re.MULTILINE)
    return [heading.replace("`", "") for heading in found]


def anchor(heading: str) -> str:
    """How a link names a heading.

    >>> anchor("BEGIN, COMMIT, ROLLBACK")
    'begin-commit-rollback'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# ---------------------------------------------------------------- running


class Story:
    """One page's database, clock and agent."""

    def __init__(self) -> None:
        self.clock = TestClock("2026-01-05T10:00:00+00:00")
        self.connection: Any = None
        self.error: epql.Error | None = None  # what ended the last block
        self.restart()

    def restart(self) -> None:
        """A fresh database."""
        self.close()
        self.connection = epql.connect(
            ":memory:", agent="reader", clock=self.clock, autocommit=True
        )
        # the ids of queries tell connections apart by this name; in a page they stay the same
        self.connection.runner.database.audit.name = "page"

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def run(self, text: str) -> list[str]:
        """The lines that a block of statements answers with, up to the first error."""
        shown: list[str] = []
        self.error = None
        for scene in _scenes(text):
            self._set(scene[0])
            for statement in split("\n".join(scene)):
                try:
                    lines = _shown(self.connection.execute(statement))
                except epql.Error as error:
                    self.error = error
                    return _apart(shown, str(error).split("\n"))
                shown = _apart(shown, lines)
        return shown

    def _set(self, line: str) -> None:
        found = _SCENE.match(line)
        if found:
            self.clock.set(f"{found[1]}T{found[2]}+00:00")
            if found[3]:
                self.connection.execute(f"SET AGENT '{found[3]}'")


def _scenes(text: str) -> list[list[str]]:
    """The lines of a block, parted before each line that sets clock and agent."""
    scenes: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _SCENE.match(line) and scenes[-1]:
            scenes.append([])
        scenes[-1].append(line)
    return scenes


def _apart(shown: list[str], lines: list[str]) -> list[str]:
    gap = [""] if shown and lines else []
    return shown + gap + [line.rstrip() for line in lines]


def _shown(cursor: Any) -> list[str]:
    lines = []
    if cursor.description is not None:
        lines = _table([item[0] for item in cursor.description], cursor.fetchall())
    return lines + [f"notice: {notice}" for notice in cursor.notices]


def _table(names: list[str], rows: list[tuple[Any, ...]]) -> list[str]:
    if not rows:
        return ["(no rows)"]
    cells = [names] + [["NULL" if v is None else str(v) for v in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    return [lines[0], "  ".join("-" * w for w in widths), *lines[1:]]


def run_page(page: Path, folder: Path) -> Iterator[str]:
    """Run a page's examples in order; what differs, if anything. Files are made in `folder`."""
    text = page.read_text()
    if REWRITE:
        text = refreshed(text, page.name)
        page.write_text(text)
    blocks = blocks_of(text)
    story = Story()
    names: dict[str, Any] = {}
    edits: list[tuple[int, int, list[str]]] = []
    try:
        for number, block in enumerate(blocks):
            if "new database" in block.marks:
                story.restart()
            if block.mark("not run") is not None:
                continue
            file = block.mark("file")
            if file is not None:
                (folder / file).write_text(block.text + "\n")
            elif block.language in EXAMPLES:
                following = blocks[number + 1] if number + 1 < len(blocks) else None
                answer = following if _is_answer(text, block, following) else None
                got = story.run(block.text)
                if "answers left out" in block.marks:
                    got = got if story.error else []
                if got != (answer.lines if answer else []):
                    edits.append(_edit(block, answer, got))
                    yield _difference(page, block, answer, got)
            elif block.language == "python":
                yield from run_python(page, block, names)
            elif block.language == "console":
                got = console.run(block.lines, folder)
                if "answers left out" in block.marks:
                    continue
                if console.comparable(got) != console.comparable(block.lines):
                    edits.append((block.line, block.end - 1, got))
                    yield _difference(page, block, block, got)
    finally:
        story.close()
    if REWRITE and edits:
        page.write_text(_edited(text, edits))


def _is_answer(text: str, block: Block, following: Block | None) -> bool:
    """Whether the next block is the answer: a text block with nothing but blanks between."""
    if following is None or following.language != "text":
        return False
    between = text.split("\n")[block.end : following.line - 1]
    return not any(line.strip() for line in between)


def _edit(block: Block, answer: Block | None, got: list[str]) -> tuple[int, int, list[str]]:
    new = ["```text", *got, "```"] if got else []
    if answer is None:
        return block.end, block.end, new
    return answer.line - 1, answer.end, new


def _edited(text: str, edits: list[tuple[int, int, list[str]]]) -> str:
    lines = text.split("\n")
    for start, end, new in reversed(edits):
        lines[start:end] = new
    return "\n".join(lines)


def _difference(page: Path, block: Block, answer: Block | None, got: list[str]) -> str:
    shown = answer.lines if answer else ["(no answer in the page)"]
    lines = [f"{name_of(page)}:{block.line}: the answer differs", block.text, "the page:"]
    lines += ["  " + line for line in shown] + ["the program:"] + ["  " + line for line in got]
    return "\n".join(lines)


def run_python(page: Path, block: Block, names: dict[str, Any]) -> Iterator[str]:
    """Run a python block: a doctest, or where it has no prompt plain code."""
    if ">>>" not in block.text:
        exec(compile(block.text, f"{page}:{block.line}", "exec"), names)
        return
    parser = doctest.DocTestParser()
    test = parser.get_doctest(block.text + "\n", names, page.name, str(page), block.line)
    out: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=out.append, clear_globs=False)
    names.update(test.globs)
    if runner.failures:
        yield "".join(out)
