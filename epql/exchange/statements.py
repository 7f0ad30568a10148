"""EXPORT, IMPORT, BACKUP, RESTORE and VERIFY as statements.

Statements read and write files only on a connection that may write: what a read-only one is
given to execute cannot touch the disk, whatever the text says. Here operands are evaluated and
results told; the work is done in the module of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from epql import nodes
from epql.engine.errors import InterfaceError, OperationalError, ProgrammingError
from epql.exchange import copies, exporting, findings
from epql.exchange.formats import format_of
from epql.exchange.history import import_history
from epql.exchange.importing import import_rows
from epql.exchange.words import counted
from epql.nodes import Expression, Parsed
from epql.plan.scope import Resolver
from epql.plan.values import span_of, value
from epql.result import Result

if TYPE_CHECKING:
    from epql.runner import Runner


def run(runner: Runner, parsed: Parsed, resolver: Resolver) -> Result:
    """Carry out a statement about files."""
    statement: Any = parsed.statement
    if not runner.limits.files:
        raise OperationalError(
            "statements of this connection do nothing with files",
            code="limit.files",
            span=statement.span,
            hint="methods of the connection and the command line do, or limits.files",
        )
    if not isinstance(statement, nodes.Verify):
        runner.database.check_writable()
    return _STATEMENTS[type(statement)](runner, statement, resolver)


def _path(expression: Expression, resolver: Resolver) -> str:
    found = value(expression, resolver.params, resolver.evaluate)
    if not isinstance(found, str) or not found:
        raise InterfaceError("the path is no text", code="value.type", span=span_of(expression))
    return found


def _import(runner: Runner, statement: nodes.Import, resolver: Resolver) -> Result:
    path = _path(statement.path, resolver)
    file_format = format_of(statement.format, path, statement.span, reads=True)
    report = import_rows(runner, path, file_format, statement, resolver)
    bad = [f"line {line}: {problem}" for line, problem in report.bad[:_BAD_SHOWN]]
    return Result(report.assertions, notices=[report.sentence(), *bad, *report.notices])


_BAD_SHOWN = 10


def _import_history(runner: Runner, statement: nodes.ImportHistory, resolver: Resolver) -> Result:
    path = _path(statement.path, resolver)
    if statement.format not in (None, "jsonl"):
        raise ProgrammingError(
            f"history is read from jsonl, not from {statement.format}",
            code="format.unknown",
            span=statement.span,
            hint="docs/formats/history.md shows what a line looks like",
        )
    report = import_history(runner, path, skip_bad=statement.skip_bad)
    bad = [f"line {line}: {problem}" for line, problem in report.bad[:_BAD_SHOWN]]
    return Result(report.assertions, notices=[report.sentence(), *bad])


def _export(runner: Runner, statement: nodes.Export, resolver: Resolver) -> Result:
    path = _path(statement.path, resolver)
    if statement.query is None:
        if statement.format not in (None, "jsonl"):
            raise ProgrammingError(
                f"every commit is written as jsonl; {statement.format} cannot hold it",
                code="format.unknown",
                span=statement.span,
                hint="the rows of a query can be: EXPORT (SELECT * FROM beliefs) TO …",
            )
        commits, records = exporting.export_all(
            runner.database, path, overwrite=statement.overwrite
        )
        told = f"{counted(commits, 'commit')}, {counted(records, 'record')} written to {path}"
        return Result(commits, notices=[told])
    file_format = format_of(statement.format, path, statement.span, reads=False)
    query = statement.query
    params = exporting.own_params(query, resolver.params)
    count, asked = exporting.export_rows(
        runner, query, params, path, file_format, overwrite=statement.overwrite
    )
    told = f"{counted(count, 'row')} written to {path} as {file_format.name}"
    return Result(count, notices=[told, *asked.all_notices()], asked=asked.query_id)


def _backup(runner: Runner, statement: nodes.Backup, resolver: Resolver) -> Result:
    path = _path(statement.path, resolver)
    made = copies.back_up(runner.database, path, audit=statement.with_queries)
    return Result(
        0, notices=[f"copied up to tx {made.tx} ({counted(made.size, 'byte')}) to {path}"]
    )


def _restore(runner: Runner, statement: nodes.Restore, resolver: Resolver) -> Result:
    path = _path(statement.path, resolver)
    before, last = copies.restore_into(runner, path)
    return Result(
        last - before, notices=[f"{counted(last - before, 'commit')} restored; now at tx {last}"]
    )


def _verify(runner: Runner, statement: nodes.Verify, resolver: Resolver) -> Result:
    verdict = copies.verify(runner.database)
    rows = findings.findings(verdict)
    return Result(-1, findings.Found._fields, iter(rows), notices=[findings.sentence(verdict)])


_STATEMENTS: dict[type, Callable[[Runner, Any, Resolver], Result]] = {
    nodes.Import: _import,
    nodes.ImportHistory: _import_history,
    nodes.Export: _export,
    nodes.Backup: _backup,
    nodes.Restore: _restore,
    nodes.Verify: _verify,
}
