"""A LightGBM model's text before LightGBM reads it: it has the form that LightGBM writes, and indices stay inside.

LightGBM reads trees where `tree_sizes` says they are, ends the process at some numbers that it cannot read, and follows
children, features and category sets without a look when it predicts. What is unusual enough to have no check here
(linear trees) is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["check_lightgbm"]

_MOST_BYTES = (2 << 30) - 1  # what its reader counts to
_MOST_FEATURES = 1 << 24
_MOST_CLASSES = 1 << 16
_MOST_LEAVES = 1 << 24
_HEAD = b"tree\n"
_END = b"end of trees\n"
_CONTROLS = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_VERSIONS = ("v3", "v4")
_HEAD_FIELDS = frozenset(
    (
        *("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"),
        *("feature_names", "feature_infos", "monotone_constraints", "tree_sizes", "average_output"),
    )
)
_LEAF_FIELDS = ("leaf_value", "leaf_weight", "leaf_count")
_NODE_FIELDS = ("split_gain", "threshold", "internal_value", "internal_weight", "internal_count")
_INDEX_FIELDS = ("split_feature", "decision_type", "left_child", "right_child", "cat_boundaries", "cat_threshold")
_TREE_FIELDS = frozenset(
    (*_LEAF_FIELDS, *_NODE_FIELDS, *_INDEX_FIELDS, "num_leaves", "num_cat", "shrinkage", "is_linear")
)
_WHOLE = re.compile(r"[0-9]{1,10}")
_WHOLES = re.compile(r"-?[0-9]{1,10}(?: -?[0-9]{1,10})*")
_NUMBER = r"(?:-?(?:[0-9]{1,40}(?:\.[0-9]{1,40})?(?:e[-+]?[0-9]{1,3})?|inf)|-?nan)"
_NUMBERS = re.compile(rf"{_NUMBER}(?: {_NUMBER})*")
_CATEGORICAL = 1  # bit of decision_type
_TAIL = re.compile(
    r"\nfeature_importances:\n(?:[^\n]+=[0-9.e+-]+\n)*"
    r"\nparameters:\n(?P<parameters>(?:\[[a-z0-9_]+: [^\n:]*\]\n)*)\nend of parameters\n"
    r"\npandas_categorical:(?P<categories>[^\n]+)\n"
)
_FILES = re.compile(
    r"\[(?:data|valid|[a-z_]*filename|[a-z_]*file|config|machines|input_model|output_model|output_result): [^\]\s]"
)
_SOFTMAX = re.compile(r"(?:multiclass|multiclassova)\b.*")


def check_lightgbm(content: bytes) -> None:
    """Return when the model stays within its own arrays and names no files of the machine.

    Raises:
        ValueError, KeyError: It does not, or it is no text of a LightGBM model.
    """
    if len(content) > _MOST_BYTES or not content.startswith(_HEAD) or _CONTROLS.search(content):
        raise ValueError("it does not begin as a LightGBM model does")
    head, start, end = _parts(content)
    fields = _fields(head.decode(), _HEAD_FIELDS)
    features = _whole(fields["max_feature_idx"], _MOST_FEATURES) + 1
    classes, per_round = (
        _whole(fields["num_class"], _MOST_CLASSES),
        _whole(fields["num_tree_per_iteration"], _MOST_CLASSES),
    )
    if fields["version"] not in _VERSIONS or per_round != classes or not classes:
        raise ValueError(
            f"version {fields['version']} with {classes} classes and {per_round} trees a round is not known"
        )
    for name in ("feature_names", "feature_infos"):
        if len(fields[name].split(" ")) != features:
            raise ValueError(f"there are not {features} {name}")
    _check_objective(fields.get("objective", ""), classes)
    sizes = [_whole(size, end - start) for size in filter(None, fields["tree_sizes"].split(" "))]
    if sum(sizes) != end - start or len(sizes) % classes:
        raise ValueError("the sizes of the trees are not those of the trees that are there")
    for place, size in enumerate(sizes):
        _check_tree(content[start : start + size].decode(), place, features)
        start += size
    _check_tail(content[end + len(_END) :].decode())


def _parts(content: bytes) -> tuple[bytes, int, int]:
    """Return the head, and where the trees begin and end."""
    end = content.index(b"\n" + _END) + 1
    start = content.find(b"\nTree=", 0, end) + 1 or end
    return content[len(_HEAD) : start], start, end


def _fields(text: str, known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, text.split("\n")):
        name, _, value = line.partition("=")
        if name in found or name not in known:
            raise ValueError(f"{name[:40]!r} is there twice, or is not known")
        found[name] = value
    return found


def _check_tree(text: str, place: int, features: int) -> None:
    title, _, body = text.partition("\n")
    if title != f"Tree={place}":
        raise ValueError("trees are not where the model says")
    if "\nis_linear=1\n" in body:
        raise ValueError("a tree has linear models in its leaves")
    fields = _fields(body, _TREE_FIELDS)
    leaves, sets = _whole(fields["num_leaves"], _MOST_LEAVES), _whole(fields["num_cat"], _MOST_LEAVES)
    if not leaves or fields.get("is_linear", "0") != "0":
        raise ValueError("a tree has no leaves, or leaves of an unknown kind")
    _check_count(fields, "shrinkage", 1)
    for name in _LEAF_FIELDS:
        _check_count(fields, name, leaves, may_be_empty=leaves == 1 and name != "leaf_value")
    for name in _NODE_FIELDS:
        _check_count(fields, name, leaves - 1)
    if leaves > 1:
        _check_nodes(fields, leaves, features)
        _check_sets(fields, leaves, sets)


def _check_nodes(fields: Mapping[str, str], leaves: int, features: int) -> None:
    """Inner nodes come after their parent, so that every walk ends; leaves are the complements of their numbers."""
    import numpy as np

    split = _wholes(fields, "split_feature", leaves - 1)
    if (split < 0).any() or (split >= features).any():
        raise ValueError(f"a tree asks for a feature outside the {features} that there are")
    order = np.arange(leaves - 1)
    for name in ("left_child", "right_child"):
        child = _wholes(fields, name, leaves - 1)
        is_inner = child >= 0
        if (is_inner & ((child <= order) | (child >= leaves - 1))).any() or (~child[~is_inner] >= leaves).any():
            raise ValueError("a node has a child that lies outside the tree or before the node")


def _check_sets(fields: Mapping[str, str], leaves: int, sets: int) -> None:
    """A node that splits by categories has the number of its set as threshold."""
    kinds = _wholes(fields, "decision_type", leaves - 1)
    numbers = [float(text) for text in fields["threshold"].split(" ")]
    chosen = [number for number, kind in zip(numbers, kinds.tolist(), strict=True) if kind & _CATEGORICAL]
    if (kinds < 0).any() or (kinds > 15).any() or any(not 0 <= number < sets or number % 1 for number in chosen):
        raise ValueError(f"a tree asks for a set of categories outside the {sets} that there are")
    if not sets:
        return
    bounds = _wholes(fields, "cat_boundaries", sets + 1)
    words = _wholes(fields, "cat_threshold", int(bounds[-1]))
    if bounds[0] != 0 or (bounds[1:] < bounds[:-1]).any() or (words < 0).any():
        raise ValueError("sets of categories overlap or lie outside the tree's")


def _wholes(fields: Mapping[str, str], name: str, count: int) -> Any:
    import numpy as np

    text = fields[name]
    if not _WHOLES.fullmatch(text) or text.count(" ") + 1 != count:
        raise ValueError(f"{name} is not {count} whole numbers")
    return np.array(text.split(" "), dtype=np.int64)


def _check_count(fields: Mapping[str, str], name: str, count: int, *, may_be_empty: bool = False) -> None:
    text = fields.get(name, "")
    if not text and (not count or may_be_empty):
        return
    if not _NUMBERS.fullmatch(text) or text.count(" ") + 1 != count:
        raise ValueError(f"{name} is not {count} numbers")


def _check_objective(objective: str, classes: int) -> None:
    """An objective of several classes writes as many scores as it has classes."""
    claimed = re.findall(r"num_class:(\S+)", objective)
    wanted = [str(classes)] if _SOFTMAX.fullmatch(objective) else []
    if claimed != wanted or (not wanted and classes != 1 and objective not in {"", "custom"}):
        raise ValueError(f"the objective {objective[:60]!r} is not one for {classes} classes")


def _check_tail(text: str) -> None:
    match = _TAIL.fullmatch(text)
    if match is None:
        raise ValueError("it does not end as a LightGBM model does")
    if _FILES.search(match["parameters"]):
        raise ValueError("it names files or machines that its training used")
    lists = json.loads(match["categories"])
    if lists is not None and not all(isinstance(item, list) for item in lists):
        raise ValueError("its lists of categories are none")


def _whole(text: str, most: int) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise ValueError(f"{text[:40]!r} is not a whole number up to {most}")
    return int(text)
