"""Statements searched, and each quote in its place in the report. No Django here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

AROUND = 3  # lines before and behind a quote
PER_PAGE = 20
FILTERS = ("topic", "status", "section")
SEARCHED = ("claim_id", "subject_zh", "subject_en", "measure_en", "quote_zh", "value_reported", "topic", "document")
STATUS = {
    "actual": ("现状", "actual"),
    "construction": ("在建", "under construction"),
    "plan": ("规划", "planned"),
    "projection": ("预测", "projected"),
    "target": ("目标", "target"),
    "definition": ("界定", "definition"),
    "event": ("事件", "event"),
    "claim": ("声称", "claim"),
}
TOPICS = {
    "air": ("空气", "air"),
    "biodiversity": ("生物多样性", "biodiversity"),
    "carbon": ("碳", "carbon"),
    "digital": ("数字化", "digital"),
    "economy": ("经济", "economy"),
    "education": ("教育", "education"),
    "elderly": ("养老", "care of the elderly"),
    "energy": ("能源", "energy"),
    "enterprise": ("企业", "enterprises"),
    "finance": ("金融", "finance"),
    "gender": ("性别", "gender"),
    "green_building": ("绿色建筑", "green buildings"),
    "green_space": ("绿地", "green space"),
    "health": ("健康", "health"),
    "heritage": ("文化遗产", "heritage"),
    "honours": ("荣誉", "honours"),
    "innovation": ("创新", "innovation"),
    "international": ("国际", "international"),
    "ioc": ("运行中心", "operations centre"),
    "participation": ("公众参与", "participation"),
    "services": ("公共服务", "services"),
    "soil": ("土壤", "soil"),
    "spatial": ("空间", "space"),
    "sponge_city": ("海绵城市", "sponge city"),
    "standards": ("标准", "standards"),
    "talent": ("人才", "talent"),
    "transport": ("交通", "transport"),
    "utility_tunnel": ("综合管廊", "utility tunnel"),
    "waste": ("固废", "waste"),
    "water": ("水", "water"),
    "water_quality": ("水质", "water quality"),
}


@dataclass(frozen=True)
class Line:
    """A line of a report: its number and its text, parted around the quote where it holds it."""

    number: int
    before: str
    quote: str = ""
    after: str = ""


@dataclass(frozen=True)
class Found:
    """Statements that were searched for: a page of them, and what can be chosen from."""

    rows: list[Any]
    total: int
    page: int
    pages: int
    choices: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)


def search(rows: list[Any], wanted: Mapping[str, str]) -> Found:
    """The statements that hold every word of `q` and match the filters, in the order of the report."""
    words = wanted.get("q", "").casefold().split()
    chosen = {name: wanted[name] for name in FILTERS if wanted.get(name)}
    hits = [row for row in rows if all(row[name] == value for name, value in chosen.items()) and _holds(row, words)]
    hits.sort(key=lambda row: (row["document"], row["line"], row["claim_id"]))
    pages = max(1, -(-len(hits) // PER_PAGE))
    asked = wanted.get("page", "")
    page = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    choices = {
        name: [(value, label(name, value)) for value in sorted({row[name] for row in rows if row[name]})] for name in FILTERS
    }
    return Found(hits[(page - 1) * PER_PAGE : page * PER_PAGE], len(hits), page, pages, choices)


def label(name: str, value: str) -> Any:
    """A filter's value in two languages."""
    return {"status": STATUS, "topic": TOPICS}.get(name, {}).get(value, (value, value))


def in_place(row: Any, lines: Mapping[str, Mapping[int, str]]) -> list[Line]:
    """The lines around a statement's quote that hold text, the quote marked in its own."""
    of_document = lines.get(row["document"], {})
    numbers = sorted(of_document)
    if row["line"] not in of_document:
        return []
    place = numbers.index(row["line"])
    found = []
    for number in numbers[max(0, place - AROUND) : place + AROUND + 1]:
        text = of_document[number]
        before, quote, after = text.partition(row["quote_zh"]) if number == row["line"] else (text, "", "")
        found.append(Line(number, before, quote, after))
    return found


def _holds(row: Any, words: list[str]) -> bool:
    if not words:
        return True
    text = " ".join(str(row[name] or "") for name in SEARCHED).casefold()
    return all(word in text for word in words)
