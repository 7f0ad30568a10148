"""`epql import PATH FILE`: rows of a file as assertions; --history: commits of another time."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from epql.cli.arguments import add_path, add_writing
from epql.cli.opening import open_database
from epql.connection import Connection
from epql.output.progress import Tell, progress_bar
from epql.output.screen import Screen

_BAD_SHOWN = 20
_ROWS_ONLY = (
    "format", "wide_by", "columns", "predicates", "ignored", "no_header", "detect_types",
    "confidence", "lifecycle", "source", "dry_run",
)  # fmt: skip

EXAMPLES = (
    ("epql import kb.epql facts.csv", "columns subject, predicate, object, confidence, …"),
    (
        "epql import kb.epql people.csv --wide-by name --ignore note",
        "each row a subject, each column a predicate",
    ),
    ("epql import kb.epql facts.jsonl.gz --skip-bad --lifecycle approved", ""),
    ("epql import old.epql history.jsonl --history", "what is there already is skipped"),
    ("zcat history.jsonl.gz | epql import old.epql - --history", ""),
)
EXIT_CODES = "0 loaded, 1 a line was bad or an error was shown, 2 wrongly called"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("file", metavar="FILE", help="also .gz; '-' is standard input")
    parser.add_argument(
        "--history", action="store_true", help="each line is a commit with its own instant"
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave bad lines out, tell them, and go on"
    )
    rows = parser.add_argument_group("rows of a file")
    rows.add_argument(
        "--format", metavar="FORMAT",
        help="csv, tsv, jsonl, nquads or parquet (default: as the file's ending says)",
    )  # fmt: skip
    rows.add_argument(
        "--column", dest="columns", action="append", type=_pair, default=[], metavar="NAME=PART",
        help="this column is the subject, predicate, object, confidence, source, valid_from, …",
    )  # fmt: skip
    rows.add_argument(
        "--wide-by", metavar="NAME", help="this column is the subject, the others are predicates"
    )
    rows.add_argument(
        "--predicate", dest="predicates", action="append", type=_pair, default=[],
        metavar="NAME=PREDICATE", help="with --wide-by: the predicate that a column stands for",
    )  # fmt: skip
    rows.add_argument(
        "--ignore", dest="ignored", action="append", default=[], metavar="NAME",
        help="leave this column out",
    )  # fmt: skip
    rows.add_argument("--no-header", action="store_true", help="columns are called 1, 2, 3, …")
    rows.add_argument(
        "--detect-types", action="store_true", help="cells that look like numbers are numbers"
    )
    rows.add_argument("--confidence", type=float, metavar="C", help="where a row says none")
    rows.add_argument("--lifecycle", metavar="STATE", help="where a row says none")
    rows.add_argument("--source", metavar="TEXT", help="where a row says none")
    rows.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    add_writing(parser)


def _pair(text: str) -> tuple[str, str]:
    name, equals, what = text.partition("=")
    if not (name and equals and what):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=…")
    return name, what


def run(arguments: argparse.Namespace) -> int:
    """Load; 1 if a line was bad."""
    screen = Screen()
    if arguments.history:
        for name in _ROWS_ONLY:
            if getattr(arguments, name):
                screen.error(f"--history takes no option about rows ({name})")
                return 2
    connection = open_database(arguments)
    try:
        with progress_bar("loading", is_bytes=True) as tell:
            sentence, bad, count, notices = _load(connection, arguments, tell)
        for text in [*connection.notices, *notices]:
            screen.note(text)
        screen.say(sentence)
        for line, problem in bad[:_BAD_SHOWN]:
            screen.error(f"line {line}: {problem}")
        if count > _BAD_SHOWN:
            screen.error(f"and {count - _BAD_SHOWN} more")
    finally:
        connection.close()
    return 1 if count else 0


def _load(
    connection: Connection, arguments: argparse.Namespace, tell: Tell
) -> tuple[str, Sequence[tuple[int, str]], int, list[str]]:
    """The report in words, bad lines, how many there are, and notices."""
    if arguments.history:
        told = connection.import_history(arguments.file, progress=tell, skip_bad=arguments.skip_bad)
        return told.sentence(), told.bad, len(told.bad), []
    report = connection.import_file(
        arguments.file,
        format=arguments.format,
        columns=dict(arguments.columns) | dict.fromkeys(arguments.ignored, "ignore"),
        wide_by=arguments.wide_by,
        predicates=dict(arguments.predicates),
        header=not arguments.no_header,
        detect_types=arguments.detect_types,
        confidence=arguments.confidence,
        lifecycle=arguments.lifecycle,
        source=arguments.source,
        skip_bad=arguments.skip_bad,
        dry_run=arguments.dry_run,
        progress=tell,
    )
    return report.sentence(), report.bad, report.bad_rows, report.notices
