"""What a printed value means: a number, a bound, a pair, a value that is pending, none at all, or a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

KINDS = ("number", "bound", "pair", "pending", "none", "text")
COMPARATORS = ("=", ">=", ">", "<=", "<", "~", "over")
LONGEST_NUMBER = 60  # characters; what is longer is a text

NONE = frozenset({"-", "--", "–", "—", "——", "/"})
PENDING = frozenset({"暂缺", "待定", "待统计", "pending"})
BEFORE = {
    **dict.fromkeys(("超过", "超", "逾", "over", "more than"), "over"),
    **dict.fromkeys(("大于", "高于", "多于", ">"), ">"),
    **dict.fromkeys(("不低于", "不少于", "不小于", "至少", "≥", ">=", "at least"), ">="),
    **dict.fromkeys(("不超过", "不高于", "不大于", "至多", "≤", "<=", "at most"), "<="),
    **dict.fromkeys(("低于", "小于", "少于", "不足", "<", "below"), "<"),
    **dict.fromkeys(("约", "近", "~", "≈", "about"), "~"),
}
BEHIND = {"余": "over", "多": "over", "以上": ">=", "以下": "<=", "左右": "~"}
NUMBER = r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"


@dataclass(frozen=True)
class Printed:
    """A printed value as it is understood; the numbers are those printed. `high` is the second number of a pair."""

    kind: str
    value: Decimal | None = None
    high: Decimal | None = None
    comparator: str | None = None


def read(text: str, unit_words: Collection[str] = ()) -> Printed:
    """The meaning of a printed text; `unit_words` are the words that may stand behind a number (件, 亿元, %).

    `500余件` is over 500, `超过10.6` over 10.6, `92.4/56.1` a pair, `暂缺` pending, `-` none, `约28` about 28 (a number).
    A text that is none of these is a text; nothing is taken out of a sentence. Full-width digits and signs are read as
    plain ones. Source: the appendix of the report; comparators as in its extract of statements.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).strip()
    if plain in NONE or text.strip() in NONE:
        return Printed("none")
    if plain.lower() in PENDING:
        return Printed("pending")
    if len(plain) > LONGEST_NUMBER:
        return Printed("text")
    words = sorted({"%", *(unicodedata.normalize("NFKC", word).strip() for word in unit_words)} - {""}, key=len, reverse=True)
    unit = "(?:" + "|".join(map(re.escape, words)) + ")?"
    pair = re.fullmatch(rf"({NUMBER}) ?{unit} ?/ ?({NUMBER}) ?{unit}", plain)
    if pair:
        return Printed("pair", _number(pair[1]), _number(pair[2]), "=")
    before = "|".join(map(re.escape, sorted(BEFORE, key=len, reverse=True)))
    one = re.fullmatch(rf"({before})? ?({NUMBER}) ?(余|多)? ?{unit} ?(以上|以下|左右)?", plain, re.IGNORECASE)
    if one is None:
        return Printed("text")
    said = [BEFORE[one[1].lower()]] if one[1] else []
    said += [BEHIND[word] for word in (one[3], one[4]) if word]
    if len(set(said)) > 1:
        return Printed("text")
    comparator = said[0] if said else "="
    return Printed("number" if comparator in ("=", "~") else "bound", _number(one[2]), None, comparator)


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
