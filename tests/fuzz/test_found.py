"""What the fuzzer found once, and what became of it."""

from __future__ import annotations

import time

import pytest

from epql.engine.errors import Error
from epql.parse import parse
from epql.sqlgen import to_sqlite
from tests.fuzz import corpora
from tests.fuzz.targets import TARGETS, check_of


def test_a_comment_inside_the_size_of_a_type_is_no_part_of_the_type() -> None:
    query = parse("SELECT CAST(x AS decimal (10 -- digits\n , /* and */ - 2))")
    assert to_sqlite(query.statement.select) == "SELECT CAST(x AS decimal(10,-2))"


def test_what_never_ends_is_looked_at_once() -> None:
    for opening in ("[", "/* ", "'", '" ', "`"):
        assert _seconds("SELECT " + opening * 300_001) < 5


def test_comments_after_another_systems_word_are_skipped_once() -> None:
    assert _seconds("MERGE " + "/**/" * 100_000 + "1") < 5


@pytest.mark.parametrize("name", ["İS", "ſelect", "fuſing", "liKe", "uſing", "éİ"])
def test_only_ascii_letters_have_two_cases(name: str) -> None:
    query = parse(f"SELECT {name} FROM t AS {name}").statement.select
    assert [query.expressions[0].name, query.args["from_"].this.alias] == [name, name]


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_that_were_findings(name: str) -> None:
    check = check_of(name)
    for _what, data in corpora.findings(name):
        check(data)


def _seconds(text: str) -> float:
    began = time.process_time()
    with pytest.raises(Error):
        parse(text)
    return time.process_time() - began
