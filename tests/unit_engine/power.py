"""Files in memory that know what is durable: what a power cut after each step could leave.

Bytes are durable after a sync of their file, names after one of their folder (POSIX promises no
more). Of all that was not durable yet, a cut keeps everything, nothing, only the names, only the
bytes, all but one step, one step alone, one write's length but zeros in place of its bytes, or
the last write torn. tests/crash/tools/crashtrace.py does the same to a whole program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from epql.engine.files import Handle, MemoryFiles, Stat, folder_of


class Piece(NamedTuple):
    """One write that is not durable yet."""

    content: int
    offset: int
    data: bytes


class Names(NamedTuple):
    """A change of names that is not durable yet: (name, content or None) each."""

    folder: str
    changes: tuple[tuple[str, int | None], ...]


FOLDER = -1
"""The content that stands for a folder."""


@dataclass
class Platter:
    """What is durable, and what is not yet."""

    names: dict[str, int] = field(default_factory=dict)
    bytes: dict[int, bytes] = field(default_factory=dict)
    pending: list[Piece | Names] = field(default_factory=list)

    def copy(self) -> Platter:
        return Platter(dict(self.names), dict(self.bytes), list(self.pending))

    def sync(self, content: int) -> None:
        for step in self.pending:
            if isinstance(step, Piece) and step.content == content:
                self._put(step)
        self.pending = [
            step
            for step in self.pending
            if not (isinstance(step, Piece) and step.content == content)
        ]

    def sync_folder(self, folder: str) -> None:
        for step in self.pending:
            if isinstance(step, Names) and step.folder == folder:
                self._rename(step)
        self.pending = [
            step for step in self.pending if not (isinstance(step, Names) and step.folder == folder)
        ]

    def keep(self, steps: list[Piece | Names]) -> MemoryFiles:
        """The files that are found after a cut that kept these of the pending steps."""
        left = self.copy()
        for step in steps:
            if isinstance(step, Names):
                left._rename(step)
            else:
                left._put(step)
        return left._files()

    def _put(self, piece: Piece) -> None:
        data = self.bytes.get(piece.content, b"").ljust(piece.offset, b"\0")
        end = piece.offset + len(piece.data)
        self.bytes[piece.content] = data[: piece.offset] + piece.data + data[end:]

    def _rename(self, step: Names) -> None:
        for name, content in step.changes:
            if content is None:
                self.names.pop(name, None)
            else:
                self.names[name] = content

    def _files(self) -> MemoryFiles:
        files = MemoryFiles()
        for name in sorted(n for n, content in self.names.items() if content == FOLDER):
            if files.exists(folder_of(name)):
                files.mkdir(name)
        for name, content in self.names.items():
            if content != FOLDER and files.exists(folder_of(name)):
                files.create(name).write(self.bytes.get(content, b""))
        return files


class PoweredFiles(MemoryFiles):
    """Files in memory whose power can be cut after each step; `platters` has one for each.

    It begins with what is in `begun`, all of it durable.
    """

    def __init__(self, begun: MemoryFiles | None = None) -> None:
        super().__init__()
        self._platter = Platter()
        self.platters: list[Platter] = []
        self.notes: list[bytes] = []
        if begun is not None and begun.exists("journal"):
            self.mkdir("journal")
            for name in begun.list("journal"):
                handle = self.create(f"journal/{name}")
                handle.write(begun.read(f"journal/{name}"))
                handle.sync()
            self.sync_folder("")
            self.sync_folder("journal")
        self.platters.clear()
        self.notes.clear()
        self._took_step()

    def cuts(self, step: int) -> Iterator[tuple[str, MemoryFiles]]:
        """What a power cut after a step could leave, each with a name."""
        platter = self.platters[step]
        steps = platter.pending
        names: list[Piece | Names] = [s for s in steps if isinstance(s, Names)]
        pieces: list[Piece | Names] = [s for s in steps if isinstance(s, Piece)]
        yield "all", platter.keep(steps)
        yield "synced", platter.keep([])
        yield "names", platter.keep(names)
        yield "bytes", platter.keep(pieces)
        for n, one in enumerate(steps):
            before, behind = steps[:n], steps[n + 1 :]
            yield f"without {n}", platter.keep([*before, *behind])
            yield f"only {n}", platter.keep([one])
            if isinstance(one, Piece):
                zeros = one._replace(data=bytes(len(one.data)))
                yield f"zeros {n}", platter.keep([*before, zeros, *behind])
        if steps and isinstance(steps[-1], Piece):
            last = steps[-1]
            for size in {1, len(last.data) // 2, len(last.data) - 1}:
                torn = last._replace(data=last.data[:size])
                yield f"torn at {size}", platter.keep([*steps[:-1], torn])

    # ------------------------------------------------------------ steps

    def create(self, name: str) -> Handle:
        super().create(name)
        number = self._contents[name].number
        self._change(folder_of(name), (name, number))
        return self._handle(name)

    def open(self, name: str) -> Handle:
        super().open(name)
        return self._handle(name)

    def rename(self, old: str, new: str) -> None:
        number = self._content(old, "rename").number
        super().rename(old, new)
        self._change(folder_of(new), (old, None), (new, number))

    def remove(self, name: str) -> None:
        super().remove(name)
        self._change(folder_of(name), (name, None))

    def mkdir(self, folder: str) -> None:
        if not self.exists(folder):
            super().mkdir(folder)
            self._change(folder_of(folder), (folder, FOLDER))

    def sync_folder(self, folder: str) -> None:
        super().sync_folder(folder)
        self._platter.sync_folder(folder)
        self._took_step()

    def wrote(self, content: int, offset: int, data: bytes) -> None:
        self._platter.pending.append(Piece(content, offset, data))
        self._took_step()

    def synced(self, content: int) -> None:
        self._platter.sync(content)
        self._took_step()

    def _handle(self, name: str) -> Handle:
        return PoweredHandle(self, self._contents[name].number, super().open(name))

    def _change(self, folder: str, *changes: tuple[str, int | None]) -> None:
        self._platter.pending.append(Names(folder, changes))
        self._took_step()

    def _took_step(self) -> None:
        self.platters.append(self._platter.copy())
        self.notes.append(self.writer_note)


class PoweredHandle:
    """A handle whose writes are lost unless it is synced."""

    def __init__(self, files: PoweredFiles, content: int, inner: Handle) -> None:
        self._files = files
        self._number = content
        self._inner = inner

    def write(self, data: bytes) -> None:
        offset = self._inner.stat().size
        self._inner.write(data)
        self._files.wrote(self._number, offset, data)

    def sync(self) -> None:
        self._files.synced(self._number)

    def truncate(self, size: int) -> None:
        raise AssertionError("a journal is never cut back in place")

    def stat(self) -> Stat:
        return self._inner.stat()

    def close(self) -> None:
        self._inner.close()
