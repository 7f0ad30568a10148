"""EPQL in Jupyter and IPython: `%load_ext epql.jupyter`.

    %epql kb.epql --agent ann       open a database for the cells below; or a variable with one
    %%epql                          statements; each answer is a table, `:name` a variable
    %%epql ports                    the last answer is kept as `ports`, too
    %epql SELECT …                  one statement in a line

Parameters are bound, never put into the text. An answer is a list of rows, and `frame()` makes a
DataFrame of it. Not here: how answers look (output/html.py).
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar, overload

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

import epql
from epql.output import html
from epql.output.complaint import complain
from epql.output.render import Style, render
from epql.output.screen import plural
from epql.parse import parse, split
from epql.repl.interrupt import Interrupts

Row = tuple[Any, ...]
T = TypeVar("T")


class Answer(Sequence[Row]):
    """What a statement answered: its rows, `columns`, `notices`, and the `basis` they stand on."""

    def __init__(self, cursor: epql.Cursor) -> None:
        self.columns = [column[0] for column in cursor.description or ()]
        self.rows: list[Row] = cursor.fetchall() if self.columns else []
        self.rowcount = cursor.rowcount
        self.notices = cursor.notices
        self.basis = cursor.basis
        self.query_id = cursor.query_id

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        return self.rows[place]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def frame(self) -> Any:
        """A pandas DataFrame of the rows."""
        import pandas as pd  # type: ignore[import-untyped]

        return pd.DataFrame(self.rows, columns=self.columns)

    def __repr__(self) -> str:
        shown = render(self.columns, self.rows[: html.ROWS_MAX], Style()) if self.columns else ()
        return "".join([*shown, *(f"note: {text}\n" for text in self._told())]).rstrip("\n")

    def _repr_html_(self) -> str:
        if self.columns:
            return html.table(self.columns, self.rows, self.notices)
        return html.lines(self._told())

    def _told(self) -> list[str]:
        if self.columns:
            return self.notices
        done = f"{plural(self.rowcount, 'row')} written" if self.rowcount > 0 else "done"
        return [done, *self.notices]


class _Line(argparse.ArgumentParser):
    """What `%epql` takes."""

    def __init__(self) -> None:
        super().__init__(prog="%epql", add_help=False)
        self.add_argument("database")
        self.add_argument("--agent")
        self.add_argument("--read-only", action="store_true")

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


@magics_class
class EpqlMagics(Magics):
    """The magic, and the database it speaks to."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._names: dict[str, Any] = shell.user_ns
        self._connection: epql.Connection | None = None
        self._is_ours = False

    @line_cell_magic
    def epql(self, line: str, cell: str | None = None) -> Answer | None:
        """Open a database, or carry out statements."""
        if cell is None:
            if _is_statement(line):
                return self._run(line)
            self._open(_Line().parse_args(shlex.split(line)))
            return None
        name = line.strip()
        if name and not name.isidentifier():
            raise UsageError(f"%%epql takes the name of a variable, not {name!r}")
        answer = self._run(cell)
        if name:
            self._names[name] = answer
        return answer

    def _open(self, arguments: argparse.Namespace) -> None:
        known = self._names.get(arguments.database)
        self.close()
        self._is_ours = not isinstance(known, epql.Connection)
        self._connection = known if isinstance(known, epql.Connection) else _shown(
            lambda: epql.connect(
                arguments.database, agent=arguments.agent,
                read_only=arguments.read_only, autocommit=True,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Close the database, unless it is the notebook's own."""
        if self._connection is not None and self._is_ours:
            self._connection.close()
        self._connection = None

    def _run(self, text: str) -> Answer | None:
        """Carry the statements out; all answers but the last are displayed."""
        if self._connection is None:
            raise UsageError("no database is open: %epql kb.epql opens one")
        last = None
        for statement in split(text):
            if last is not None:
                display(last)  # type: ignore[no-untyped-call]
            last = _shown(lambda: self._answer(statement))  # noqa: B023  called at once
        return last

    def _answer(self, statement: str) -> Answer:
        assert self._connection is not None
        interrupts = Interrupts(self._connection)
        try:
            with interrupts.held(), self._connection.execute(
                statement, self._parameters(statement)
            ) as cursor:  # fmt: skip
                return Answer(cursor)
        except epql.Error:
            if interrupts.arrived:
                raise KeyboardInterrupt from None
            raise

    def _parameters(self, statement: str) -> dict[str, Any]:
        """The variables that a statement names."""
        named = parse(statement).named
        return {name: self._names[name] for name in named if name in self._names}


def _is_statement(line: str) -> bool:
    """Whether a line is a statement rather than a path with options."""
    try:
        parse(line)
    except epql.Error:
        words = shlex.split(line)
        return len(words) > 1 and not any(word.startswith("--") for word in words)
    return True


def _shown(run: Callable[[], T]) -> T:
    """Run it; an error of EPQL's is shown as it reads best, without Python's trace."""
    try:
        return run()
    except epql.Error as error:
        lines = complain(error, None).split("\n")
        error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        raise


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext epql.jupyter`."""
    shell.register_magics(EpqlMagics(shell))


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext epql.jupyter`."""
    magics = shell.magics_manager.registry.get("EpqlMagics")
    if magics is not None:
        magics.close()
