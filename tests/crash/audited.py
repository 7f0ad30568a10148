"""A process that reads for ever, each read synced: `python -m tests.crash.audited FOLDER AGENT`.

It prints the id of each question once it is durable.
"""

from __future__ import annotations

import sys

import epql
from tests.unit_engine.audits import asked


def main(folder: str, agent: str) -> None:
    con = epql.connect(folder, audit="sync")
    log = con.runner.database.audit
    while True:
        print(log.ask(asked(log, agent=agent)).hex(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
