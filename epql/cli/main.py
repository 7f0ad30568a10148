"""The command `epql`: finds out what is asked, and hands over to the module of that command.

Nothing is decided here but exit codes: 0 done, 1 an error was shown, 2 wrongly called (for
`verify`: cannot tell), 130 interrupted, 141 nobody reads what is written. No Python traceback
reaches a user, unless EPQL_TRACEBACK is set. What a command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress

from epql.cli.arguments import main_parser, parse
from epql.cli.registry import command

DONE, FAILED, MISUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    given = sys.argv[1:] if argv is None else argv
    _fill_in()
    if "_ARGCOMPLETE" in os.environ:
        from epql.cli.completion import complete

        complete()  # it answers the shell, and does not return
    arguments = argparse.Namespace()
    try:
        try:
            if _is_told(given):
                code = DONE if given else MISUSED
            else:
                arguments = parse(given)
                code = _dispatch(arguments)
        finally:  # after argparse's exit, too: later nobody could tell that it failed
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        _silence()
        return UNREAD
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("EPQL_TRACEBACK"):
            raise
        _silence()  # it may be what is wrong
        return _tell(error, arguments)


def _is_told(argv: list[str]) -> bool:
    """Whether the call asks for nothing but the version, or says nothing and gets the help."""
    if "--version" in argv[:1] or argv[:1] == ["-V"]:
        from epql import __version__

        print(f"epql {__version__}")
        return True
    if not argv:
        main_parser().print_help(sys.stderr)
        return True
    return False


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command is None:
        from epql.cli.opening import run

        return run(arguments)
    return command(arguments.command).run(arguments)


def _tell(error: Exception, arguments: argparse.Namespace) -> int:
    """An error that no command has shown."""
    from epql.cli.screens import screen_of
    from epql.engine.errors import Error

    screen = screen_of(arguments)
    if isinstance(error, Error):
        screen.complain(error)
        return FAILED
    if isinstance(error, OSError):
        text = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    else:
        kind = type(error).__name__
        text = (
            f"epql has a defect here: {kind}: {error}\n"
            "hint: please report it; with EPQL_TRACEBACK=1 it tells where"
        )
    screen.error(text)
    return FAILED


def _fill_in() -> None:
    """A stream that was closed (`>&-`) goes nowhere; its number must not fall to a file of ours."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115  it lives as long as the process
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _silence() -> None:
    """What is still buffered for a stream that takes no more goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # it may have no number, or be closed
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
