"""Loading history: what each kind of fact does, order, resuming, bad lines, kinds of files."""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine import bulk
from tests.clock import TestClock

DAY = 86_400
HISTORY = (
    "SELECT object, lifecycle, tx_from, tx_to, valid_from, valid_to, agent, source, confidence"
    " FROM history(NULL, 'any', 'anytime') ORDER BY subject, predicate, tx, tx_from, valid_from"
)
MOVES = "SELECT tx, object, from_state, to_state, via FROM transitions ORDER BY tx, rowid"


def fact(obj: Any, **more: Any) -> dict[str, Any]:
    return {"subject": "s", "predicate": "p", "object": obj, **more}


def line(day: int, *facts: Any, **more: Any) -> str:
    return json.dumps({"at": day * DAY, "agent": "a", "facts": list(facts), **more})


def load(connection: epql.Connection, tmp_path: Path, lines: Sequence[str], **options: Any) -> Any:
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(lines))
    return connection.import_history(file, **options)


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    return epql.connect(":memory:", agent="me", clock=clock)


def believed(connection: epql.Connection, clause: str = "") -> list[tuple[Any, ...]]:
    text = f"SELECT object, lifecycle FROM beliefs WHERE subject = 's' ORDER BY object {clause}"
    return connection.execute(text).fetchall()


def moves(connection: epql.Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT from_state, to_state, via FROM transitions").fetchall()


def day(number: int) -> str:
    return f"1970-01-{1 + number:02}T00:00:00.000000Z"


# ---------------------------------------------------------------- what a fact does


def test_a_fact_about_nothing_is_an_assertion(connection: epql.Connection, tmp_path: Path) -> None:
    report = load(connection, tmp_path, [line(1, fact("A"), source="src")])
    assert (report.commits, report.assertions, report.moves) == (1, 1, 0)
    text = "SELECT object, lifecycle, agent, source, recorded_at, valid_from FROM beliefs"
    assert connection.execute(text).fetchall() == [("A", "proposed", "a", "src", day(1), None)]
    assert connection.execute("SELECT origin FROM commits").fetchall() == [("backfill",)]


def test_the_same_object_again_is_nothing(connection: epql.Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, [line(1, fact("A", lifecycle="approved")), line(2, fact("A"))])
    assert believed(connection) == [("A", "approved")] and moves(connection) == []


def test_one_and_one_point_nought_are_two_objects(
    connection: epql.Connection, tmp_path: Path
) -> None:
    load(connection, tmp_path, [line(1, fact(1)), line(2, fact(1.0)), line(3, fact("1"))])
    found = connection.execute("SELECT object FROM history(NULL, 'live', 'anytime')").fetchall()
    assert sorted({repr(obj) for (obj,) in found}) == ["'1'", "1", "1.0"]


def test_another_object_supersedes_from_then_on(
    connection: epql.Connection, tmp_path: Path
) -> None:
    load(connection, tmp_path, [line(1, fact("A", lifecycle="approved")), line(5, fact("B"))])
    assert believed(connection) == [("B", "approved")]
    assert believed(connection, f"VALID AT '{day(4)}'") == [("A", "approved")]
    text = "SELECT valid_from FROM beliefs"
    assert connection.execute(text).fetchall() == [(day(5),)]


def test_null_retracts(connection: epql.Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, [line(1, fact("A")), line(2, fact(None)), line(3, fact(None))])
    assert believed(connection) == []
    assert moves(connection) == [("proposed", "retracted", "RETRACT")]


def test_null_retracts_what_is_deprecated_too(connection: epql.Connection, tmp_path: Path) -> None:
    lines = [line(1, fact("A", lifecycle="deprecated")), line(2, fact("B")), line(3, fact(None))]
    load(connection, tmp_path, lines)
    text = "SELECT object, lifecycle FROM assertions LIFECYCLE ANY ORDER BY object"
    assert connection.execute(text).fetchall() == [("A", "retracted"), ("B", "retracted")]


@pytest.mark.parametrize(
    ("states", "end", "via"),
    [
        (("proposed", "review"), "review", ["TRANSITION"]),
        (("proposed", "approved"), "approved", ["TRANSITION"]),
        (("approved", "deprecated"), "deprecated", ["TRANSITION"]),
        (("proposed", "rejected"), "rejected", ["TRANSITION"]),
        (("approved", "superseded"), "superseded", ["TRANSITION"]),
        (("rejected",), "rejected", ["TRANSITION"]),
        (("superseded",), "superseded", ["TRANSITION"]),
        (("deprecated",), "deprecated", []),
        (("approved", "proposed"), "proposed", ["RETRACT", "REVIVE"]),
        (("approved", "review"), "review", ["RETRACT", "REVIVE", "TRANSITION"]),
        (("rejected", "approved"), "approved", ["TRANSITION", "REVIVE", "TRANSITION"]),
        (
            ("rejected", "deprecated"),
            "deprecated",
            ["TRANSITION", "REVIVE", "TRANSITION", "TRANSITION"],
        ),
        (("approved", "approved"), "approved", []),
        (("Approved", "RETRACTED", "incorrect"), "incorrect", None),
    ],
)
def test_states_are_led_to(
    connection: epql.Connection, tmp_path: Path, states: tuple[str, ...], end: str, via: Any
) -> None:
    lines = [line(n, fact("A", lifecycle=state)) for n, state in enumerate(states, start=1)]
    load(connection, tmp_path, lines)
    text = "SELECT lifecycle FROM assertions LIFECYCLE ANY"
    assert connection.execute(text).fetchall() == [(end,)]
    if via is not None:
        assert [move[2] for move in moves(connection)] == via


def test_what_was_retracted_comes_back(connection: epql.Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, [line(1, fact("A")), line(2, fact(None)), line(3, fact("A"))])
    assert believed(connection) == [("A", "proposed")]
    assert [move[2] for move in moves(connection)] == ["RETRACT", "REVIVE"]


def test_what_was_superseded_comes_back_from_then_on(
    connection: epql.Connection, tmp_path: Path
) -> None:
    lines = [line(1, fact("A")), line(2, fact("B")), line(3, fact(None)), line(4, fact("A"))]
    load(connection, tmp_path, lines)
    assert believed(connection) == [("A", "proposed")]
    assert believed(connection, f"VALID AT '{day(3)}'") == []
    assert believed(connection, f"VALID AT '{day(1)}'") == [("A", "proposed")]


def test_one_commit_may_say_and_unsay(connection: epql.Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, [line(1, fact("A"), fact(None), fact("A"), fact("B"), fact("A"))])
    assert believed(connection) == [("A", "proposed")]


def test_valid_time_that_is_over_is_not_cut_again(
    connection: epql.Connection, tmp_path: Path
) -> None:
    load(connection, tmp_path, [line(1, fact("A", valid_to=3 * DAY)), line(9, fact("B"))])
    text = "SELECT object, valid_from, valid_to FROM assertions VALID ANYTIME ORDER BY object"
    assert connection.execute(text).fetchall() == [("A", None, day(3)), ("B", day(9), None)]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([fact("A"), fact("B", valid_to=2 * DAY)], "valid interval is empty"),
        ([fact("A", valid_from=DAY), fact("B"), fact("A", valid_from=DAY)], "superseded in its"),
        ([fact("A", valid_from=3, valid_to=2)], "valid interval is empty"),
    ],
)
def test_valid_times_that_cannot_be_are_bad_lines(
    connection: epql.Connection, tmp_path: Path, facts: list[Any], message: str
) -> None:
    lines = [line(9 + number, one) for number, one in enumerate(facts)]
    with pytest.raises(epql.DataError, match=message) as caught:
        load(connection, tmp_path, lines)
    assert f"line {len(lines)}:" in caught.value.message


def test_many_objects_stand_side_by_side(
    connection: epql.Connection, tmp_path: Path, clock: TestClock
) -> None:
    clock.set_us(0)
    with connection:
        connection.execute("DEFINE PREDICATE 'p' CARDINALITY MANY")
    clock.set("2024-01-01T00:00:00Z")
    lines = [line(1, fact("A")), line(2, fact("B")), line(3, fact("A", lifecycle="approved"))]
    load(connection, tmp_path, lines)
    assert believed(connection) == [("A", "approved"), ("B", "proposed")]
    load(connection, tmp_path, [line(4, fact(None))])
    assert believed(connection) == []
    load(connection, tmp_path, [line(5, fact("B"))])
    assert believed(connection) == [("B", "proposed")]


def test_a_declared_type_is_kept(
    connection: epql.Connection, tmp_path: Path, clock: TestClock
) -> None:
    clock.set_us(0)
    with connection:
        connection.execute("DEFINE PREDICATE 'p' TYPE integer")
    clock.set("2024-01-01T00:00:00Z")
    report = load(connection, tmp_path, [line(1, fact(1)), line(2, fact("x"))], skip_bad=True)
    assert report.commits == 1 and [number for number, _ in report.bad] == [2]


def test_what_was_asserted_by_hand_is_taken_up(
    connection: epql.Connection, tmp_path: Path, clock: TestClock
) -> None:
    clock.set_us(0)
    with connection:
        connection.execute("ASSERT ('s', 'p', 'A') LIFECYCLE APPROVED")
    clock.set("2024-01-01T00:00:00Z")
    load(connection, tmp_path, [line(1, fact("A")), line(2, fact("B"))])
    assert believed(connection) == [("B", "approved")]


# ---------------------------------------------------------------- order


def test_history_is_loaded_in_order_and_not_from_the_future(
    connection: epql.Connection, tmp_path: Path, clock: TestClock
) -> None:
    future = clock.us // 10**6 // DAY + 1
    lines = [line(2, fact("A")), line(2, fact("B")), line(1, fact("C")), line(future, fact("D"))]
    report = load(connection, tmp_path, lines, skip_bad=True)
    assert [number for number, _ in report.bad] == [2, 3, 4]
    assert believed(connection) == [("A", "proposed")]


def test_history_comes_after_what_is_there(
    connection: epql.Connection, tmp_path: Path, clock: TestClock
) -> None:
    with connection:
        connection.execute("ASSERT ('s', 'p', 'now')")
    clock.move(days=1)
    with pytest.raises(epql.DataError, match="not after the last commit's"):
        load(connection, tmp_path, [line(1, fact("A"))])
    assert load(connection, tmp_path, [line(clock.us // 10**6 // DAY, fact("A"))]).commits == 1


# ---------------------------------------------------------------- again, resumed, killed


LINES = [
    line(1, fact("A"), fact("x", subject="t")), line(2, fact("B", lifecycle="approved")),
    line(3, fact(None), fact("y", subject="t", lifecycle="rejected")), line(4, fact("A")),
    line(5, fact("A", lifecycle="deprecated")), line(6, fact("B")), line(7, fact(None)),
    line(8, fact("B"), fact("x", subject="t")), line(9, fact("A", confidence=0.5)),
]  # fmt: skip


def test_the_same_file_again_adds_nothing(connection: epql.Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, LINES)
    before = connection.execute(HISTORY).fetchall()
    report = load(connection, tmp_path, ["", *LINES, "  "])
    assert (report.commits, report.skipped) == (0, len(LINES))
    assert connection.execute(HISTORY).fetchall() == before


def test_a_line_is_known_by_its_content(connection: epql.Connection, tmp_path: Path) -> None:
    load(connection, tmp_path, [line(1, fact("A"), commit="c1")])
    same = json.loads(line(1, fact("A"), commit="c1"))
    reordered = json.dumps(dict(reversed(same.items())), indent=None, separators=(" , ", " : "))
    assert load(connection, tmp_path, [reordered]).skipped == 1
    with pytest.raises(epql.DataError, match="not after the last"):
        load(connection, tmp_path, [line(1, fact("A"), commit="c2")])


def random_lines(seed: int) -> list[str]:
    rnd = random.Random(seed)
    states = [None, None, None, "proposed", "review", "approved", "deprecated", "rejected"]
    lines = []
    for number in range(1, 13):
        facts = []
        for _ in range(rnd.randrange(1, 4)):
            obj = rnd.choice(["A", "B", "C", 1, None])
            state = None if obj is None else rnd.choice(states)
            facts.append(fact(obj, subject=rnd.choice("st"), lifecycle=state))
        lines.append(line(number, *facts))
    return lines


@pytest.mark.parametrize("lines", [LINES, *map(random_lines, range(8))])
def test_a_load_that_is_taken_up_anywhere_ends_the_same(
    clock: TestClock, tmp_path: Path, lines: list[str]
) -> None:
    answers = []
    for cut in (None, 1, len(lines) // 2, len(lines) - 1):
        connection = epql.connect(":memory:", clock=clock)
        if cut is not None:
            load(connection, tmp_path, lines[:cut])
        load(connection, tmp_path, lines)
        answers.append([connection.execute(text).fetchall() for text in (HISTORY, MOVES)])
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_believed_is_what_was_said_last(
    connection: epql.Connection, tmp_path: Path, seed: int
) -> None:
    said: dict[str, Any] = {}
    lines = random_lines(seed)
    load(connection, tmp_path, lines)
    for number, text in enumerate(lines, start=1):
        for one in json.loads(text)["facts"]:
            said[one["subject"]] = one["object"]
        found = dict(
            connection.execute(
                "SELECT subject, object FROM assertions AS OF ? LIFECYCLE ANY"
                " WHERE lifecycle NOT IN ('retracted', 'superseded') ORDER BY tx, rowid",
                (number,),
            )
        )
        live = dict(connection.execute("SELECT subject, object FROM beliefs AS OF ?", (number,)))
        for subject, obj in said.items():
            assert obj is not None or subject not in live
            assert subject not in live or live[subject] == obj
            assert obj is None or subject in found


def test_a_load_on_disk_is_ingested_behind_and_whole(clock: TestClock, tmp_path: Path) -> None:
    connection = epql.connect(tmp_path / "kb", clock=clock)
    lines = [line(n, *(fact(n, subject=f"s{k}") for k in range(5))) for n in range(1, 400)]
    assert load(connection, tmp_path, lines).assertions == 5 * 399
    text = "SELECT tx, count(*) FROM history(NULL, 'any', 'anytime') GROUP BY tx"
    assert {n for _, n in connection.execute(text)} <= {5, 10, 15}
    assert believed(connection) == []


def test_a_failed_flush_is_told_and_the_load_can_go_on(
    clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_GROUP_COMMITS", 2)
    connection = epql.connect(tmp_path / "kb", clock=clock)
    calls = 0
    flush = bulk.BulkLoader.flush

    def dying(self: bulk.BulkLoader) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        flush(self)

    monkeypatch.setattr(bulk.BulkLoader, "flush", dying)
    with pytest.raises(KeyboardInterrupt):
        load(connection, tmp_path, LINES)
    assert connection.execute("SELECT count(*) FROM commits").fetchall()[0][0] >= 4
    report = load(connection, tmp_path, LINES)
    assert report.skipped >= 4 and report.skipped + report.commits == len(LINES)
    other = epql.connect(":memory:", clock=clock)
    load(other, tmp_path, LINES)
    assert connection.execute(HISTORY).fetchall() == other.execute(HISTORY).fetchall()


# ---------------------------------------------------------------- bad lines


BAD = [
    "nonsense", "[]", "1", "null", '{"at": 1}', '{"at": 1, "agent": "a"}',
    '{"at": 1, "agent": "a", "facts": {}}', '{"at": 1, "agent": "a", "facts": [1]}',
    '{"at": 1, "agent": "a", "facts": [["s", "p"]]}', '{"at": 1, "agent": "", "facts": []}',
    '{"at": 1, "agent": null, "facts": []}', '{"at": 1, "agent": "a", "facts": [], "x": 1}',
    '{"at": true, "agent": "a", "facts": []}', '{"at": "soon", "agent": "a", "facts": []}',
    '{"at": 1e20, "agent": "a", "facts": []}', '{"at": NaN, "agent": "a", "facts": []}',
    '{"at": null, "agent": "a", "facts": []}', '{"at": "5", "agent": "a", "facts": []}',
    '{"at": 1, "agent": "a", "facts": [["s", "p", NaN]]}',
    '{"at": 1, "agent": "a", "facts": [["s", "p", Infinity]]}',
    '{"at": 1, "agent": "a", "facts": [["s", "p", [1]]]}',
    '{"at": 1, "agent": "a", "facts": [["s", "p", 99999999999999999999]]}',
    '{"at": 1, "agent": "a", "facts": [["", "p", 1]]}',
    '{"at": 1, "agent": "a", "facts": [[1, "p", 1]]}',
    '{"at": 1, "agent": "a", "facts": [["s", "p", "\\ud800"]]}',
    '{"at": 1, "agent": "\\ud800", "facts": []}',
    '{"at": 1, "agent": "a", "source": 5, "facts": []}',
    line(1, fact("A", lifecycle="nope")), line(1, fact("A", lifecycle=5)),
    line(1, fact("A", confidence=2)), line(1, fact("A", confidence="x")),
    line(1, fact("A", valid_from="x")), line(1, fact("A", colour="red")),
    '{"at": 1, "agent": "a", "facts": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"at": 1, "agent": "a", "facts": [["s", "p", ' + "1" * 5000 + "]]}",
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_named_and_what_came_before_stays(
    connection: epql.Connection, tmp_path: Path, bad: str
) -> None:
    lines = ["", line(1, fact("kept")), bad, line(3, fact("late"))]
    with pytest.raises(epql.DataError) as caught:
        load(connection, tmp_path, lines)
    assert caught.value.code == "history.line" and "line 3:" in caught.value.message
    assert believed(connection) == [("kept", "proposed")]
    report = load(connection, tmp_path, lines, skip_bad=True)
    assert [number for number, _ in report.bad] == [3] and report.skipped == 1
    assert believed(connection) == [("late", "proposed")]


def test_a_bad_fact_spoils_its_whole_line(connection: epql.Connection, tmp_path: Path) -> None:
    lines = [line(1, fact("A")), line(2, fact("B"), fact("C", valid_to=1))]
    report = load(connection, tmp_path, lines, skip_bad=True)
    assert [number for number, _ in report.bad] == [2]
    assert (report.commits, report.assertions, report.moves) == (1, 1, 0)
    assert believed(connection) == [("A", "proposed")]
    load(connection, tmp_path, [line(3, fact("D"))])
    assert believed(connection) == [("D", "proposed")]


def test_bytes_that_are_no_text_are_a_bad_line(connection: epql.Connection, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(b'{"at": 1, "agent": "\xff", "facts": []}\n')
    with pytest.raises(epql.DataError, match="line 1:"):
        connection.import_history(file)


# ---------------------------------------------------------------- files


def test_a_compressed_file(connection: epql.Connection, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(LINES).encode()))
    assert connection.import_history(file).commits == len(LINES)


def test_standard_input(connection: epql.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO("\n".join(LINES).encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert connection.import_history("-").commits == len(LINES)


@pytest.mark.parametrize("path", ["nowhere.jsonl", ".", "a\x00b", "\ud800", ""])
def test_what_cannot_be_opened_is_told(
    connection: epql.Connection, tmp_path: Path, path: str
) -> None:
    target = path if "\x00" in path or path == "\ud800" else str(tmp_path / path)
    with pytest.raises(epql.OperationalError) as caught:
        connection.import_history(target)
    assert caught.value.code == ("files.not_a_file" if path in (".", "") else "files.missing")


@pytest.mark.parametrize(
    "spoil", [lambda data: b"plain", lambda data: data[:-20], lambda data: data[:40] + b"x" * 40]
)
def test_a_spoiled_compressed_file_is_told(
    connection: epql.Connection, tmp_path: Path, spoil: Any
) -> None:
    file = tmp_path / "history.jsonl.gz"
    file.write_bytes(spoil(gzip.compress("\n".join(LINES).encode())))
    with pytest.raises((epql.OperationalError, epql.DataError)):
        connection.import_history(file)
    assert connection.execute("SELECT count(*) FROM commits").fetchall()[0][0] < len(LINES)


def test_progress_is_told(connection: epql.Connection, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    lines = [line(n, fact(n)) for n in range(1, 200)]
    load(connection, tmp_path, lines, progress=lambda done, total: told.append((done, total)))
    assert told and told == sorted(told) and told[-1][0] == told[-1][1]


def test_a_read_only_connection_imports_nothing(clock: TestClock, tmp_path: Path) -> None:
    epql.connect(tmp_path / "kb", clock=clock).close()
    reader = epql.connect(tmp_path / "kb", read_only=True, clock=clock)
    with pytest.raises(epql.OperationalError) as caught:
        load(reader, tmp_path, LINES)
    assert caught.value.code == "database.read_only"
