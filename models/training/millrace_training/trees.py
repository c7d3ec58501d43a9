"""Boosted trees as flat arrays: read from LightGBM, written to ONNX and, for explanations, to JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import lightgbm
import numpy as np

from .graph import TREES, Graph

LEAF = -1
"""The feature of a node that asks nothing."""


@dataclass
class Tree:
    """Nodes by number, the root first. A row goes left where its feature is at most the threshold."""

    feature: list[int] = field(default_factory=list)
    """Column, or `LEAF`."""
    threshold: list[float] = field(default_factory=list)
    """float32 values."""
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    """Of a leaf; 0 elsewhere."""
    cover: list[int] = field(default_factory=list)
    """Training rows that came by: the weights of SHAP values."""


def read_trees(booster: lightgbm.Booster) -> list[Tree]:
    """The trees of a fitted booster. Raises ValueError for what is not written here: categories, missing values, linear leaves."""
    dump = booster.dump_model()
    trees = []
    for entry in dump["tree_info"]:
        if entry["num_cat"]:
            raise ValueError("trees that split by category are not written here")
        tree = Tree()
        _add(tree, entry["tree_structure"])
        trees.append(tree)
    return trees


def write_trees(graph: Graph, rows: str, trees: list[Tree]) -> str:
    """Adds the sum of the trees' leaves [B, 1] for `rows` [B, columns] to a graph."""
    nodes: dict[str, list] = {name: [] for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    target: dict[str, list] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(trees):
        for node, feature in enumerate(tree.feature):
            leaf = feature == LEAF
            nodes["treeids"].append(number)
            nodes["nodeids"].append(node)
            nodes["featureids"].append(0 if leaf else feature)
            nodes["modes"].append("LEAF" if leaf else "BRANCH_LEQ")
            nodes["values"].append(tree.threshold[node])
            nodes["truenodeids"].append(tree.left[node])
            nodes["falsenodeids"].append(tree.right[node])
            if leaf:
                target["treeids"].append(number)
                target["nodeids"].append(node)
                target["ids"].append(0)
                target["weights"].append(tree.value[node])
    attributes = {f"nodes_{name}": values for name, values in nodes.items()} | {f"target_{name}": values for name, values in target.items()}
    return graph.node("TreeEnsembleRegressor", rows, domain=TREES, n_targets=1, aggregate_function="SUM", **attributes)


def trees_text(trees: list[Tree], columns: tuple[str, ...], base: float) -> str:
    """JSON of the trees, what is needed for SHAP values while serving: `columns`, `base` (the mean score), `trees` as in `Tree`."""
    return json.dumps({"columns": columns, "base": base, "trees": [vars(tree) for tree in trees]}, separators=(",", ":")) + "\n"


def _add(tree: Tree, entry: dict) -> int:
    """Adds a node and all below it; returns its number."""
    number = len(tree.feature)
    leaf = "leaf_value" in entry
    if not leaf and (entry["decision_type"] != "<=" or entry["missing_type"] != "None") or "leaf_coeff" in entry:
        raise ValueError(f"a split of another kind than `<=` without missing values is not written here: {entry}")
    tree.feature.append(LEAF if leaf else entry["split_feature"])
    tree.threshold.append(0.0 if leaf else short(floor32(entry["threshold"])))
    tree.left.append(0)
    tree.right.append(0)
    tree.value.append(short(np.float32(entry["leaf_value"])) if leaf else 0.0)
    tree.cover.append(entry.get("leaf_count", 0) if leaf else entry["internal_count"])
    if not leaf:
        tree.left[number] = _add(tree, entry["left_child"])
        tree.right[number] = _add(tree, entry["right_child"])
    return number


def floor32(threshold: float) -> np.float32:
    """The largest float32 that is not above `threshold`: a float32 is at most the one exactly if it is at most the other."""
    near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near


def short(value: np.float32) -> float:
    """The shortest decimal number that is this float32, so that JSON stays small."""
    return float(str(value))
