"""The relational index: a fold over the journal that can be deleted and rebuilt.

schema.py    the tables, and how index.db is opened
fold.py      apply, the one way in which a commit changes the index
snapshot.py  what a read is fixed to: transaction, clock, valid time, states, strategy
states.py    which states a read sees where no clause says so
resolve.py   snapshot + strategy → the SQL that finds candidates and winners
weighed.py   the same for CREDENCE and CONSENSUS
credence.py  confidence × trust × freshness, as SQL and in its parts
topics.py    the topic of a subject
diff.py      what changed between two answers; causes.py: what led to it
"""
