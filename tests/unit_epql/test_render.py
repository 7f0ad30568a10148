"""Rows as table, csv, json and jsonl: what a person and a program get to see."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from epql.engine.errors import ProgrammingError, Span
from epql.output.cells import cut, escape, short, width
from epql.output.complaint import complain
from epql.output.highlight import highlight
from epql.output.render import Style, render
from epql.output.table import LAYOUT_ROWS, shrink

ID = "a:" + "0123456789abcdef" * 4
AT = "2015-01-08T19:10:25.000000Z"


def text(columns: list[str], rows: list[tuple[Any, ...]], **style: Any) -> str:
    return "".join(render(columns, rows, Style(**style)))


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "NULL"),
        (1, "1"),
        (-0.5, "-0.5"),
        ("", ""),
        ("plain", "plain"),
        ("naïve 知識", "naïve 知識"),
        (b"\x00\xff", "x'00ff'"),
        (ID, "a:0123456789ab"),
        ("q" + ID[1:], "q:0123456789ab"),
        ("c" + ID[1:], "c:0123456789ab"),
        ("z" + ID[1:], "z" + ID[1:]),
        (ID + "0", ID + "0"),
        (AT, "2015-01-08T19:10:25Z"),
        ("2015-01-08T19:10:25.120000Z", "2015-01-08T19:10:25.12Z"),
        ("see " + AT, "see " + AT),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f\x00", "\\x7f\\x00"),
        ("abc\u202edef", "abc\\u202edef"),
        ("one\u2028two", "one\\u2028two"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("family 👨\u200d👩", "family 👨\u200d👩"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert short(value) == shown


def test_escape_keeps_what_it_is_told_to() -> None:
    assert escape("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@pytest.mark.parametrize("wanted", range(1, 12))
@pytest.mark.parametrize(
    "sample", ["knowledge base", "知識ベース", "naïve café", "e\u0301te\u0301", ""]
)
def test_cut_never_takes_more_than_its_room(sample: str, wanted: int) -> None:
    shown = cut(sample, wanted)
    assert width(shown) <= wanted
    assert shown == sample or (shown.endswith("…") and sample.startswith(shown[:-1]))


# ---------------------------------------------------------------- tables


def test_a_table_is_aligned() -> None:
    rows = [("auth/jwt", 12, 0.5, None), ("知識", 7, 10.25, "x")]
    assert text(["subject", "n", "share", "note"], rows) == (
        "subject    n  share  note\n"
        "────────  ──  ─────  ────\n"
        "auth/jwt  12    0.5  NULL\n"
        "知識       7  10.25  x\n"
    )


def test_an_empty_answer_shows_its_columns() -> None:
    assert text(["subject", "object"], []) == "subject  object\n───────  ──────\n"


def test_the_header_can_be_left_out_and_null_can_be_named() -> None:
    assert text(["a"], [(None,), ("x",)], header=False, null="∅") == "∅\nx\n"


def test_long_text_gives_way_and_numbers_instants_and_ids_do_not() -> None:
    rows = [("pep/484", "word " * 40, 123456, AT, ID)]
    shown = text(["subject", "object", "tx", "at", "id"], rows, width=72)
    line = shown.splitlines()[2]
    assert "123456  2015-01-08T19:10:25Z  a:0123456789ab" in line
    assert "…" in line
    assert all(width(line) <= 72 for line in shown.splitlines())


def test_what_fits_no_table_becomes_blocks() -> None:
    columns = [f"column_{number}" for number in range(12)]
    shown = text(columns, [tuple(["some text"] * 12), tuple([None] * 12)], width=60)
    assert shown.startswith("── row 1 ──")
    assert "column_0   some text\n" in shown
    assert "column_11  NULL\n" in shown
    assert all(width(line) <= 60 for line in shown.splitlines())


def test_blocks_fold_long_values_and_keep_line_breaks_but_no_escapes() -> None:
    value = "first line\n" + "word " * 30 + "\x1b[2J"
    shown = text(["id", "other", "object"], [(ID, ID, value)], width=40)
    lines = shown.splitlines()
    assert "object  first line" in lines
    assert all(width(line) <= 40 for line in lines)
    assert "\x1b" not in shown


@pytest.mark.parametrize("columns", [20, 40, 60, 100, 200])
def test_nothing_is_wider_than_the_terminal(columns: int) -> None:
    rows = [("subject/" + "x" * n, "知" * n, n, None, AT if n % 2 else None) for n in range(40)]
    shown = text(["subject", "object", "n", "nothing", "at"], rows, width=columns)
    rigid = 2 + len("nothing") + 2 + 20  # a name and an instant in a block are not cut
    assert all(width(line) <= max(columns, rigid) for line in shown.splitlines())


def test_a_long_answer_streams_in_the_layout_of_its_start() -> None:
    taken = 0

    def rows() -> Any:
        nonlocal taken
        for number in range(3 * LAYOUT_ROWS):
            taken = number
            yield (number, "x" * (50 if number > LAYOUT_ROWS else 5))

    pieces = render(["n", "text"], rows(), Style(width=20))
    head = [next(pieces) for _ in range(4)]
    assert taken < LAYOUT_ROWS + 1
    assert head[2] == "  0  xxxxx\n"
    assert all(width(piece.rstrip("\n")) <= 20 for piece in pieces)


def test_color_is_only_used_where_it_is_wanted() -> None:
    assert "\x1b" not in text(["a"], [(None,)])
    colored = text(["a"], [(None,)], color=True)
    assert "\x1b[1ma\x1b[0m" in colored and "\x1b[2mNULL\x1b[0m" in colored


@pytest.mark.parametrize(
    ("natural", "least", "room", "widths"),
    [
        ([10, 10], [5, 5], 20, [10, 10]),
        ([40, 10, 30], [12, 10, 12], 60, [25, 10, 25]),
        ([100, 5], [12, 5], 30, [25, 5]),
        ([50, 50], [12, 12], 25, [12, 13]),
        ([3, 3], [3, 3], 2, [3, 3]),
    ],
)
def test_the_widest_column_gives_way_first(
    natural: list[int], least: list[int], room: int, widths: list[int]
) -> None:
    assert sorted(shrink(natural, least, room)) == sorted(widths)


# ---------------------------------------------------------------- csv, json, jsonl

NASTY = [
    ("plain", 1, 1.5, None),
    ('say "hi"', -1, 1e300, ""),
    ("a,b", 0, 0.1, " lead"),
    ("line\nbreak\r\n", 2**62, -0.0, "\x1b[31m\x9b\u202e知\x7f"),
]


def test_csv_is_read_back_as_it_was() -> None:
    shown = text(["s", "i", "f", "n"], NASTY, format="csv")
    read = list(csv.reader(io.StringIO(shown, newline="")))
    assert read[0] == ["s", "i", "f", "n"]
    assert read[1:] == [[str(v) if v is not None else "" for v in row] for row in NASTY]


def test_csv_tells_null_from_empty_text() -> None:
    assert text(["a", "b"], [(None, "")], format="csv") == 'a,b\r\n,""\r\n'
    shown = text(["a", "b"], [(None, "-")], format="csv", null="-", header=False)
    assert shown == '-,"-"\r\n'


def test_csv_on_a_terminal_steers_nothing() -> None:
    assert "\x1b" not in text(["s"], [("\x1b[2J",)], format="csv", is_terminal=True)
    assert "\x1b" in text(["s"], [("\x1b[2J",)], format="csv")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_read_back_as_it_was_and_steers_nothing(form: str) -> None:
    shown = text(["s", "i", "f", "n"], NASTY, format=form)
    read = json.loads(shown) if form == "json" else list(map(json.loads, shown.splitlines()))
    assert [tuple(row.values()) for row in read] == NASTY
    assert not set(shown) & {"\x1b", "\x7f", "\x9b", "\u202e"}
    assert "知" in shown


def test_json_of_nothing_is_an_empty_array() -> None:
    assert text(["a"], [], format="json") == "[]\n"
    assert text(["a"], [], format="jsonl") == ""


def test_json_keys_that_come_twice_get_a_number() -> None:
    assert json.loads(text(["a", "a", "a_2"], [(1, 2, 3)], format="jsonl")) == {
        "a": 1, "a_2": 2, "a_2_2": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("inf"), "9e999"),
        (float("-inf"), "-9e999"),
        (float("nan"), "null"),
        (b"\x01", "\"x'01'\""),
    ],
)
def test_json_of_what_json_has_not(value: object, written: str) -> None:
    assert text(["v"], [(value,)], format="jsonl") == f'{{"v": {written}}}\n'


# ---------------------------------------------------------------- errors and statements


def error(text: str, at: str, **more: Any) -> ProgrammingError:
    start = text.index(at)
    span = Span(start, start + len(at))
    return ProgrammingError("it is wrong", code="some.code", text=text, span=span, **more)


@pytest.mark.parametrize("columns", [30, 60, 100, None])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT objet FROM beliefs",
        "SELECT '" + "知" * 60 + "', objet FROM beliefs WHERE " + "x = 1 AND " * 20 + "1",
        "SELECT\n\tobjet\r\nFROM beliefs",
        "SELECT '\x1b[2J', objet",
    ],
)
def test_the_caret_stands_under_what_is_wrong(statement: str, columns: int | None) -> None:
    lines = complain(error(statement, "objet", hint="object " * 20), columns).split("\n")
    if columns is not None:
        assert all(width(line) <= columns for line in lines)
    (place,) = [i for i, line in enumerate(lines) if line.strip() == "^" * 5]
    shown, caret = lines[place - 1], lines[place]
    before = shown[: shown.index("objet")]
    assert width(before) == caret.index("^")
    assert "\x1b" not in "".join(lines)


def test_what_was_expected_moves_below_where_it_does_not_fit() -> None:
    wrong = error("SELECT objet", "objet", expected="expected " + "something " * 8)
    assert all(width(line) <= 40 for line in complain(wrong, 40).split("\n"))


def test_highlighting_changes_nothing_but_colour() -> None:
    statement = "SELECT 'it''s', \"q\", 12 -- why\nFROM beliefs AS OF '2024"
    shown = highlight(statement)
    for code in ("\x1b[1;36m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"):
        assert code in shown
        shown = shown.replace(code, "")
    assert shown == statement
