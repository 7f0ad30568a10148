"""The relational index: a fold over the journal that can be deleted and rebuilt.

schema.py    the tables, and how index.db is opened
fold.py      apply, the one way in which a commit changes the index
snapshot.py  what a read is fixed to: transaction, clock, valid time, states, strategy
resolve.py   snapshot + strategy → the SQL that finds candidates and winners
"""
