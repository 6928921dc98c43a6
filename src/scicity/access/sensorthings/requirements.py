"""The requirements of OGC 18-088, which of them the door meets, and why not the others; tests name those that they prove."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("requirements.csv")
PREFIX = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
STATES = {"met": "满足 · met", "partly": "部分满足 · partly", "not": "未满足 · not met"}


@dataclass(frozen=True)
class Requirement:
    """A requirement by its name behind `/req/`, how it stands (`met`, `partly`, `not`), and why where it is not met whole."""

    name: str
    state: str
    why: str


@cache
def requirements() -> tuple[Requirement, ...]:
    """All of them, in the order of the standard. Raises ValueError for a state that there is not, or one without its reason."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        found = tuple(Requirement(**row) for row in csv.DictReader(rows))
    for each in found:
        if each.state not in STATES or (each.state != "met") != bool(each.why):
            raise ValueError(f"{FILE.name}: {each.name} is {each.state!r} and says why {each.why!r}")
    return found


def met() -> list[str]:
    """The full names of those that are met whole, as the service tells them."""
    return [PREFIX + each.name for each in requirements() if each.state == "met"]
