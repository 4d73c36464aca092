"""Records: frozen all the way down, strict when made, tolerant when read, and JSON that loses no number."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlops.errors import InvalidInput, InvalidRecord
from mlops.records import FrozenDict, FrozenMap, Json, Record, decode_json, encode_json, freeze, thaw


class Point(Record):
    """A record inside another one."""

    step: int = 0
    value: float | None = None


class Run(Record):
    """A record of version 3."""

    schema_version: ClassVar[int] = 3
    upcasters: ClassVar[Mapping[int, Any]] = {
        1: lambda old: {**old, "name": old["title"]},
        2: lambda old: {**old, "tags": dict.fromkeys(old.get("labels", []), True)},
    }

    name: str
    learning_rate: float = 0.1
    tags: FrozenMap = FrozenDict()
    extra: Json = None
    points: tuple[Point, ...] = ()
    best: Point | None = None


NUMBERS = st.floats(allow_nan=False) | st.integers() | st.booleans()
KEYS = st.text(max_size=8) | st.sampled_from(["$number", "$$number", "NaN"])
VALUES = st.recursive(
    st.none() | NUMBERS | st.text(max_size=8) | st.sampled_from(["NaN", "Infinity", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def test_fields_cannot_be_set() -> None:
    """A record is a value."""
    with pytest.raises(ValueError, match="frozen"):
        Run(name="a").name = "b"


def test_containers_inside_are_frozen_copies() -> None:
    """Neither the caller's dict nor the record's own map can change the record."""
    tags: dict[str, Any] = {"a": {"b": [1, {"c": 2}]}}
    run = Run(name="x", tags=tags, extra=[1, [2]])
    tags["a"]["b"].append(3)
    assert run.tags == {"a": {"b": (1, {"c": 2})}}
    assert run.extra == (1, (2,))
    with pytest.raises(TypeError):
        run.tags["a"]["z"] = 1
    with pytest.raises(AttributeError):
        run.tags.update(z=1)


def test_records_are_hashable_and_comparable() -> None:
    """Equal fields make equal records with equal hashes."""
    one, other = (Run(name="x", tags={"a": [1, {"b": 2}]}, points=[Point(step=1)]) for _ in range(2))
    assert one == other
    assert len({one, other}) == 1


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])
def test_records_survive_copying_and_pickling(again: Any) -> None:
    """A copy is equal, and frozen too."""
    run = Run(name="x", tags={"a": {"b": [1, math.inf]}}, points=[Point(value=2.0)])
    assert again(run) == run
    assert isinstance(again(run).tags["a"], FrozenDict)


def test_unknown_fields_are_refused_with_a_near_match() -> None:
    """A typing error is named, with the field that was probably meant."""
    with pytest.raises(InvalidRecord, match=r"Unknown field 'learning_rat'. Did you mean 'learning_rate'\?") as caught:
        Run(name="x", learning_rat=0.1)
    assert caught.value.record == "Run"
    with pytest.raises(InvalidRecord, match=r"Unknown field 'zzz'\. Its fields are name, learning_rate"):
        Run(name="x", zzz=0.1)


def test_every_problem_is_named() -> None:
    """One sentence per field: what is wrong and what was given."""
    with pytest.raises(InvalidRecord) as caught:
        Run(learning_rate="fast", tags=[1], points=[{"step": "x"}])
    problems = " ".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for part in ("'name' is required", "'learning_rate'", "'fast'", "expected a mapping", "points.0"):
        assert part in problems


def test_long_values_are_shortened_in_messages() -> None:
    """A message does not repeat a megabyte."""
    with pytest.raises(InvalidRecord) as caught:
        Run(name="x", learning_rate="f" * 1_000_000)
    assert len(str(caught.value)) < 400


def test_nested_records_are_strict_when_made() -> None:
    """Unknown fields are refused inside records too."""
    with pytest.raises(InvalidRecord, match=r"Unknown field 'stepp'\. Did you mean 'step'"):
        Run(name="x", best={"stepp": 1})


def test_records_of_columns_are_those_of_their_rows() -> None:
    """Made at once or one by one, whatever the order of the columns."""
    columns = {"value": [0.5, None, 1.5], "step": [1, 2, 3]}
    rows = [Point(step=1, value=0.5), Point(step=2), Point(step=3, value=1.5)]
    assert Point.trusted_rows(columns) == rows
    assert [list(dict(point)) for point in Point.trusted_rows(columns)] == [["step", "value"]] * 3


def test_changed_validates_like_new() -> None:
    """A changed copy is checked, and the original stays."""
    run = Run(name="x", tags={"a": 1})
    assert run.changed(name="y").tags == run.tags
    assert run.name == "x"
    with pytest.raises(InvalidRecord):
        run.changed(nam="y")


def test_reading_ignores_what_a_newer_writer_added() -> None:
    """Unknown fields of a document are skipped, in nested records too; strictness returns afterwards."""
    document = {"schema_version": 9, "name": "x", "new": 1, "best": {"step": 2, "new": 3}, "points": [{"newer": 4}]}
    run = Run.from_document(document)
    assert (run.name, run.best, run.points) == ("x", Point(step=2), (Point(),))
    with pytest.raises(InvalidRecord):
        Run(name="x", new=1)


def test_reading_an_impossible_document_is_an_error_and_ends_the_tolerance() -> None:
    """Tolerance is for names, not for values."""
    with pytest.raises(InvalidRecord, match="learning_rate"):
        Run.from_document({"schema_version": 3, "name": "x", "learning_rate": "fast"})
    with pytest.raises(InvalidRecord):
        Run(name="x", new=1)


@pytest.mark.parametrize(
    "document",
    [
        {"title": "x", "labels": ["a"]},
        {"schema_version": 1, "title": "x", "labels": ["a"]},
        {"schema_version": 2, "name": "x", "labels": ["a"]},
        {"schema_version": 3, "name": "x", "tags": {"a": True}},
    ],
)
def test_old_documents_are_brought_up_step_by_step(document: dict[str, Any]) -> None:
    """Every older version is read as the newest; the document itself is left as it was."""
    before = copy.deepcopy(document)
    assert Run.from_document(document) == Run(name="x", tags={"a": True})
    assert document == before


@given(st.builds(Run, name=st.text(max_size=5), tags=st.dictionaries(KEYS, VALUES, max_size=3), extra=VALUES))
def test_documents_survive_storage(run: Run) -> None:
    """A record comes back from JSON text as it was."""
    assert Run.from_document(decode_json(encode_json(run.to_document()))) == run


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_no_word_for_survive(number: float) -> None:
    """NaN and the infinities come back from typed fields, maps and free values."""
    run = Run(name="x", learning_rate=number, tags={"a": [number]}, extra={"b": number}, best=Point(value=number))
    text = encode_json(run.to_document())
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    back = Run.from_document(decode_json(text))
    assert repr(back) == repr(run)


@given(VALUES)
def test_free_form_values_survive(value: Any) -> None:
    """Whatever JSON can hold comes back the same, keys that look like our own marks included."""
    assert decode_json(encode_json(value)) == value


@given(VALUES)
def test_json_text_can_be_stored_anywhere(value: Any) -> None:
    """The text has no half characters and no NUL, which databases refuse."""
    text = encode_json(value)
    text.encode()
    assert "\x00" not in text


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=5))
def test_equal_mappings_have_equal_text(value: dict[str, int]) -> None:
    """The order in which keys were put in does not show."""
    assert encode_json(value) == encode_json(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.array(3), 3),
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (FrozenDict({"a": [1]}), {"a": [1]}),
    ],
)
def test_values_of_numpy_and_python_become_plain(value: object, plain: object) -> None:
    """Scalars of numpy, tuples and keys that are not text are written as JSON has them."""
    read = decode_json(encode_json(value))
    assert read == plain
    assert type(read) is type(plain)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", np.array([1, 2]), 1j])
def test_what_json_cannot_hold_is_refused_with_its_place(value: object) -> None:
    """The message says where, and where such things belong."""
    with pytest.raises(InvalidInput, match=r"tags\.a\[1\] is a .*keep other objects as artifacts"):
        encode_json({"a": [1, value]}, where="tags")
    with pytest.raises(InvalidRecord, match="keep other objects as artifacts"):
        Run(name="x", extra=value)


def test_marks_of_others_are_left_alone() -> None:
    """A mapping that looks like a mark and is none is read as it stands."""
    for text in ('{"$number":5}', '{"$number":"many"}', '{"$number":[1]}', '{"$number":"NaN","b":1}'):
        assert decode_json(text) == json.loads(text)


@given(VALUES)
def test_thaw_undoes_freeze(value: Any) -> None:
    """Freezing twice changes nothing more, and thawing gives plain containers back."""
    assert thaw(freeze(value)) == value
    assert freeze(freeze(value)) == freeze(value)
    hash(freeze(value))


def test_frozen_maps_give_values_or_a_default() -> None:
    """As a dict does."""
    found = FrozenDict({"a": 1})
    assert (found.get("a"), found.get("b"), found.get("b", 2)) == (1, None, 2)


def test_frozen_maps_print_like_dicts() -> None:
    """A repr can be read, and pasted."""
    assert repr(FrozenDict({"a": {"b": 1}})) == "{'a': {'b': 1}}"


def test_missing_maps_are_empty() -> None:
    """None where a map is wanted is an empty map."""
    assert TypeAdapter(FrozenMap).validate_python(None) == FrozenDict()


def test_a_mark_is_read_however_its_dollar_is_written() -> None:
    """Another program may escape it, as JSON allows."""
    assert math.isnan(decode_json('{"a": {"\\u0024number": "NaN"}}')["a"])
    assert decode_json('{"a": {"$$number": 1}}') == {"a": {"$number": 1}}


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()))
def test_flat_maps_are_what_storage_would_make_of_them(value: dict[str, Any]) -> None:
    """Whether they are taken as they are or by way of JSON."""
    made = TypeAdapter(FrozenMap).validate_python(value)
    assert made == decode_json(encode_json(value))
    assert (list(made.keys()), list(made.values()), dict(made.items())) == (list(value), list(value.values()), value)
