"""The datasets as SDMX: SDMX-CSV 2.0, and their data structures with codelists as SDMX-ML 3.0.

Dimensions are FREQ, the keys of the dataset, MEASURE and TIME_PERIOD; the measure is OBS_VALUE, exact as decimal text. Unit,
origin, coverage, stand-in mark, review and the address that opens a value are attributes of each observation.

Source: SDMX 3.0, section 3 (SDMX-ML) and SDMX-CSV 2.0 field guide.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from scicity.opendata.datasets import Dataset, lines, said_of, word
from scicity.opendata.forms import safe
from scicity.reports.told import clean
from scicity.reports.words import Names

VERSION = "1.0.0"
FREQUENCIES = {"year": "A", "month": "M", "day": "D"}
CODE = re.compile(r"[A-Za-z0-9_@$\-]{1,60}")
ATTRIBUTES = (*("UNIT_MEASURE", "ORIGIN", "COVERAGE", "STAND_IN", "REVIEW", "CLOSED", "LINEAGE"),)
OF_LINE = {"UNIT_MEASURE": "unit"}
NAMES = {
    "FREQ": ("频率", "Frequency"),
    "REF_AREA": ("区域", "Reference area"),
    "MEASURE": ("指标项", "Measure"),
    "TIME_PERIOD": ("时间", "Time period"),
    "OBS_VALUE": ("观测值", "Observation value"),
    "UNIT_MEASURE": ("单位", "Unit of measure"),
    "ORIGIN": ("来源类别", "Origin"),
    "COVERAGE": ("数据覆盖率", "Coverage"),
    "STAND_IN": ("替代数据", "Stand-in data"),
    "REVIEW": ("核对状态", "Review"),
    "CLOSED": ("关账期", "Closed period"),
    "LINEAGE": ("由来地址", "Address that opens the value"),
}
OWN_CODES = {
    "A": ("年", "Annual"),
    "M": ("月", "Monthly"),
    "D": ("日", "Daily"),
}
MES = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/message"
STR = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure"
COM = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/common"
XML = "http://www.w3.org/XML/1998/namespace"


def agency_of(city: Any) -> str:
    """The district as an SDMX agency."""
    text = re.sub(r"[^A-Za-z0-9_\-]", "_", city.district.slug).upper()
    return text if text[:1].isalpha() else f"D_{text}"


def code_of(value: str) -> str:
    """A value of a key as an SDMX code: itself where that is one, else with a digest so that no two are one."""
    if CODE.fullmatch(value):
        return value
    safe_part = re.sub(r"[^A-Za-z0-9_\-]", "_", value)[:40]
    return f"{safe_part}_{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def name_of(dataset: Dataset) -> str:
    """The identifier of a dataset: INDICATORS, ENERGY_YEARLY."""
    return dataset.name.upper().replace("-", "_")


def dimensions_of(dataset: Dataset) -> list[tuple[str, str]]:
    """The dimensions but time, each with the key it is: FREQ, keys, MEASURE."""
    keys = [name for name in dataset.keys if name != dataset.time]
    return [("FREQ", ""), *((("REF_AREA" if name == "zone" else _upper(name)), name) for name in keys), ("MEASURE", "measure")]


def attributes_of(dataset: Dataset) -> list[str]:
    """The attributes of an observation; what is a dimension already is none."""
    taken = {name for name, _ in dimensions_of(dataset)}
    return [*(name for name in ATTRIBUTES if name not in taken), *(_upper(name) for name in dataset.said)]


def _upper(name: str) -> str:
    return name.upper()


def as_csv(city: Any, dataset: Dataset) -> bytes:
    """SDMX-CSV 2.0: a line for each observation, with the dataflow that it is of and the action I (information)."""
    into = io.StringIO()
    out = csv.writer(into, lineterminator="\r\n")
    dimensions, attributes = dimensions_of(dataset), attributes_of(dataset)
    head = ["STRUCTURE", "STRUCTURE_ID", "ACTION", *(name for name, _ in dimensions), "TIME_PERIOD", "OBS_VALUE", *attributes]
    out.writerow(head)
    flow = f"{agency_of(city)}:{name_of(dataset)}({VERSION})"
    for line in lines(city, dataset):
        keys = [FREQUENCIES[dataset.time], *(code_of(line[key]) for _, key in dimensions[1:])]
        told = [safe(str(line[OF_LINE.get(name, name.lower())])) for name in attributes]
        out.writerow(["dataflow", flow, "I", *keys, line[dataset.time], line["value"], *told])
    return into.getvalue().encode()


def structure(city: Any, datasets: Sequence[Dataset]) -> bytes:
    """The structures of datasets as one SDMX-ML 3.0 message: codelists, concepts, data structures, dataflows."""
    for prefix, space in (("mes", MES), ("str", STR), ("com", COM)):
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.Element(f"{{{MES}}}Structure")
    header = _under(root, MES, "Header")
    _under(header, MES, "ID").text = f"{agency_of(city)}_STRUCTURES"
    _under(header, MES, "Test").text = "false"
    _under(header, MES, "Prepared").text = prepared(city, datasets)
    _under(header, MES, "Sender", id=agency_of(city))
    content = _under(root, MES, "Structures")
    writing = _Structures(city, datasets)
    writing.agency_scheme(_under(content, STR, "AgencySchemes"))
    writing.codelists(_under(content, STR, "Codelists"))
    writing.concepts(_under(content, STR, "ConceptSchemes"))
    structures = _under(content, STR, "DataStructures")
    flows = ElementTree.Element(f"{{{STR}}}Dataflows")
    for dataset in datasets:
        writing.data_structure(structures, dataset)
        writing.flow(flows, dataset)
    content.append(flows)
    content[:] = [part for part in content if len(part)]
    order = ["AgencySchemes", "Codelists", "ConceptSchemes", "Dataflows", "DataStructures"]
    content[:] = sorted(content, key=lambda part: order.index(part.tag.rpartition("}")[2]))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def prepared(city: Any, datasets: Sequence[Dataset]) -> str:
    """When the newest of the datasets was written; no clock is asked."""
    from scicity.opendata.datasets import state_of

    newest = max((state_of(city, dataset)[1] for dataset in datasets), default=None)
    return newest.strftime("%Y-%m-%dT%H:%M:%SZ") if newest else "1970-01-01T00:00:00Z"


class _Structures:
    """The structures of a district's datasets being written."""

    def __init__(self, city: Any, datasets: Sequence[Dataset]) -> None:
        self.city, self.datasets, self.agency = city, datasets, agency_of(city)
        self.names = Names.read(city)
        values: dict[str, dict[str, None]] = {}
        self.used: dict[str, None] = {}
        for dataset in datasets:
            self.used |= dict.fromkeys([name for name, _ in dimensions_of(dataset)])
            self.used |= dict.fromkeys(["TIME_PERIOD", "OBS_VALUE", *attributes_of(dataset)])
            for line in lines(city, dataset):
                for name, key in dimensions_of(dataset)[1:]:
                    values.setdefault(name, {})[line[key]] = None
        self.keys = {name: key for dataset in datasets for name, key in dimensions_of(dataset)}
        self.codes: dict[str, Mapping[str, tuple[str, str]]] = {"FREQ": OWN_CODES}
        for name, found in values.items():
            key = self.keys[name]
            if key == "measure":
                self.codes[name] = {value: word(value) for value in sorted(found)}
            else:
                self.codes[name] = said_of(self.names, city, key, sorted(found))

    def urn(self, package: str, kind: str, name: str, item: str = "") -> str:
        """The URN of a structure or of an item in it."""
        return f"urn:sdmx:org.sdmx.infomodel.{package}.{kind}={self.agency}:{name}({VERSION})" + (f".{item}" if item else "")

    def agency_scheme(self, into: Any) -> None:
        scheme = _under(into, STR, "AgencyScheme", id="AGENCIES", agencyID="SDMX")
        _name(scheme, ("机构", "Agencies"))
        agency = _under(scheme, STR, "Agency", id=self.agency)
        _name(agency, (self.city.district.name("zh"), self.city.district.name("en")))

    def codelists(self, into: Any) -> None:
        for name, codes in self.codes.items():
            listed = self._own(into, "Codelist", f"CL_{name}", self._word(name))
            for value, said in codes.items():
                _name(_under(listed, STR, "Code", id=code_of(value)), said)

    def concepts(self, into: Any) -> None:
        scheme = self._own(into, "ConceptScheme", "CONCEPTS", ("概念", "Concepts"))
        for name in self.used:
            _name(_under(scheme, STR, "Concept", id=name), self._word(name))

    def data_structure(self, into: Any, dataset: Dataset) -> None:
        found = self._own(into, "DataStructure", f"DSD_{name_of(dataset)}", (dataset.zh, dataset.en))
        parts = _under(found, STR, "DataStructureComponents")
        listed = _under(parts, STR, "DimensionList", id="DimensionDescriptor")
        for at, (name, _) in enumerate(dimensions_of(dataset), start=1):
            self._component(listed, "Dimension", name, f"CL_{name}", position=str(at))
        self._component(listed, "TimeDimension", "TIME_PERIOD", kind="ObservationalTimePeriod")
        attributes = _under(parts, STR, "AttributeList", id="AttributeDescriptor")
        for name in attributes_of(dataset):
            one = self._component(attributes, "Attribute", name, kind="String", usage="optional")
            relation = _under(one, STR, "AttributeRelationship")
            _under(relation, STR, "Observation")
        measures = _under(parts, STR, "MeasureList", id="MeasureDescriptor")
        self._component(measures, "Measure", "OBS_VALUE", kind="Decimal", usage="optional")

    def flow(self, into: Any, dataset: Dataset) -> None:
        found = self._own(into, "Dataflow", name_of(dataset), (dataset.zh, dataset.en))
        _under(found, STR, "Structure").text = self.urn("datastructure", "DataStructure", f"DSD_{name_of(dataset)}")

    def _own(self, into: Any, kind: str, name: str, said: tuple[str, str]) -> Any:
        found = _under(into, STR, kind, id=name, agencyID=self.agency, version=VERSION)
        _name(found, said)
        return found

    def _component(self, into: Any, what: str, name: str, codes: str = "", kind: str = "", **more: str) -> Any:
        one = _under(into, STR, what, id=name, **more)
        _under(one, STR, "ConceptIdentity").text = self.urn("conceptscheme", "Concept", "CONCEPTS", name)
        form = _under(one, STR, "LocalRepresentation")
        if codes:
            _under(form, STR, "Enumeration").text = self.urn("codelist", "Codelist", codes)
        else:
            _under(form, STR, "TextFormat", textType=kind)
        return one

    def _word(self, name: str) -> tuple[str, str]:
        return NAMES.get(name) or word(name.lower())


def _under(into: Any, space: str, name: str, **told: str) -> Any:
    return ElementTree.SubElement(into, f"{{{space}}}{name}", told)


def _name(into: Any, said: Iterable[str]) -> None:
    for language, text in zip(("en", "zh"), reversed(list(said)), strict=True):
        one = _under(into, COM, "Name")
        one.set(f"{{{XML}}}lang", language)
        one.text = clean(text)
