"""What the pages ask of the tables of buildings, as rows and charts. No Django here."""

from __future__ import annotations

from typing import Any

from scicity.domains.buildings.pages import told
from scicity.kernel.district import ROOT_ZONE

DRAWN = 30  # promises that are drawn beside each other
LISTED = 200  # rows of a list
ORDER = tuple(told.VERDICTS)


def buildings(city: Any) -> dict[str, Any]:
    """The buildings by their keys."""
    return {row["building"]: row for row in city.rows("buildings.building")}


def schemes(city: Any) -> list[Any]:
    """The schemes, those that can be scored first."""
    order = list(told.SCHEMES)
    rows = city.rows("buildings.scheme", order=["label_scheme"])
    return sorted(rows, key=lambda row: order.index(row["scheme_status"]) if row["scheme_status"] in order else len(order))


def levels(city: Any) -> dict[tuple[str, str], Any]:
    """The levels of all schemes by scheme and level."""
    return {(row["label_scheme"], row["label_level"]): row for row in city.rows("buildings.scheme_level")}


def label_years(city: Any) -> list[int]:
    """The years with labels in force, oldest first."""
    return sorted({row["year"] for row in city.rows("buildings.label_yearly", ["year"], where={"zone": ROOT_ZONE})})


def shares(city: Any, year: int, zone: str) -> list[dict[str, Any]]:
    """Each scheme's levels in a year and zone, the highest first."""
    known = levels(city)
    names = told.names_of(city.rows("buildings.scheme"), "label_scheme")
    found: dict[str, dict[str, Any]] = {}
    order = ["label_scheme", "-level_rank"]
    for row in city.rows("buildings.label_yearly", where={"year": year, "zone": zone}, order=order):
        scheme = row["label_scheme"]
        entry = found.setdefault(scheme, {"scheme": scheme, "name": names.get(scheme, (scheme, scheme)), "rows": []})
        entry["rows"].append({"row": row, "level": known.get((scheme, row["label_level"]))})
    return sorted(found.values(), key=lambda entry: (-len(entry["rows"]), entry["scheme"]))


def share_chart(city: Any, scheme: str, zone: str) -> dict[str, Any] | None:
    """The shares at each level or above it over the years; none for a scheme of one level."""
    where = {"label_scheme": scheme, "zone": zone}
    rows = city.rows("buildings.label_yearly", where=where, order=["year", "level_rank"])
    years = sorted({row["year"] for row in rows})
    ranks = sorted({row["level_rank"] for row in rows})[1:]  # the lowest level and above is everything
    if len(years) < 2 or not ranks:
        return None
    known = {(row["year"], row["level_rank"]): row for row in rows}
    name_of = {row["level_rank"]: row for key, row in levels(city).items() if key[0] == scheme}
    series = [
        {
            "name": (f"{name_of[rank]['name_zh']}及以上", f"{name_of[rank]['name_en']} or above"),
            "figures": [known[year, rank].figure("share_at_least") if (year, rank) in known else None for year in years],
        }
        for rank in ranks
        if rank in name_of
    ]
    zh, en = told.names_of(city.rows("buildings.scheme"), "label_scheme").get(scheme, (scheme, scheme))
    return {
        "id": f"shares-{scheme}",
        "kind": "line",
        "unit": "%",
        "title": (f"{zh}：各等级占比", f"{en}: shares of levels"),
        "axis": ("年", "Year"),
        "labels": years,
        "series": series,
    }


def held(city: Any, year: int, zone: str) -> list[dict[str, Any]]:
    """The labels in force at the end of a year, in a zone or everywhere, by scheme and the highest level first."""
    where = {"year": year} | ({"zone": zone} if zone != ROOT_ZONE else {})
    rows = city.rows("buildings.label_held", where=where, order=["label_scheme", "-level_rank", "label"], limit=LISTED)
    known, built = levels(city), buildings(city)
    names = told.names_of(city.rows("buildings.scheme"), "label_scheme")
    return [
        {
            "row": row,
            "scheme": names.get(row["label_scheme"], (row["label_scheme"],) * 2),
            "level": known.get((row["label_scheme"], row["label_level"])),
            "building": built.get(row["building"]),
            "stage": told.word(told.STAGES, row["stage"]),
        }
        for row in rows
    ]


def labels_of(city: Any, building: str) -> list[dict[str, Any]]:
    """All labels that a building was ever awarded, the newest first."""
    known = levels(city)
    names = told.names_of(city.rows("buildings.scheme"), "label_scheme")
    rows = city.rows("buildings.label", where={"building": building}, order=["-awarded_on", "label"])
    return [
        {
            "row": row,
            "scheme": names.get(row["label_scheme"], (row["label_scheme"],) * 2),
            "level": known.get((row["label_scheme"], row["label_level"])),
            "stage": told.word(told.STAGES, row["stage"]),
        }
        for row in rows
    ]


def sheets(city: Any, **where: Any) -> list[dict[str, Any]]:
    """Data sheets with what they come to."""
    known, built = levels(city), buildings(city)
    names = told.names_of(city.rows("buildings.scheme"), "label_scheme")
    rows = city.rows("buildings.score", where=where, order=["sheet"], limit=LISTED)
    return [sheet_entry(row, known, built, names) for row in rows]


def sheet_entry(row: Any, known: Any, built: Any, names: Any) -> dict[str, Any]:
    """A score with its verdict, levels and names in words."""

    def level(column: str) -> Any:
        return known.get((row["label_scheme"], row[column])) if row[column] else None

    return {
        "row": row,
        "verdict": told.word(told.SCORES, row["score_verdict"]),
        "level": level("label_level"),
        "least": level("level_at_least"),
        "most": level("level_at_most"),
        "following": level("next_level"),
        "decided": row["score_verdict"] in ("assessed", "level_certain"),
        "building": built.get(row["building"]),
        "scheme": names.get(row["label_scheme"], (row["label_scheme"],) * 2),
        "stage": told.word(told.STAGES, row["stage"]),
    }


def sheet_lines(city: Any, row: Any) -> list[dict[str, Any]]:
    """The categories of a sheet's scheme with what the sheet says of each item."""
    scheme = row["label_scheme"]
    entries = {entry["score_item"]: entry for entry in city.rows("buildings.sheet_stated", where={"sheet": row["sheet"]})}
    given = {one["score_category"]: one for one in city.rows("buildings.score_category", where={"sheet": row["sheet"]})}
    items = city.rows("buildings.scheme_item", where={"label_scheme": scheme}, order=["source_row"])
    found = []
    for category in city.rows("buildings.scheme_category", where={"label_scheme": scheme}, order=["source_row"]):
        mine = [item for item in items if item["score_category"] == category["score_category"]]
        lines = [
            {"item": item, "entry": entries.get(item["score_item"]), "kind": told.word(told.KINDS, item["item_kind"])}
            for item in mine
        ]
        found.append({"category": category, "score": given.get(category["score_category"]), "lines": lines})
    return found


def promise_years(city: Any) -> list[int]:
    """The years with promises, oldest first."""
    return sorted({row["year"] for row in city.rows("buildings.promise_yearly", ["year"], where={"zone": ROOT_ZONE})})


def measures(city: Any) -> dict[str, Any]:
    """What can be promised, by its key."""
    return {row["promise_measure"]: row for row in city.rows("buildings.promise_measure", order=["promise_measure"])}


def _unknown(key: str) -> dict[str, str]:
    """Names for a measure that nothing defines: its key."""
    return {"promise_measure": key, "name_zh": key, "name_en": key}


def counts(city: Any, year: int, zone: str) -> list[dict[str, Any]]:
    """How many promises of each measure are kept in a year and zone."""
    known = measures(city)
    rows = city.rows("buildings.promise_yearly", where={"year": year, "zone": zone}, order=["promise_measure"])
    return [{"row": row, "measure": known.get(row["promise_measure"]) or _unknown(row["promise_measure"])} for row in rows]


def worse_by(row: Any, known: dict[str, Any]) -> float:
    """How much worse than promised a year was, in per cent of the promise; what is not judged is last."""
    if row["gap_share"] is None or row["promise_measure"] not in known:
        return float("-inf")
    return float(row["gap_share"]) * (-1.0 if known[row["promise_measure"]]["direction"] == "higher" else 1.0)


def ranked(city: Any, year: int, zone: str = ROOT_ZONE, measure: str = "", verdict: str = "") -> list[dict[str, Any]]:
    """The promises of a year beside what was measured, the furthest behind first."""
    where: dict[str, Any] = {"year": year}
    where |= {"zone": zone} if zone != ROOT_ZONE else {}
    where |= {"promise_measure": measure} if measure else {}
    where |= {"promise_verdict": verdict} if verdict else {}
    known, built = measures(city), buildings(city)
    rows = city.rows("buildings.performance_yearly", where=where)
    rows = sorted(rows, key=lambda row: (-worse_by(row, known), row["building"], row["promise_measure"]))[:LISTED]
    return [performance_entry(row, known, built) for row in rows]


def performance_entry(row: Any, known: dict[str, Any], built: dict[str, Any]) -> dict[str, Any]:
    """A promise beside what was measured, in words."""
    return {
        "row": row,
        "measure": known.get(row["promise_measure"]) or _unknown(row["promise_measure"]),
        "building": built.get(row["building"]),
        "verdict": told.word(told.VERDICTS, row["promise_verdict"]),
    }


def ranked_chart(entries: list[dict[str, Any]], measure: Any, year: int) -> dict[str, Any] | None:
    """Promised and measured of the buildings of one measure beside each other, the furthest behind first."""
    kept = [entry for entry in entries if entry["row"]["measured_value"] is not None][:DRAWN]
    if not kept:
        return None
    return {
        "id": "promised",
        "kind": "bar",
        "unit": measure["symbol"],
        "title": (f"{measure['name_zh']}：承诺与实测 {year}", f"{measure['name_en']}: promised and measured, {year}"),
        "note": ("差距大者在前", "the furthest behind first"),
        "axis": ("建筑", "Building"),
        "labels": [entry["row"]["building"] for entry in kept],
        "series": [
            {"name": ("实测", "measured"), "figures": [entry["row"].figure("measured_value") for entry in kept]},
            {
                "name": ("承诺", "promised"),
                "figures": [entry["row"].figure("promise_value") for entry in kept],
                "kind": "limit",
            },
        ],
    }


def of_building(city: Any, building: str) -> list[dict[str, Any]]:
    """The promises of a building by year, the newest first."""
    known, built = measures(city), buildings(city)
    rows = city.rows("buildings.performance_yearly", where={"building": building}, order=["promise_measure", "-year"])
    return [performance_entry(row, known, built) for row in rows]


def to_date_charts(city: Any, building: str, year: int) -> list[dict[str, Any]]:
    """The year of a building to the end of each month, measured beside the promise's share by days."""
    known = measures(city)
    found = []
    for key, measure in known.items():
        where = {"building": building, "promise_measure": key}
        rows = city.rows("buildings.performance_to_date", where=where, order=["month"])
        rows = [row for row in rows if row["month"].year == year]
        if not rows:
            continue
        found.append(
            {
                "id": f"to-date-{key}",
                "kind": "line",
                "unit": measure["symbol"],
                "title": (f"{measure['name_zh']}：{year} 年累计", f"{measure['name_en']}: {year} to date"),
                "note": ("承诺按天数折算，未计季节，不作判断", "the promise by days, seasons not regarded: no verdict"),
                "axis": ("月末", "End of month"),
                "labels": [f"{row['month']:%Y-%m}" for row in rows],
                "series": [
                    {"name": ("实测累计", "measured"), "figures": [row.figure("measured_to_date") for row in rows]},
                    {"name": ("承诺折算", "promised"), "figures": [row.figure("promised_to_date") for row in rows]},
                ],
            }
        )
    return found
