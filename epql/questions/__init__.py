"""The statements that ask what a SELECT cannot: one file each.

A question evaluates its operands, settles its clauses to a snapshot, and lets a relation of
engine/vtab answer, so that the statement and the table function say the same.
"""
