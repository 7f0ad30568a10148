"""What the index can tell about an answer: facts of a slot, events of an assertion.

Values come in and go out; how they look in SQL is engine/vtab's business.
"""
