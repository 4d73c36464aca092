"""Numbers in restored models that compiled code uses as indices without a look: checked before the model is handed out.

A trusted type says nothing about its content. scikit-learn's trees follow child and feature indices through raw memory,
so that a forged file could crash the process when the model predicts. Nothing here judges whether a model is good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlops.artifacts.codecs.skops_file import UnreadableModel

__all__ = ["check_model"]

_SCALARS = (str, bytes, int, float, bool, type(None))
_FORESTS = ("sklearn.ensemble._forest", "sklearn.ensemble._gb")


def check_model(model: object) -> None:
    """Return when all tree structures inside a model stay within their own arrays.

    Raises:
        UnreadableModel: One of them does not.
    """
    for part, features in _parts(model):
        kind = f"{type(part).__module__}.{type(part).__qualname__}"
        if kind == "sklearn.tree._tree.Tree":
            _check_tree(part, features)
        elif kind == "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor":
            _check_predictor(part, features)
        elif kind.startswith(("sklearn.neighbors._kd_tree.", "sklearn.neighbors._ball_tree.")):
            _check_neighbours(part)


def _parts(model: object) -> Iterator[tuple[Any, int | None]]:
    """Yield every object reachable in a model, with the number of features that its nearest estimator takes."""
    waiting: list[tuple[Any, int | None]] = [(model, None)]
    seen: set[tuple[int, int | None]] = set()
    while waiting:
        part, features = waiting.pop()
        if isinstance(part, (*_SCALARS, type)) or (id(part), features) in seen:
            continue
        seen.add((id(part), features))
        yield part, features
        features = _features(part, features)
        waiting += [(inner, features) for inner in _inside(part)]


def _features(part: Any, features: int | None) -> int | None:
    attributes = getattr(part, "__dict__", {})
    mine = attributes.get("n_features_in_", features)
    if type(part).__module__ in _FORESTS:
        for tree in _trees(attributes.get("estimators_", ())):
            if tree.n_features != mine:
                raise UnreadableModel(f"A forest for {mine} features holds a tree for {tree.n_features}.")
    return mine if isinstance(mine, int) else features


def _trees(estimators: Any) -> Iterator[Any]:
    for estimator in estimators.ravel() if hasattr(estimators, "ravel") else estimators:
        tree = getattr(estimator, "tree_", None)
        if tree is not None:
            yield tree


def _inside(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return list(part.values())
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    if getattr(getattr(part, "dtype", None), "hasobject", False):
        return list(part.ravel())
    return list(getattr(part, "__dict__", {}).values())


def _check_tree(tree: Any, features: int | None) -> None:
    if not 0 < tree.node_count <= tree.capacity or (features is not None and tree.n_features != features):
        raise UnreadableModel("A decision tree claims more nodes, or other features, than it has.")
    inner = tree.children_left != -1
    _check_children(inner, tree.children_left, tree.children_right)
    _check_range(tree.feature[inner], tree.n_features, "features")


def _check_predictor(predictor: Any, features: int | None) -> None:
    nodes = predictor.nodes
    if nodes.ndim != 1 or not len(nodes) or features is None:
        raise UnreadableModel("A boosted tree has no nodes, or stands outside an estimator.")
    inner = nodes["is_leaf"] == 0
    _check_children(inner, nodes["left"], nodes["right"])
    _check_range(nodes["feature_idx"][inner], features, "features")
    categorical = inner & (nodes["is_categorical"] != 0)
    for bitsets in (predictor.binned_left_cat_bitsets, predictor.raw_left_cat_bitsets):
        if bitsets.ndim != 2 or bitsets.shape[1] != 8:
            raise UnreadableModel("A boosted tree has category sets of a wrong shape.")
        _check_range(nodes["bitset_idx"][categorical], len(bitsets), "category sets")


def _check_neighbours(tree: Any) -> None:
    import numpy as np

    points, order, nodes, bounds = (np.asarray(array) for array in tree.get_arrays())
    count = int(tree.__getstate__()[6])
    if not 0 < count <= min(len(nodes), bounds.shape[1]) or bounds.shape[2] != points.shape[1]:
        raise UnreadableModel("A neighbour tree claims more nodes, or other dimensions, than it has.")
    nodes = nodes[:count]
    _check_range(order, len(points), "points")
    _check_range(nodes["idx_end"], len(order) + 1, "points")
    _check_range(nodes["idx_start"], len(order) + 1, "points")
    childless = 2 * np.arange(count) + 2 >= count
    if (nodes["is_leaf"][childless] == 0).any():
        raise UnreadableModel("A neighbour tree has nodes whose children are missing.")


def _check_children(inner: Any, left: Any, right: Any) -> None:
    """Children come after their parent, so that every walk ends, and before the end of the array."""
    import numpy as np

    parents = np.flatnonzero(inner)
    for children in (left[inner], right[inner]):
        if (children <= parents).any() or (children >= len(inner)).any():
            raise UnreadableModel("A decision tree has a node whose children lie outside it.")


def _check_range(numbers: Any, end: int, what: str) -> None:
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= end):
        raise UnreadableModel(f"A model refers to {what} outside the {end} that there are.")
