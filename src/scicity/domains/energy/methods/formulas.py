"""Formulas of virtual meters: read by a small grammar of their own, checked for their unit, and evaluated over arrays of hours.

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/") signed }
    signed  = ["-"] ( number | meter | "(" sum ")" | ("min" | "max") "(" sum { "," sum } ")" )

A meter is named as in the register; a name with anything but letters, digits, `_`, `.` and `-` stands in double quotes. A
minus sign stands between spaces, as names may hold one. Nothing of a formula is ever run as code: it is a tree of five kinds
of nodes, of bounded length, depth and number of terms, so that the hostile ends with a `FormulaError` that says where.

A meter is an energy [kWh]; a number has no unit. Sums and `min`, `max` hold one unit, and the whole must be an energy, so
that a product of two meters is refused and a share of them is not. What is unknown makes the whole unknown, also times 0, and
so does a division by 0. Source: the cases of virtual meters in the project's facts on metering (a missing part gives unknown,
not 0).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

LONGEST = 2_000  # characters
MOST = 200  # numbers and meters
DEEPEST = 20  # parentheses and signs within each other
LARGEST_POWER = 3  # of energies multiplied on the way
TOKEN = re.compile(
    r" *(?:(?P<number>\d{1,12}(?:\.\d{1,9})?)(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*(?:[.-]\w+)*)"
    r'|"(?P<quoted>[^"]{1,200})"'
    r"|(?P<sign>[-+*/(),]))",
    re.ASCII,
)
FUNCTIONS = {"min": np.minimum, "max": np.maximum}
Reals = np.ndarray


class FormulaError(ValueError):
    """A formula that cannot be read: `found` at the character `at` (from 1), and what was `expected` there."""

    def __init__(self, at: int, found: str, expected: str) -> None:
        super().__init__(f"character {at}: found {found!r}, expected {expected}")
        self.at, self.found, self.expected = at, found, expected


@dataclass(frozen=True)
class Node:
    """A number, a meter, or a `sign` (`+ - * / min max neg`) over others; `power` counts the energies in it."""

    sign: str
    power: int
    value: float = 0.0
    meter: str = ""
    below: tuple[Node, ...] = ()


def parsed(text: str) -> Node:
    """The tree of a formula. Raises FormulaError.

    Energies are [kWh]. Source: the grammar at the head of this module.
    """
    if len(text) > LONGEST:
        raise FormulaError(LONGEST + 1, f"{len(text)} characters", f"at most {LONGEST}")
    return _Reader(_tokens(text)).whole()


def meters_of(node: Node) -> tuple[str, ...]:
    """The meters that a formula names, each once, in their order. Source: the grammar at the head of this module."""
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.meter:
            found.setdefault(at.meter)
        waiting += reversed(at.below)
    return tuple(found)


def evaluated(node: Node, energies: Mapping[str, Reals], length: int) -> Reals:
    """A formula over hours: `energies` gives each meter's energy [any unit of energy] as a float array of `length` hours, NaN
    where unknown.

    The result is in the same unit, NaN where unknown. Source: the head of this module.
    """
    if node.meter:
        return energies[node.meter]
    if node.sign == "number":
        return np.full(length, node.value)
    of = [evaluated(each, energies, length) for each in node.below]
    with np.errstate(all="ignore"):
        if node.sign == "neg":
            return -of[0]
        if node.sign == "/":
            return np.where(of[1] == 0, np.nan, of[0] / np.where(of[1] == 0, 1.0, of[1]))
        if node.sign in FUNCTIONS:
            return np.asarray(np.stack(of).min(axis=0) if node.sign == "min" else np.stack(of).max(axis=0))
        return of[0] + of[1] if node.sign == "+" else of[0] - of[1] if node.sign == "-" else of[0] * of[1]


def in_turn(named: Mapping[str, Iterable[str]]) -> list[str]:
    """Virtual meters in an order in which each stands behind those that its formulas name (`named`); others are left out.

    Raises Circle where they name each other in a circle. Energies [kWh] are not touched. Source: the head of this module.
    """
    done: list[str] = []
    state: dict[str, int] = {}  # 1: on the way, 2: done
    for root in sorted(named):
        way: list[tuple[str, list[str]]] = [(root, sorted(named[root]))] if root not in state else []
        state.setdefault(root, 1)
        while way:
            at, left = way[-1]
            if not left:
                state[at] = 2
                done.append(at)
                way.pop()
                continue
            below = left.pop(0)
            if below in named and state.get(below) == 1:
                names = [name for name, _ in way]
                raise Circle([*names[names.index(below) :], below])
            if below in named and below not in state:
                state[below] = 1
                way.append((below, sorted(named[below])))
    return done


class Circle(ValueError):  # noqa: N818  (it names what it is)
    """Virtual meters that name each other in a circle; `path` leads around it."""

    def __init__(self, path: list[str]) -> None:
        super().__init__(" → ".join(path))
        self.path = path


def _tokens(text: str) -> list[tuple[int, str, str]]:
    found, at = [], 0
    end = len(text.rstrip(" "))
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip(" "))
            raise FormulaError(start + 1, text[start : start + 20], "a number such as 0.5, a meter, + - * / ( ) or min, max")
        kind = str(match.lastgroup)
        told = match[kind]
        if kind == "quoted" and not told.isprintable():
            raise FormulaError(match.start(kind) + 1, ascii(told[:20]), "a meter's name of printable characters")
        found.append((match.start(kind) + 1, "name" if kind == "quoted" else kind, told))
        at = match.end()
    return found


class _Reader:
    """Reads tokens by descent; it goes down at most `DEEPEST` steps."""

    def __init__(self, tokens: list[tuple[int, str, str]]) -> None:
        self.tokens, self.place, self.terms = tokens, 0, 0

    def whole(self) -> Node:
        node = self.sum(0)
        if self.place < len(self.tokens):
            self.fail("an operator or the end (a minus sign stands between spaces)")
        if node.power != 1:
            raise FormulaError(
                1, f"energy to the power of {node.power}" if node.power else "a number", "an energy as the whole"
            )
        return node

    def fail(self, expected: str) -> NoReturn:
        at, _, told = self.tokens[self.place] if self.place < len(self.tokens) else (0, "", "the end")
        raise FormulaError(at or (self.tokens[-1][0] + len(self.tokens[-1][2]) if self.tokens else 1), told[:40], expected)

    def sign(self, *wanted: str) -> str:
        """Takes the next token where it is one of these signs."""
        if self.place < len(self.tokens) and self.tokens[self.place][1] == "sign" and self.tokens[self.place][2] in wanted:
            self.place += 1
            return self.tokens[self.place - 1][2]
        return ""

    def sum(self, depth: int) -> Node:
        node = self.product(depth)
        while told := self.sign("+", "-"):
            node = self.joined(told, node, self.product(depth))
        return node

    def product(self, depth: int) -> Node:
        node = self.signed(depth)
        while told := self.sign("*", "/"):
            node = self.joined(told, node, self.signed(depth))
        return node

    def signed(self, depth: int) -> Node:
        if depth > DEEPEST:
            self.fail(f"at most {DEEPEST} parentheses and signs within each other")
        if self.sign("-"):
            below = self.signed(depth + 1)
            return Node("neg", below.power, below=(below,))
        if self.sign("("):
            node = self.sum(depth + 1)
            if not self.sign(")"):
                self.fail("a closing parenthesis")
            return node
        return self.atom(depth)

    def atom(self, depth: int) -> Node:
        kind, told = self.tokens[self.place][1:] if self.place < len(self.tokens) else ("", "")
        if kind not in ("number", "name"):
            self.fail("a number, a meter or an opening parenthesis")
        self.place += 1
        if kind == "name" and told in FUNCTIONS and self.sign("("):
            return self.function(told, depth)
        self.terms += 1
        if self.terms > MOST:
            self.place -= 1
            self.fail(f"at most {MOST} numbers and meters")
        return Node("number", 0, value=float(told)) if kind == "number" else Node("meter", 1, meter=told)

    def function(self, name: str, depth: int) -> Node:
        below = [self.sum(depth + 1)]
        while self.sign(","):
            below.append(self.sum(depth + 1))
        if not self.sign(")"):
            self.fail("a comma or a closing parenthesis")
        if len({each.power for each in below}) > 1:
            self.fail(f"one unit within {name}: either energies or numbers")
        return Node(name, below[0].power, below=tuple(below))

    def joined(self, sign: str, left: Node, right: Node) -> Node:
        power = left.power
        if sign in "+-" and left.power != right.power:
            self.place -= 1
            self.fail(f"the same unit on both sides of {sign}: a number is no energy")
        if sign in "*/":
            power = left.power + (right.power if sign == "*" else -right.power)
        if abs(power) > LARGEST_POWER:
            self.place -= 1
            self.fail("fewer energies multiplied by each other")
        return Node(sign, power, below=(left, right))
