"""Makes `districts/demo`: a tiny invented district for the tutorial and for tests, the same bytes each time.

    .venv/bin/python -m tools.demo_district

Everything in it is invented and labelled stand-in, but for the factors, which are those of the sample district.
`TRUTH.csv` holds what each meter really passed on each day; `late/` the readings that come late.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tools import demo_energy as energy

DISTRICTS = Path(__file__).parent.parent / "districts"
HERE = DISTRICTS / "demo"
INVENTED = "stand-in: invented for the tutorial"
DEGREE = 111_320.0  # [m] of latitude

ZONES = (  # zone, names, area, construction land [m**2], residents, jobs, and its box: west, south, east, north [m]
    ("north", "北区", "North", 1_200_000, 700_000, 4_000, 2_500, (0, 1_000, 2_000, 1_600)),
    ("centre", "中区", "Centre", 800_000, 300_000, 1_000, 3_000, (0, 600, 2_000, 1_000)),
    ("south", "南区", "South", 1_200_000, 650_000, 7_000, 1_500, (0, 0, 2_000, 600)),
)
BUILDINGS = (  # building, zone, names, use, floor area [m**2], place [m]
    ("lab", "north", "实验楼", "Laboratory", "laboratory", 6_000, (500, 1_300)),
    ("office", "centre", "办公楼", "Office", "office", 12_000, (1_000, 800)),
    ("dorm", "south", "宿舍楼", "Dormitory", "dormitory", 8_000, (700, 300)),
    ("boiler", "south", "锅炉房", "Boiler house", "plant", 400, (1_300, 200)),
)
METERS = (  # meter, carrier, role, parent, building
    ("lab-main", "electricity", "main", None, "lab"),
    ("lab-pv", "electricity", "generation", None, "lab"),
    ("office-main", "electricity", "main", None, "office"),
    ("office-servers", "electricity", "sub", "office-main", "office"),
    ("dorm-main", "electricity", "main", None, "dorm"),
    ("dorm-east", "electricity", "sub", "dorm-main", "dorm"),
    ("dorm-west", "electricity", "sub", "dorm-main", "dorm"),
    ("boiler-gas", "natural_gas", "main", None, "boiler"),
)
AIR = {  # observed property: unit, low, high, decimals
    "pm25": ("ug/m**3", 8, 140, 0),
    "pm10": ("ug/m**3", 15, 220, 0),
    "so2": ("ug/m**3", 3, 18, 0),
    "no2": ("ug/m**3", 12, 80, 0),
    "co": ("mg/m**3", 0.3, 2.2, 1),
    "o3": ("ug/m**3", 10, 110, 0),
    "air_temperature": ("degC", -9, 9, 1),
}
FACTORS = ("grid.beijing", "combustion-energy.natural_gas", "standard-coal.electricity", "standard-coal.natural_gas")
TEXT = (  # the lines of an invented report
    "示范区年度报告（虚构，仅供教程使用）",
    "示范区总面积3.2平方公里，由北区、中区、南区组成。",
    "北区面积1.2平方公里，中区面积0.8平方公里，南区面积1.2平方公里。",
    "示范区规划常住人口约1.2万人，就业岗位约7000个。",
    "2022年，示范区绿地率为40%，比2021年提高2个百分点。",
    "实验楼屋顶光伏装机容量为60千瓦。",
    "2022年全区PM2.5年均浓度为38微克/立方米。",
    "到2030年，绿地率达到45%，用电占比达到85%。",
    "全区建筑安装智能电表8块。",
    "展望未来，示范区将为约1.5万名规划常住居民提供服务。",
)
STATEMENTS = (  # line, section, topic, subject, measure, comparator, value, unit; both as printed; period, status, quote
    (2, "1", "spatial", "示范区", "demo district", "area", "=", "3200000", "m2", "3.2", "平方公里", "", "actual",
     "总面积3.2平方公里"),
    (3, "1", "spatial", "北区", "north", "area", "=", "1200000", "m2", "1.2", "平方公里", "", "actual",
     "北区面积1.2平方公里"),
    (3, "1", "spatial", "中区", "centre", "area", "=", "800000", "m2", "0.8", "平方公里", "", "actual",
     "中区面积0.8平方公里"),
    (3, "1", "spatial", "南区", "south", "area", "=", "1200000", "m2", "1.2", "平方公里", "", "actual",
     "南区面积1.2平方公里"),
    (4, "1", "spatial", "示范区", "demo district", "planned_resident_population", "~", "12000", "{person}", "1.2", "万人",
     "", "plan", "规划常住人口约1.2万人"),
    (4, "1", "spatial", "示范区", "demo district", "planned_jobs", "~", "7000", "{job}", "7000", "个", "", "plan",
     "就业岗位约7000个"),
    (5, "2", "green_space", "绿地率", "green space", "green_space_share", "=", "40", "%", "40%", "%", "2022", "actual",
     "绿地率为40%"),
    (6, "2", "energy", "实验楼", "laboratory", "photovoltaic_capacity", "=", "60000", "W", "60", "千瓦", "", "actual",
     "装机容量为60千瓦"),
    (7, "2", "air", "PM2.5年均浓度", "PM2.5 annual mean", "pm25_annual_mean", "=", "38", "ug/m3", "38", "微克/立方米",
     "2022", "actual", "PM2.5年均浓度为38微克/立方米"),
    (8, "3", "green_space", "绿地率", "green space", "green_space_share", "=", "45", "%", "45%", "%", "2030", "target",
     "绿地率达到45%"),
    (9, "2", "digital", "智能电表", "smart meters", "meter_count", "=", "8", "{meter}", "8", "块", "", "actual",
     "智能电表8块"),
    (10, "3", "spatial", "示范区", "demo district", "planned_resident_population", "~", "15000", "{person}", "1.5", "万名",
     "", "plan", "约1.5万名规划常住居民"),
)  # fmt: skip


def main() -> None:
    """Writes every file of the demo district."""
    sent = energy.send_all()
    write_district()
    write_buildings()
    write_meters()
    write_datastreams()
    write_energy(sent)
    write_air()
    write_factors()
    write_framework()
    write_statements()
    write_layers()
    print(f"{sum(f.stat().st_size for f in HERE.rglob('*') if f.is_file()) / 1e6:.2f} MB in {HERE.name}")


def write_csv(name: str, header: list[str], rows: list[tuple[Any, ...]]) -> None:
    """A CSV file in UTF-8 with LF line ends; None becomes an empty field."""
    file = HERE / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])


def write_district() -> None:
    """district.toml: a root zone and three zones; areas, residents and jobs of the zones add up to those of the whole."""
    totals = [sum(zone[column] for zone in ZONES) for column in (3, 4, 5, 6)]
    whole = ("district", "示范区", "Demo district", *totals)
    lines = [
        "# An invented district: the tutorial and the tests use it. Nothing in it exists.",
        "[district]",
        'slug = "demo"',
        'name = { zh = "示范区", en = "Demo district" }',
        'timezone = "Asia/Shanghai"',
        'languages = ["zh", "en"]',
    ]
    for zone, zh, en, area, land, residents, jobs in (whole, *(each[:7] for each in ZONES)):
        lines += ["", "[[zone]]", f'zone = "{zone}"']
        lines += [] if zone == "district" else ['parent = "district"']
        lines += [f'name_zh = "{zh}"', f'name_en = "{en}"', f"area = {area}", f"construction_land_area = {land}"]
        lines += [f"residents = {residents}", f"jobs = {jobs}", f'source = "{INVENTED}"']
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "district.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_buildings() -> None:
    """buildings.csv and stations.csv."""
    header = ["building", "zone", "name_zh", "name_en", "use", "floor_area", "longitude", "latitude", "origin", "source"]
    rows = [(*building[:6], *degrees(*building[6]), "stand-in", INVENTED) for building in BUILDINGS]
    write_csv("registers/buildings.csv", header, rows)
    header = ["station", "zone", "name_zh", "name_en", "longitude", "latitude", "origin", "source"]
    row = ("air-1", "centre", "示范站", "Demo station", *degrees(1_200, 700), "stand-in", INVENTED)
    write_csv("registers/stations.csv", header, [row])


def write_meters() -> None:
    """meters.csv, and installations.csv with the office's meter replaced and both registers known."""
    header = ["meter", "carrier", "role", "parent", "zero_is_gap", "origin", "source"]
    rows = [(*meter[:4], "false", "stand-in", INVENTED) for meter in METERS]
    write_csv("registers/meters.csv", header, rows)
    header = ["meter", "valid_from", "valid_to", "building", "serial", "multiplier", "register_digits", "register_decimals"]
    header += ["register_start", "register_end", "rated_power", "source"]
    begin, change = energy.FIRST.isoformat(), energy.REPLACED.isoformat()
    removed, came = f"{energy.office_at_removal() / 100:.2f}", f"{energy.OFFICE_USED / 100:.2f}"
    note = f"{INVENTED}; a used meter with another transformer came, both registers were read"
    installations = []
    for meter, _, _, _, building in METERS:
        serial = f"DEMO-{meter.upper()}"
        if meter == "office-main":
            installations.append((meter, begin, change, building, f"{serial}-1", 10, 6, 2, None, removed, 400, INVENTED))
            installations.append((meter, change, None, building, f"{serial}-2", 20, 6, 2, came, None, 400, note))
        elif meter in ("office-servers", "boiler-gas"):  # they send power and increments: there is no register
            installations.append((meter, begin, None, building, serial, 1, None, None, None, None, None, INVENTED))
        else:
            installations.append((meter, begin, None, building, serial, 1, 6, 2, None, None, 200, INVENTED))
    write_csv("registers/installations.csv", header, installations)


def write_datastreams() -> None:
    """datastreams.csv: registers (the laboratory's both ways), one power, one increment, and the station's seven properties."""
    header = ["datastream", "thing", "property", "unit", "flow", "interval_seconds", "origin", "source"]
    rows: list[tuple[Any, ...]] = []
    for meter, *_ in METERS:
        if meter == "office-servers":
            rows.append((f"{meter}.power", meter, "active_power", "kW", "forward", 900, "stand-in", INVENTED))
        elif meter == "boiler-gas":
            note = f"{INVENTED}; kWh on the net calorific value"
            rows.append((f"{meter}.energy", meter, "energy_increment", "kWh", "forward", 3600, "stand-in", note))
        else:
            flows = ("forward", "reverse") if meter == "lab-main" else ("forward",)
            rows += [(f"{meter}.{flow}", meter, "energy_register", "kWh", flow, 900, "stand-in", INVENTED) for flow in flows]
    rows += [(f"air-1.{name}", "air-1", name, AIR[name][0], None, 3600, "stand-in", INVENTED) for name in AIR]
    write_csv("registers/datastreams.csv", header, rows)


def write_energy(sent: energy.Sent) -> None:
    """Readings as Parquet, the boiler's as CSV; the late ones in a folder that is not loaded by itself; and the truth."""
    for observed in ("energy_register", "active_power"):
        rows = sorted(sent.readings[observed])
        write_parquet(f"{observed}", rows)
    header = ["datastream", "time", "value"]
    increments = [(name, at.isoformat(), value) for name, at, value in sent.readings["energy_increment"]]
    write_csv("readings/energy_increment.csv", header, increments)
    write_csv("late/dorm-main-2023-01-11.csv", header, [(name, at.isoformat(), value) for name, at, value in sent.late])
    estimated = {("dorm-main", energy.SILENT_FROM.date()), ("dorm-main", energy.SILENT_TO.date())}
    truth = [
        (meter, flow, day.isoformat(), f"{watt_hours / energy.WH:.3f}", "false" if (meter, day) in estimated else "true")
        for (meter, flow, day), watt_hours in sorted(sent.truth.items())
    ]
    write_csv("TRUTH.csv", ["meter", "flow", "day", "energy", "known_without_late_readings"], truth)
    of_building = {meter: (building, carrier) for meter, carrier, role, _, building in METERS if role == "main"}
    months: Counter[tuple[str, str, str]] = Counter()
    for (meter, flow, day), watt_hours in sent.truth.items():
        if meter in of_building:
            months[*of_building[meter], f"{day:%Y-%m}-01"] += -watt_hours if flow == "reverse" else watt_hours
    rows = [(*key, f"{watt_hours / energy.WH:.3f}") for key, watt_hours in sorted(months.items())]
    write_csv("TRUTH-months.csv", ["building", "carrier", "month", "energy"], rows)


def write_parquet(name: str, rows: list[energy.Reading]) -> None:
    """A Parquet file of readings, dictionary-encoded and compressed."""
    (HERE / "readings").mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "datastream": pa.array([row[0] for row in rows], pa.string()),
            "time": pa.array([energy.utc(row[1]) for row in rows], pa.timestamp("us", tz="UTC")),
            "value": pa.array([row[2] for row in rows], pa.float64()),
        }
    )
    pq.write_table(table, HERE / "readings" / f"{name}.parquet", compression="zstd", compression_level=19)


def write_air() -> None:
    """One station: an afternoon of seven hours without anything, and two days without PM2.5."""
    for name, (_, low, high, decimals) in AIR.items():
        rows = []
        for hour in range(energy.DAYS * 24):
            at = energy.FIRST + timedelta(hours=hour)
            day = hour // 24
            if (day == 20 and 11 <= at.hour < 18) or (name == "pm25" and day in (40, 41)):
                continue
            slow = energy.wobble(f"air {name if name in ('o3', 'air_temperature') else 'weather'}", day)
            sun = math.sin(math.pi * (at.hour - 8) / 12)
            share = 0.7 * slow + 0.1 + (0.15 * sun if name in ("o3", "air_temperature") else -0.05 * sun)
            share += 0.04 * (energy.wobble(name, hour) - 0.5)
            rows.append((f"air-1.{name}", at, round(low + (high - low) * min(max(share, 0.0), 1.0), decimals)))
        write_parquet(f"air-{name}", rows)


def write_factors() -> None:
    """Factors of the sample district, as many as the demo needs, and the choice among them."""
    sample = DISTRICTS / "future-science-city" / "factors"
    rows, header = [], []
    for file in sorted(sample.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            header = list(reader.fieldnames or [])
            rows += [tuple(row.values()) for row in reader if row["factor"] in FACTORS]
    write_csv("factors/factors.csv", header, rows)
    header = ["purpose", "carrier", "factor", "ratio", "valid_from", "valid_to", "reason_zh", "reason_en"]
    why = ("教程示例", "as an example for the tutorial")
    choices = [
        ("location_based", "electricity", "grid.beijing"),
        ("location_based", "natural_gas", "combustion-energy.natural_gas"),
        ("standard_coal_equivalent", "electricity", "standard-coal.electricity"),
        ("standard_coal_equivalent", "natural_gas", "standard-coal.natural_gas"),
    ]
    write_csv("registers/factor_choices.csv", header, [(*choice, None, "2022-01-01", None, *why) for choice in choices])


def write_framework() -> None:
    """Five indicators with targets by year: two measured, three reported."""
    (HERE / "frameworks").mkdir(parents=True, exist_ok=True)
    (HERE / "frameworks" / "demo-plan.yaml").write_text(FRAMEWORK, encoding="utf-8")


FRAMEWORK = """\
# Five invented indicators: two that the tables measure, three that a report prints.
framework:
  id: demo-plan
  name: {zh: 示范区发展指标, en: Plan of the demo district}
  document: 示范区发展规划（虚构）
  review: unverified
  source: 'stand-in: invented for the tutorial'
indicators:

  - id: electricity-share
    name: {zh: 用能电气化率, en: Share of electricity in the energy used}
    dimension: {zh: 能源, en: Energy}
    unit: percent
    direction: higher
    sdg_target: '7.2'
    iso37101_issue: economy_and_sustainable_production_and_consumption
    source: energy.zone_yearly
    table: energy.zone_yearly
    formula: 100 * sum(energy) filter (where carrier = 'electricity') / sum(energy)
    minimum_coverage: 0.1  # 90 days lie in two years; a real district asks for more
    targets:
      - {year: 2025, value: 60, document: 示范区发展规划（虚构）, review: unverified}
      - {year: 2030, value: 85, document: 示范区发展规划（虚构）, review: unverified}

  - id: emission-intensity
    name: {zh: 单位建筑面积碳排放, en: Emissions per floor area}
    dimension: {zh: 碳排放, en: Carbon}
    unit: kg/m**2
    direction: lower
    sdg_target: '13.2'
    iso37101_issue: economy_and_sustainable_production_and_consumption
    source: carbon.zone_total_yearly
    table: carbon.zone_total_yearly
    formula: sum(emission) / sum(floor_area)
    targets:
      - {year: 2025, value: 45, document: 示范区发展规划（虚构）, review: unverified}
      - {year: 2030, value: 30, document: 示范区发展规划（虚构）, review: unverified}

  - id: green-space-share
    name: {zh: 绿地率, en: Green space share}
    dimension: {zh: 生态, en: Ecology}
    unit: percent
    direction: higher
    sdg_target: '11.7'
    iso37101_issue: biodiversity_and_ecosystem_services
    source: report.zh.txt
    reported:
      - {year: 2021, printed: '38%'}
      - {year: 2022, printed: '40%', statement: D07}
      - {year: 2023, printed: '41.5%'}
    targets:
      - {year: 2030, value: 45, document: report.zh.txt, review: unverified, source: statement D10}

  - id: rooftop-photovoltaics
    name: {zh: 屋顶光伏装机容量, en: Photovoltaics on roofs}
    dimension: {zh: 能源, en: Energy}
    unit: kW
    printed_unit: {zh: 千瓦, en: kW}
    direction: higher
    sdg_target: '7.2'
    iso37101_issue: community_infrastructures
    source: report.zh.txt
    reported:
      - {year: 2021, printed: '约40'}
      - {year: 2022, printed: '60', statement: D08}
      - {year: 2023, printed: 超过60}
    targets:
      - {year: 2025, value: 100, document: 示范区发展规划（虚构）, review: unverified}

  - id: charging-points
    name: {zh: 公共充电桩数量, en: Public charging points}
    dimension: {zh: 交通, en: Transport}
    unit: one
    printed_unit: {zh: 个, en: points}
    direction: higher
    sdg_target: '11.2'
    iso37101_issue: mobility
    source: report.zh.txt
    reported:
      - {year: 2021, printed: '-'}
      - {year: 2022, printed: 40余个}
      - {year: 2023, printed: 暂缺}
    targets:
      - {year: 2025, value: 60, document: 示范区发展规划（虚构）, review: unverified}
"""


def write_statements() -> None:
    """Twelve statements of an invented report; D05 and D12 contradict each other."""
    (HERE / "statements").mkdir(parents=True, exist_ok=True)
    (HERE / "statements" / "report.zh.txt").write_text("\n".join(TEXT) + "\n", encoding="utf-8")
    header = ["document", "claim_id", "section", "topic", "subject_zh", "subject_en", "measure_en", "comparator", "value"]
    header += ["value_high", "unit", "value_reported", "unit_reported", "stated_period", "baseline_period", "quote_zh"]
    rows = []
    for number, statement in enumerate(STATEMENTS, start=1):
        line, section, topic, zh, en, measure, comparator, value, unit, printed, word, period, status, quote = statement
        row = ("report.zh.txt", f"D{number:02d}", section, topic, zh, en, measure, comparator, value, None, unit)
        rows.append((*row, printed, word, period, None, quote, status, line))
    write_csv("statements/report.csv", [*header, "status", "line"], rows)


def write_layers() -> None:
    """zones.geojson: three rectangles where the equator meets the meridian of Greenwich, in the open sea."""
    features = []
    for zone, zh, en, *_, (west, south, east, north) in ZONES:
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        properties = {"zone": zone, "name_zh": zh, "name_en": en, "origin": "stand-in", "source": INVENTED}
        geometry = {"type": "Polygon", "coordinates": [[list(degrees(*corner)) for corner in corners]]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    (HERE / "layers").mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    text = '{"type": "FeatureCollection", "features": [\n' + lines + "\n]}\n"
    (HERE / "layers" / "zones.geojson").write_text(text, encoding="utf-8")


def degrees(east: float, north: float) -> tuple[float, float]:
    """Longitude and latitude [degree] of a place [m] of the demo district."""
    return round(east / DEGREE, 6), round(north / DEGREE, 6)


if __name__ == "__main__":
    main()
