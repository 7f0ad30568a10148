"""The suite of compliance/ is started by test_compliance.py, not collected with the others."""

collect_ignore = ["compliance"]
