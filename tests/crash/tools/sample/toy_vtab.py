"""setup() for sqldiff.py: a small APSW virtual table with push-down; TOY_BUG=ge takes >= for >, TOY_BUG=affinity
compares n >= '20' as it comes, without the conversion an INTEGER column asks for."""

import contextlib
import os
import random

import apsw

BUG = os.environ.get("TOY_BUG", "")
R = random.Random(3)
ROWS = [
    (
        i,
        R.choice([None, -2, 0, 1, 2, 7, 7.5, "7", "a", "A", "abc"]),
        R.choice([None, 10, 20, 30]),
        R.choice(["x", "y", "X", ""]),
    )
    for i in range(60)
]
OPS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=",
    apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">=",
    apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<=",
}


class Module:
    def Create(self, db, module, dbname, table, *args):
        return "CREATE TABLE x(id INTEGER, a, n INTEGER, s TEXT)", Table()

    Connect = Create


class Table:
    def BestIndex(self, constraints, orderbys):
        use, plan, n = [], [], 0
        for col, op in constraints:
            if (
                col == 2 and op in OPS
            ):  # only the typed column n, and SQLite checks again unless told not to
                use.append((n, True))
                plan.append(OPS[op])
                n += 1
            else:
                use.append(None)
        return use, 0, "|".join(plan), False, 10

    def Open(self):
        return Cursor()

    def Disconnect(self):
        pass

    Destroy = Disconnect


class Cursor:
    def Filter(self, num, plan, args):
        rows = ROWS
        for op, v in zip(plan.split("|") if plan else [], args, strict=False):
            if (
                isinstance(v, str) and BUG != "affinity"
            ):  # SQLite hands the value over without the column's affinity
                with contextlib.suppress(ValueError):
                    v = float(v) if "." in v or "e" in v.lower() else int(v)
            if v is None or isinstance(v, (str, bytes)):

                def hit(x, v=v, op=op):
                    return x is not None and v is not None and op in ("<", "<=")
            else:
                hit = {
                    "=": lambda x, v=v: x == v,
                    ">": lambda x, v=v: x > v,
                    ">=": (lambda x, v=v: x > v) if BUG == "ge" else (lambda x, v=v: x >= v),
                    "<": lambda x, v=v: x < v,
                    "<=": lambda x, v=v: x <= v,
                }[op]
            rows = [r for r in rows if r[2] is not None and hit(r[2])]
        self.rows, self.i = rows, 0

    def Eof(self):
        return self.i >= len(self.rows)

    def Rowid(self):
        return self.rows[self.i][0]

    def Column(self, c):
        return self.rows[self.i][c] if c >= 0 else self.Rowid()

    def Next(self):
        self.i += 1

    def Close(self):
        pass


def setup():
    db = apsw.Connection(":memory:")
    db.create_module("toy", Module())
    db.execute("CREATE VIRTUAL TABLE v USING toy")
    db.execute("CREATE TABLE w(id INTEGER, a, n INTEGER, s TEXT)")
    db.execute("INSERT INTO w SELECT * FROM v")
    cols = {
        "id": list(range(0, 60, 7)),
        "a": [-2, 0, 7, 7.5, "7", "a", "abc"],
        "n": [10, 20, 30, 25, 10.0, "20"],
        "s": ["x", "y", "X", ""],
    }
    return db, {"v": ("w", cols)}
