"""A program on a real terminal: pexpect runs it, pyte is the screen that a person would see."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pyte

SECONDS = float(os.environ.get("EPQL_TEST_WAIT", "30"))
"""How long a busy machine may take to show something."""

_HIDDEN = ("NO_COLOR", "COLUMNS", "LINES", "PAGER", "EPQL_PAGER", "EDITOR", "VISUAL", "LESS")


class Terminal:
    """`epql` with its screen. `raw`: every byte that it wrote."""

    def __init__(
        self, argv: list[str], columns: int, lines: int, environment: dict[str, str]
    ) -> None:
        inherited = {k: v for k, v in os.environ.items() if k not in _HIDDEN}
        self._child = pexpect.spawn(
            sys.executable, ["-m", "epql.cli.main", *argv], dimensions=(lines, columns),
            env={**inherited, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
        )  # fmt: skip
        self._child.delaybeforesend = None
        self._pyte = pyte.Screen(columns, lines)
        self._pyte.write_process_input = self._child.send  # it answers where its cursor is
        self._stream = pyte.ByteStream(self._pyte)
        self.raw = b""

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without blanks at their ends."""
        return [line.rstrip() for line in self._pyte.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    def colors_of(self, text: str) -> set[str]:
        """The colours of a text's characters; none where the screen does not show it."""
        for number, line in enumerate(self._pyte.display):
            place = line.find(text)
            if place >= 0:
                row: dict[int, Any] = self._pyte.buffer[number]
                return {row[place + i].fg for i in range(len(text))}
        return set()

    def type(self, *texts: str) -> Terminal:
        """Type texts, one after the other."""
        for text in texts:
            self._child.send(text)
        return self

    def wait(self, *texts: str) -> str:
        """Until the screen shows all the texts; what it shows then."""
        self.wait_until(lambda: all(text in self.text for text in texts), f"{texts}")
        return self.text

    def wait_until(self, is_so: Callable[[], bool], what: str = "it") -> None:
        deadline = time.monotonic() + SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} on the screen:\n{self.text}")
            self._read()

    def wait_prompt(self, prompt: str = "epql>") -> str:
        """Until the last prompt on the screen stands alone, waiting to be typed at."""
        self.wait_until(lambda: self._last_input() == prompt, f"prompt {prompt!r}")
        return self.text

    def _last_input(self) -> str:
        """The line of the cursor."""
        return self.lines[self._pyte.cursor.y]

    def run(self, text: str, prompt: str = "epql>") -> str:
        """Clear the screen, type a line, and wait for the next prompt."""
        self._pyte.reset()
        self.type(text + "\r")
        self.wait_until(lambda: bool(self.text.strip()))
        return self.wait_prompt(prompt)

    def begin(self, text: str) -> None:
        """Type a line that takes long, and wait until it runs: the shell has given the keyboard
        back, and computes (until then a Ctrl-C would abandon the line)."""
        seen = len(self.raw)
        self.type(text + "\r")
        self.wait_until(lambda: b"\x1b[?2004l" in self.raw[seen:], "end of the prompt")
        spent = self._spent_s()
        self.wait_until(lambda: self._spent_s() > spent + 0.2, "work")

    def _spent_s(self) -> float:
        """Seconds of CPU that the program has had."""
        stat = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def interrupt(self) -> None:
        """Ctrl-C, again if it came before the keyboard was the terminal's once more."""
        for _ in range(10):
            self.type("\x03")
            for _ in range(4):
                if "note: interrupted" in self.text:
                    return
                self._read()
        raise AssertionError(f"Ctrl-C does nothing:\n{self.text}")

    def resize(self, columns: int, lines: int) -> None:
        self._pyte.resize(lines, columns)
        self._child.setwinsize(lines, columns)

    def kill(self, number: int) -> None:
        self._child.kill(number)

    def end(self) -> int | None:
        """Wait for its end; the exit code, None if a signal ended it."""
        self._child.expect(pexpect.EOF, timeout=SECONDS)
        self._child.close()
        code: int | None = self._child.exitstatus
        return code

    def close(self) -> None:
        if self._child.isalive():
            self._child.kill(signal.SIGKILL)
            self._child.wait()
        self._child.close()

    def _read(self) -> None:
        try:
            data = self._child.read_nonblocking(65536, timeout=0.5)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            raise AssertionError(f"it has ended:\n{self.text}") from None
        self.raw += data
        self._stream.feed(data)
