"""The query audit: every read leaves a record in a stream of its own, never in the main journal.

Modules in order of use: `record` (what is kept), `chains` (where), `stream` (the chain that one
connection writes), `log` (lazy or at once), `schema` and `fold` (audit.db), `index` (asked
when somebody reads the audit), `retention` (forgetting whole chains), `inspect` (`epql verify`).
The page is docs/formats/audit.md.
"""
