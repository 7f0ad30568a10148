"""epql.format: the same tree, the same comments, the same column names; twice is once."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs
from sqlglot import exp

import epql
from epql.engine.errors import Error, Span
from epql.parse import lexer, parse, split
from tests.docs import pages
from tests.golden import runner

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "golden" / "layout"
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
LITERAL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]""")


# ---------------------------------------------------------------- what is compared


def tree(node: Any) -> Any:
    """A statement's nodes without their places; with the names of its columns."""
    if isinstance(node, exp.Var):  # a keyword that a node keeps, in either case
        return node.name.upper()
    if isinstance(node, exp.Expr):
        parts = [(key, tree(value)) for key, value in node.args.items()]
        text = None if isinstance(node, exp.Column) else node.meta.get("text")
        return (type(node).__name__, text, tree(node.meta.get("clauses")), parts)
    if isinstance(node, (list, tuple)) and not isinstance(node, Span):
        return [tree(item) for item in node]
    if isinstance(node, Struct):
        values = list(structs.asdict(node).items())
        values = [(k, tokens(v) if k.endswith("text") else v) for k, v in values]
        return (type(node).__name__, [(k, tree(v)) for k, v in values if not isinstance(v, Span)])
    return node


def tokens(text: Any) -> Any:
    """The words of a text that a node keeps as written, such as the query of a view."""
    if not isinstance(text, str):
        return text
    kinds = ((token.kind, token.value.upper()) for token in lexer.tokens(text))
    return [kind if kind == "AS_OF" else value for kind, value in kinds]


def meaning(text: str) -> Any:
    """What is parsed of every statement of a text."""
    found = [parse(statement) for statement in split(text)]
    return [(tree(one.statement), one.positional, one.named) for one in found]


def comments(text: str) -> list[str]:
    """The comments of a text, in order; white space at their ends is none of theirs."""
    both = re.finditer(f"{LITERAL.pattern}|{COMMENT.pattern}", text, re.DOTALL)
    return [m.group().rstrip() for m in both if m.group().startswith(("--", "/*"))]


def check(text: str) -> str:
    """Format a text, and see that nothing but its looks has changed."""
    made = epql.format(text)
    assert meaning(made) == meaning(text)
    assert comments(made) == comments(text)
    assert epql.format(made) == made
    return made


# ---------------------------------------------------------------- every statement we have


def parses(text: str) -> bool:
    try:
        parse(text)
    except Error:
        return False
    return True


@cache
def corpus() -> tuple[str, ...]:
    """Every statement of the golden files and of the manual that parses."""
    texts: list[str] = []
    for file in sorted((ROOT / "tests" / "golden").rglob("*.test")):
        blocks, _ = runner.parse(file.read_text())
        texts += ["\n".join(b.body) for b in blocks if b.name in ("statement", "query")]
    for page in pages.pages():
        blocks_of_page = pages.blocks_of(page.read_text())
        texts += [block.text for block in blocks_of_page if block.language in pages.EXAMPLES]
    statements = {statement: None for text in texts for statement in split(text)}
    return tuple(statement for statement in statements if parses(statement))


def test_the_corpus_is_large() -> None:
    assert len(corpus()) > 500


def test_every_statement_stays_the_same() -> None:
    for statement in corpus():
        check(statement)


def test_a_script_of_all_of_them() -> None:
    check(";\n".join(corpus()[:300]))


GAPS = [
    " ",
    "\n",
    "\t",
    "  \n\n ",
    " /* c */ ",
    "/**/",
    "\n/* own\n line */\n",
    " -- c\n",
    "\n-- own\n",
]
ODD = [" ", "\r\n", " /* a */ /* b */ ", " -- c\n-- d\n", "\n/* x */ ", " /* x\n */ -- y\n /* z */"]


def scattered(statement: str, choose: random.Random, gaps: list[str]) -> str:
    """The statement with white space and comments between its tokens."""
    pieces: list[str] = []
    end = 0
    for token in lexer.tokens(statement):
        between = statement[end : token.start]
        if end and token.kind != lexer.END and choose.random() < 0.3:
            between += choose.choice(gaps)
        value = token.value.swapcase() if choose.random() < 0.3 else token.value
        pieces.append(
            between + (value if token.kind == "NAME" and is_keyword(value) else token.value)
        )
        end = token.end
    return "".join(pieces)


def is_keyword(word: str) -> bool:
    return word.upper() in ("SELECT", "FROM", "WHERE", "ASSERT", "AND", "ORDER", "BY")


@given(st.data())
def test_comments_and_white_space_anywhere(data: st.DataObject) -> None:
    statement = data.draw(st.sampled_from(corpus()))
    choose = random.Random(data.draw(st.integers(0, 10**6)))
    text = scattered(statement, choose, data.draw(st.sampled_from([GAPS, ODD, GAPS + ODD])))
    if parses(text):
        check(text)


@given(st.lists(st.sampled_from([
    "select 1", ";", "\n", "\n\n", "-- c\n", "/* d */", "/* e\n f */", " ", "commit", ";\n", ";"
]), max_size=12))  # fmt: skip
def test_scripts_of_any_shape(parts: list[str]) -> None:
    text = " ".join(parts)
    if all(parses(statement) for statement in split(text)):
        check(text)


# ---------------------------------------------------------------- what it looks like


def samples() -> list[tuple[Path, list[str]]]:
    """Files of samples, apart by ====: a line of explanation, a text, ----, its layout."""
    files = sorted(SAMPLES.glob("*.layout"))
    return [(file, file.read_text().removesuffix("\n").split("\n====\n")) for file in files]


@pytest.mark.parametrize(
    ("file", "given_texts"), samples(), ids=lambda one: getattr(one, "stem", "")
)
def test_samples(file: Path, given_texts: list[str]) -> None:
    shown = []
    for sample in given_texts:
        explained = re.match(r"(?:#[^\n]*\n)*", sample)
        head = explained.group() if explained else ""
        before = sample[len(head) :].partition("\n----")[0]
        shown.append(f"{head}{before}\n----\n{check(before)}")
    if runner.REWRITE:
        file.write_text("\n====\n".join(shown) + "\n")
    else:
        assert shown == given_texts


def test_column_names_stay() -> None:
    text = (
        "select 1+1, (  select 2 ), count( * ), subject , 3 as three from beliefs group by subject"
    )
    with epql.connect(":memory:", agent="a", autocommit=True) as connection:
        connection.execute("ASSERT ('s', 'p', 'o')")
        names = []
        for each in (text, epql.format(text)):
            cursor = connection.execute(each)
            assert cursor.description is not None
            names.append([column[0] for column in cursor.description])
    assert names[0] == names[1] == ["1+1", "(  select 2 )", "count( * )", "subject", "three"]


def test_a_long_trailing_comment_breaks_nothing() -> None:
    text = f"SELECT object FROM beliefs; -- {'x' * 100}"
    assert check(text) == text


def test_a_line_ends_before_column_89() -> None:
    short = f"SELECT '{'x' * (88 - len('SELECT  AS a FROM b') - 2)}' AS a FROM b"
    assert check(short) == short
    assert check(short.replace("AS a", "AS aa")).count("\n") == 1


def test_what_is_empty_or_comments_only() -> None:
    assert epql.format("") == epql.format(" ; \n ;") == ""
    assert epql.format("\n-- nothing\n\n\n/* here */ ;") == "-- nothing\n\n/* here */"


def test_new_lines_in_strings_and_comments_stay() -> None:
    text = "ASSERT ('a',\n 'p', 'x\r\n  y') -- c\r\n"
    assert epql.format(text) == "ASSERT ('a', 'p', 'x\r\n  y') -- c"


def test_an_error_is_placed_in_the_whole_text() -> None:
    text = "SELECT 1;\nSELECT FROM beliefs"
    with pytest.raises(epql.ProgrammingError) as caught:
        epql.format(text)
    assert caught.value.text == text
    assert caught.value.position == (2, 8)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM b WHERE " + " AND ".join(["x = 1"] * 3000),
        "SELECT " + " + ".join(["a"] * 3000) + " AS b",
        "SELECT 1" + " UNION ALL SELECT 2" * 3000,
        "SELECT a FROM t" + " JOIN t USING (a)" * 3000,
        "SELECT a FROM b WHERE " + "NOT " * 200 + "a",
        "SELECT a FROM b WHERE " + "(" * 150 + "a" + " AND b)" * 150,
    ],
    ids=["and", "plus", "union", "join", "not", "brackets"],
)
def test_long_and_deep_statements(statement: str) -> None:
    made = epql.format(statement)
    assert epql.format(made) == made
    assert re.sub(r"\s+", "", made) == re.sub(r"\s+", "", statement)


def test_time_grows_with_the_text_only() -> None:
    statement = "SELECT a FROM b WHERE x IN (" + ", ".join(["'abcdef'"] * 40) + ") AND c = 1;\n"
    took = []
    for times in (20, 200):
        text = statement * times
        began = time.process_time()
        epql.format(text)
        took.append(time.process_time() - began)
    assert took[1] < 30 * took[0]


# ---------------------------------------------------------------- epql fmt


def fmt(*argv: object, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `epql fmt`."""
    done = subprocess.run(
        [sys.executable, "-m", "epql.cli.main", "fmt", *map(str, argv)],
        input=stdin.encode(), capture_output=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_fmt_rewrites_files_and_leaves_the_rest(tmp_path: Path) -> None:
    crooked, straight, broken = (tmp_path / name for name in ("a.epql", "b.epql", "c.epql"))
    crooked.write_bytes("\ufeffselect 'é\r\n' as a;\r\n".encode())
    straight.write_text("SELECT 1;\n")
    broken.write_text("select 1;\nselect from b;\n")
    code, out, err = fmt(crooked, broken, straight)
    assert (code, out) == (1, "")
    assert "line 2 column 8" in err and str(broken) in err
    assert crooked.read_bytes() == "SELECT 'é\r\n' AS a;\n".encode()
    assert broken.read_text() == "select 1;\nselect from b;\n"
    assert straight.read_text() == "SELECT 1;\n"


def test_fmt_check_and_diff_write_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.epql"
    file.write_text("select 1;\n")
    assert fmt("--check", file) == (1, "", f"{file} would change\n")
    code, out, err = fmt("--diff", file)
    assert (code, err) == (0, "")
    assert out.endswith("-select 1;\n+SELECT 1;\n")
    assert file.read_text() == "select 1;\n"
    assert fmt(file) == fmt("--check", file) == fmt("--diff", file) == (0, "", "")


def test_fmt_from_standard_input() -> None:
    assert fmt(stdin="select 'é'") == fmt("-", stdin="select 'é'") == (0, "SELECT 'é'\n", "")
    assert fmt(stdin="") == (0, "", "")
    assert fmt("--check", stdin="select 1")[0] == 1


def test_fmt_of_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"SELECT '\xe9'")
    for name, code in (("latin", "script.encoding"), ("none", "script.unreadable")):
        done = fmt(tmp_path / name)
        assert done[0] == 1 and code in done[2]
