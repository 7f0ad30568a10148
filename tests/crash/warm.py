"""What the server of tests/crash/holder.py imports, so that the processes it forks begin at once:
all that a statement needs, which epql loads when it is first used."""

import epql
import tests.crash.holder
import tests.crash.processes  # noqa: F401

with epql.connect(":memory:", audit="off", autocommit=True) as con:
    con.execute("ASSERT ('s', 'p', 'o') RETURNING tx").fetchall()
    con.execute(
        "SELECT object FROM beliefs WHERE subject = ? AS OF '2000-01-01'", ("s",)
    ).fetchall()
    con.close()
