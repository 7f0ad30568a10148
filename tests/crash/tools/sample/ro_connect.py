"""connect(dir) for hostile_sql.py: an APSW connection for untrusted queries, and (TOY_BUG=plain) one that only is read-only."""

import os
import time

import apsw

FUNCS = {
    "abs",
    "coalesce",
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "total",
    "length",
    "lower",
    "upper",
    "substr",
    "substring",
    "trim",
    "ltrim",
    "rtrim",
    "replace",
    "round",
    "ifnull",
    "nullif",
    "iif",
    "like",
    "glob",
    "instr",
    "hex",
    "typeof",
    "date",
    "time",
    "datetime",
    "julianday",
    "strftime",
    "unixepoch",
    "json",
    "json_extract",
    "json_valid",
    "json_array_length",
    "json_group_array",
    "group_concat",
    "string_agg",
    "printf",
    "format",
    "quote",
    "row_number",
    "rank",
    "dense_rank",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "zeroblob",
    "randomblob",
}
HIDDEN = ("sqlite_", "pragma_", "dbstat", "fsdir")
LIMITS = {
    "LENGTH": 1_000_000,
    "SQL_LENGTH": 100_000,
    "COLUMN": 200,
    "EXPR_DEPTH": 100,
    "COMPOUND_SELECT": 50,
    "VDBE_OP": 25_000,
    "FUNCTION_ARG": 16,
    "ATTACHED": 0,
    "LIKE_PATTERN_LENGTH": 100,
    "VARIABLE_NUMBER": 999,
    "TRIGGER_DEPTH": 1,
    "WORKER_THREADS": 0,
}


def authorize(op, one, two, db, trigger):
    what = apsw.mapping_authorizer_function[op]
    if what in ("SQLITE_SELECT", "SQLITE_RECURSIVE"):
        return apsw.SQLITE_OK
    if what == "SQLITE_READ":
        return apsw.SQLITE_DENY if (one or "").lower().startswith(HIDDEN) else apsw.SQLITE_OK
    if what == "SQLITE_FUNCTION":
        return apsw.SQLITE_OK if (two or "").lower() in FUNCS else apsw.SQLITE_DENY
    return apsw.SQLITE_DENY


class Guarded:
    def __init__(self, con, seconds):
        self.con, self.seconds, self.end = con, seconds, 0

    def execute(self, sql):
        self.end = time.monotonic() + self.seconds
        return self.con.execute(sql)


def connect(path):
    con = apsw.Connection(os.path.join(path, "db.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    if os.environ.get("TOY_BUG") == "plain":
        return con
    for k, v in LIMITS.items():
        con.limit(getattr(apsw, "SQLITE_LIMIT_" + k), v)
    for opt, v in (
        ("DEFENSIVE", 1),
        ("TRUSTED_SCHEMA", 0),
        ("ENABLE_LOAD_EXTENSION", 0),
        ("DQS_DML", 0),
        ("DQS_DDL", 0),
        ("ENABLE_TRIGGER", 0),
    ):
        con.config(getattr(apsw, "SQLITE_DBCONFIG_" + opt), v)
    for p in (
        "query_only=1",
        "cell_size_check=1",
        "mmap_size=0",
        "temp_store=2",
        "cache_size=-8000",
    ):
        con.execute("PRAGMA " + p).fetchall()
    apsw.hard_heap_limit(64 << 20)
    con.authorizer = authorize  # last: it refuses PRAGMA too
    g = Guarded(con, 1.0)
    con.set_progress_handler(lambda: time.monotonic() > g.end, 1000)
    return g
