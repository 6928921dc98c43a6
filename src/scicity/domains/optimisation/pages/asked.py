"""What the pages ask of the tables of optimisation, as rows. No Django here."""

from __future__ import annotations

from datetime import date
from typing import Any

COURSES = {"plan": ("计划", "Plan"), "rule": ("规则", "Rule")}
CARRIERS = {
    "electricity": ("电力", "Electricity"),
    "heat": ("热", "Heat"),
    "cold": ("冷", "Cold"),
    "natural_gas": ("天然气", "Natural gas"),
    "hydrogen": ("氢", "Hydrogen"),
}
KINDS = {
    "grid": ("电网", "grid"),
    "gas_supply": ("燃气管网", "gas main"),
    "heat_supply": ("热网", "heat network"),
    "pv": ("光伏", "PV"),
    "wind": ("风电", "wind"),
    "ground_source_heat_pump": ("地源热泵", "ground-source heat pump"),
    "air_source_heat_pump": ("空气源热泵", "air-source heat pump"),
    "gas_cchp": ("燃气三联供", "gas CCHP"),
    "boiler": ("锅炉", "boiler"),
    "electric_boiler": ("电锅炉", "electric boiler"),
    "chiller": ("电制冷机", "chiller"),
    "absorption_chiller": ("吸收式制冷机", "absorption chiller"),
    "thermal_storage": ("蓄热蓄冷", "thermal storage"),
    "battery": ("电池", "battery"),
    "electrolyser": ("电解槽", "electrolyser"),
    "fuel_cell": ("燃料电池", "fuel cell"),
    "hydrogen_store": ("储氢", "hydrogen store"),
    "heat_vent": ("散热", "heat rejected"),
}
REVIEWS = {
    "verified": ("已核对", "verified"),
    "unverified": ("未见原文件", "document not seen"),
    "stand-in": ("替代", "stand-in"),
}
MEASURES = {
    "service_area": ("供能面积", "area served", "m²"),
    "renewable_share": ("可再生能源占比", "renewable share", "%"),
    "heat_pump_share": ("热泵供热占比", "share of heat pumps", "%"),
    "ambient_heat_share": ("环境热占比", "share of ambient heat", "%"),
    "emission_saving": ("年减碳量", "emissions saved in a year", "kg"),
    "capacity": ("容量", "capacity", "kW"),
    "yearly_energy": ("年发电量", "energy of a year", "kWh"),
    "not_compared": ("未作对照", "not compared", ""),
}
MISSING = {
    "demand": ("缺负荷数据", "a demand is not known"),
    "weather": ("缺天气数据", "the weather is not known"),
    "price": ("缺价格", "no price holds"),
    "available": ("光伏或风电出力未知", "what PV or wind can give is not known"),
}
AGREES = 0.1  # of what is stated, within which a model is said to agree


def pair(words: dict[str, Any], name: str | None) -> Any:
    """A word in two languages, itself where there is none."""
    return words.get(name or "", (name or "", name or ""))


def stations(city: Any, rows: list[Any], horizon: Any) -> list[dict[str, Any]]:
    """Each station with the saving of its newest day, of its newest month, and its year."""
    last = horizon["last_day"] if horizon else None
    daily = {row["energy_station"]: row for row in city.rows("optimisation.plan_saving", where={"day": last})} if last else {}
    monthly: dict[str, Any] = {}
    for row in city.rows("optimisation.plan_saving_monthly", order=["energy_station", "month"]):
        monthly[row["energy_station"]] = row
    yearly = {row["energy_station"]: row for row in city.rows("optimisation.design_yearly", where={"course": "plan"})}
    saved = {row["energy_station"]: row for row in city.rows("optimisation.design_saving")}
    return [
        {
            "row": row,
            "day": daily.get(row["energy_station"]),
            "month": monthly.get(row["energy_station"]),
            "year": yearly.get(row["energy_station"]),
            "saved": saved.get(row["energy_station"]),
            "review": pair(REVIEWS, row["review"]),
        }
        for row in rows
    ]


def claims(city: Any, rows: list[Any]) -> list[dict[str, Any]]:
    """What the report says of stations, beside the model's year, with what had to be assumed."""
    names = [row["energy_station"] for row in rows]
    by_name = {row["energy_station"]: row for row in rows}
    told = city.rows("optimisation.station_claim", where={"energy_station": names}, order=["energy_station", "claim_id"])
    checks: dict[tuple[str, str, str], Any] = {}
    for row in city.rows("optimisation.claim_check", where={"energy_station": names}, order=["year"]):
        checks[row["energy_station"], row["claim_measure"], row["claim_id"]] = row
    ids = [row["claim_id"] for row in told]
    statements = {row["claim_id"]: row for row in city.rows("indicators.statement", where={"claim_id": ids})} if ids else {}
    found = []
    for row in told:
        check = checks.get((row["energy_station"], row["claim_measure"], row["claim_id"]))
        found.append(
            {
                "row": row,
                "station": by_name[row["energy_station"]],
                "check": check,
                "measure": pair(MEASURES, row["claim_measure"])[:2],
                "unit": (*pair(MEASURES, row["claim_measure"]), "")[2],
                "statement": statements.get(row["claim_id"]),
                "assumed": (row["assumed_zh"], row["assumed_en"]),
                "verdict": verdict(row, check),
                "registered": row["claim_measure"] in ("capacity", "service_area"),
            }
        )
    return found


def verdict(row: Any, check: Any) -> tuple[str, tuple[str, str]]:
    """Whether model and statement agree, as the name of a badge and words."""
    if row["claim_measure"] == "not_compared" or check is None or check["modelled_value"] is None or not check["stated_value"]:
        return "", ("无从对照", "cannot be compared")
    if row["claim_measure"] in ("capacity", "service_area"):
        return "", ("登记取自报告", "register taken from the report")
    away = check["modelled_value"] / check["stated_value"] - 1
    if abs(away) <= AGREES:
        return "good", ("相符（10% 以内）", "agrees within 10 %")
    return "bad", ("模型较高", "the model shows more") if away > 0 else ("模型较低", "the model shows less")


def days(city: Any, station: str) -> list[date]:
    """The days of a station that are planned, oldest first."""
    return sorted({row["day"] for row in city.rows("optimisation.plan_daily", ["day"], {"energy_station": station})})


def gaps(city: Any, station: str) -> list[dict[str, Any]]:
    """The newest days of a station that cannot be planned, and why."""
    rows = city.rows("optimisation.plan_gap", where={"energy_station": station}, order=["-day"], limit=10)
    return [{"row": row, "why": pair(MISSING, row["missing"])} for row in rows]


def sums(city: Any, station: str, day: date) -> list[dict[str, Any]]:
    """The sums of a day by plan and by rule."""
    rows = city.rows("optimisation.plan_daily", where={"energy_station": station, "day": day}, order=["course"])
    return [{"row": row, "name": COURSES[row["course"]]} for row in rows]


def year(city: Any, station: str) -> list[dict[str, Any]]:
    """The sums of the design year by plan and by rule."""
    rows = city.rows("optimisation.design_yearly", where={"energy_station": station}, order=["-year", "course"])
    return [{"row": row, "name": COURSES[row["course"]]} for row in rows[:2]]


def units(city: Any, station: str) -> list[dict[str, Any]]:
    """The units of a station with words for kind and review."""
    rows = city.rows("optimisation.station_unit", where={"energy_station": station})
    rows = sorted(rows, key=lambda row: (list(KINDS).index(row["unit_kind"]), row["station_unit"]))
    return [{"row": row, "kind": pair(KINDS, row["unit_kind"]), "review": pair(REVIEWS, row["review"])} for row in rows]


def tariffs(city: Any, station: str) -> list[dict[str, Any]]:
    """The prices at which a station buys and sells."""
    units_of = city.rows("optimisation.station_unit", ["tariff", "export_tariff"], {"energy_station": station})
    names = sorted({name for row in units_of for name in (row["tariff"], row["export_tariff"]) if name})
    if not names:
        return []
    rows = city.rows("optimisation.tariff", where={"tariff": names}, order=["tariff", "valid_from", "-unit_price"])
    return [{"row": row, "review": pair(REVIEWS, row["review"]), "carrier": pair(CARRIERS, row["carrier"])} for row in rows]


def unmet(city: Any) -> list[dict[str, Any]]:
    """The stations whose year has demands that the plan or the rule does not meet."""
    rows = city.rows("optimisation.design_yearly", ["unmet_energy"], order=["energy_station", "course"])
    return [{"row": row, "course": COURSES[row["course"]]} for row in rows if row["unmet_energy"]]
