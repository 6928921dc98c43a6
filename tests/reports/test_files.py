"""The files of a report: text of the PDF can be found, heads repeat, links lead on; Excel holds numbers and no formula."""

from __future__ import annotations

import io
import re
from decimal import Decimal

import openpyxl
import pytest
from pypdf import PdfReader

from scicity.city import City
from scicity.reports import document, pdf, told, xlsx
from scicity.reports.content import Report, address_of, made
from scicity.reports.period import Period
from tests.reports.conftest import HOSTILE

SERVER = "https://city.example"


def read(city: City, period: str, language: str, address: str = "") -> tuple[PdfReader, list[str]]:
    """The PDF of a report, and the text of its pages without spaces (they fall where lines are set)."""
    found = PdfReader(io.BytesIO(document.written(city, Period.of(period), language, "pdf", address)))
    return found, [squeezed(page.extract_text()) for page in found.pages]


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("示范区", "能源与碳排放年报·2022年", "按能源品种", "实验楼", "电力", "数据湖状态", "未核对", "替代数据")),
        ("en", ("Demo district", "yearly report 2022", "By carrier", "Laboratory", "Electricity", "unverified", "stand-in")),
    ],
)
def test_the_text_of_a_report_can_be_found(demo: City, language: str, words: tuple[str, ...]) -> None:
    found, pages = read(demo, "2022", language)
    text = "".join(pages)
    for word in words:
        assert squeezed(word) in text, word
    for at, page in enumerate(pages, start=1):
        assert f"{at}/{len(pages)}" in page
    assert found.metadata is not None and found.metadata.title == (
        f"{told.title(made(demo, Period.of('2022')), language)} · {demo.district.name(language)}"
    )
    assert "\ufffd" not in text


def test_every_printed_number_and_its_address_stand_in_the_text(demo: City) -> None:
    report = made(demo, Period.of("2023-01"))
    told_to_page = pdf.document(report, "en", demo.district.calendar.tz)
    text = "".join(read(demo, "2023-01", "en")[1])
    cells = [cell for part in told_to_page["parts"] for s in part["sections"] for row in s["rows"] for cell in row["cells"]]
    numbers = [cell for cell in cells if "key" in cell]
    assert len(numbers) + sum(len(each["cells"]) for each in told_to_page["highlights"]) == len(report.figures)
    for cell in numbers:
        assert squeezed(cell["text"]) in text
    for figure in report.figures:
        assert squeezed(address_of(figure)) in text


def test_numbers_link_to_the_server_where_one_is_named(demo: City) -> None:
    found, pages = read(demo, "2023-01", "zh", SERVER)
    links = [
        annotation["/A"]["/URI"]
        for page in found.pages
        for annotation in (each.get_object() for each in page.get("/Annots", []))
        if "/A" in annotation and "/URI" in annotation["/A"]
    ]
    wanted = {f"{SERVER}/why/{address_of(figure)}" for figure in made(demo, Period.of("2023-01")).figures}
    assert wanted <= set(links)
    assert "数值的由来" not in "".join(pages)


def test_without_a_server_numbers_link_to_the_appendix(demo: City) -> None:
    found, _ = read(demo, "2023-01", "zh")
    annotations = [each.get_object() for page in found.pages for each in page.get("/Annots", [])]
    assert len(annotations) >= len(made(demo, Period.of("2023-01")).figures)
    assert not [each for each in annotations if "/URI" in each.get("/A", {})]


def test_charts_are_drawn_and_the_font_is_embedded(demo: City) -> None:
    found, _ = read(demo, "2023-01", "zh")
    assert not [image for page in found.pages for image in page.images]
    fonts = [font.get_object() for page in found.pages for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        below = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "NotoSansCJK" in str(below["/FontName"]).replace("-", "") or "Noto" in str(below["/FontName"])
        assert {"/FontFile2", "/FontFile3"} & set(below)


def test_a_table_over_several_pages_repeats_its_head(demo: City) -> None:
    """The days of a month in the manner of a long table: fifteen copies of them do not fit on a page."""
    report = made(demo, Period.of("2023-01"))
    table = next(each for each in report.tables if each.section.name == "energy-days")
    tables = [*report.tables[:1], type(table)(table.section, table.heads, [*table.rows] * 15)]
    longer = Report(**{**vars(report), "tables": tables})
    pages = PdfReader(io.BytesIO(pdf.written(longer, "en", demo.district.calendar.tz, SERVER))).pages
    texts = [page.extract_text() for page in pages]
    holding = [text for text in texts if text.count("2023-01-1") > 3]
    assert len(holding) > 5
    assert all("Electricity" in text and "Day" in text for text in holding)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_hostile_name_is_a_name(hostile: City, language: str) -> None:
    text = "".join(read(hostile, "2022", language)[1])
    for name in HOSTILE.values():
        assert squeezed(told.clean(name))[:12] in text
    book = openpyxl.load_workbook(io.BytesIO(document.written(hostile, Period.of("2022"), language, "xlsx")))
    cells = [cell for sheet in book for row in sheet for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    names = {told.clean(name) for name in HOSTILE.values()}
    assert names <= {cell.value for cell in cells}
    assert not [cell for cell in cells if cell.hyperlink and cell.value in names]


def test_excel_holds_every_number_with_its_link_and_lineage(demo: City) -> None:
    report = made(demo, Period.of("2023-01"))
    book = openpyxl.load_workbook(io.BytesIO(xlsx.written(report, "en", demo.district.calendar.tz, SERVER)))
    lineage = book["Lineage"]
    rows = list(lineage.iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == [address_of(figure) for figure in report.figures]
    for figure, (address, sheet, where, _, exact, *_) in zip(report.figures, rows, strict=True):
        cell = book[sheet][where]
        assert cell.hyperlink.target == f"{SERVER}/why/{address}"
        if figure.value is None:
            assert cell.value == exact == "—"
        else:
            assert isinstance(cell.value, (int, float))
            assert cell.value == pytest.approx(float(figure.value), rel=1e-14)
            assert Decimal(exact) == Decimal(str(figure.value))


def test_excel_without_a_server_links_to_the_lineage(demo: City) -> None:
    report = made(demo, Period.of("2022"))
    book = openpyxl.load_workbook(io.BytesIO(xlsx.written(report, "zh", demo.district.calendar.tz)))
    lineage = book["由来"]
    for row in lineage.iter_rows(min_row=2):
        cell = book[row[1].value][row[2].value]
        name, _, place = cell.hyperlink.location.partition("!")
        assert name.strip("'") == "由来" and place == row[0].coordinate


def test_sheets_have_heads_that_stay_units_and_room(demo: City) -> None:
    report = made(demo, Period.of("2022"))
    book = openpyxl.load_workbook(io.BytesIO(xlsx.written(report, "zh", demo.district.calendar.tz)))
    assert len(book.sheetnames) == len(report.tables) + 3
    assert all(len(name) <= 31 for name in book.sheetnames)
    sheet = book["能源按建筑"]
    assert sheet.freeze_panes == "B2"
    heads = [cell.value for cell in sheet[1]]
    assert "能耗 [kWh]" in heads and heads[-1] == "标记"
    assert all(sheet.column_dimensions[cell.column_letter].width >= 8 for cell in sheet[1])
    assert book.properties.created.replace(tzinfo=None) == report.at.replace(tzinfo=None)
