"""What agents do to what others asserted: the rules of each act, over an open Transaction.

    votes       VOTE, CONFIRM: said about an assertion without moving it

Functions check, build records and append them; what a record means for the index is the fold's
business (engine/index/governance.py).
"""
