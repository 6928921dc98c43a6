"""Land uses: what a parcel's class means, and which classes of two plans agree.

Source: the codes are those of the Ministry of Natural Resources' classification of land and sea uses (2023, unverified); which
of them a control line keeps out, and which agree, are rows of tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

Words = np.ndarray[Any, Any]
Flags = np.ndarray[Any, Any]
Integers = np.ndarray[Any, Any]


def land_uses(classes: Words, codes: Collection[str], words: Mapping[str, str]) -> Words:
    """The land use of each class: by the district's own words, else the longest code that the class begins with; else None."""
    told, which = _coded(classes)
    found = np.array([_land_use(each, codes, words) for each in told] or [None], dtype=object)
    return found[which]


def at_level(uses: Words, digits: int) -> Words:
    """Land uses cut to their first `digits` [one]: 0701 is 07 of two. None stays None."""
    told, which = _coded(uses)
    found = np.array([each[:digits] if each else None for each in told] or [None], dtype=object)
    return found[which]


def agree(mine: Words, theirs: Words, compatible: Iterable[tuple[str, str]]) -> Flags:
    """Whether the land uses of pairs agree: equal, or said to be compatible (in either order). Unknown agrees with nothing."""
    told, which = _coded(np.concatenate([mine, theirs]))
    a, b = which[: len(mine)], which[len(mine) :]
    number = {each: at for at, each in enumerate(told)}
    pairs = {(number[x], number[y]) for x, y in compatible if x in number and y in number}
    keys = np.array([x * len(told) + y for one, two in pairs for x, y in ((one, two), (two, one))], dtype=np.int64)
    known = np.array([bool(each) for each in told] or [False])
    return known[a] & known[b] & ((a == b) | np.isin(a * len(told) + b, keys))


def named_by(uses: Words, prefixes: Collection[str]) -> Flags:
    """Whether each land use begins with one of these codes; unknown does not."""
    told, which = _coded(uses)
    return np.array([bool(each) and each.startswith(tuple(prefixes)) for each in told] or [False])[which]


def _land_use(each: str, codes: Collection[str], words: Mapping[str, str]) -> str | None:
    if each in words:
        return words[each]
    return next((each[:size] for size in range(len(each), 0, -1) if each[:size] in codes), None)


def _coded(values: Words) -> tuple[list[str], Integers]:
    """The different values (None is the empty text) and the number of each."""
    texts = np.array([each or "" for each in values.tolist()], dtype=object)
    told, which = np.unique(texts.astype(str), return_inverse=True) if len(texts) else (np.empty(0, str), np.empty(0, np.int64))
    return [str(each) for each in told], which
