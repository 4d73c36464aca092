"""An xgboost model's document before xgboost reads it: every number that compiled code uses as an index stays inside.

xgboost checks names and lengths when it loads, and follows children, features, groups and category segments without a
look when it predicts. What is unusual enough to have no check here is refused. Nothing judges whether a model is good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["check_xgboost"]

_MOST_FEATURES = 1 << 24
_MOST_GROUPS = 1 << 16
_DELETED = 2**31 - 1
_NODE_ARRAYS = (
    "base_weights", "default_left", "left_children", "loss_changes", "parents", "right_children", "split_conditions",
    "split_indices", "split_type", "sum_hessian",
)  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,10}")
_CLASSES = ("multi:softprob", "multi:softmax")


def check_xgboost(document: Any) -> None:
    """Return when the model stays within its own arrays.

    Args:
        document: What `read_ubjson` made of the file.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: It does not, or it is no document of an xgboost model.
    """
    learner = document["learner"]
    sizes = learner["learner_model_param"]
    features = _whole(sizes["num_feature"], _MOST_FEATURES)
    classes, targets = _whole(sizes["num_class"], _MOST_GROUPS), _whole(sizes["num_target"], _MOST_GROUPS)
    groups = max(classes, targets, 1)
    _check_scores(sizes["base_score"], groups)
    _check_objective(learner["objective"], classes)
    for name in ("feature_names", "feature_types"):
        if len(learner[name]) not in {0, features}:
            raise ValueError(f"there are {len(learner[name])} {name} for {features} features")
    _check_attributes(learner["attributes"])
    _check_booster(learner["gradient_booster"], features, groups)


def _check_booster(booster: Mapping[str, Any], features: int, groups: int) -> None:
    name = booster["name"]
    if name == "dart":
        inner = booster["gbtree"]
        if inner["name"] != "gbtree" or len(booster["weight_drop"]) != len(inner["model"]["trees"]):
            raise ValueError("a dart model has as many weights as trees")
        _check_trees(inner["model"], features, groups)
    elif name == "gbtree":
        _check_trees(booster["model"], features, groups)
    elif name == "gblinear":
        if len(booster["model"]["weights"]) != (features + 1) * groups:
            raise ValueError("a linear model has a weight for every feature and one more in each group")
    else:
        raise ValueError(f"there is no booster {name!r}")


def _check_trees(model: Mapping[str, Any], features: int, groups: int) -> None:
    trees, info, pointers = model["trees"], _list(model["tree_info"]), _list(model["iteration_indptr"])
    sizes = model["gbtree_model_param"]
    if _whole(sizes["num_trees"], len(trees)) != len(trees) or len(info) != len(trees):
        raise ValueError(f"there are {len(trees)} trees, and the model claims {sizes['num_trees']}")
    if any(type(group) is not int or not 0 <= group < groups for group in info):
        raise ValueError(f"a tree belongs to a group outside the {groups} that there are")
    if pointers[:1] != [0] or pointers[-1] != len(trees) or sorted(pointers) != pointers:
        raise ValueError("rounds of boosting do not cover the trees")
    if _whole(sizes["num_parallel_tree"], _MOST_FEATURES) < 1:
        raise ValueError("a round has no trees")
    _check_categories(model.get("cats"), features)
    for place, tree in enumerate(trees):
        if tree["id"] != place:
            raise ValueError("trees are not in order")
        _check_tree(tree, features)


def _check_tree(tree: Mapping[str, Any], features: int) -> None:
    import numpy as np

    sizes = tree["tree_param"]
    left, right = tree["left_children"], tree["right_children"]
    nodes = len(left)
    if _whole(sizes["num_feature"], _MOST_FEATURES) != features or sizes["size_leaf_vector"] not in {"0", "1"}:
        raise ValueError("a tree is for other features, or has several values a leaf")
    _check_sizes(tree, nodes)
    if _whole(sizes["num_deleted"], nodes) >= nodes:
        raise ValueError("a tree has no nodes")
    inner = left != -1
    if ((right == -1) == inner).any():
        raise ValueError("a node has one child")
    order = np.arange(nodes)
    for children in (left, right):
        if (inner & ((children <= order) | (children >= nodes))).any():  # so that every walk ends
            raise ValueError("a node has a child that lies outside the tree or before the node")
    if (inner & ((tree["split_indices"] < 0) | (tree["split_indices"] >= features))).any():
        raise ValueError(f"a tree asks for a feature outside the {features} that there are")
    parents = tree["parents"]
    if ((parents != _DELETED) & ((parents < -1) | (parents >= nodes))).any():
        raise ValueError("a node has a parent that lies outside the tree")
    _check_sets(tree, nodes)


def _check_sizes(tree: Mapping[str, Any], nodes: int) -> None:
    if not nodes or _whole(tree["tree_param"]["num_nodes"], nodes) != nodes:
        raise ValueError(f"a tree claims {tree['tree_param']['num_nodes']} nodes and has {nodes}")
    for name in _NODE_ARRAYS:
        if tree[name].shape != (nodes,):
            raise ValueError(f"a tree has {len(tree[name])} {name} for {nodes} nodes")
    for name in ("left_children", "right_children", "split_indices", "parents"):
        if tree[name].dtype.kind not in "iu":
            raise ValueError(f"{name} of a tree are not whole numbers")


def _check_sets(tree: Mapping[str, Any], nodes: int) -> None:
    """Sets of categories that nodes split by lie one after the other in `categories`."""
    owners, starts, sizes = (tree[f"categories_{name}"] for name in ("nodes", "segments", "sizes"))
    categories = tree["categories"]
    if not len(owners) == len(starts) == len(sizes) == int((tree["split_type"] == 1).sum()):
        raise ValueError("a tree has not as many sets of categories as nodes that split by one")
    if (tree["split_type"] > 1).any():
        raise ValueError("a tree splits in a way that is not known")
    if not len(owners):
        return
    if (tree["split_type"][_inside(owners, nodes)] != 1).any() or (owners[1:] <= owners[:-1]).any():
        raise ValueError("a set of categories belongs to a node that does not split by one")
    if (sizes <= 0).any() or (_inside(starts, len(categories)) + sizes > len(categories)).any():
        raise ValueError("a set of categories lies outside the tree's")
    _inside(sizes, len(categories) + 1)
    _inside(categories, 1 << 24)  # the most that a float32 counts


def _check_categories(found: Any, features: int) -> None:
    """The model's own table of categories: each feature's values, and their order."""
    if found is None:
        return
    columns, segments, order = found["enc"], _list(found["feature_segments"]), _list(found["sorted_idx"])
    if not columns and not order and not any(segments):
        return
    if len(columns) != features or len(segments) != features + 1 or segments[0] != 0 or segments[-1] != len(order):
        raise ValueError("the table of categories is not one for these features")
    for column, start, end in zip(columns, segments, segments[1:], strict=False):
        if not 0 <= start <= end <= len(order) or sorted(order[start:end]) != list(range(end - start)):
            raise ValueError("the order of a feature's categories is none")
        if _count(column) != end - start:
            raise ValueError("a feature has not as many categories as it claims")


def _count(column: Mapping[str, Any]) -> int:
    """Return how many categories a column has: text has offsets into its bytes, numbers stand alone."""
    values = column["values"]
    if "offsets" not in column:
        return len(values)
    offsets = _list(column["offsets"])
    if not offsets:
        return 0
    if offsets[0] != 0 or offsets[-1] != len(values) or sorted(offsets) != offsets:
        raise ValueError("names of categories lie outside their text")
    return len(offsets) - 1


def _check_objective(objective: Mapping[str, Any], classes: int) -> None:
    if objective["name"] in _CLASSES:
        claimed = _whole(objective["softmax_multiclass_param"]["num_class"], _MOST_GROUPS)
        if claimed != classes:
            raise ValueError(f"the objective has {claimed} classes and the model {classes}")


def _check_scores(text: Any, groups: int) -> None:
    if not isinstance(text, str) or text.count(",") + 1 not in {1, groups}:
        raise ValueError(f"the model has not one base score, nor one in each of {groups} groups")


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    if any(type(value) is not str for value in attributes.values()):
        raise ValueError("an attribute is not text")


def _whole(text: Any, most: int) -> int:
    """Read a whole number that is written as text."""
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or int(text) > most:
        raise ValueError(f"{text!r} is not a whole number up to {most}")
    return int(text)


def _list(values: Sequence[Any]) -> list[Any]:
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)


def _inside(numbers: Any, end: int) -> Any:
    if len(numbers) and (numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= end):
        raise ValueError(f"a number lies outside the {end} that there are")
    return numbers
