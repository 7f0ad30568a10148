"""Statements to SQL. In order of control flow:

    catalog   which relations and columns there are; the nearest name to a wrong one
    views     named queries, and their text in place of their name
    relations each relation in a query becomes a table function of a scope (R1 to R5)
    diff      a DIFF at the end of a query: a relation's own changes, or …
    compare   … the comparison of two answers, as SQL
    columns   what a query's columns are called; what is said of names that are unknown
    compile   a Query to a Plan: SQL text, the scopes it reads, the parameters it takes
    values    value expressions of verbs to Python values
    carried   which assertions an answer shows: what the audit needs beside the rows
    unfiltered  which reads chose no lifecycle states
    sincequery  the DIFF of an answer with what an audited query saw
    hidden    hidden columns and arguments of relations, as clauses
    notices   what a person should be told besides the rows
    scope     the clauses of a relation to a Snapshot or Window, once per execution

A Plan holds no instants: the same text with AS OF ? is planned once and run at many.
"""
