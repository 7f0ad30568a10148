"""The store: content-addressed records in a key-value index.

kv.py         KVStore, the small interface, on SQLite and in memory
addresses.py  assertions by their addresses, which the index has in its table of them
objects.py    what the keys mean: kind, digest, position; ids resolved from prefixes
"""
