"""Files in and out as methods of a connection.

They do what the statements do (statements.py), with options as arguments and progress. Unlike
statements they may write files on a read-only connection: the program that calls them says so,
not a text that somebody gave it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from epql.engine.records import Object

if TYPE_CHECKING:
    from epql.engine.backup import Copied
    from epql.exchange.files import Progress
    from epql.exchange.findings import Found
    from epql.exchange.history import Report
    from epql.exchange.importing import Imported
    from epql.runner import Runner

PathLike = str | os.PathLike[str]


class Exchanging:
    """The methods; `runner` is the connection's."""

    @property
    def runner(self) -> Runner:
        """What carries statements out."""
        raise NotImplementedError

    def import_file(
        self,
        path: PathLike,
        *,
        format: str | None = None,  # noqa: A002  the statement's word
        columns: Mapping[str, str] | None = None,
        wide_by: str | None = None,
        predicates: Mapping[str, str] | None = None,
        header: bool = True,
        detect_types: bool = False,
        agent: str | None = None,
        confidence: float | None = None,
        lifecycle: str | None = None,
        source: str | None = None,
        skip_bad: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Imported:
        """Import a file: jsonl, csv, tsv, nquads or parquet, '.gz' allowed; '-' is standard input.

        Shape: `columns` says which part of an assertion a column is, or 'ignore'. With
            `wide_by`, each row is that column's subject and the other columns are predicates;
            `predicates` gives a column's predicate another name. `agent` … `source` hold where
            a row says nothing. `progress` is told (bytes read, bytes in all).
        Raises: DataError with the line's number for the first bad row, unless `skip_bad`; batches
            before it stay.
        Source: docs/language/importing.md.
        """
        from epql import nodes
        from epql.engine.errors import Span
        from epql.exchange.formats import format_of
        from epql.exchange.importing import import_rows
        from epql.nodes import Bind, Renamed

        nowhere = Span(0, 0)
        renamed = [Renamed(c, part.lower(), False, nowhere) for c, part in _pairs(columns)]
        renamed += [Renamed(c, name, True, nowhere) for c, name in _pairs(predicates)]
        said = {
            "agent": agent, "confidence": confidence, "lifecycle": lifecycle, "source": source,
        }  # fmt: skip
        bound = {name: Bind(this=name) for name, given in said.items() if given is not None}
        name = os.fspath(path)
        statement = nodes.Import(
            Bind(this="path"), nowhere, None, tuple(renamed), wide_by, not header, detect_types,
            **bound, skip_bad=skip_bad, dry_run=dry_run,
        )  # fmt: skip
        file_format = format_of(format, name, None, reads=True)
        runner = self.runner
        with runner.turns:
            resolver = runner.ready(said)
            return import_rows(runner, name, file_format, statement, resolver, progress=progress)

    def import_history(
        self, path: PathLike, *, progress: Progress | None = None, skip_bad: bool = False
    ) -> Report:
        """Load history that happened elsewhere, with its own belief times.

        Shape: a file of JSON Lines (docs/formats/history.md), '.gz' allowed; what is in the
            database already is skipped. Returns a `history.Report`.
        Raises: DataError naming the line; commits before it stay.
        """
        from epql.exchange.history import import_history

        runner = self.runner
        with runner.turns:
            return import_history(runner, os.fspath(path), progress=progress, skip_bad=skip_bad)

    def export(
        self,
        query: str,
        path: PathLike,
        params: Sequence[Object | None] | Mapping[str, Object | None] = (),
        *,
        format: str | None = None,  # noqa: A002  the statement's word
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Write the rows of a query to a file; how many.

        Shape: csv, tsv, jsonl, json, markdown, nquads or parquet, by `format` or the path's
            ending; '-' is standard output. The file appears whole or not at all.
            `progress` is told (rows written, 0).
        Raises: OperationalError `export.exists` unless `overwrite`.
        """
        from epql.exchange.exporting import export_rows
        from epql.exchange.formats import format_of

        name = os.fspath(path)
        file_format = format_of(format, name, None, reads=False)
        runner = self.runner
        with runner.turns:
            return export_rows(
                runner, query, params, name, file_format, overwrite=overwrite, progress=progress
            )[0]

    def export_all(
        self, path: PathLike, *, overwrite: bool = False, progress: Progress | None = None
    ) -> int:
        """Write every commit with its records, so that `restore` gives the same; the last tx.

        Source: docs/formats/export.md. `progress` is told (commits written, commits in all).
        """
        from epql.exchange.exporting import export_all

        name, runner = os.fspath(path), self.runner
        with runner.turns:
            return export_all(runner.database, name, overwrite=overwrite, progress=progress)[0]

    def backup(
        self, path: PathLike, *, audit: bool = False, progress: Progress | None = None
    ) -> Copied:
        """Copy the database up to its last commit to a new folder, while others write.

        Shape: with `audit` the record of reads, too. `progress` is told (bytes, bytes in all).
        Raises: OperationalError `backup.exists`; nothing is there after a failure.
        """
        from epql.exchange.copies import back_up

        name, runner = os.fspath(path), self.runner
        with runner.turns:
            return back_up(runner.database, name, audit=audit, progress=progress)

    def restore(self, path: PathLike, *, progress: Progress | None = None) -> int:
        """Bring a backup or an export of all into this database, which must be empty; its tx.

        Raises: OperationalError `restore.not_empty`; InternalError `backup.damaged`; DataError
            `export.*`: then nothing was written.
        """
        from epql.exchange.copies import restore_into

        runner = self.runner
        with runner.turns:
            return restore_into(runner, os.fspath(path), progress=progress)[1]

    def verify(self, *, head: PathLike | None = None) -> list[Found]:
        """What is not as it should be, the worst first; an empty list is a sound database.

        `head`: a line `TX:DIGEST` of `epql head` that was kept elsewhere, a file of such lines,
        or a backup. Raises: ProgrammingError `verify.head` if it is none of them.
        """
        from epql.exchange.copies import verify
        from epql.exchange.findings import findings

        runner = self.runner
        with runner.turns:
            return findings(verify(runner.database, head=None if head is None else os.fspath(head)))


def _pairs(mapping: Mapping[str, str] | None) -> Sequence[tuple[str, str]]:
    return [] if mapping is None else list(mapping.items())
