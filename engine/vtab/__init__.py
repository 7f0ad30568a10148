"""The relations that SQL sees, as SQLite virtual tables over the index.

base.py        module, table and cursor in SQLite's own words; pushdown; hidden columns
again.py       rows of a read that comes again within a statement
context.py     what a virtual table needs of the session it is read in
beliefs.py     beliefs, assertions, history: candidates and winners at a snapshot
changes.py     changes: DIFF as a table function
ledger.py      commits, journal, transitions, epochs, set_aside
names.py       predicates, agents
audit.py       queries, reads
trust.py       trust, trust_changes
register.py    RELATIONS, and how a connection gets them
access.py      how a relation is read, in words, for EXPLAIN

Which columns a relation has is data (`Relation.columns`), so that the planner, DESCRIBE and
completion read the same list that SQLite gets.
"""
