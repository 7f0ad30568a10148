"""What a damaged file of a database leads to, judged in process.

`Damaged` holds a database's journal in memory: one variant of it is judged in about a
millisecond, by `epql verify`'s reading of the journal, by opening, and by recovery. `Folder` is
a whole database on disk, for damage to its other files.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import epql
from epql.engine.check import check
from epql.engine.errors import InternalError
from epql.engine.files import MemoryFiles
from epql.engine.index.schema import open_index
from epql.engine.ingest import applied
from epql.engine.journal import Expectation, JournalWriter, open_tail, read_frames, verify
from epql.engine.journal.segments import FOLDER
from epql.engine.lock import Note, WriterLock, decode_note, encode_note

QUESTIONS = (
    "SELECT subject, predicate, object, agent FROM beliefs ORDER BY 1, 2, 3",
    "SELECT subject, predicate, object, lifecycle, tx FROM assertions ORDER BY 1, 2, 3, 5",
    "SELECT tx, agent, recorded_at FROM commits ORDER BY 1",
)


def make(path: Path, size: int, *, values: int = 20, segment: int = 2**24) -> None:
    """A database whose journal has `size` bytes or a little less than that.

    Shape: objects of about `values` characters; segments are sealed at `segment` bytes.
    """
    small = partial(JournalWriter, segment_bytes_max=segment)
    with patch("epql.engine.database.JournalWriter", small):
        con = epql.connect(path, agent="writer", audit="lazy")
        number, written, last = 0, 0, 0
        while written + max(last, 600) <= size:
            number += 1
            rows = [
                (f"s{number}", f"p{i}", f"{number}.{i} " * (values // 4))
                for i in range(1 + number % 3)
            ]
            con.executemany("ASSERT (?, ?, ?)", rows)
            con.commit()
            before, written = written, sum(f.stat().st_size for f in (path / FOLDER).iterdir())
            last = written - before
        con.execute(QUESTIONS[0]).fetchall()
        con.close()


class _Bytes(MemoryFiles):
    """Files in memory whose bytes can be damaged and put back."""

    def keep(self) -> None:
        """What lies there now is what `put_back` puts back."""
        self._kept = {name: (one, bytes(one.data)) for name, one in self._contents.items()}

    def damage(self, name: str, at: int, new: bytes | None) -> None:
        """Put `new` at a place, or cut the file there (None)."""
        data = self._contents[name].data
        if new is None:
            del data[at:]
        else:
            data[at : at + len(new)] = new

    def put_back(self, name: str, at: int, new: bytes | None) -> None:
        """Undo `damage`, and whatever was done since."""
        self._contents = {name: content for name, (content, _) in self._kept.items()}
        content, sound = self._kept[name]
        end = len(sound) if new is None else at + len(new)
        content.data[at:end] = sound[at:end]


class Damaged:
    """A database's journal in memory, of which one file is damaged at a time.

    `ends`: where each commit's frame ends, (segment, offset) by tx.
    """

    def __init__(self, path: Path) -> None:
        self._sound = {f.name: f.read_bytes() for f in sorted((path / FOLDER).iterdir())}
        db = open_index(str(path / "index.db"), read_only=True)
        self.tx, self.digest, *_ = applied(db)
        db.close()
        note = decode_note((path / "LOCK").read_bytes())
        assert note is not None and note.is_clean
        self._clean = note
        self._files = _Bytes()
        self._files.mkdir(FOLDER)
        for name, data in self._sound.items():
            self._files.create(f"{FOLDER}/{name}").write(data)
        self._files.keep()
        self.frames = {f.tx: f.digest for f in read_frames(self._files)}
        self.ends = {f.tx: (f.segment, f.end) for f in read_frames(self._files)}
        assert max(self.frames) == self.tx

    @property
    def names(self) -> list[str]:
        """The journal's files."""
        return list(self._sound)

    def data(self, name: str) -> bytes:
        """A file as it was written."""
        return self._sound[name]

    def judge(self, name: str, at: int, new: bytes | None) -> str:
        """What becomes of one file with `new` at a place, or cut there (None).

        'reported', 'harmless', or 'last' where only recovery with no witness of the last commit
        takes that commit for a torn tail. Anything else is an AssertionError.
        """
        path = f"{FOLDER}/{name}"
        self._files.damage(path, at, new)
        try:
            told = self._as_left()
            return "last" if self._as_crashed() and told == "reported" else told
        finally:
            self._files.put_back(path, at, new)

    def _as_left(self) -> str:
        """Closed in order: the index and LOCK know of all commits, so none may be missed."""
        files = self._files
        report = verify(files, expect=[Expectation(self.tx, self.digest)])
        is_same = report.last_tx == self.tx and report.frames == len(self.frames)
        if report.is_sound:
            assert is_same and not report.findings, f"verify is content: {report}"
        files.writer_note = encode_note(self._clean)
        with suppress(InternalError):
            tail = open_tail(files, repair=False, lock=WriterLock.of(files), known_tx=self.tx).tail
            assert tail.last_tx == self.tx, f"opens, and ends at tx {tail.last_tx}"
        with suppress(InternalError):
            self._check_frames(self.tx if report.is_sound else 0)
        return "harmless" if report.is_sound else "reported"

    def _as_crashed(self) -> bool:
        """The writer died over the last commit, which nobody else knows: whether it is cut off."""
        files = self._files
        last = self.tx - 1
        mark = self.ends.get(last, (1, 120))
        files.writer_note = encode_note(
            Note("writing", *mark, 1, self._clean.boot_id, 0, self._clean.since_us)
        )
        lock = WriterLock.of(files)
        lock.acquire(0)
        try:
            recovery = open_tail(files, repair=True, lock=lock, known_tx=last)
        except InternalError as error:
            if error.code != "journal.damaged":
                raise AssertionError(error.code) from error
            return False
        finally:
            lock.release()
        assert recovery.tail.last_tx >= last, f"recovery cut to tx {recovery.tail.last_tx}"
        with suppress(InternalError):
            self._check_frames(0)
        if recovery.tail.last_tx == self.tx:
            return False
        assert recovery.cut_bytes and recovery.aside_name, "cut off, and not kept aside"
        return True

    def _check_frames(self, least: int) -> None:
        """What is read of the journal is what was written. Raises: InternalError."""
        tx = 0
        for frame in read_frames(self._files):
            assert frame.digest == self.frames[frame.tx], f"tx {frame.tx} is read differently"
            tx = frame.tx
        assert tx >= least, f"read up to tx {tx}"


class Flip(NamedTuple):
    """One bit of one file of a folder."""

    name: str
    at: int
    bit: int


class Folder:
    """A database in a folder: what it answers, and what it answers when one of its files is
    damaged."""

    def __init__(self, path: Path, scratch: Path) -> None:
        self._path = path
        self._scratch = scratch
        self.names = sorted(
            str(f.relative_to(path)) for f in path.rglob("*") if f.is_file() and f.suffix != ".tmp"
        )
        self._answers = _answers(path)

    def flips(self, rnd: random.Random) -> Iterator[Flip]:
        """Bits, for ever, the files by turns."""
        while True:
            for name in self.names:
                size = (self._path / name).stat().st_size
                if size:
                    yield Flip(name, rnd.randrange(size), rnd.randrange(8))

    def judge(self, flip: Flip) -> str:
        """'reported' by check, 'refused' or 'harmless'; else AssertionError."""
        path = self._copy(flip)
        found = []
        told = _told(partial(_is_sound, path))
        for read_only in (True, False):
            answers = _told(partial(_answers, path, read_only=read_only))
            found.append(answers)
            assert told is not True or isinstance(answers, str) or answers == self._answers, (
                f"verify is content, and read_only={read_only} answers differently"
            )
        if told is True and not isinstance(found[1], str):
            _go_on(path)
            assert _is_sound(path), "not sound after going on"
        if told is not True:
            return "reported" if told is False else told
        refused = [answer for answer in found if isinstance(answer, str)]
        return refused[0] if refused else "harmless"

    def _copy(self, flip: Flip) -> Path:
        shutil.rmtree(self._scratch, ignore_errors=True)
        shutil.copytree(self._path, self._scratch)
        file = self._scratch / flip.name
        file.chmod(0o600)
        data = bytearray(file.read_bytes())
        data[flip.at] ^= 1 << flip.bit
        file.write_bytes(data)
        return self._scratch


def _told(act: Callable[[], object]) -> object:
    """What is answered, or the code of a documented error."""
    try:
        return act()
    except epql.Error as error:
        return f"refused ({error.code})"


def _is_sound(path: Path) -> bool:
    return check(path).is_sound


def _answers(path: Path, *, read_only: bool = True) -> list[list[tuple[object, ...]]]:
    con = epql.connect(path, agent="reader", read_only=read_only, audit="off")
    try:
        return [con.execute(question).fetchall() for question in QUESTIONS]
    finally:
        con.close()


def _go_on(path: Path) -> None:
    con = epql.connect(path, agent="reader")
    con.execute("ASSERT ('one', 'more', 'thing')")
    con.commit()
    con.close()
