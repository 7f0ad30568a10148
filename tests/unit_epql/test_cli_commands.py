"""The commands that say one statement each: answers, formats, exit codes, what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from epql.cli.arguments import parser_of
from epql.cli.registry import COMMANDS, ELSEWHERE
from tests.unit_epql.cli import epql, story

BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""The environment of most people: what is written fails when it is flushed."""
COMMAND = [sys.executable, "-m", "epql.cli.main"]
ODD = [
    "héllo wörld",
    "日本 ",
    "it's",
    'say "hi"',
    "a;DROP",
    "-x",
    "$HOME `id`",
    "🦀\t\n",
    "%s{}",
    "a" * 9000,
]


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    return story(tmp_path / "kb.epql")


# ---------------------------------------------------------------- query: values from the shell


@pytest.mark.parametrize("value", ODD)
def test_a_value_is_a_value_whatever_it_is(kb: Path, value: str) -> None:
    dashed = value.startswith("-")
    if not dashed:
        said = epql("query", kb, "SELECT :v AS v", "-p", "v", value, "--json")
        assert said.json == [{"v": value}]
    assert epql("assert", kb, "--json", "--", "odd", "value", value).code == 0
    assert epql("assert", kb, "odd", "more", f"--reason={value}", "x").code == 0
    text = "SELECT object FROM assertions WHERE object = ?"
    said = epql("query", kb, text, "--json", "--", value)
    assert said.json == [{"object": value}]


def test_named_values_are_text_or_numbers(kb: Path) -> None:
    text = "SELECT typeof(:a) AS a, typeof(:b) AS b, typeof(:c) AS c"
    said = epql("query", kb, text, "-p", "a", "1", "-n", "b", "1", "-n", ":c", "-1.5", "--csv")
    assert said.out == "a,b,c\r\ntext,integer,real\r\n"


def test_a_dash_and_a_digit_begin_a_value(kb: Path) -> None:
    assert epql("query", kb, "SELECT ? AS x", "-24h", "--csv").out == "x\r\n-24h\r\n"
    said = epql("query", kb, "SELECT count(*) AS n FROM beliefs", "--as-of", "-24h", "--csv")
    assert said.out == "n\r\n0\r\n" and "before the first commit" in said.err


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["SELECT ?"], 1, "parameter"),
        (["SELECT :a", "-p", "b", "1"], 1, "parameter"),
        (["SELECT ?", "x", "-p", "a", "1"], 2, "names (-p, -n) or places"),
        (["SELECT :a", "-n", "a", "ten"], 2, "'ten' is not a number"),
        (["SELECT 1; SELECT 2"], 1, "statement.several"),
        (["SELEC 1"], 1, "did you mean SELECT?"),
        (["-"], 1, "statement.empty"),
        (["SELECT 1", "--as-of", "someday"], 1, "instant.unreadable"),
        (["SELECT 1", "--as-of", "TX 99"], 1, "there is no transaction 99"),
        (["SELECT 1", "--lifecycle", "aproved"], 1, "aproved"),
        (["ASSERT ('a', 'b', 'c')", "--as-of", "TX 1"], 1, "past"),
    ],
)
def test_what_query_refuses(kb: Path, argv: list[str], code: int, told: str) -> None:
    said = epql("query", kb, *argv)
    assert said.code == code and told in said.err and not said.out
    assert "SET AS OF ?" not in said.err, "the caret points into what somebody wrote"


def test_where_the_options_stand(kb: Path) -> None:
    def objects(*options: str) -> list[str]:
        text = "SELECT object FROM beliefs WHERE subject = 'auth/jwt'"
        said = epql("query", kb, text, "--csv", "--no-header", *options)
        assert said.code == 0, said.err
        return said.out.split()

    assert objects() == ["ES256"]
    assert objects("--lifecycle", "approved") == ["RS256"]
    assert objects("--lifecycle", "proposed, review") == ["ES256"]
    assert objects("--as-of", "TX 1") == ["RS256"]
    epql("query", kb, "MARK EPOCH 'first'")
    epql("retract", kb, "auth/jwt", "algorithm", "ES256")
    assert objects("--as-of", "EPOCH first") == ["ES256"]
    assert objects("--as-of", "epoch 'first'") == ["ES256"]
    assert objects("--valid-at", "1999-01-01") == ["RS256"]


def test_a_read_only_query_leaves_no_trace(kb: Path) -> None:
    epql("query", kb, "SELECT 1 FROM beliefs", "--read-only", "--purpose", "none")
    epql("query", kb, "SELECT 1 FROM beliefs", "--purpose", "release")
    said = epql("trace", kb, "--since", "-1h", "--jsonl")
    assert [json.loads(line)["purpose"] for line in said.out.splitlines()] == ["release"]
    assert epql("query", kb, "ASSERT ('a', 'b', 'c')", "--read-only").code == 1


# ---------------------------------------------------------------- asking


def test_why_and_why_not(kb: Path) -> None:
    said = epql("why", kb, "auth/jwt", "algorithm", "--json")
    assert [(row["role"], row["object"]) for row in said.json] == [
        ("winner", "ES256"), ("loser", "RS256"),
    ]  # fmt: skip
    assert epql("why", kb, "auth/jwt", "algorithm").out.splitlines()[0].split() == [
        "role", "object", "lifecycle", "credence", "agent", "recorded_at", "why",
    ]  # fmt: skip
    assert epql("why", kb, said.json[1]["id"][:12], "--json").json[0]["object"] == "RS256"
    said = epql("why-not", kb, "auth/jwt", "algorithm", "HS256", "--json")
    assert said.json[0]["reason"] == "never_asserted"
    assert epql("why-not", kb, "svc/api", "port", "8080", "--json").json[0]["reason"] != "believed"
    assert epql("why", kb, "a", "b", "c", "d").code == 2


def test_history_of_a_subject_and_of_less(kb: Path) -> None:
    epql("assert", kb, "auth/jwt", "expires", "15m")
    whole = epql("history", kb, "auth/jwt", "--json").json
    assert [(row["predicate"], row["object"]) for row in whole] == [
        ("algorithm", "RS256"), ("algorithm", "ES256"), ("expires", "15m"),
    ]  # fmt: skip
    assert len(epql("history", kb, "auth/jwt", "algorithm", "--json").json) == 2
    assert len(epql("history", kb, "auth/jwt", "algorithm", "ES256", "--json").json) == 1
    assert len(epql("history", kb, whole[0]["id"][:9], "--json").json) == 1
    assert epql("history", kb, "nobody", "--json").json == []


def test_diff_between_two_instants(kb: Path) -> None:
    assert [row["after_object"] for row in epql("diff", kb, "--since", "TX 1", "--json").json] == [
        "ES256", 8080,
    ]  # fmt: skip
    said = epql("diff", kb, "--since", "TX 1", "--subject", "svc/*", "--json")
    assert [row["subject"] for row in said.json] == ["svc/api"]
    said = epql("diff", kb, "--since", "TX 1", "--until", "TX 2", "--predicate", "alg*", "--json")
    assert [row["before_object"] for row in said.json] == ["RS256"]
    assert epql("diff", kb).code == 2
    assert epql("diff", kb, "--since", "TX 2", "--until", "TX 1").code == 1


def test_check_tells_by_its_exit_code(kb: Path) -> None:
    assert epql("check", kb, "http/x", "library", "requests") == (
        0, "free: no rule speaks against it\n", "",
    )  # fmt: skip
    denied = epql("check", kb, "http/x", "library", "urllib3")
    assert denied.code == 3 and "DENY" in denied.out and "requests" in denied.out
    advised = epql("check", kb, "web", "library", "axios")
    assert advised.code == 0 and "WARN" in advised.out
    assert epql("check", kb, "http/x", "library", "urllib3", "-q") == (3, "", "")
    assert epql("check", kb, "http/x", "library", "urllib3", "--json").json[0]["severity"] == "hard"
    assert epql("check", kb, "http/x", "library", "requests", "--json").json == []
    assert epql("check", kb, "a", "b").code == 2
    uses = "SELECT count(*) AS n FROM uses"
    before = epql("query", kb, uses, "--json").json
    assert epql("check", kb, "http/x", "library", "urllib3", "-q", "--read-only").code == 3
    assert epql("query", kb, uses, "--json").json == before


# ---------------------------------------------------------------- writing and judging


def test_assert_takes_what_the_statement_takes(kb: Path) -> None:
    first = epql("assert", kb, "a", "b", "c", "--jsonl")
    ident = json.loads(first.out)["id"]
    said = epql(
        "assert", kb, "d", "e", "1.5", "--number", "--confidence", "0.5", "--lifecycle", "review",
        "--source", "s", "--valid-from", "2020-01-01", "--valid-to", "2030-01-01", "--because",
        ident, "--qualified", "by", "hand", "--key", "k", "--reason", "r", "--agent", "bob",
    )  # fmt: skip
    assert said.out.startswith("1 assertion written, tx"), said.err
    [row] = epql("query", kb, "SELECT * FROM assertions WHERE subject = 'd'", "--json").json
    wanted = {
        "object": 1.5, "confidence": 0.5, "lifecycle": "review", "source": "s", "agent": "bob",
        "valid_from": "2020-01-01T00:00:00.000000Z", "reason": "r",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert ident in row["parents"] and "hand" in row["qualifiers"]
    assert epql("assert", kb, "a", "b", "z", "--if-none").code == 1


def test_a_dry_run_writes_nothing(kb: Path) -> None:
    said = epql("assert", kb, "x", "y", "z", "--dry-run")
    assert "DRY RUN" in said.err
    assert epql("promote", kb, "auth/jwt", "algorithm", "ES256", "--dry-run").code == 0
    said = epql("query", kb, "SELECT max(tx) AS tx FROM commits", "--json")
    assert said.json == [{"tx": 5}]


def test_many_lines_are_one_commit_or_none(kb: Path) -> None:
    lines = [json.dumps({"subject": f"s{n}", "predicate": "p", "object": n}) for n in range(50)]
    said = epql("assert", kb, "-", "--source", "all", stdin="\n".join([*lines, "", ""]))
    assert said.out == "50 assertions written, tx 6\n"
    said = epql("assert", kb, "-", "--json", stdin='{"subject":"é","predicate":"p","object":1.5}')
    assert [(row["subject"], row["object"]) for row in said.json] == [("é", 1.5)]
    assert epql("assert", kb, "-", stdin="").out == "0 assertions written\n"


@pytest.mark.parametrize(
    ("bad", "code", "told"),
    [
        ("{", "assert.line", "line 2: not JSON"),
        ("[1, 2, 3]", "assert.line", "not an object"),
        ('{"subject": "a"}', "assert.line", "'predicate' is missing"),
        ('{"subject": "a", "predicate": "b", "object": "c", "why": 1}', "assert.line", "'why'"),
        ('{"subject": "a", "predicate": "b", "object": null}', "value", "line 2"),
        ('{"subject": "a", "predicate": "b", "object": [1]}', "value", "line 2"),
        ('{"subject": 7, "predicate": "b", "object": "c"}', "value", "line 2"),
        ('{"subject": "a", "predicate": "b", "object": "c", "confidence": 7}', "", "line 2"),
        ('{"subject": "a", "predicate": "b", "object": "c", "because": "a:1"}', "", "line 2"),
        ('{"subject": "a", "predicate": "b", "object": "c", "qualified": [1]}', "", "line 2"),
        ('{"subject": "http/a", "predicate": "library", "object": "urllib"}', "rule", "forbidden"),
        ("[" * 100_000, "assert.line", "line 2"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(
    kb: Path, bad: str, code: str, told: str
) -> None:
    good = '{"subject": "good", "predicate": "p", "object": "o"}'
    said = epql("assert", kb, "-", "--json", stdin=f"{good}\n{bad}\n{good}\n")
    assert said.code == 1 and not said.out
    error = said.errors[-1]["error"]
    assert error["code"].startswith(code) and told in error["message"], error
    assert epql("why-not", kb, "good", "p", "o", "--json").json[0]["reason"] == "never_asserted"


def test_a_review(kb: Path) -> None:
    epql("assert", kb, "b", "c", "d", agent="zoe")
    waiting = epql("review", kb, "--json").json
    assert [row["object"] for row in waiting] == ["ES256", 8080, "d"], "the oldest first"
    assert len(epql("review", kb, "--by", "ben", "--json").json) == 2
    assert len(epql("review", kb, "--subject", "auth/*", "--json").json) == 1
    ids = [row["id"] for row in waiting]
    said = epql("review", kb, "--promote", ids[0], "--reject", "a:0000000000", "--reason", "r")
    assert said.code == 1 and "nothing is written" in said.err
    assert len(epql("review", kb, "--json").json) == 3
    said = epql("review", kb, "--promote", ids[0], "--promote", ids[2][:12], "--reject", ids[1])
    assert said.out == "3 assertions moved, tx 7\n"
    assert epql("review", kb, "--json").json == []


def test_verbs(kb: Path) -> None:
    def say(*argv: str) -> str:
        said = epql(argv[0], kb, *argv[1:], agent="carol")
        assert said.code == 0, said.err
        return said.out

    slot = ("auth/jwt", "algorithm")
    assert say("promote", *slot, "ES256", "--reason", "board") == "1 assertion moved, tx 6\n"
    assert say("confirm", *slot, "--source", "test") == "1 assertion confirmed, tx 7\n"
    assert say("supersede", "svc/api", "port", "--with", "8443", "--number") == (
        "1 assertion written, tx 8\n"
    )
    assert say("retract", *slot, "RS256", "--cascade") == "1 assertion moved, tx 9\n"
    assert say("assert", "x", "y", "z").endswith("tx 10\n")
    assert say("reject", "x", "y", "--json").startswith("[\n")
    said = say("correct", *slot, "ES256", "--to", "PS256", "--forbid", "--reason", "w", "--jsonl")
    assert json.loads(said)["lifecycle"] == "incorrect"
    said = epql("query", kb, "SELECT object FROM beliefs ORDER BY subject", "--json")
    assert said.json == [{"object": "PS256"}, {"object": 8443}]
    assert epql("check", kb, *slot, "ES256", "-q").code == 3
    assert epql("correct", kb, *slot).code == 2, "a correction has a reason"


# ---------------------------------------------------------------- looking around


def test_relations_schema_and_stats(kb: Path) -> None:
    rows = {row["name"]: row for row in epql("relations", kb, "--json").json}
    assert rows["commits"]["rows"] == 5 and rows["why"]["rows"] is None
    assert rows["beliefs"]["holds"].startswith("one row per slot")
    assert {row["name"]: row for row in epql("relations", kb, "--count", "--json").json} == rows
    columns = epql("schema", kb, "beliefs", "--json").json
    assert columns[0]["column"] == "subject" and any(row["hidden"] for row in columns)
    everything = epql("schema", kb, "--json").json
    assert {row["relation"] for row in everything} == set(rows)
    assert epql("schema", kb, 'x"; DROP').code == 1
    stats = {row["name"]: row["value"] for row in epql("stats", kb, "--json").json}
    assert (stats["commits"], stats["proposed"], stats["rules_in_force"]) == (5, 2, 2)
    assert stats["journal_bytes"] > 0


# ---------------------------------------------------------------- for programs


def test_errors_and_notes_are_json_too(kb: Path, tmp_path: Path) -> None:
    said = epql("query", kb, "SELECT\n objekt FROM beliefs", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.errors == [{"error": {
        "class": "ProgrammingError", "code": "name.unknown_column",
        "message": "there is no column 'objekt'", "line": 2, "column": 2,
        "hint": "did you mean object?",
    }}]  # fmt: skip
    said = epql("assert", tmp_path / "new.epql", "a", "b", "c", "--jsonl")
    assert said.errors == [{"note": f"{tmp_path / 'new.epql'} is a new database"}]
    said = epql(kb, "--json", "-c", "SELECT 1 AS one; SELEC 2")
    assert said.json == [{"one": 1}]
    assert said.errors[0]["error"]["code"] == "parse.unexpected_token"


@pytest.mark.parametrize("command", ["verify", "rebuild", "garden", "doctor"])
def test_reports_are_one_object(kb: Path, tmp_path: Path, command: str) -> None:
    said = epql(command, kb, "--json")
    assert said.code == 0 and isinstance(said.json, dict) and not said.err
    missing = epql(command, tmp_path / "none", "--json")
    assert missing.code in (1, 2)
    if command != "doctor":
        assert missing.errors[0]["error"]["code"] == "database.missing"
        assert "makes one" in missing.errors[0]["error"]["hint"]


OF_A_DATABASE = [name for name in COMMANDS if "PATH" in parser_of(name).usage.split()]


@pytest.mark.parametrize("command", sorted({*OF_A_DATABASE} - {"assert", "import", "restore"}))
def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, command: str) -> None:
    rest = {
        "query": ["SELECT 1"], "diff": ["--since", "-1h"], "completion": [],
        "supersede": ["a", "b", "--with", "c"], "correct": ["a", "b", "--reason", "r"],
        "check": ["a", "b", "c"], "why-not": ["a", "b", "c"],
        "export": [str(tmp_path / "out.jsonl")], "backup": [str(tmp_path / "copy")],
    }.get(command, ["a", "b"] if "TARGET" in parser_of(command).usage else [])  # fmt: skip
    said = epql(command, tmp_path / "none.epql", *rest)
    assert said.code in (1, 2) and "there is no database at" in said.err + said.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("typed", "meant"), [("qeury", "query"), ("tables", "relations")])
def test_a_mistyped_command_is_no_new_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for rest in ([], ["kb.epql"], ["kb.epql", "SELECT 1"]):
        said = epql(typed, *rest)
        assert said.code == 2 and f"did you mean {meant}?" in said.err
    assert not list(tmp_path.iterdir())
    assert epql(f"./{typed}", "-c", "SELECT 1").code == 0
    assert epql(typed, "-c", "SELECT 1").code == 0, "now it is a database"


def test_values_that_begin_with_a_dash(kb: Path) -> None:
    epql("assert", kb, "--", "-v", "means", "verbose")
    asked = "SELECT object FROM beliefs WHERE subject = "
    assert "verbose" in epql("query", kb, asked + "?", "--", "-v").out
    wrong = epql("query", kb, asked + ":s", "-p", "s", "-v")
    assert wrong.code == 2 and "stands behind --" in wrong.err


def test_what_others_call_them_are_no_commands() -> None:
    assert not set(ELSEWHERE) & set(COMMANDS)
    assert set(ELSEWHERE.values()) <= set(COMMANDS)


# ---------------------------------------------------------------- as processes


@pytest.mark.parametrize("rest", [["query", "{}", "SELECT * FROM beliefs"], ["help"], ["doctor"]])
def test_a_full_disk_is_told(kb: Path, rest: list[str]) -> None:
    argv = [word.format(kb) for word in rest]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *argv], stdout=full, stderr=subprocess.PIPE, text=True, env=BUFFERED
        )
    assert done.returncode == 1 and "No space left" in done.stderr


def test_ctrl_c_while_lines_are_read_writes_nothing(kb: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "assert", kb, "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b'{"subject": "a", "predicate": "b", "object": "c"}\n')
    process.stdin.flush()
    deadline = time.monotonic() + 120
    while not _holds_lock(kb) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert epql("history", kb, "a", "--json").json == []


def _holds_lock(kb: Path) -> bool:
    from epql.engine.lock import WriterLock

    return WriterLock(kb / "LOCK").probe()


def test_streams_that_are_closed(kb: Path) -> None:
    def shell(text: str) -> int:
        environment = {**os.environ, "EPQL_KB": str(kb)}
        typed = text.replace("epql", f"{sys.executable} -m epql.cli.main")
        return subprocess.run(["bash", "-c", typed], env=environment, stderr=-3).returncode

    assert shell('epql query "$EPQL_KB" "SELECT 1" >&-') == 0
    assert shell('epql assert "$EPQL_KB" - <&- >&- 2>&-') == 0
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x+1 FROM n LIMIT 99999) SELECT x FROM n"
    assert shell(f'set -o pipefail; epql query :memory: "{many}" | head -1 >/dev/null') == 141
