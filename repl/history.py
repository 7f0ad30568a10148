"""What was typed, kept on disk for its owner alone and shared between sessions.

Each entry is appended at once, so a session sees what others typed before it began, and none loses
what another one wrote. The file is prompt_toolkit's own form.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import FileHistory


class SharedHistory(FileHistory):
    """A file of entries. Raises OSError where it cannot be made or written."""

    def __init__(self, path: Path, size: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
        path.chmod(0o600)
        super().__init__(str(path))
        self._size = size

    def load_history_strings(self) -> Iterable[str]:
        """The entries, the latest first."""
        for number, entry in enumerate(super().load_history_strings()):
            if number >= self._size:
                return
            yield entry

    def store_string(self, string: str) -> None:
        """Keep an entry; an empty one, or the last one again, is none."""
        if not string.strip() or self.get_strings()[-2:-1] == [string]:
            return
        try:
            super().store_string(string)
        except OSError:
            return  # the disk is full or the folder gone: typing goes on
