"""The page of OGC API - Features: which requirements of its conformance classes are met, by the tests that name them."""

from __future__ import annotations

import csv
from collections.abc import Container
from pathlib import Path

from scicity.access.sensorthings.requirements import STATES
from scicity.reference.markdown import code, table
from scicity.reference.sensorthings import linked, proofs

LIST = "src/scicity/cockpit/ogc/requirements.csv"
TESTS = ("tests/cockpit/ogc/test_*.py", "tests/space/test_cql2.py", "tests/space/test_filters.py")


def requirements(home: Path) -> list[dict[str, str]]:
    """All of them, in the order of the standards. Raises ValueError for an unknown state, or one without its reason."""
    with (home / LIST).open(encoding="utf-8", newline="") as rows:
        found = list(csv.DictReader(rows))
    for each in found:
        if each["state"] not in STATES or (each["state"] != "met") != bool(each["why"]):
            raise ValueError(f"{LIST}: {each['name']} is {each['state']!r} and says why {each['why']!r}")
    return found


def page(home: Path, hidden: Container[Path] = ()) -> str:
    """Every requirement: whether it is met, why not, which class of the OGC's suite asks for it, and which tests prove it."""
    proven, known = proofs(home, hidden, TESTS), requirements(home)
    text = "# OGC API – Features and CQL2\n\n"
    text += (
        "The requirements of the conformance classes that `/ogc/conformance` declares, and how the service stands to them:\n"
    )
    text += "Part 1 (17-069r4), Part 2 (18-058r1), Part 3 (19-079r2), CQL2 (21-065r2) and the draft of Part 4 (20-002).\n"
    text += "Those whose condition does not hold here (GML, schemas of Part 5, functions) are left out.\n"
    text += "A requirement is met where tests that name it pass. The OGC's own suite (ets-ogcapi-features10, Parts 1 and 2)\n"
    text += "was not run; its classes stand beside the requirements that they test, and none of these is without a test.\n\n"
    text += ", ".join(f"{STATES[state]}: {sum(each['state'] == state for each in known)}" for state in STATES) + ".\n\n"
    rows = [
        (
            code(each["name"]),
            STATES[each["state"]],
            each["why"],
            "<br>".join(code(name) for name in each["suite"].split()),
            "<br>".join(linked(file, name) for file, name in proven.get(each["name"], ())),
        )
        for each in known
    ]
    return text + table(["requirement", "", "why", "the suite's", "tests"], rows)
