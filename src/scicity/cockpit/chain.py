"""The chain of the audit trail: each entry's digest covers what it says and the digest of the one before it. Knows no Django.

Whoever changes, removes or inserts an entry has to write all behind it anew; whoever keeps the newest digest elsewhere finds
even that. An entry is told by what every database gives back as it was given: 1.0 as 1, whatever the store makes of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from ipaddress import ip_address
from typing import Any

BEGINNING = "0" * 64  # what stands before the first entry
TOLD = ("number", "at", "who_number", "who_name", "action", "subject", "before", "after", "address")
COLUMNS = (*TOLD, "previous", "digest")
MOST_EXACT = 2**53  # a float beyond is a whole number, but not every database says so


@dataclass(frozen=True)
class Fault:
    """The first entry that is not as it was written: its number, whether it was changed, removed or inserted, and how known."""

    number: int
    kind: str  # changed, removed, inserted
    found: str


@dataclass(frozen=True)
class Verified:
    """How many entries were looked at, the digest of the last one that holds, and the first fault, if any."""

    entries: int
    head: str
    fault: Fault | None


def canonical(entry: Mapping[str, Any]) -> bytes:
    """What an entry says, as the same bytes for the same content whatever database it comes from."""
    told = {name: entry[name] for name in TOLD}
    told["at"] = entry["at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    told["address"] = _address(entry["address"])
    told["before"], told["after"] = plain(entry["before"]), plain(entry["after"])
    return json.dumps(told, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii")


def digest_of(entry: Mapping[str, Any], previous: str) -> str:
    """The SHA-256 of an entry behind another."""
    return hashlib.sha256(previous.encode("ascii") + b"\n" + canonical(entry)).hexdigest()


def plain(value: Any) -> Any:
    """A value of JSON in the form in which every database gives it back. Unknown things become their text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        return value if abs(value) <= MOST_EXACT else str(value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")) or abs(value) > MOST_EXACT:
            return str(value)
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return clean(str(value))


def _address(text: str | None) -> str | None:
    """An address of a network in one form, as databases write it in several."""
    try:
        return ip_address(text).compressed if text else None
    except ValueError:
        return str(text)


def clean(text: str) -> str:
    """A text that every database takes: without the character 0 and halves of characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def verify(entries: Iterable[Mapping[str, Any]], head: tuple[int, str] | None = None, kept: str = "") -> Verified:
    """Looks at all entries in the order of their numbers.

    `head` is the number and digest that the trail itself gives as its newest; `kept` a digest that somebody kept elsewhere.
    """
    previous, count, seen, last = BEGINNING, 0, kept in ("", BEGINNING), None
    for entry in entries:
        fault = _fault(entry, count + 1, previous, last)
        if fault is not None:
            return Verified(count, previous, fault)
        count, last, previous = count + 1, entry, str(entry["digest"])
        seen = seen or previous == kept
    if head is not None and head != (count, previous):
        kind = "removed" if head[0] > count else "inserted"
        number = count + 1 if head[0] > count else max(head[0], 0) + 1
        told = f"{count} entries ending with {previous[:12]}, where {head[0]} are noted, ending with {head[1][:12]}"
        return Verified(count, previous, Fault(number, kind if head[0] != count else "changed", told))
    if not seen:
        told = f"no entry has the digest {kept[:12]} that was kept: entries behind it are gone, or all were written anew"
        return Verified(count, previous, Fault(count + 1, "removed", told))
    return Verified(count, previous, None)


def _fault(entry: Mapping[str, Any], number: int, previous: str, last: Mapping[str, Any] | None) -> Fault | None:
    """What is wrong with the entry that should have this number, if anything."""
    found, behind = int(entry["number"]), str(entry["previous"])
    if not _holds(entry):
        if last is not None and found == number and _moved(entry, previous, last):
            return Fault(number - 1, "inserted", f"entry {number} followed directly from the one before entry {number - 1}")
        return Fault(found, "changed", f"its digest {str(entry['digest'])[:12]} is not that of what it says")
    if found > number:
        return Fault(number, "removed", f"entry {found} follows where entry {number} should")
    if found < number:
        return Fault(found, "inserted", f"entry {found} stands twice")
    if behind == previous:
        return None
    if last is not None and behind == str(last["previous"]):
        return Fault(number - 1, "inserted", f"entry {number} follows directly from the one before entry {number - 1}")
    return Fault(number, "removed", f"what entry {number} follows ({behind[:12]}) is not there")


def _holds(entry: Mapping[str, Any]) -> bool:
    try:
        return digest_of(entry, str(entry["previous"])) == entry["digest"]
    except (TypeError, ValueError, AttributeError):  # content that no entry was ever written with
        return False


def _moved(entry: Mapping[str, Any], previous: str, last: Mapping[str, Any]) -> bool:
    """Whether an entry was given the next number to make room for another before it."""
    before = {**entry, "number": int(entry["number"]) - 1}
    return entry["previous"] != previous and entry["previous"] == last["previous"] and _holds(before)
