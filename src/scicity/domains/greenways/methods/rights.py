"""Who may see what was made of two things that not everybody may see: who may see both.

Source: the project's own rule: private by default.
"""

from __future__ import annotations

from collections.abc import Sequence

NOBODY = "administrator"  # sees all anyway


def narrowed(*roles: str | None) -> str | None:
    """The roles that may see all of several things, each a text of roles with spaces between them; None: everybody may."""
    known = [set(each.split()) for each in roles if each and each.split()]
    return " ".join(sorted(set.intersection(*known))) or NOBODY if known else None


def together(mine: Sequence[str | None], theirs: Sequence[str | None], both: str | None) -> list[str | None]:
    """The roles that may see what is made of pairs of things, each of which has roles of its own."""
    known: dict[tuple[str | None, str | None], str | None] = {}
    found = []
    for pair in zip(mine, theirs, strict=True):
        if pair not in known:
            known[pair] = narrowed(*pair, both)
        found.append(known[pair])
    return found
