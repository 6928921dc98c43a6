"""A district with a short report whose statements are written by hand, and the tables of evidence over it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.city import City
from scicity.domains.evidence import finding as found
from scicity.domains.evidence import tables
from scicity.domains.evidence.methods.checking import findings
from scicity.domains.evidence.methods.found import Rules
from scicity.kernel.district import KERNEL_SOURCES
from scicity.kernel.lake import Part
from scicity.kernel.tables import Catalog, Table, discover

COLUMNS = found.STATEMENT
STANDARDS = Path(found.__file__).parent / "standards"
OTHERS = ("indicators.statement", "indicators.document_line", "environment.implied_baseline", "environment.air_yearly")
VALUE = Table(
    name="indicators.value",
    columns=("indicator", "zone", "year", "origin", "value", "coverage", "stand_in", "symbol", "claim_id"),
    grain=("indicator", "zone", "year", "origin"),
)
ZONES = (
    {"zone": "district", "parent": None, "name_zh": "示范区", "area": 3_000_000.0},
    {"zone": "east", "parent": "district", "name_zh": "东区", "area": 1_000_000.0},
    {"zone": "west", "parent": "district", "name_zh": "西区", "area": 2_000_000.0},
)


def standard(name: str) -> list[dict[str, Any]]:
    """The rows of a register that the domain brings."""
    with (STANDARDS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rules(zones: Sequence[Mapping[str, Any]] = ZONES) -> Rules:
    """The domain's own rules over these zones."""
    return Rules(
        checks={row["rule"]: row for row in standard("checks.csv")},
        printed=tuple(standard("printed_units.csv")),
        measures=tuple(standard("measures.csv")),
        parts=tuple(standard("parts.csv")),
        ratios=tuple(standard("ratios.csv")),
        cues=tuple(standard("cues.csv")),
        zones=tuple(zones),
    )


def said(claim: str, quote: str, printed: str, value: float | None, unit: str, measure: str, **more: Any) -> dict[str, Any]:
    """A statement; what is not said is as for a fact of the whole district in line 1."""
    usual = {
        **dict.fromkeys(COLUMNS),
        **{"document": "report.txt", "section": "1", "topic": "spatial", "subject_zh": "示范区", "subject_en": "demo"},
        **{"comparator": "=", "status": "actual", "line": 1},
    }
    about = {
        "claim_id": claim,
        "quote_zh": quote,
        "value_reported": printed,
        "value": value,
        "unit": unit,
        "measure_en": measure,
    }
    return {**usual, **about, **more}


def check(*rows: Mapping[str, Any], **more: Any) -> dict[str, list[dict[str, Any]]]:
    """What the domain's rules find in statements, by rule."""
    lines: dict[str, dict[int, str]] = {}
    for row in rows:
        mine = lines.setdefault(row["document"], {})
        if row["quote_zh"] not in mine.get(row["line"], ""):
            mine[row["line"]] = mine.get(row["line"], "") + row["quote_zh"] + "，"
    out: dict[str, list[dict[str, Any]]] = {}
    for row in findings(rows, lines, more.pop("rules", rules()), **more):
        out.setdefault(row["rule"], []).append(row)
    return out


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> str:
    """Statements as a CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if row.get(name) is None else row[name] for name in columns})
    return out.getvalue()


TWICE = said(
    "A1", "70项建筑获得标识", "70", 70.0, "{building}", "labelled_building_count", unit_reported="项", stated_period="2024"
)
AGAIN = said(
    "A2",
    "55项建筑获得标识",
    "55",
    55.0,
    "{building}",
    "labelled_building_count",
    unit_reported="项",
    stated_period="2024",
    line=2,
)
WELL = said("A3", "绿地率为40%", "40", 40.0, "%", "green_space_ratio", unit_reported="%", stated_period="2024", line=3)
TEXT = "至年底，70项建筑获得标识。\n至年底，55项建筑获得标识。\n绿地率为40%，<b>余略</b>。\n"


class SmallReport:
    """The district's folder and lake, with the tables of evidence over its statements."""

    def __init__(self, root: Path, rows: Sequence[Mapping[str, Any]] = (TWICE, AGAIN, WELL), text: str = TEXT) -> None:
        self.folder = root / "district"
        (self.folder / "statements").mkdir(parents=True)
        zones = "".join(
            f'[[zone]]\nzone = "{z["zone"]}"\nname_zh = "{z["name_zh"]}"\nname_en = "{z["zone"]}"\narea = {z["area"]}\n'
            + (f'parent = "{z["parent"]}"\n' if z["parent"] else "")
            for z in ZONES
        )
        about = '[district]\nslug = "r"\nname = {zh = "试", en = "r"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh", "en"]\n'
        (self.folder / "district.toml").write_text(about + zones, encoding="utf-8")
        (self.folder / "statements" / "report.txt").write_text(text, encoding="utf-8")
        self.write(rows)
        self.city = City(self.folder, root / "state")
        declared = discover().tables
        mine = [value for value in vars(tables).values() if isinstance(value, Table)]
        others = [declared[name] for name in OTHERS[:2]]
        stubs = [Table(name=t.name, columns=t.columns, grain=t.grain) for t in (declared[name] for name in OTHERS[2:])]
        self.city.catalog = Catalog([*KERNEL_SOURCES, *others, *stubs, VALUE, *mine, *tables.tables_of(None)])
        for table in (*stubs, VALUE, tables.SETTLEMENT):
            self.put(table, [])
        self.bring()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes the statements."""
        (self.folder / "statements" / "report.csv").write_text(as_csv(rows), encoding="utf-8")

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Replaces a table."""
        self.city.lake.replace(
            table.name, {Part("all"): pa.Table.from_pylist(rows, schema=table.schema)}, table.schema, inputs={}, code=""
        )

    def bring(self) -> None:
        """Loads what the folder holds and brings the tables up to date."""
        self.city.load()
        self.city.compute()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table of evidence."""
        return [dict(row) for row in self.city.figures.rows(f"evidence.{table}")]
