"""The register of layers: what a district says of each layer of its map, and of files that it says nothing of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from scicity.kernel.district import District
from scicity.kernel.files import plain_files
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Layer, layer_table, source
from scicity.vocabulary import layer_names

STRATA = ("above", "surface", "underground")
THEMES = {
    "base": ("底图", "Base map"),
    "planning": ("规划", "Planning"),
    "buildings": ("建筑", "Buildings"),
    "transport": ("交通", "Transport"),
    "services": ("公共服务", "Public services"),
    "green": ("绿地", "Green space"),
    "water": ("水系", "Water"),
    "heritage": ("历史文化", "Heritage"),
    "underground": ("地下空间", "Underground"),
    "environment": ("环境", "Environment"),
    "energy": ("能源", "Energy"),
}
FILES = "layers/*"
LARGEST = 8 << 30  # bytes
SIDECARS = (".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".md")  # parts of a Shapefile, and notes

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # of a layer: it stands in addresses, and in names of files


def _check_names(rows: pa.Table, tables: Mapping[str, pa.Table], problems: Problems) -> None:
    """Refuses names of layers that cannot stand in an address."""
    for row in rows.select(["layer", "source_file", "source_row"]).to_pylist():
        if row["layer"] and not NAME.fullmatch(row["layer"]):
            expected = "a name of at most 63 of a-z, 0-9, - and _"
            problems.add("value", row["source_file"], row["source_row"], "layer", found=row["layer"], expected=expected)


LAYER = source(
    "district.layer",
    path="registers/layers.csv",
    columns=[
        *(
            "layer",
            "theme",
            "name_zh",
            "name_en",
            "layer_file",
            "file_part",
            "where_sql",
            "crs",
            "feature_from",
            "name_zh_from",
        ),
        *("name_en_from", "class_from", "elevation_from", "height_from", "depth_from", "valid_from_from", "valid_to_from"),
        *("restricted_from", "stratum", "feature_class", "valid_from", "valid_to", "responsible_zh", "responsible_en"),
        *("licence", "agreement_no", "update_days", "visible_to", "editable", "origin", "source"),
    ],
    optional=(
        *("file_part", "where_sql", "crs", "feature_from", "name_zh_from", "name_en_from", "class_from", "elevation_from"),
        *("height_from", "depth_from", "valid_from_from", "valid_to_from", "restricted_from", "stratum", "feature_class"),
        *("valid_from", "valid_to", "responsible_zh", "responsible_en", "licence", "agreement_no", "update_days", "visible_to"),
        *("editable", "source"),
    ),
    grain=["layer"],
    check=_check_names,
    choices={"stratum": STRATA, "theme": tuple(THEMES)},
    ranges={"update_days": (1, 36_525)},
    title_zh="图层目录",
    title_en="Layers",
    doc="The layers of the map: file, part and condition, which attribute tells what, theme, keeper, licence, update duty.",
)

LAYER_CLASS = source(
    "district.layer_class",
    path="registers/layer_classes.csv",
    columns=["layer", "attribute", "attribute_value", "feature_class"],
    grain=["layer", "attribute", "attribute_value"],
    title_zh="图层要素分类",
    title_en="Classes of features",
    doc="The class of a layer's features by an attribute of its file: the first row that fits; what none fits is left out.",
)
ANY = "*"  # any value of an attribute


@dataclass(frozen=True)
class Given:
    """An attribute that gives a column, and the number by which it is multiplied where it counts something else."""

    name: str
    factor: float | None = None


def givens(text: str | None, number: bool = False) -> tuple[Given, ...]:
    """The attributes that a `…_from` names, semicolons between them; of numbers with ` * 3.2` behind."""
    found = []
    for part in (text or "").split(";"):
        times = re.fullmatch(r"(.+?)\s*\*\s*(\d+(?:\.\d+)?)", part.strip()) if number else None
        if times:
            found.append(Given(times[1], float(times[2])))
        elif part.strip():
            found.append(Given(part.strip()))
    return tuple(found)


@dataclass(frozen=True)
class Spec:
    """What is said of one layer; the fields are columns of `district.layer`."""

    layer: str
    layer_file: str
    theme: str = "base"
    name_zh: str = ""
    name_en: str = ""
    file_part: str | None = None
    where_sql: str | None = None
    crs: str | None = None
    feature_from: str | None = None
    name_zh_from: str | None = None
    name_en_from: str | None = None
    class_from: str | None = None
    elevation_from: str | None = None
    height_from: str | None = None
    depth_from: str | None = None
    valid_from_from: str | None = None
    valid_to_from: str | None = None
    restricted_from: str | None = None
    stratum: str | None = None
    feature_class: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    responsible_zh: str | None = None
    responsible_en: str | None = None
    licence: str | None = None
    agreement_no: str | None = None
    update_days: int | None = None
    visible_to: str | None = None
    editable: bool | None = None
    origin: str = "reported"
    source: str | None = None
    classes: tuple[tuple[str, str, str], ...] = ()  # attribute, value, class: rows of `district.layer_class`, in their order

    @property
    def parts(self) -> tuple[str | None, ...]:
        """The layers within the file."""
        return tuple(part.strip() for part in (self.file_part or "").split(";") if part.strip()) or (None,)

    @property
    def roles(self) -> frozenset[str]:
        """The roles that may see the layer; empty: all."""
        return frozenset((self.visible_to or "").split())

    @property
    def table(self) -> Layer:
        """Its table."""
        return layer_table(self.layer, self.name_zh or self.layer, self.name_en or self.layer)


def spec_of(row: Mapping[str, Any]) -> Spec:
    """A row of `district.layer` as a specification."""
    known = {field.name for field in fields(Spec)}
    return Spec(**{name: value for name, value in row.items() if name in known and value is not None})


def specs_of(
    district: District,
    rows: Iterable[Mapping[str, Any]] | None = None,
    classes: Iterable[Mapping[str, Any]] | None = None,
) -> dict[str, Spec]:
    """The layers of a district by name: those of its registers (read, where their rows are not given), then files of which they
    say nothing, each a layer of its stem."""
    if rows is None:
        rows = district.read(LAYER, Problems()).to_pylist()
    if classes is None:
        classes = district.read(LAYER_CLASS, Problems()).to_pylist()
    of: dict[str, list[tuple[str, str, str]]] = {}
    for row in classes:
        if all(row[name] for name in ("layer", "attribute", "attribute_value", "feature_class")):
            of.setdefault(row["layer"], []).append((row["attribute"], row["attribute_value"], row["feature_class"]))
    found = {
        row["layer"]: replace(spec_of(row), classes=tuple(of.get(row["layer"], ())))
        for row in rows
        if NAME.fullmatch(row["layer"] or "") and row["layer_file"] and row["theme"] and row["origin"]
    }
    told = {spec.layer_file for spec in found.values()}
    for _, place in plain_files(district.folder, FILES, Problems(), LARGEST):
        name = PurePosixPath(place).name
        stem = name.split(".")[0]
        beside = name.startswith(".") or name.lower().endswith(SIDECARS)
        if name not in told and not beside and stem not in found and NAME.fullmatch(stem):
            zh, en = layer_names().get(stem, (stem, stem))
            found[stem] = Spec(layer=stem, layer_file=name, name_zh=zh, name_en=en)
    return found


def check_files(folder: Path, rows: Iterable[Mapping[str, Any]], problems: Problems) -> None:
    """Tells of files of layers/ that can be no layer: links out of the folder, and names that need a row of the register."""
    told = {row["layer_file"] for row in rows}
    for _, place in plain_files(folder, FILES, problems, LARGEST):
        name = PurePosixPath(place).name
        beside = name.startswith(".") or name.lower().endswith(SIDECARS)
        if name not in told and not beside and not NAME.fullmatch(name.split(".")[0]):
            expected = "a name of a-z, 0-9, - and _, or a row of registers/layers.csv that names the layer"
            problems.add("file-unknown", place, found=name, expected=expected)


def tables_of(district: District) -> list[Layer]:
    """The tables of a district's layers."""
    return [spec.table for spec in specs_of(district).values()]
