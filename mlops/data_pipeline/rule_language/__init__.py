"""The small language of row rules: conditions over the columns of one row, compiled to Polars.

    dose <= 2 * max_dose and (status in ('ok', 'review') or is_null(reviewer))

Operators, loosest first: `or`, `and`, `not`, comparisons (`< <= > >= == !=`, chained as in `0 < a < b`, `in (…)`,
`not in (…)`, `is null`, `is not null`), `+ -`, `* /`, a leading `-`. Texts stand in single or double quotes, columns
with odd names in backticks, dates as `date('2024-01-31')` and `datetime('2024-01-31T08:00')`; `functions.FUNCTIONS`
lists the functions. Three-valued logic: what needs an empty cell is neither true nor false. Arithmetic is in double
precision, a division by zero included; NaN is equal to nothing and is not less or greater than anything.
"""

from __future__ import annotations

from mlops.data_pipeline.rule_language.compiling import compile_condition
from mlops.data_pipeline.rule_language.functions import FUNCTIONS
from mlops.data_pipeline.rule_language.kinds import Kind, check_condition
from mlops.data_pipeline.rule_language.parser import parse_rule
from mlops.data_pipeline.rule_language.syntax import Node, columns_of

__all__ = ["FUNCTIONS", "Kind", "Node", "check_condition", "columns_of", "compile_condition", "parse_rule"]
