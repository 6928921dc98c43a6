"""Parts and wholes: parts beyond their whole, parts that do not add up, zones against the district, shares of a sentence.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, combinations, permutations
from typing import Any

import numpy as np

from scicity.domains.evidence.methods.claims import ALIKE, Claims, likeness
from scicity.domains.evidence.methods.found import Found, Rules, digits, roles, scope_words, unit_word

SHORTEST_PLACE = 3  # signs that two subjects of one place begin with
EXTENSIVE = ("planned_area", "area", "construction_land_area", "planned_resident_population", "planned_jobs")
TILING = ("planned_area", "area")
WITHIN = "planned_area park_area site_area service_area construction_land_area *_green_area *_paving_area sports_hall_area"
WIDER = ("wider",)
FEWEST_PARTS = 2
NEAR = 366  # days between two periods of which one may still be a part of the other …
FAR_APART = 1.2  # … if it is larger than the whole by so much
MOST_PARTS = 8  # of a sentence whose sums are tried
MOST_TOGETHER = 30  # amounts of a sentence; more are a table, and are not taken for a sum


def together(claims: Claims, i: int, j: int, how: str) -> bool:
    """Whether two statements are about one thing: of one subject, place, sentence, line, section or document."""
    first, second = claims.rows[i], claims.rows[j]
    if first.get("document") != second.get("document"):
        return False
    if how == "document":
        return True
    if how == "sentence":
        return bool(claims.sentence[i] == claims.sentence[j])
    if how in ("line", "section"):
        return first.get(how) == second.get(how)
    mine, theirs = claims.subject[i], claims.subject[j]
    if how == "place":
        return mine[:SHORTEST_PLACE] == theirs[:SHORTEST_PLACE]
    if how == "series":
        return claims.first_day[i] == claims.first_day[j] and mine[:SHORTEST_PLACE] == theirs[:SHORTEST_PLACE]
    return mine == theirs or likeness(mine, theirs) >= ALIKE or mine.startswith(theirs) or theirs.startswith(mine)


def same_period(claims: Claims, i: int, j: int) -> bool:
    """Whether two statements can be about one time: one has no period, or one period holds the other."""
    if not claims.dated(i) or not claims.dated(j):
        return True
    a, b, c, d = claims.first_day[i], claims.last_day[i], claims.first_day[j], claims.last_day[j]
    return bool((a <= c and d <= b) or (c <= a and b <= d))


def adding(claims: Claims, rules: Rules) -> list[Found]:
    """Parts that exceed their whole [its unit], by the relations of the register, the zones and the words of the sentence.

    Source: arithmetic; what is part of what stands in `standards/parts.csv`.
    """
    found: list[Found] = []
    for relation in rules.parts:
        if relation["relation"] == "named":
            found += _named(claims, relation, rules)
        else:
            found += _related(claims, relation)
    found += _zones(claims, rules)
    found += _within(claims, rules)
    found += _shares(claims, rules)
    found += _days(claims, rules)
    return _first_of_each(found)


def _first_of_each(found: list[Found]) -> list[Found]:
    seen: set[tuple[str, frozenset[int]]] = set()
    kept = []
    for one in found:
        key = (one.rule, frozenset(i for i, _ in one.members))
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return kept


def _related(claims: Claims, relation: Any) -> Iterator[Found]:
    parts = claims.chosen(relation["part_pattern"], relation["unit_pattern"], relation["part_subject"])
    wholes = claims.chosen(relation["whole_pattern"], relation["unit_pattern"], relation["whole_subject"])
    reason = (str(relation["reason_zh"] or ""), str(relation["reason_en"] or ""))
    beyond: list[tuple[int, int]] = []
    for whole in wholes:
        mine = [
            i
            for i in parts
            if i != whole
            and _comparable(claims, i, whole)
            and together(claims, i, whole, relation["together"])
            and _may(claims, i, whole)
        ]
        if relation["relation"] == "sum":
            if len(mine) >= FEWEST_PARTS:
                yield from _sum(claims, mine, whole, reason)
            continue
        over = [i for i in mine if claims.low[i] > claims.high[whole] * (1 if same_period(claims, i, whole) else FAR_APART)]
        if relation["relation"] == "scope":
            beyond += [(i, whole) for i in over if claims.rows[whole].get("status") == claims.rows[i].get("status")]
            continue
        for i in over:
            yield _over(
                claims, [i], whole, "order_of_time" if claims.rows[i].get("unit") == "{year}" else "part_over_whole", reason
            )
    if beyond:  # said in many places, it is one finding: against the newest whole that has a period
        whole = max((j for _, j in beyond), key=lambda j: (claims.first_day[j], -j))
        mine = sorted({i for i, j in beyond if j == whole})
        one = _over(claims, mine[:1], whole, "scope_order", reason)
        yield replace(one, members=(*roles(mine, "part"), (whole, "whole")))


def _comparable(claims: Claims, i: int, whole: int) -> bool:
    """Whether two amounts are in one unit, or both are counts."""
    mine, theirs = str(claims.rows[i].get("unit")), str(claims.rows[whole].get("unit"))
    return mine == theirs or (mine.startswith("{") and theirs.startswith("{"))


def _may(claims: Claims, i: int, whole: int) -> bool:
    aims = ("target", "plan", "projection")
    kin = (claims.rows[i].get("status") in aims) == (claims.rows[whole].get("status") in aims)
    gap = max(claims.first_day[i] - claims.last_day[whole], claims.first_day[whole] - claims.last_day[i])
    return (same_period(claims, i, whole) or bool(gap <= NEAR)) and (
        kin or str(claims.rows[i].get("unit")) in ("{year}", "m2", "m3", "m3/d")
    )


def _over(claims: Claims, parts: list[int], whole: int, rule: str, reason: tuple[str, str]) -> Found:
    unit = unit_word(str(claims.rows[whole].get("unit") or ""))
    total = float(claims.value[parts].sum())
    added = " + ".join(digits(claims.value[i]) for i in parts)
    told = f"{added} = {digits(total)}" if len(parts) > 1 else added
    told += f" > {digits(claims.value[whole])} {unit}; Δ = {digits(total - claims.value[whole])}"
    members = (*roles(parts, "part"), (whole, "whole"))
    return Found(rule, members, told, total, None, float(claims.high[whole]), unit, reason=reason)


def _sum(claims: Claims, parts: list[int], whole: int, reason: tuple[str, str]) -> Iterator[Found]:
    if claims.low[parts].sum() > claims.high[whole]:
        yield _over(claims, parts, whole, "parts_over_whole", reason)
        scopes = {claims.scope[i] for i in (*parts, whole)}
        if len(scopes) > 1:
            told = "; ".join(f"{claims.rows[i].get('claim_id')}: {scope_words(claims.scope[i])}" for i in (*parts, whole))
            yield Found("scope_mixed", (*roles(parts, "part"), (whole, "whole")), told)


def _named(claims: Claims, relation: Any, rules: Rules) -> Iterator[Found]:
    """Within one sentence: `<word>_<measure>` is part of `<measure>`; and of one measure those behind a word of parts."""
    by_sentence: dict[int, list[int]] = defaultdict(list)
    for i in claims.chosen(relation["part_pattern"], relation["unit_pattern"], relation["part_subject"]):
        by_sentence[int(claims.sentence[i])].append(i)
    reason = (str(relation["reason_zh"] or ""), str(relation["reason_en"] or ""))
    for sentence, members in by_sentence.items():
        if len(members) > MOST_TOGETHER:
            continue
        text = claims.sentences.get(sentence, "")
        for whole in members:
            measure, unit = str(claims.rows[whole].get("measure_en")), claims.rows[whole].get("unit")
            others = [
                i
                for i in members
                if i != whole
                and claims.rows[i].get("unit") == unit
                and _may(claims, i, whole)
                and same_period(claims, i, whole)
            ]
            parts = [i for i in others if str(claims.rows[i].get("measure_en")).endswith(f"_{measure}")]
            if not parts:
                same = [i for i in others if claims.rows[i].get("measure_en") == measure]
                parts = [i for i in same if _behind(claims, i, whole, text, rules)]
            if not parts:
                continue
            total = claims.value[parts].sum()
            if _some_add_up(claims, parts, whole):
                continue
            if len(parts) >= FEWEST_PARTS and claims.low[parts].sum() > claims.high[whole]:
                yield _over(claims, parts, whole, "parts_over_whole", reason)
            elif any(claims.low[i] > claims.high[whole] for i in parts):
                yield _over(claims, [i for i in parts if claims.low[i] > claims.high[whole]], whole, "part_over_whole", reason)
            elif len(parts) >= FEWEST_PARTS and total < claims.low[whole]:
                added = " + ".join(digits(claims.value[i]) for i in parts)
                told = f"{added} = {digits(total)} < {digits(claims.value[whole])}"
                yield Found(
                    "parts_short", (*roles(parts, "part"), (whole, "whole")), told, float(total), float(claims.low[whole])
                )


def _some_add_up(claims: Claims, parts: list[int], whole: int) -> bool:
    """Whether some of the parts add up to the whole and no other is more than it: the others are of another division."""
    if any(claims.low[i] > claims.high[whole] for i in parts):
        return False
    few = parts[:MOST_PARTS]
    return any(
        claims.low[list(some)].sum() <= claims.high[whole] and claims.high[list(some)].sum() >= claims.low[whole]
        for size in range(FEWEST_PARTS, len(few) + 1)
        for some in combinations(few, size)
    )


def _behind(claims: Claims, i: int, whole: int, text: str, rules: Rules) -> bool:
    """Whether a statement stands behind its whole in a sentence, with a word or a bracket of parts between them."""
    quote = str(claims.rows[whole].get("quote_zh") or "\0")
    start = text.find(quote)
    start += max(0, quote.find(str(claims.rows[whole].get("value_reported") or ""))) if start >= 0 else 0
    end = text.find(str(claims.rows[i].get("quote_zh") or "\0"))
    if start < 0 or end <= start:
        return False
    between = text[start:end] + str(claims.rows[i].get("quote_zh") or "")[:3]
    return any(str(cue["cue"]) in between for cue in rules.words("parts"))


def _zones(claims: Claims, rules: Rules) -> Iterator[Found]:
    """The zones of a district tile it: what can be added up adds up; areas to the whole, and all else to no more."""
    roots = [zone for zone in rules.zones if not zone.get("parent")]
    if len(roots) != 1:
        return
    root = roots[0]
    parts = [zone for zone in rules.zones if zone.get("parent") == root["zone"]]
    by_measure: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, row in enumerate(claims.rows):
        if row.get("measure_en") in EXTENSIVE and np.isfinite(claims.value[i]):
            by_measure[str(row["measure_en"]), str(row.get("unit")), str(row.get("stated_period") or "")].append(i)
    within = rules.threshold("zones_apart", 0.01)
    for (measure, _, _), members in by_measure.items():
        of_zone = {zone["zone"]: [i for i in members if _is_zone(claims.subject[i], str(zone["name_zh"]))] for zone in parts}
        wholes = [
            i
            for i in members
            if _is_zone(claims.subject[i], str(root["name_zh"])) and i not in set(chain.from_iterable(of_zone.values()))
        ]
        if len(parts) < FEWEST_PARTS or not all(of_zone.values()) or not wholes:
            continue
        chosen = [each[0] for each in of_zone.values()]
        total = float(claims.value[chosen].sum())
        for whole in wholes:
            apart = abs(total - claims.value[whole]) > within * claims.value[whole] if measure in TILING else False
            if apart or claims.low[chosen].sum() > claims.high[whole] * (1 + within):
                added = " + ".join(digits(claims.value[i]) for i in chosen)
                told = f"{added} = {digits(total)} ≠ {digits(claims.value[whole])}"
                yield Found(
                    "zones_apart", (*roles(chosen, "part"), (whole, "whole")), told, total, None, float(claims.value[whole])
                )
                break


def _is_zone(subject: str, name: str) -> bool:
    bare = name.split("（")[0].split("(")[0].replace(" ", "")
    return bool(bare) and (subject == bare or subject.startswith(f"{bare}规划") or subject == f"{bare}面积")


def _within(claims: Claims, rules: Rules) -> Iterator[Found]:
    area = next((zone.get("area") for zone in rules.zones if not zone.get("parent")), None)
    wider = [str(cue["cue"]) for cue in rules.words("scope") if cue["meaning"] in WIDER]
    if not area:
        return
    limit = float(area) * rules.threshold("beyond_district", 1.0) * 1.005
    for i in claims.chosen(WITHIN, "m2"):
        if claims.low[i] > limit and not any(word in claims.subject[i] for word in wider):
            yield Found(
                "beyond_district",
                ((i, "part"),),
                f"{digits(claims.value[i])} > {digits(float(area))} m2",
                float(claims.value[i]),
                None,
                float(area),
            )


def _shares(claims: Claims, rules: Rules) -> Iterator[Found]:
    """A share said with 占 behind two amounts of one unit in one sentence is the one over the other."""
    within = rules.threshold("share_apart", 0.06)
    by_sentence: dict[int, list[int]] = defaultdict(list)
    for i in range(len(claims)):
        by_sentence[int(claims.sentence[i])].append(i)
    for i, row in enumerate(claims.rows):
        quote = str(row.get("quote_zh") or "")
        if row.get("unit") != "%" or "占" not in quote or rules.nature(str(row.get("measure_en")), "%") != "share":
            continue
        text = claims.sentences.get(int(claims.sentence[i]), "")
        here = text.find(quote)
        others = [
            j
            for j in by_sentence[int(claims.sentence[i])]
            if str(claims.rows[j].get("unit")) != "%" and 0 <= text.find(str(claims.rows[j].get("quote_zh") or "\0")) <= here
        ]
        pairs = [
            (a, b)
            for a, b in permutations(others[:MOST_TOGETHER], 2)
            if claims.rows[a].get("unit") == claims.rows[b].get("unit")
            and 0 < claims.value[a] <= claims.value[b]
            and str(claims.rows[a].get("unit")) != "{year}"
        ]
        if not pairs:
            continue
        shares = {(a, b): 100 * claims.value[a] / claims.value[b] for a, b in pairs}
        half = max(float(claims.high[i] - claims.value[i]) if np.isfinite(claims.high[i]) else 0.0, within * claims.value[i])
        if min(abs(share - claims.value[i]) for share in shares.values()) > half:
            (a, b), nearest = min(shares.items(), key=lambda each: abs(each[1] - claims.value[i]))
            told = f"{digits(claims.value[a])} / {digits(claims.value[b])} = {digits(nearest)} % ≠ {digits(claims.value[i])} %"
            yield Found(
                "share_apart", ((i, "share"), (a, "part"), (b, "whole")), told, float(claims.value[i]), nearest, nearest, "%"
            )


def _days(claims: Claims, rules: Rules) -> Iterator[Found]:
    """A number of days of a year over the days of that year is the share that is said of the same year."""
    within = rules.threshold("days_apart", 0.005)
    for i in claims.chosen("*_days", "d"):
        length = int(claims.last_day[i] - claims.first_day[i]) + 1
        if not claims.dated(i) or length not in (365, 366):
            continue
        share = 100 * claims.value[i] / length
        stem = str(claims.rows[i].get("measure_en")).removesuffix("s")
        apart = [
            j
            for j in claims.chosen(f"{stem}_ratio {stem}_share {stem}_rate", "%")
            if claims.first_day[i] == claims.first_day[j] and abs(share - claims.value[j]) > 100 * within
        ]
        if apart:
            days, said = digits(claims.value[i]), digits(claims.value[apart[0]])
            told = f"{days} / {length} = {digits(share)} % ≠ {said} %"
            told += f"; {days} / {said} % = {digits(100 * claims.value[i] / claims.value[apart[0]])} d"
            members = (*roles(apart, "share"), (i, "part"))
            yield Found("days_apart", members, told, float(claims.value[apart[0]]), share, share, "%")
