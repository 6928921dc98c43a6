"""What stands on the flows behind a gateway: comparisons of a few names with texts, and nothing that could be run.

    outcome == "passed"        outcome in ("returned", "refused") and supply_kind == "market"

Read with Python's own grammar into a tree of which only these nodes are allowed, and worked out by hand: there is no `eval`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

OUTCOMES = ("passed", "returned", "refused")
SUPPLIES = ("covenant", "market")
NAMES = {"outcome": OUTCOMES, "supply_kind": SUPPLIES}
LONGEST = 200  # characters
_OPERATORS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def names_of(text: str) -> set[str]:
    """The names that a condition asks for. Raises ValueError for what is no such condition, saying what is allowed."""
    return {node.id for node in ast.walk(_tree(text)) if isinstance(node, ast.Name)}


def holds(text: str, values: Mapping[str, str]) -> bool:
    """Whether a condition holds for the values of its names. Raises ValueError for what is no condition, or lacks a value."""
    return _of(_tree(text), values)


def _tree(text: str) -> ast.expr:
    expected = 'such as outcome == "passed", of ' + ", ".join(NAMES)
    if len(text) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters, {expected}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(expected) from None
    if not _allowed(tree):
        raise ValueError(expected)
    return tree


def _allowed(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(_allowed(each) for each in node.values)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _allowed(node.operand)
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], _OPERATORS):
        return False
    left, right, member = node.left, node.comparators[0], isinstance(node.ops[0], (ast.In, ast.NotIn))
    if not isinstance(left, ast.Name) or left.id not in NAMES:
        return False
    texts = right.elts if member and isinstance(right, (ast.Tuple, ast.List)) else [] if member else [right]
    return bool(texts) and all(isinstance(each, ast.Constant) and each.value in NAMES[left.id] for each in texts)


def _of(node: ast.expr, values: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        each_of = (_of(each, values) for each in node.values)
        return all(each_of) if isinstance(node.op, ast.And) else any(each_of)
    if isinstance(node, ast.UnaryOp):
        return not _of(node.operand, values)
    assert isinstance(node, ast.Compare) and isinstance(node.left, ast.Name)  # noqa: S101  (what `_allowed` lets through)
    if node.left.id not in values:
        raise ValueError(f"{node.left.id} has no value here")
    right = node.comparators[0]
    texts = [each.value for each in (right.elts if isinstance(right, (ast.Tuple, ast.List)) else [right])]  # type: ignore[attr-defined]
    found = values[node.left.id] in texts
    return found if isinstance(node.ops[0], (ast.Eq, ast.In)) else not found
