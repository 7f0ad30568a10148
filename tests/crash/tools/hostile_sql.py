#!/usr/bin/env python3
"""Throw hostile SQL at a read-only connection and see that nothing gets out, in, or stuck.

    python3 hostile_sql.py --connect file.py:connect --db DIR [--deadline 1.0] [--grace 0.5] [--mem-mb 256] [--extra FILE]

connect(dir) opens the product's connection for untrusted queries; its execute(sql) returns rows to iterate over.
Every statement runs in a process of its own.  It fails the test when
    it is on the forbidden list and did not raise           the process was ended for time (deadline + grace)
    the process died of a signal or used more than --mem-mb  a byte of DIR changed, or a file appeared beside it
    the text of the canary file came back                    another statement was run behind the first one
--extra names a file with one statement a line (the product's own language, its verbs and functions); a line that begins
with '!' must raise.
"""

import argparse
import hashlib
import importlib.util
import os
import resource
import select
import signal
import sys
import tempfile
import time

CANARY = "canary-7f3a91"


def forbidden(box):
    p = lambda n: os.path.join(box, n)
    yield from [
        "CREATE TABLE hostile(a)",
        "CREATE TEMP TABLE hostile(a)",
        "CREATE VIEW hostile AS SELECT 1",
        "CREATE TEMP VIEW hostile AS SELECT 1",
        "CREATE TRIGGER hostile AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE hostile USING fts5(a)",
        "CREATE INDEX hostile ON t(a)",
        "DROP TABLE t",
        "ALTER TABLE t RENAME TO u",
        "INSERT INTO t VALUES(1,2)",
        "UPDATE t SET a=1",
        "DELETE FROM t",
        "REPLACE INTO t VALUES(1,2)",
        "ATTACH '%s' AS h" % p("new.db"),
        "ATTACH ':memory:' AS h",
        "ATTACH 'file:%s?mode=rwc' AS h" % p("new2.db"),
        "ATTACH '%s' AS h" % p("canary"),
        "VACUUM",
        "VACUUM INTO '%s'" % p("vac.db"),
        "DETACH main",
        "SELECT load_extension('%s')" % p("x"),
        "SELECT load_extension('libc.so.6')",
        "SELECT readfile('%s')" % p("canary"),
        "SELECT writefile('%s','x')" % p("w"),
        "SELECT edit('x')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT * FROM fsdir('%s')" % box,
        "SELECT * FROM sqlite_dbpage",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM dbstat",
        "SELECT * FROM sqlite_stmt",
        "PRAGMA writable_schema=1",
        "PRAGMA journal_mode=off",
        "PRAGMA journal_mode=delete",
        "PRAGMA synchronous=off",
        "PRAGMA query_only=0",
        "PRAGMA trusted_schema=1",
        "PRAGMA temp_store_directory='%s'" % box,
        "PRAGMA data_store_directory='%s'" % box,
        "PRAGMA mmap_size=1099511627776",
        "PRAGMA cache_size=100000000",
        "PRAGMA hard_heap_limit=0",
        "PRAGMA threads=64",
        "PRAGMA locking_mode=exclusive",
        "PRAGMA wal_checkpoint(truncate)",
        "PRAGMA user_version=7",
        "PRAGMA schema_version=7",
        "PRAGMA foreign_keys=0",
        "PRAGMA key='x'",
        "BEGIN IMMEDIATE",
        "BEGIN EXCLUSIVE",
        "SAVEPOINT h",
        "ANALYZE",
        "SELECT 1; DELETE FROM t",
        "SELECT 1; ATTACH ':memory:' AS h",
        "EXPLAIN DELETE FROM t",
        "SELECT * FROM sqlite_master; DROP TABLE t",
        "INSERT INTO t SELECT 1,2 RETURNING *",
        "WITH x AS (SELECT 1) DELETE FROM t",
    ]


def heavy():
    r = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r%s) "
    yield from [
        r % "" + "SELECT count(*) FROM r",
        r % "" + "SELECT x FROM r",
        r % " LIMIT 5000" + "SELECT count(*) FROM r a, r b, r c",
        r % " LIMIT 20000000" + "SELECT length(group_concat('" + "a" * 90 + "')) FROM r",
        r % " LIMIT 20000000" + "SELECT json_group_array(x) FROM r",
        r % " LIMIT 3000000" + "SELECT max(y) FROM (SELECT randomblob(100) y FROM r ORDER BY y)",
        r % " LIMIT 100000"
        + "SELECT sum(s) FROM (SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 50000 PRECEDING AND CURRENT ROW) s FROM r)",
        r % " LIMIT 3000000" + "SELECT count(DISTINCT hex(randomblob(50))) FROM r",
        "SELECT length(zeroblob(2000000000))",
        "SELECT hex(zeroblob(900000000))",
        "SELECT printf('%999999999d',1)",
        "SELECT printf('%.*c',900000000,'x')",
        "SELECT length(randomblob(900000000))",
        "SELECT replace(hex(zeroblob(400000)),'0',hex(zeroblob(5000)))",
        # quadratic work inside one call, which no progress handler can stop: only a limit on lengths can
        "WITH a(s) AS (SELECT replace(hex(zeroblob(2400000)),'0','a')) SELECT instr(s, substr(s,1,length(s)/2)||'b') FROM a",
        "WITH a(s) AS (SELECT replace(hex(zeroblob(2400000)),'0','a')) SELECT length(rtrim(s, replace(hex(randomblob(2000)),'A','B')||'a')) FROM a",
        "WITH a(s) AS (SELECT replace(hex(zeroblob(2400000)),'0','a')) SELECT length(replace(s, substr(s,1,length(s)/4)||'b','x')) FROM a",
        "WITH a(s) AS (SELECT replace(hex(zeroblob(240000)),'0','a')) SELECT instr(s, substr(s,1,length(s)/2)||'b') FROM a",
        "SELECT '%s' LIKE '%sb'" % ("a" * 40000, "%a" * 24000),
        "SELECT '%s' GLOB '%sb'" % ("a" * 40000, "*a" * 200),
        "SELECT " + "(" * 20000 + "1" + ")" * 20000,
        "SELECT " + "-" * 50000 + "1",
        "SELECT " + "NOT " * 20000 + "1",
        "SELECT " + ",".join(["1"] * 5000),
        " UNION ALL ".join(["SELECT 1"] * 5000),
        "SELECT 1" + " WHERE 1" + " AND 1" * 20000,
        "SELECT " + "+".join(["1"] * 30000),
        "SELECT json('" + "[" * 200000 + "]" * 200000 + "')",
        "SELECT json_extract('{}','$" + "[0]" * 20000 + "')",
        "SELECT * FROM " + " JOIN ".join("(SELECT 1 AS a)" for _ in range(63)),
        "SELECT * FROM " + ",".join("t a%d" % i for i in range(60)) + " LIMIT 1",
        "SELECT 1 IN (" + ",".join(["1"] * 20000) + ")",
        "WITH "
        + ",".join(
            "c%d AS (SELECT * FROM c%d a, c%d b)" % (i, i - 1, i - 1) if i else "c0 AS (SELECT 1 x)"
            for i in range(40)
        )
        + " SELECT count(*) FROM c39",
        "SELECT 'a\0b'",
        "SELECT \ud800" if False else "SELECT '\u202e'",
        "",
        ";",
        "--",
        "/*",
        "'",
        "SELECT '",
        'SELECT "',
        "\\",
        "SELECT ?",
        "SELECT :a, @b, $c",
        "SELECT 9223372036854775807 + 1, -9223372036854775808 / -1, 1/0, abs(-9223372036854775807-1)",
        "SELECT strftime('%" + "Y" * 5000 + "','now')",
    ]


def tree(d):
    out = {}
    for top, _, files in os.walk(d):
        for n in files:
            p = os.path.join(top, n)
            if n.endswith("-shm"):
                continue
            out[p] = hashlib.blake2b(open(p, "rb").read()).hexdigest()
    return out


def child(w, fn, db, sql, mem):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        con = fn(db)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        t0 = time.monotonic()
        rows, size, leak = 0, 0, b""
        try:
            for row in con.execute(sql):
                rows += 1
                text = repr(row)
                size += len(text)
                if CANARY in text:
                    leak = b" LEAK"
                if rows > 200000:
                    break
            res = "rows %d" % rows
        except Exception as e:
            res = "raised %s: %s" % (type(e).__name__, str(e)[:80])
        used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        os.write(w, ("%.3f\t%d\t%s" % (time.monotonic() - t0, used, res)).encode()[:400] + leak)
    finally:
        os._exit(0)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--connect", required=True)
    ap.add_argument("--db", required=True)
    ap.add_argument(
        "--deadline",
        type=float,
        default=1.0,
        help="what the product promises for one statement, in seconds",
    )
    ap.add_argument("--grace", type=float, default=0.5)
    ap.add_argument("--mem-mb", type=int, default=256)
    ap.add_argument("--extra")
    ap.add_argument("--verbose", action="store_true")
    a = ap.parse_args()
    path, name = a.connect.rsplit(":", 1)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("hostile_connect", path)
    mod = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mod)
    fn = getattr(mod, name)
    box = tempfile.mkdtemp(prefix="hostile-")
    open(os.path.join(box, "canary"), "w").write(CANARY + "\n")
    todo = [(s, True) for s in forbidden(box)] + [(s, False) for s in heavy()]
    if a.extra:
        for line in open(a.extra):
            line = line.rstrip("\n")
            if line:
                todo.append((line.lstrip("!"), line.startswith("!")))
    boxed, data = tree(box), tree(a.db)
    bad, worst, most = 0, 0.0, 0
    for sql, must_raise in todo:
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(r)
            child(w, fn, a.db, sql, a.mem_mb)
        os.close(w)
        out, end, late = (
            b"",
            time.monotonic() + a.deadline + a.grace + 1.0,
            False,
        )  # 1 s to import and open
        while True:
            ready, _, _ = select.select([r], [], [], max(0, end - time.monotonic()))
            if not ready:
                late = True
                os.kill(pid, signal.SIGKILL)
                break
            chunk = os.read(r, 65536)
            if not chunk:
                break
            out += chunk
        os.close(r)
        status = os.waitpid(pid, 0)[1]
        text = out.decode(errors="replace")
        why = None
        if late:
            why = "did not stop"
        elif not text:
            why = "the process died, status %d" % status
        else:
            sec, used, res = text.split("\t", 2)
            worst, most = max(worst, float(sec)), max(most, int(used))
            if must_raise and not res.startswith("raised"):
                why = "was allowed: " + res
            elif float(sec) > a.deadline + a.grace:
                why = "took %s s" % sec
            elif int(used) > a.mem_mb:
                why = "used %s MiB more" % used
            elif res.endswith(" LEAK"):
                why = "read the canary"
        now, nowbox = tree(a.db), tree(box)
        if now != data:
            why, data = "changed the database", now
        if nowbox != boxed:
            why, boxed = "made or changed a file", nowbox
        if why:
            bad += 1
        if why or a.verbose:
            print(
                "%s  %s  [%s]"
                % (
                    "FAIL " + why if why else "ok",
                    text.replace("\t", " ")[:110],
                    sql[:100].replace("\n", " "),
                )
            )
    print(
        "statements %d, failed %d, slowest %.3f s, most memory %d MiB"
        % (len(todo), bad, worst, most)
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
