"""How long a test waits before it calls something hung: not a matter of speed."""

HANG_S = 60
"""What is looked at so hung for minutes once, and takes well under a second, however slow the
machine."""
