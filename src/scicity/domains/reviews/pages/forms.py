"""The form of a step: what was sent is checked against the fields that the register declares, and kept as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from scicity.domains.reviews.models import LONGEST, Case
from scicity.domains.reviews.pages import papers
from scicity.domains.reviews.pages.desk import NotDone

LARGEST_NUMBER = 1e15


def choices(field: Any) -> list[str]:
    """What a field of the kind `choice` can be."""
    return [each.strip() for each in (field["choices"] or "").split(";") if each.strip()]


def taken(fields: Sequence[Any], values: Mapping[str, str], case: Case, *, gaps: bool) -> tuple[dict[str, str], list[Any]]:
    """The values of a form, each checked, and the required fields that are missing where gaps are allowed. Raises NotDone."""
    kept: dict[str, str] = {}
    missing = []
    there = papers.kinds(case)
    for field in fields:
        key, name = field["form_field"], (field["name_zh"], field["name_en"])
        if field["field_kind"] == "document":
            present = key in there
        else:
            text = str(values.get(key, "")).strip()[:LONGEST]
            present = bool(text)
            if present:
                kept[key] = _value(field, text, name)
                present = field["field_kind"] != "yes" or kept[key] == "yes"
        if field["required"] and not present:
            if not gaps:
                raise NotDone(f"缺少：{name[0]}", f"missing: {name[1]}", key)
            missing.append(field)
    return kept, missing


def _value(field: Any, text: str, name: tuple[str, str]) -> str:
    kind = field["field_kind"]
    if kind == "number":
        try:
            number = float(text.replace(",", ""))
        except ValueError:
            number = float("nan")
        if not abs(number) <= LARGEST_NUMBER:
            raise NotDone(f"{name[0]}：应为数字", f"{name[1]}: found {text[:40]!r}; expected a number", field["form_field"])
        return format(number, ".15g")
    if kind == "date":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            en = f"{name[1]}: found {text[:40]!r}; expected a day such as 2026-05-31"
            raise NotDone(f"{name[0]}：应为日期", en, field["form_field"]) from None
    if kind == "choice" and text not in choices(field):
        en = f"{name[1]}: found {text[:40]!r}; expected one of {', '.join(choices(field))}"
        raise NotDone(f"{name[0]}：请选择所列的一项", en, field["form_field"])
    if kind == "yes":
        return "yes" if text == "yes" else "no"
    return text
