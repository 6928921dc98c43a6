"""Statements with one seeded error each, as people make them; nothing here knows what the checker looks for.

An error stands in one of three places: in what was taken down as the value (`value`), in what was taken down as printed
(`printed`, the value following from it), or in the report's own text (`text`: quote, line and what is taken from them agree).
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

PLACES = ("value", "printed", "text")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
# Printed units that are taken for one another, with how many of the first one of the second is.
CONFUSED = {
    "万平方米": {"平方米": 1e-4, "平方公里": 1e2, "公顷": 1.0},
    "万 m²": {"m²": 1e-4, "km²": 1e2},
    "平方公里": {"万平方米": 1e-2, "公顷": 1e-2, "平方米": 1e-6},
    "平方千米": {"万平方米": 1e-2, "公顷": 1e-2},
    "平方米": {"万平方米": 1e4, "公顷": 1e4, "立方米": None},
    "m²": {"万m²": 1e4},
    "公顷": {"亩": 1 / 15, "平方公里": 1e2},
    "亩": {"公顷": 15.0},
    "公里": {"米": 1e-3, "万公里": 1e4},
    "千米": {"米": 1e-3},
    "米": {"公里": 1e3, "千米": 1e3},
    "公里/平方公里": {"米/平方公里": 1e-3},
    "万立方米": {"立方米": 1e-4, "亿立方米": 1e4, "万平方米": None},
    "立方米": {"万立方米": 1e4},
    "万吨": {"吨": 1e-4, "亿吨": 1e4},
    "吨": {"万吨": 1e4, "千克": 1e-3},
    "亿元": {"万元": 1e-4, "元": 1e-8},
    "万人": {"人": 1e-4},
    "人": {"万人": 1e4},
    "名": {"万名": 1e4},
    "家": {"万家": 1e4},
    "项": {"万项": 1e4},
    "件": {"万件": 1e4},
    "个": {"万个": 1e4},
    "kW": {"MW": 1e3},
    "MW": {"kW": 1e-3},
    "kV": {"V": 1e-3},
    "万度": {"度": 1e-4},
    "分钟": {"小时": 60.0, "秒": 1 / 60},
    "微克 / 立方米": {"毫克 / 立方米": 1e3},
    "%": {"‰": 0.1},
}
OTHER_UNITS = {
    "m2": ("m", "m3", "km2"),
    "m": ("m2", "km"),
    "m3": ("m2", "m3/a"),
    "m3/d": ("m3/a", "m3"),
    "m3/a": ("m3/d", "m2"),
    "t/a": ("t", "t/d"),
    "t/d": ("t/a", "t"),
    "CNY": ("{person}", "%"),
    "%": ("1", "{person}"),
    "W": ("kW.h", "V.A"),
    "s": ("a", "m"),
    "ug/m3": ("mg/m3", "%"),
    "{enterprise}": ("%", "CNY"),
    "{person}": ("%", "m2"),
    "kW.h/a": ("W", "%"),
    "m/m2": ("m", "%"),
}
# By reading the report: a whole and what the text calls its parts (numbers of statements in the sample).
WHOLES = {
    "C027": ("C034", "C040", "C048"),
    "C212": ("C213", "C214"),
    "C252": ("C253", "C254"),
    "C391": ("C392", "C393"),
    "C111": ("C112",),
    "C133": ("C134",),
    "C093": ("C094", "C095", "C096"),
    "C097": ("C098",),
    "C144": ("C104",),
    "C205": ("C206",),
    "C034": ("C035",),
    "C040": ("C041",),
    "C048": ("C049",),
    "C379": ("C374", "C382"),
    "C421": ("C420",),
    "C387": ("C433",),
    "C395": ("C454",),
    "C394": ("C439",),
    "C073": ("C074",),
}
# By reading: statements that say one thing in several places of the report.
TWINS = (
    *(
        ("C001", "C024"),
        ("C002", "C052"),
        ("C003", "C053"),
        ("C004", "C059"),
        ("C006", "C060"),
        ("C007", "C061"),
        ("C018", "C366"),
    ),
    *(
        ("C016", "C102"),
        ("C019", "C356"),
        ("C020", "C358"),
        ("C022", "C215"),
        ("C027", "C401"),
        ("C245", "C272"),
        ("C013", "C090"),
    ),
    *(("C014", "C091"), ("C015", "C092"), ("C304", "C309"), ("C306", "C326", "C411"), ("C346", "C354"), ("C394", "C397")),
    *(
        ("C285", "C327"),
        ("C286", "C328"),
        ("C065", "C086", "C329"),
        ("C066", "C087", "C330"),
        ("C152", "C153"),
        ("C017", "C365"),
    ),
)
# By reading: the same figure of two years, the earlier first.
YEARS = (
    *(
        ("C438", "C439"),
        ("C441", "C442"),
        ("C443", "C444"),
        ("C467", "C468"),
        ("C482", "C483"),
        ("C486", "C487"),
        ("C488", "C489"),
    ),
    ("C484", "C485"),
)
KINDS = ("digit lost", "unit changed", "parts over whole", "stale copy", "sign", "percent for points")
CHANGE = {"增长": "下降", "下降": "增长", "降低": "提高", "缩小": "增大"}


@dataclass(frozen=True)
class Seeded:
    """A set of statements with one error: which one it is in, its kind, the place of the error, the rows and the lines."""

    claim: str
    kind: str
    place: str
    told: str
    rows: list[dict[str, Any]]
    lines: dict[str, dict[int, str]]


def seeded(rows: list[dict[str, Any]], lines: dict[str, dict[int, str]], count: int, seed: int) -> list[Seeded]:
    """`count` sets with one seeded error each, in different statements and kinds as evenly as the statements allow."""
    chance = random.Random(seed)
    found: list[Seeded] = []
    used: set[tuple[str, str, str]] = set()
    turn = 0
    while len(found) < count:
        kind, place = KINDS[turn % len(KINDS)], PLACES[(turn // len(KINDS)) % len(PLACES)]
        turn += 1
        order = list(range(len(rows)))
        chance.shuffle(order)
        for k in order:
            if (rows[k]["claim_id"], kind, place) in used:
                continue
            change = changed(rows, k, kind, chance)
            made = change and written(rows, lines, k, place, change)
            if made:
                used.add((rows[k]["claim_id"], kind, place))
                found.append(Seeded(rows[k]["claim_id"], kind, place, str(change), *made))
                break
        if turn > 40 * count:
            raise ValueError("the statements are too few for so many errors")
    return found


def changed(rows: list[dict[str, Any]], k: int, kind: str, chance: random.Random) -> dict[str, Any] | None:
    """What an error makes of a statement: a new printed number, a new printed unit, a factor, a word; None where it cannot."""
    row = rows[k]
    printed, unit = row["value_reported"] or "", row["unit_reported"] or ""
    value = row["value"]
    if value is None or row["value_high"] is not None:
        return None
    plain = NUMBER.fullmatch(printed)
    by_id = {each["claim_id"]: each for each in rows}
    if kind == "digit lost":
        places = [i for i, sign in enumerate(printed) if sign.isdigit()]
        if not plain or len(places) < 2:
            return None
        at = chance.choice(places)
        shorter = (printed[:at] + printed[at + 1 :]).strip(".")
        if shorter.startswith(".") or float(shorter.replace(",", "")) in (0, float(printed.replace(",", ""))):
            return None
        return {"number": shorter.lstrip("0") if not shorter.startswith("0.") else shorter}
    if kind == "unit changed":
        other = CONFUSED.get(unit)
        if not plain or not other:
            return None
        word = chance.choice(sorted(other))
        return {"unit_word": word, "times": other[word], "unit": chance.choice(OTHER_UNITS.get(row["unit"], ("%",)))}
    if kind == "parts over whole":
        whole = next((by_id[w] for w, parts in WHOLES.items() if row["claim_id"] in parts and w in by_id), None)
        if not plain or not value:
            return None
        if whole is not None and whole["value"]:
            times = chance.uniform(1.15, 1.9) * whole["value"] / value
            return {"number": like(printed, float(printed.replace(",", "")) * times)}
        if row["unit"] == "%" and ("share" in row["measure_en"] or "ratio" in row["measure_en"] or "rate" in row["measure_en"]):
            return {"number": like(printed, float(printed) + 100 * chance.choice((1, 1, 2)))}
        return None
    if kind == "stale copy":
        twins = next((pair for pair in TWINS if row["claim_id"] in pair and sum(t in by_id for t in pair) > 1), None)
        years = next((pair for pair in YEARS if row["claim_id"] == pair[1] and pair[0] in by_id), None)
        if years and plain:
            return {"number": by_id[years[0]]["value_reported"]}
        if twins and plain:
            older = float(printed.replace(",", "")) * chance.uniform(0.6, 0.93)
            if row["unit"] == "{year}":
                older = float(printed) - chance.randint(1, 3)
            return {"number": like(printed, older)} if like(printed, older) != printed else None
        return None
    if kind == "sign":
        if not plain or not value or printed.startswith("-"):
            return None
        word = next((word for word in CHANGE if word in (row["quote_zh"] or "")), None)
        return {"sign": True, "word": word, "number": f"-{printed}"}
    if kind == "percent for points":
        return {"points": True} if plain and row["unit"] == "%" and unit == "%" else None
    return None


def like(printed: str, number: float) -> str:
    """A number printed with as many digits behind the point."""
    places = len(printed.partition(".")[2])
    return f"{number:.{places}f}"


def written(
    rows: list[dict[str, Any]], lines: dict[str, dict[int, str]], k: int, place: str, change: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, dict[int, str]]] | None:
    """The rows and lines with the error at its place; None where it cannot stand there."""
    row = rows[k]
    new = dict(row)
    printed, unit, value = row["value_reported"], row["unit_reported"] or "", row["value"]
    scale = value / float(printed.replace(",", "")) if NUMBER.fullmatch(printed) and float(printed.replace(",", "")) else 1.0
    word, number = unit, printed
    if change.get("points"):
        word, new["unit"] = "个百分点", "[pp]"
    elif "unit_word" in change:
        word = change["unit_word"]
        if place == "value":
            new["unit"] = change["unit"]
        else:
            new["value"] = value * (change["times"] or 1.0)
            new["unit"] = row["unit"] if change["times"] else change["unit"]
    elif change.get("sign"):
        new["value"], number = -value, change["number"]
    else:
        number = change["number"]
        if NUMBER.fullmatch(number) is None:
            return None
        new["value"] = float(number.replace(",", "")) * scale
    if place == "value":
        return [*rows[:k], new, *rows[k + 1 :]], lines
    new["value_reported"], new["unit_reported"] = number, word
    if place == "printed":
        return [*rows[:k], new, *rows[k + 1 :]], lines
    return in_text(rows, lines, k, new, change, (printed, unit), (number, word))


def in_text(
    rows: list[dict[str, Any]],
    lines: dict[str, dict[int, str]],
    k: int,
    new: dict[str, Any],
    change: dict[str, Any],
    before: tuple[str, str],
    after: tuple[str, str],
) -> tuple[list[dict[str, Any]], dict[str, dict[int, str]]] | None:
    """The error in the report's own line: the quote, and the quotes of its neighbours, are what the line now says."""
    row = rows[k]
    line, quote = lines[row["document"]][row["line"]], row["quote_zh"]
    start = line.find(quote)
    if change.get("word"):
        old, fresh = change["word"], CHANGE[change["word"]]
        new["value_reported"] = before[0]
        if row["measure_en"] not in ("growth", "reduction"):
            return None
        new["value"] = row["value"]
        at = start + quote.find(old)
    else:
        old, fresh = before[0], after[0]
        places = [match.start() for match in re.finditer(rf"(?<![\d.]){re.escape(old)}(?![\d])", quote)]
        if not places:
            return None
        later = row["stated_period"] == "2023" and "\t" in quote and len(places) > 1
        at = start + places[-1 if later else 0]
        if after[1] != before[1]:
            rest = line[at + len(old) :]
            gap = re.match(rf"[余多]?\s*{re.escape(before[1])}", rest)
            if gap is None:
                return None
            old, fresh = old + gap[0], fresh + gap[0].replace(before[1], after[1])
    text = line[:at] + fresh + line[at + len(old) :]
    moved = len(fresh) - len(old)
    told = {**lines, row["document"]: {**lines[row["document"]], row["line"]: text}}
    out = []
    for i, each in enumerate(rows):
        if each["document"] == row["document"] and each["line"] == row["line"]:
            first = line.find(each["quote_zh"])
            last = first + len(each["quote_zh"])
            if first <= at and at + len(old) <= last:
                each = {**(new if i == k else each), "quote_zh": text[first : last + moved]}
            elif i == k:
                return None
        out.append(each)
    if row["unit"] == "{year}" and new["stated_period"] == before[0]:
        out[k]["stated_period"] = out[k]["value_reported"]
    return out, told
