"""The process that is killed while it loads the PEP history.

python tests/crash/importer.py DATABASE
"""

from __future__ import annotations

import os
import sys

import epql
from tests.pep.replay import DATA

if __name__ == "__main__":
    con = epql.connect(sys.argv[1], agent="importer")
    os.write(1, b"open\n")
    con.import_history(DATA)
    con.close()
    os.write(1, b"done\n")
