"""Statements that explain, and change nothing.

    levels      where a clause came from: table, query, statement, view, transaction, session
    written     clauses as text again, and what their instants became
    tree        the plan as lines, in words
    query       EXPLAIN: instants, clauses in force, the plan, the SQL that runs, SQLite's plan
    describe    DESCRIBE: the columns of a relation, a view, a scratch table or an answer
    show        SHOW: settings and what there is to read
    answers     DESCRIBE and SHOW on a connection

None runs a query or writes anything. docs/language/explaining.md is the page.
"""
