"""Rows of the bar over many lives: R9 the index is what the journal says, R12 clock steps,
C2 the answers are the oracle's, C3 as of a past instant is a value.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from epql.engine.check import check
from epql.engine.files import OsFiles
from epql.engine.folder import INDEX
from epql.engine.ingestor import Ingestor
from epql.engine.journal.recovery import open_tail
from epql.engine.lock import WriterLock
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild
from tests.clock import text_of
from tests.crash.photograph import MOMENTS, copy_as_it_is, dump, photographed
from tests.property.lives import HOUR, PLAIN, SAYINGS, Life, Said, counted, live
from tests.property.test_governance_machine import Governed, GovernedInMemory
from tests.property.test_machine import Agreement, AgreementInMemory
from tests.rows import Row


def closed(machine: Any) -> bool:
    return not machine.con.in_transaction


class Kept(Life):
    """Whatever is done to the database beside writing, what was answered is answered again."""

    def reopen(self) -> None:
        self.con.close()
        self.connect()

    @precondition(closed)
    @rule(deleted=st.booleans())
    def restart(self, deleted: bool) -> None:
        self.con.close()
        if deleted:
            for file in self.folder.glob(INDEX + "*"):
                file.unlink()
        self.connect()
        self.all_is_answered_as_before("opened again, " + "without index" * deleted)

    @precondition(closed)
    @rule()
    def rebuilt(self) -> None:
        """While a connection has it open."""
        rebuild(str(self.folder), Options(self.clock))
        self.all_is_answered_as_before("rebuilt")

    @precondition(closed)
    @rule()
    def compacted(self) -> None:
        db = apsw.Connection(str(self.folder / INDEX))
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        self.all_is_answered_as_before("compacted")

    @precondition(closed)
    @rule(how=st.sampled_from(["folder", "statement", "export"]))
    def restored(self, how: str) -> None:
        """From a backup, in another folder; the life goes on there."""
        copy, to = self.new_path("copy"), self.new_path("kb")
        self.con.execute(f"{'EXPORT' if how == 'export' else 'BACKUP'} TO ?", (str(copy),))
        self.con.close()
        self.folder = to
        if how == "folder":
            from epql.engine.backup import restore

            restore(copy, to, Options(self.clock))
        self.connect()
        if how != "folder":
            self.con.execute("RESTORE FROM ?", (str(copy),))
        self.all_is_answered_as_before(f"restored: {how}")

    @precondition(closed)
    @rule(objects=st.lists(st.sampled_from(["x", "y", "z", None]), min_size=1, max_size=4))
    def loaded(self, objects: list[str | None]) -> None:
        """History, as of instants later than all that was asked about."""
        self.load(self.history(objects))
        self.all_is_answered_as_before("history was loaded")

    def history(self, objects: list[str | None]) -> Path:
        file, lines = self.new_path("history"), []
        for obj in objects:
            at = max(self.con.runner.database.present()[1], self.clock.us) + 1
            self.clock.set_us(at)
            facts = [["s", "p", obj], ["bulk", f"p{len(lines)}", obj]]
            lines.append({"at": text_of(at), "agent": "bob", "facts": facts})
        self.clock.move(microseconds=1)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return file

    def load(self, file: Path) -> None:
        self.con.import_history(file)

    @precondition(closed)
    @rule(sayings=st.lists(PLAIN, min_size=1, max_size=3), is_late=st.booleans())
    def another_writes(self, sayings: list[Said], is_late: bool) -> None:
        """Another connection; it may have been opened before this one's last commit."""
        mine, theirs = self.con, None
        self.connect()
        theirs, self.con = self.con, mine
        if is_late:
            self.run(("ASSERT ('s', 'q', 'late')", ()), 0)
        self.con = theirs
        for saying in sayings:
            self.run(saying, 0)
        self.con = mine
        self.all_is_answered_as_before("another wrote")
        theirs.close()


class Crashing(Kept):
    """The same with crashes; in the end the index is what the journal says, to the last row."""

    older: Path | None = None

    def go_on_in(self, copy: Path) -> None:
        """The process is dead; the next one finds `copy`."""
        self.con.close()
        self.folder = copy
        self.connect()
        self.all_is_answered_as_before("crashed")

    @rule(
        moment=st.sampled_from(MOMENTS),
        number=st.sampled_from([1, 1, 1, 2, 3]),
        saying=SAYINGS,
        of=st.integers(0, 20),
    )
    def killed_while_writing(self, moment: str, number: int, saying: Said, of: int) -> None:
        copy = self.new_path("kb")
        with photographed(self.folder, copy, moment, number) as camera:
            self.run(saying, of)
            if self.con.in_transaction:
                self.con.commit()
        if camera.has_fired:
            self.go_on_in(copy)

    @precondition(closed)
    @rule(
        moment=st.sampled_from(MOMENTS),
        number=st.sampled_from([1, 1, 2, 3]),
        objects=st.lists(st.sampled_from(["x", "y", None]), min_size=1, max_size=5),
    )
    def killed_while_loading(self, moment: str, number: int, objects: list[str | None]) -> None:
        copy = self.new_path("kb")
        file = self.history(objects)
        with photographed(self.folder, copy, moment, number) as camera:
            self.load(file)
        if camera.has_fired:
            self.go_on_in(copy)
            self.load(file)  # again: it goes on where it was

    @precondition(closed)
    @rule(moment=st.sampled_from(MOMENTS), number=st.sampled_from([1, 2, 3, 5]))
    def killed_while_opening(self, moment: str, number: int) -> None:
        """Opening after a crash is killed, too."""
        left, copy = self.new_path("kb"), self.new_path("kb")
        with photographed(self.folder, left, "written"):
            self.run(("ASSERT ('s', 'p', 'crash')", ()), 0)
        if not left.exists():
            return
        self.con.close()
        self.folder = left
        with photographed(left, copy, moment, number) as camera:
            self.connect()
        if camera.has_fired:
            self.folder = copy
            self.connect()
        self.all_is_answered_as_before("opening was killed")

    @precondition(closed)
    @rule()
    def keep_the_index(self) -> None:
        """For `index_is_an_older_one`."""
        self.reopen()
        self.older = self.new_path("older")
        copy_as_it_is(self.folder, self.older)
        self.older_of = self.folder

    @precondition(lambda self: closed(self) and self.older is not None)
    @rule()
    def index_is_an_older_one(self) -> None:
        assert self.older is not None
        self.con.close()
        if self.older_of == self.folder:
            for file in self.folder.glob(INDEX + "*"):
                file.unlink()
            for file in self.older.glob(INDEX + "*"):
                shutil.copyfile(file, self.folder / file.name)
        self.connect()
        self.all_is_answered_as_before("the index was an older one")

    @precondition(closed)
    @rule()
    def wal_is_dropped(self) -> None:
        """What a power cut takes back: SQLite does not sync its -wal at each commit."""
        copy = self.new_path("kb")
        copy_as_it_is(self.folder, copy)
        for file in copy.glob(INDEX + "-*"):
            file.unlink()
        self.go_on_in(copy)

    @precondition(closed)
    @rule(sayings=st.lists(PLAIN, min_size=1, max_size=3))
    def followed(self, sayings: list[Said]) -> None:
        """Another process brings into the index what this one has only in the journal."""
        copy = self.new_path("kb")
        with photographed(self.folder, copy, "synced") as camera:
            for saying in sayings:
                self.run(saying, 0)
        if not camera.has_fired:
            return
        self.con.close()
        self.folder = copy
        files = OsFiles(copy)
        tail = open_tail(files, repair=False, lock=WriterLock.of(files)).tail
        follower = Ingestor(copy)
        follower.start()
        follower.announce(tail.last_tx)
        assert follower.wait_for(tail.last_tx, 60)
        follower.stop()
        self.connect()
        self.all_is_answered_as_before("followed")

    def end(self) -> None:
        super().end()
        self.reopen()
        assert [fault.sentence for fault in check(self.folder).faults] == []
        self.con.close()
        grown = dump(self.folder)
        for file in self.folder.glob(INDEX + "*"):
            file.unlink()
        self.connect()
        self.con.close()
        assert dump(self.folder) == grown
        self.connect()
        super().end()


YEAR = 366 * 24 * HOUR
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "+05:30"]
STARTS = {
    "2016-12-31T23:59:00Z": ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"],
    "2024-03-31T00:30:00Z": ["2024-03-31 01:59:59", "2024-03-31 02:30", "2024-03-31 03:00"],
    "2024-10-27T00:30:00Z": ["2024-10-27 02:30", "2024-10-27 02:30+02:00", "2024-10-27 02:00"],
}
"""Where a leap second, and the changes of summer time in Berlin, are near; times to ask about."""


class Steps(Life):
    """The clock goes back, on, and stands; people read it in many zones."""

    @initialize(start=st.sampled_from(sorted(STARTS)))
    def open(self, start: str) -> None:  # type: ignore[override]
        super().open()
        self.clock.set(start)
        self.texts = STARTS[start]
        self.zone = "UTC"

    @rule(by=st.sampled_from([-YEAR, -24 * HOUR, -HOUR, -HOUR, -HOUR // 60, -1, 1, HOUR, YEAR]))
    def clock_is_set(self, by: int) -> None:
        self.clock.set_us(self.clock.us + by)

    @rule(zone=st.sampled_from(ZONES))
    def zone_is_set(self, zone: str) -> None:
        if not self.con.in_transaction:
            self.con.execute(f"SET TIME ZONE '{zone}'")
            self.zone = zone

    @precondition(closed)
    @rule(number=st.integers(0, 2), relation=st.sampled_from(["beliefs", "assertions", "history"]))
    def ask_by_the_clock_on_the_wall(self, number: int, relation: str) -> None:
        """Texts without a zone; the same text is the same instant in the same zone."""
        text = self.texts[number % len(self.texts)]
        self.remember(f"SELECT * FROM {relation} AS OF ? /* {self.zone} */", (text,))

    @precondition(closed)
    @rule(back=st.sampled_from(["1 minute", "1 hour", "1 day"]))
    def ask_about_a_while_ago(self, back: str) -> None:
        """As of an instant in the gap between the last commit and now: nothing may come there."""
        ago = {"1 minute": HOUR // 60, "1 hour": HOUR, "1 day": 24 * HOUR}[back]
        at = self.con.runner.database.present()[1] - ago
        self.remember("SELECT * FROM assertions LIFECYCLE ANY AS OF ?", (text_of(at),))

    @precondition(closed)
    @rule()
    def another_process(self) -> None:
        """Opened anew: nothing of it may stand in memory only."""
        self.con.close()
        self.connect()
        self.con.execute(f"SET TIME ZONE '{self.zone}'")

    def remember(self, text: str, values: tuple[Any, ...]) -> None:
        if self.answer(text, values).startswith("["):  # an error is no answer: it may become one
            super().remember(text, values)

    def all_is_answered_as_before(self, when: str) -> None:
        for (text, values), kept in list(self.asked.items()):
            zone = text.partition("/* ")[2].partition(" */")[0] or "UTC"
            self.con.execute(f"SET TIME ZONE '{zone}'")
            got = self.answer(text, values)
            assert got == kept, f"{when}: {text} {values}\nwas {kept}\nis  {got}"


def steps(row: Row) -> int:
    """How long a life is."""
    return 60 if row.count > 1000 else 30


@pytest.mark.row("R9", "index equals journal")
def test_the_index_is_what_the_journal_says(row: Row) -> None:
    live(row, Crashing, steps(row))


@pytest.mark.row("R12", "clock steps")
def test_answers_stand_when_the_clock_steps(row: Row) -> None:
    live(row, Steps, steps(row))


@pytest.mark.row("C3", "as of is a value")
def test_an_answer_about_the_past_is_a_value(row: Row) -> None:
    live(row, Kept, steps(row))


def part(name: str, machine: type[RuleBasedStateMachine]) -> Any:
    return pytest.param(machine, marks=pytest.mark.row("C2", name), id=name)


@pytest.mark.parametrize(
    "machine",
    [
        part("plain, on disk", Agreement),
        part("plain, in memory", AgreementInMemory),
        part("governed, on disk", Governed),
        part("governed, in memory", GovernedInMemory),
    ],
)
def test_the_answers_are_the_oracles(row: Row, machine: type[RuleBasedStateMachine]) -> None:
    live(row, counted(machine), steps(row))
