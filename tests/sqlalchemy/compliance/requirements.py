"""What SQLAlchemy's own suite may ask of EPQL: what is said here differs from the suite's default.

The tables of the suite are scratch tables of one connection: they are not versioned, take no part
in transactions, and belong to no schema. What follows from that is closed, each with its reason.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

OPENED = (
    "autocommit", "datetime_literals", "temp_table_names", "infinity_floats",
    "skip_autocommit_rollback", "supports_bitwise_xor", "legacy_unconditional_json_extract",
    "float_or_double_precision_behaves_generically", "uuid_data_type",
    "boolean_col_expressions", "create_table_as", "create_temp_table_as",
    "ctes", "ctes_with_values", "date_historic",
    "datetime_historic", "delete_returning", "empty_strings_text", "except_",
    "expression_server_defaults", "has_temp_table", "insert_returning",
    "insertmanyvalues", "insert_executemany_returning", "intersect", "isolation_level",
    "json_array_indexes", "json_type", "multivalues_inserts", "nullsordering",
    "order_by_col_from_union", "order_by_collation", "order_by_label_with_expression",
    "precision_numerics_enotation_small", "regexp_match", "server_defaults",
    "supports_bitwise_and", "supports_bitwise_not", "supports_bitwise_or",
    "supports_bitwise_shift", "supports_is_distinct_from", "table_ddl_if_exists",
    "timestamp_microseconds", "tuple_in", "tuple_in_w_empty",
    "unicode_ddl", "update_from", "update_returning", "window_functions", "window_range",
    "window_range_numeric", "sane_rowcount_w_returning",
)  # fmt: skip
"""What EPQL can, and the suite does not take for granted."""

CLOSED = {
    "ctes_on_dml": "as in SQLite, a common table cannot write",
    "ctes_with_update_delete": "SQLAlchemy writes no WITH before SQLite's UPDATE",
    "foreign_key_constraint_reflection": "scratch tables have no foreign keys",
    "index_ddl_if_exists": "the suite asks for indexes, and DESCRIBE tells none",
    "implements_get_lastrowid": "RETURNING tells the key",
    "independent_connections": "scratch tables are one connection's, and the suite needs them",
    "independent_readonly_connections": "scratch tables are one connection's",
    "index_reflection": "DESCRIBE tells columns and types, no indexes",
    "indexes_with_ascdesc": "DESCRIBE tells columns and types, no indexes",
    "reflect_indexes_with_ascdesc": "DESCRIBE tells columns and types, no indexes",
    "temp_table_reflect_indexes": "DESCRIBE tells columns and types, no indexes",
    "primary_key_constraint_reflection": "DESCRIBE tells no keys of scratch tables",
    "unique_constraint_reflection": "DESCRIBE tells no keys of scratch tables",
    "parens_in_union_contained_select_w_limit_offset": "SQLite's branches have no parentheses",
    "parens_in_union_contained_select_wo_limit_offset": "SQLite's branches have no parentheses",
    "table_value_constructor": "as in SQLite, the alias of VALUES names no columns",
    "cast_precision_numerics_many_significant_digits": "as in SQLite, numbers are 64-bit floats",
    "precision_numerics_many_significant_digits": "as in SQLite, numbers are 64-bit floats",
    "precision_numerics_retains_significant_digits": "as in SQLite, numbers are 64-bit floats",
    "check_constraint_reflection": "DESCRIBE tells no constraints of scratch tables",
    "inline_check_constraint_reflection": "DESCRIBE tells no constraints of scratch tables",
    "column_collation_reflection": "DESCRIBE tells no collations",
    "indexes_check_column_order": "DESCRIBE tells columns and types, no indexes",
    "index_reflects_included_columns": "DESCRIBE tells columns and types, no indexes",
    "indexes_with_expressions": "DESCRIBE tells columns and types, no indexes",
    "reflects_pk_names": "DESCRIBE tells no keys of scratch tables",
    "reflect_table_options": "scratch tables have none that DESCRIBE tells",
    "comment_reflection": "tables have no comments",
    "comment_reflection_full_unicode": "tables have no comments",
    "temp_table_comment_reflection": "tables have no comments",
    "cross_schema_fk_reflection": "there are no schemas",
    "fk_constraint_option_reflection_ondelete_noaction": "scratch tables have no foreign keys",
    "fk_constraint_option_reflection_ondelete_restrict": "scratch tables have no foreign keys",
    "fk_constraint_option_reflection_onupdate_restrict": "scratch tables have no foreign keys",
    "foreign_key_constraint_option_reflection_ondelete": "scratch tables have no foreign keys",
    "foreign_key_constraint_option_reflection_onupdate": "scratch tables have no foreign keys",
    "create_or_replace_view": "SQLAlchemy's views are SQL's; EPQL's are DEFINE QUERY",
    "materialized_views": "SQLAlchemy's views are SQL's; EPQL's are DEFINE QUERY",
    "delete_from": "as in SQLite, DELETE has no USING",
    "fetch_expression": "as in SQLite, LIMIT and no FETCH",
    "fetch_first": "as in SQLite, LIMIT and no FETCH",
    "fetch_no_order_by": "as in SQLite, LIMIT and no FETCH",
    "fetch_offset_with_options": "as in SQLite, LIMIT and no FETCH",
    "fetch_percent": "as in SQLite, LIMIT and no FETCH",
    "fetch_ties": "as in SQLite, LIMIT and no FETCH",
    "identity_columns": "as in SQLite, no IDENTITY",
    "regexp_replace": "as in SQLite, no function of that kind",
    "window_range_non_numeric": "as in SQLite, RANGE counts numbers",
    "schemas": "there are no schemas",
    "schema_reflection": "there are no schemas",
    "schema_create_delete": "there are no schemas",
    "savepoints": "transactions have no savepoints",
    "two_phase_transactions": "one journal, one phase",
    "temporary_views": "named queries are everybody's",
    "views": "DEFINE QUERY names queries of relations; a view of scratch tables is not possible",
    "table_reflection": "get_table_names() gives relations, not the suite's scratch tables",
}
"""What there is not, and why."""


OUTSIDE = "scratch tables take no part in transactions; test_transactions.py asserts instead"
DESCRIBED = "DESCRIBE tells columns and types of scratch tables; relations: test_reflection.py"

SKIPPED = {
    "AutocommitIsolationTest::test_autocommit_block": OUTSIDE,
    "AutocommitIsolationTest::test_autocommit_off": OUTSIDE,
    "AutocommitIsolationTest::test_autocommit_on": OUTSIDE,
    "AutocommitIsolationTest::test_turn_autocommit_off_via_default_iso_level": OUTSIDE,
    "ComponentReflectionTest::test_get_multi_columns": DESCRIBED,
    "ComponentReflectionTest::test_get_table_names": DESCRIBED,
    "ComponentReflectionTest::test_get_temp_table_names": "all tables of the suite are temporary",
    "ComponentReflectionTest::test_get_view_names": DESCRIBED,
    "ComponentReflectionTestExtra::test_server_defaults": DESCRIBED,
    "TableViaSelectTest::test_create_table_as_if_not_exists": "get_table_names() gives relations",
    "LongNameBlowoutTest::test_long_convention_name": DESCRIBED,
}
"""Single tests that no requirement of the suite closes, and why; with all their parameters."""


def _always(*, opened: bool, reason: str = "") -> property:
    closed = exclusions.skip_if(exclusions.BooleanPredicate(True, reason))
    rule = exclusions.open() if opened else closed
    return property(lambda self: rule)


class Requirements(SuiteRequirements):
    """The suite's requirements with the two lists above."""

    def get_isolation_levels(self, config: Any) -> dict[str, Any]:
        """The levels of the dialect."""
        return {"default": "READ COMMITTED", "supported": ["READ COMMITTED", "AUTOCOMMIT"]}


for _name in OPENED:
    setattr(Requirements, _name, _always(opened=True))
for _name, _reason in CLOSED.items():
    setattr(Requirements, _name, _always(opened=False, reason=_reason))
