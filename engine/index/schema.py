"""The tables of the index, and how index.db is opened. docs/formats/index.md explains them.

The index is a cache of the journal: WAL mode and synchronous=NORMAL are enough, because the
applied transaction is written in the same SQLite transaction as the rows it covers.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from functools import cache
from urllib.parse import quote

import apsw

from epql.engine.errors import InternalError, OperationalError
from epql.engine.files import FILE_MODE
from epql.engine.store.addresses import HEAD

SCHEMA_VERSION = 4
_PAUSE_S = 0.005
SQLITE_MIN = 3051003
"""Older SQLite can corrupt a database that two connections checkpoint at once."""

SCHEMA = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE txn(tx INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, agent INTEGER NOT NULL,
  origin TEXT NOT NULL, key TEXT, records INTEGER NOT NULL, digest BLOB,
  segment INTEGER, offset INTEGER);
CREATE UNIQUE INDEX txn_recorded_at ON txn(recorded_at);
CREATE UNIQUE INDEX txn_key ON txn(key) WHERE key IS NOT NULL;

CREATE TABLE agent(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tx INTEGER NOT NULL);
CREATE TABLE slot(id INTEGER PRIMARY KEY, subject TEXT NOT NULL, predicate TEXT NOT NULL,
  topic TEXT NOT NULL, tx INTEGER NOT NULL, UNIQUE(subject, predicate));
CREATE INDEX slot_predicate ON slot(predicate);
CREATE INDEX slot_topic ON slot(topic);

CREATE TABLE assertion(id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, object NOT NULL,
  confidence REAL NOT NULL, agent INTEGER NOT NULL, source TEXT, digest BLOB NOT NULL, extra TEXT,
  state INTEGER NOT NULL, seq INTEGER NOT NULL, since_tx INTEGER NOT NULL,
  valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL);
CREATE INDEX assertion_address ON assertion({HEAD.format("digest")});
CREATE TABLE span(slot INTEGER NOT NULL, state INTEGER NOT NULL, seq INTEGER NOT NULL,
  from_tx INTEGER NOT NULL, valid_from INTEGER NOT NULL, to_tx INTEGER NOT NULL,
  valid_to INTEGER NOT NULL, assertion INTEGER NOT NULL,
  PRIMARY KEY(slot, state, seq, from_tx, valid_from)) WITHOUT ROWID;
CREATE TABLE touched(tx INTEGER NOT NULL, slot INTEGER NOT NULL, event INTEGER NOT NULL,
  assertion INTEGER NOT NULL, PRIMARY KEY(tx, slot)) WITHOUT ROWID;
CREATE TABLE bound(at INTEGER NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY(at, slot)) WITHOUT ROWID;

CREATE TABLE transition(id INTEGER PRIMARY KEY, assertion INTEGER NOT NULL, was INTEGER NOT NULL,
  state INTEGER NOT NULL, via TEXT NOT NULL, agent INTEGER NOT NULL, reason TEXT, successor BLOB,
  cut INTEGER);
CREATE INDEX transition_assertion ON transition(assertion);
CREATE TABLE epoch(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, agent INTEGER NOT NULL);
CREATE TABLE declaration(id INTEGER PRIMARY KEY, what TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT NOT NULL, agent INTEGER NOT NULL);
CREATE INDEX declaration_name ON declaration(what, name);
CREATE TABLE parent(parent BLOB NOT NULL, child INTEGER NOT NULL,
  PRIMARY KEY(parent, child)) WITHOUT ROWID;
CREATE TABLE vote(id INTEGER PRIMARY KEY, assertion INTEGER NOT NULL, agent INTEGER NOT NULL,
  is_for INTEGER NOT NULL, weight REAL NOT NULL, reason TEXT);
CREATE INDEX vote_assertion ON vote(assertion, agent, id);
CREATE TABLE rule(id INTEGER PRIMARY KEY, digest BLOB NOT NULL, subject TEXT NOT NULL,
  predicate TEXT NOT NULL, object NOT NULL, condition TEXT, severity TEXT NOT NULL, prefer,
  reason TEXT, agent INTEGER NOT NULL, correction BLOB);
CREATE TABLE rule_shape(shape INTEGER PRIMARY KEY, predicate INTEGER NOT NULL,
  subject INTEGER NOT NULL, object INTEGER NOT NULL);
CREATE TABLE rule_key(shape INTEGER NOT NULL, predicate TEXT NOT NULL, subject TEXT NOT NULL,
  object NOT NULL, rule INTEGER NOT NULL,
  PRIMARY KEY(shape, predicate, subject, object, rule)) WITHOUT ROWID;
CREATE TABLE repeal(rule INTEGER PRIMARY KEY, id INTEGER NOT NULL, agent INTEGER NOT NULL,
  reason TEXT);
CREATE TABLE correction(id INTEGER PRIMARY KEY, digest BLOB NOT NULL, assertion INTEGER NOT NULL,
  agent INTEGER NOT NULL, reason TEXT, successor BLOB, rule BLOB);
CREATE INDEX correction_assertion ON correction(assertion);
CREATE TABLE tended(correction INTEGER PRIMARY KEY, id INTEGER NOT NULL);
CREATE TABLE used(id INTEGER PRIMARY KEY, what TEXT NOT NULL, target INTEGER NOT NULL,
  agent INTEGER NOT NULL, source TEXT, reason TEXT);
CREATE INDEX used_target ON used(what, target, id);
CREATE TABLE spoke(agent INTEGER NOT NULL, topic TEXT NOT NULL, tx INTEGER NOT NULL,
  PRIMARY KEY(agent, topic)) WITHOUT ROWID;
CREATE TABLE trust(agent INTEGER NOT NULL, topic TEXT NOT NULL, id INTEGER NOT NULL,
  successes REAL NOT NULL, failures REAL NOT NULL, success REAL NOT NULL, failure REAL NOT NULL,
  role TEXT NOT NULL, cause BLOB NOT NULL, assertion BLOB NOT NULL, hops INTEGER NOT NULL,
  PRIMARY KEY(agent, topic, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX trust_id ON trust(id);
CREATE TABLE flag(assertion INTEGER NOT NULL, id INTEGER NOT NULL, cause BLOB NOT NULL,
  reason TEXT NOT NULL, PRIMARY KEY(assertion, id)) WITHOUT ROWID;
CREATE TABLE aside(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL);
"""

TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", SCHEMA))
"""The names of its tables."""

CACHE_KB = 65_536
"""How much of a file SQLite keeps in memory, for each connection."""

_PRAGMAS = f"""
PRAGMA synchronous=NORMAL;
PRAGMA mmap_size=0;
PRAGMA cache_size=-{CACHE_KB};
PRAGMA wal_autocheckpoint=8000; -- a checkpoint syncs twice: not after every few commits of a load
"""


class OutdatedIndex(InternalError):
    """The index was made by an older program; the journal has all that a new one needs."""


def sqlite_version() -> str:
    """Which SQLite runs, and inside what."""
    return f"{apsw.sqlite_lib_version()}, inside apsw {apsw.apsw_version()}"


def open_index(
    path: str,
    *,
    read_only: bool = False,
    leaving: str | None = None,
    busy_ms: int = 5000,
    schema: str = SCHEMA,
    schema_version: int = SCHEMA_VERSION,
) -> apsw.Connection:
    """Open index.db (or ':memory:'); a new one gets the schema. audit.db is opened so, too.

    `leaving`: to look at a file and leave everything as it is, also what lies beside it.
    READONLY_SHM where there is a -shm (after a crash SQLite would write it anew), IMMUTABLE where
    there is neither -shm nor -wal (it would make both); the latter sees no later change.
    Raises: OperationalError if SQLite cannot open it, OutdatedIndex for the schema of an older
    program, InternalError `index.version` for that of a newer one.
    """
    _check_sqlite()
    flags = apsw.SQLITE_OPEN_READONLY if read_only else _READ_WRITE
    if path != ":memory:":
        _check_plain(path)
    try:
        if not read_only and leaving is None and path != ":memory:":
            _make(path)
        if path != ":memory:":
            # the folder may be reached by a link; the file itself may be none
            path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            flags |= apsw.SQLITE_OPEN_NOFOLLOW
        if leaving is not None:
            path, flags = f"file:{quote(path)}?{leaving}", _LOOKING
        db = apsw.Connection(path, flags=flags, statementcachesize=500)
        _configure(db, busy_ms)
        if read_only:
            db.execute("PRAGMA query_only=1; PRAGMA temp_store=2")  # not even a passing file
        if not read_only and leaving is None:
            _create_if_new(db, schema, schema_version, busy_ms)
        version = db.pragma("user_version")
        odd = _odd(db, schema) if version == schema_version else None
    except (apsw.Error, OSError) as error:
        raise OperationalError(
            f"the index cannot be opened: {error}",
            code="index.open",
            hint="epql rebuild makes a new index from the journal",
        ) from error
    if odd is not None:
        db.close()
        raise InternalError(
            f"the index is damaged: its schema is not the one it should have: {odd}",
            code="index.corrupt",
            hint="epql rebuild makes a new index from the journal",
        )
    if version != schema_version:
        db.close()
        other = InternalError(
            f"the index has schema version {version}, this program reads {schema_version}",
            code="index.version",
            hint="epql rebuild makes a new index from the journal",
        )
        raise other if version > schema_version else OutdatedIndex(other.message, code=other.code)
    return db


def _make(path: str) -> None:
    """Make the file, if it is not there: SQLite would let everybody read it; -wal and -shm follow
    its mode. One that is there is not touched: to close any descriptor of it would take from this
    process the locks that SQLite has on it."""
    with suppress(FileExistsError):
        os.close(os.open(path, _MADE, FILE_MODE))


def _check_plain(path: str) -> None:
    """Refuse what is no plain file: SQLite would wait for ever for the other end of a pipe."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            mode = os.stat(path + suffix).st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            raise OperationalError(
                f"the index cannot be opened: {os.path.basename(path)}{suffix} is no plain file",
                code="index.open",
                hint="remove it; epql rebuild makes a new index from the journal",
            )


def _odd(db: apsw.Connection, schema: str) -> str | None:
    """The name of something that the file defines and should not, or the other way; None: nothing.

    Whoever could write the file may have added a trigger, or a column that is computed; so
    nothing else of it is asked before this.
    """
    sql = (
        "SELECT CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_schema"
        " WHERE NOT (type='table' AND name IN ('sqlite_stat1', 'sqlite_stat4'))"
        " AND NOT (type='index' AND sql IS NULL)"
    )
    missing = dict(_expected(schema))
    for name, text in db.execute(sql):  # as bytes: a damaged one may be no UTF-8
        if missing.pop((text or b"").decode(errors="replace"), None) is None:
            return str((name or b"").decode(errors="replace"))
    return next(iter(missing.values()), None)


@cache
def _expected(schema: str) -> dict[str, str]:
    """The names of what the schema defines, by their texts."""
    texts = [text for part in schema.split(";") if (text := part.strip())]
    return {text: _NAMED_BY.findall(text)[0] for text in texts}


_NAMED_BY = re.compile(r"(?:TABLE|INDEX) (\w+)")


READONLY_SHM, IMMUTABLE = "readonly_shm=1", "immutable=1"
_LOOKING = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_NOFOLLOW
_MADE = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_READ_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def _check_sqlite() -> None:
    version = apsw.sqlite_lib_version()  # that which runs, not that which apsw was compiled with
    if _number_of(version) < SQLITE_MIN:
        raise OperationalError(
            f"SQLite {version} is too old for several processes",
            code="index.sqlite_version",
            hint="install apsw 3.51.3 or newer",
        )


@cache
def _number_of(version: str) -> int:
    """The version as SQLite counts it: 3.51.3 is 3051003."""
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    return major * 1_000_000 + minor * 1_000 + patch


def _configure(db: apsw.Connection, busy_ms: int) -> None:
    db.set_busy_timeout(busy_ms)
    # with STAT4 a bound range re-prepares the statement on every new value, unless plans are
    # declared stable: that halves as-of reads
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    # a file that somebody else wrote must run nothing of its own
    db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    db.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    db.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    db.execute(_PRAGMAS).fetchall()  # APSW stops at each row that one of them gives


def keep_in_memory(db: apsw.Connection, memory_bytes: int | None) -> None:
    """Bound what SQLite keeps of a file to a quarter of what a statement may take: it counts."""
    kept = CACHE_KB if memory_bytes is None else min(CACHE_KB, memory_bytes // 4096)
    db.execute(f"PRAGMA cache_size=-{max(kept, 1)}")


def _use_wal(db: apsw.Connection, busy_ms: int) -> None:
    """Switch a new file to WAL; two who make it at once may be told at once that it is busy,
    because SQLite does not wait where waiting could be for each other."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            db.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_S)


def _create_if_new(db: apsw.Connection, schema: str, version: int, busy_ms: int) -> None:
    _use_wal(db, busy_ms)
    if db.pragma("user_version"):
        return
    db.execute("BEGIN IMMEDIATE")  # a read that turns into a write would not wait for another's
    try:
        if not db.pragma("user_version"):  # another process may have been first
            db.execute(schema + f"PRAGMA user_version={version};")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
