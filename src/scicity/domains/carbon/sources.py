"""The sources of carbon: the district's factors and which of them it uses, and what the domain knows of factors."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.domains.carbon.methods import choice_lint, exact, factor_lint
from scicity.kernel.files import read_csv
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

STANDARDS = Path(__file__).parent / "standards"
REVIEW = ("verified", "unverified")
BOUNDARY = ("direct", "life_cycle")
FIRST_OF_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])-01")  # accounting periods are whole months
PERIOD = ("valid_from", "valid_to")
COMPUTED = ("factor_value", "canonical_unit")  # not in the file

QUANTITY = source(
    "carbon.quantity",
    packaged=__file__,
    path="standards/quantities.csv",
    columns=["quantity", "name_zh", "name_en", "unit", "lowest", "highest", "boundary", "purpose", "note"],
    optional=("purpose", "note"),
    grain=["quantity"],
    choices={"boundary": BOUNDARY},
    title_zh="因子类别",
    title_en="Kinds of factors",
    doc="What a factor can say, in which canonical unit, within which bounds, and what it may be used for.",
)

CONSTANT = source(
    "carbon.constant",
    packaged=__file__,
    path="standards/constants.csv",
    columns=["constant", "name_zh", "name_en", "printed", "unit", "document", "clause", "review", "note"],
    optional=("clause", "note"),
    grain=["constant"],
    choices={"review": REVIEW},
    title_zh="常数",
    title_en="Constants",
    doc="Constants by which factors are computed again, with their documents.",
)

CARRIER = source(
    "carbon.carrier",
    packaged=__file__,
    path="standards/carriers.csv",
    columns=["carrier", "name_zh", "name_en", "emission_scope", "measures", "document", "clause", "review", "note"],
    optional=("note",),
    grain=["carrier"],
    choices={"review": REVIEW},
    title_zh="能源品种的排放范围",
    title_en="Scope of each carrier",
    doc="Under which scope the emissions of a carrier are reported, and by what it may be measured.",
)

KNOWN_WRONG = source(
    "carbon.known_wrong",
    packaged=__file__,
    path="standards/known_wrong.csv",
    columns=[
        *("fault", "carrier", "region", "quantity", "data_year", "document", "published_before"),
        *("printed", "unit", "truth", "reason_zh", "reason_en", "source"),
    ],
    optional=("carrier", "region", "quantity", "data_year", "document", "published_before", "printed"),
    grain=["fault"],
    references={"quantity": "carbon.quantity.quantity"},
    title_zh="已知的错误因子",
    title_en="Factors known to be wrong",
    doc="Wrong values met in programs and reports: a factor that agrees in all that a row fills in is refused.",
)


@cache
def canonical_units() -> dict[str, str]:
    """The canonical unit of each kind of factor."""
    with (STANDARDS / "quantities.csv").open(encoding="utf-8", newline="") as rows:
        return {row["quantity"]: row["unit"] for row in csv.DictReader(rows)}


def _parse_factors(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    """The rows of a file of factors, each with its value in the canonical unit of its quantity."""
    rows = read_csv(file, place, FACTOR, problems)
    for row in rows:
        where = (place, row["source_row"])
        for column in COMPUTED:
            if row.get(column):
                problems.add("column-unknown", *where, column, found=row[column], expected="nothing: it is computed")
        _check_months(row, place, problems)
        row["revision"] = row.get("revision") or "0"
        unit = row["canonical_unit"] = canonical_units().get(row.get("quantity") or "")
        row["factor_value"] = None
        if unit is None or not row.get("printed") or not row.get("unit"):
            continue  # told by the register's references, or as a missing value
        try:
            row["factor_value"] = str(
                exact.twelve_places(exact.printed_number(row["printed"]) * exact.scale(row["unit"], unit))
            )
        except ValueError as error:
            wrong = "printed" if "plain decimal" in str(error) else "unit"
            expected = "a plain decimal number" if wrong == "printed" else f"a unit that converts to {unit}"
            problems.add("value" if wrong == "printed" else "unit", *where, wrong, found=row[wrong], expected=expected)
    return rows


def _parse_choices(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    rows = read_csv(file, place, CHOICE, problems)
    for row in rows:
        _check_months(row, place, problems)
    return rows


def _check_months(row: dict[str, Any], place: str, problems: Problems) -> None:
    for column in PERIOD:
        if row.get(column) and not FIRST_OF_MONTH.fullmatch(row[column]):
            expected = "the first day of a month, such as 2022-01-01"
            problems.add("factor-year", place, row["source_row"], column, found=row[column], expected=expected)


def _check_factors(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    quantities = {row["quantity"]: row for row in tables["carbon.quantity"].to_pylist()}
    constants = factor_lint.constants_of(tables["carbon.constant"].to_pylist())
    wrong = tables["carbon.known_wrong"].to_pylist()
    _tell(factor_lint.faults_of(table.to_pylist(), wrong, quantities, constants), problems)


def _check_choices(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    quantities = {row["quantity"]: row for row in tables["carbon.quantity"].to_pylist()}
    scopes = {row["carrier"]: row["emission_scope"] for row in tables["carbon.carrier"].to_pylist()}
    _tell(choice_lint.faults_of(table.to_pylist(), tables["carbon.factor"].to_pylist(), quantities, scopes), problems)


def _tell(faults: list[factor_lint.Fault], problems: Problems) -> None:
    for fault in faults:
        row = fault.row
        problems.add(fault.code, row["source_file"], row["source_row"], fault.field, found=fault.found, expected=fault.expected)


FACTOR = source(
    "carbon.factor",
    path="factors/*.csv",
    columns=[
        *("factor", "carrier", "variety", "emission_scope", "region", "quantity", "printed", "unit", "data_year"),
        *("valid_from", "valid_to", "revision", "document", "document_number", "published_on", "clause"),
        *("gas", "boundary", "review", "note", *COMPUTED),
    ],
    optional=(
        *("variety", "emission_scope", "data_year", "valid_to", "revision", "document_number", "published_on", "clause"),
        *("gas", "note", *COMPUTED),
    ),
    grain=["factor", "valid_from", "revision"],
    during=PERIOD,
    key_of_period=("quantity", "carrier", "variety", "region", "emission_scope", "boundary", "gas", "revision"),
    references={"quantity": "carbon.quantity.quantity"},
    choices={"gas": ("CO2", "CO2e"), "boundary": BOUNDARY, "review": REVIEW},
    ranges={"emission_scope": (1, 3), "data_year": (1990, 2100), "revision": (0, 99)},
    parse=_parse_factors,
    check=_check_factors,
    title_zh="因子",
    title_en="Factors",
    doc="The district's factors, each as printed and in canonical units, with the document, the year of its data, the day "
    "on which it was published and the accounting period for which it holds.",
)

CHOICE = source(
    "carbon.factor_choice",
    path="registers/factor_choices.csv",
    columns=["purpose", "carrier", "factor", "ratio", *PERIOD, "reason_zh", "reason_en"],
    optional=("ratio", "valid_to"),
    grain=["purpose", "carrier", "valid_from"],
    during=PERIOD,
    key_of_period=("purpose", "carrier"),
    references={"factor": "carbon.factor.factor", "ratio": "carbon.factor.factor", "carrier": "carbon.carrier.carrier"},
    choices={"purpose": choice_lint.PURPOSES},
    parse=_parse_choices,
    check=_check_choices,
    title_zh="因子的选用",
    title_en="Factors chosen",
    doc="Which series of factors the district uses for which purpose and carrier, since when, and why.",
)
