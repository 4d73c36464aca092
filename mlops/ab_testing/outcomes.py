"""What a label says of a prediction, and what becomes of a label that is told again."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.interactions import ABSENT, LARGEST, Facts, Values
from mlops.ab_testing.stored import StoredOutcome
from mlops.comparison import same
from mlops.errors import InvalidInput
from mlops.records import encode_json
from mlops.values import short_repr

__all__ = ["Judgement", "as_text", "judge", "read_label", "retold"]

_LONGEST = 250
_NO_NUMBER = '{"$number":"'  # how JSON documents write NaN and the infinities; in texts the quotes are escaped
_LEAVE_OUT = "Leave out labels that are not known yet; tell them when they are."


class Judgement(NamedTuple):
    """What the aggregates take from a label.

    Attributes:
        values: By metric: `accuracy` 0 or 1; of numbers `absolute_error` and `squared_error`.
        confusion: Truth and prediction as JSON; None of numbers.
    """

    values: Values
    confusion: tuple[str, str] | None = None


NOTHING = Judgement({})


def judge(task: str, facts: Facts, label: Any) -> Judgement:
    """Return what a label says of an interaction; nothing where that has no prediction.

    Raises:
        InteractionRefused: Of a regression, label or prediction is no finite number.
    """
    if facts.prediction is ABSENT:
        return NOTHING
    if task == "classification":
        is_right = 1.0 if same(facts.prediction, label) else 0.0
        return Judgement({"accuracy": is_right}, (as_text(label), as_text(facts.prediction)))
    error = abs(_number(facts, "prediction", facts.prediction) - _number(facts, "label", label))
    square = error * error
    if not square <= LARGEST:
        reason = f"its error is {error!r}, whose square is beyond {LARGEST:g}: too large to be summed."
        raise InteractionRefused(facts.interaction_id, reason)
    return Judgement({"absolute_error": error, "squared_error": square})


def as_text(value: Any) -> str:
    """Return a class as JSON; equal classes have equal text.

    Example:
        >>> as_text("approved"), as_text(True), as_text(1.0)
        ('"approved"', 'true', '1')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1 and 1.0 are one class, as they are equal
    return encode_json(value)


def read_label(interaction_id: str, label: Any) -> str:
    """Return a label as the JSON that is stored.

    Raises:
        InteractionRefused: It is missing (None, or NaN, which tables hold in its place), infinite or too long, or JSON
            cannot hold it.
    """
    try:
        text = encode_json(label, where="label")
    except InvalidInput as error:
        raise InteractionRefused(interaction_id, f"{error} {_LEAVE_OUT}") from error
    if text == "null" or _NO_NUMBER in text:
        raise InteractionRefused(interaction_id, f"its label is {short_repr(label)}. {_LEAVE_OUT}")
    if len(text) > _LONGEST or "\\u0000" in text:
        shown = text if len(text) <= 60 else f"{text[:59]}…"
        raise InteractionRefused(interaction_id, f"its label is {shown}; labels have at most {_LONGEST} characters.")
    return text


def retold(before: StoredOutcome | None, told: StoredOutcome, *, revision: int | None) -> StoredOutcome | None:
    """Return the outcome after a label was told, or None when that changes nothing.

    Without a number, what is told last holds; with one, the highest number holds, in whatever order they come.

    Args:
        before: The outcome so far.
        told: What is told now, as if it were the first.
        revision: The number of this revision, from 1; None: one after the last.
    """
    if before is None:
        return told._replace(revision=revision or 1)
    number = before.revision + 1 if revision is None else revision
    if number <= before.revision:
        return None
    if told.label == before.label and revision is None:
        return None
    return before._replace(label=told.label, revision=number, told_at=told.told_at)


def _number(facts: Facts, what: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -LARGEST <= value <= LARGEST:
        reason = f"its {what} is {short_repr(value)}; a regression takes finite numbers up to ±{LARGEST:g}."
        raise InteractionRefused(facts.interaction_id, reason)
    return float(value)
