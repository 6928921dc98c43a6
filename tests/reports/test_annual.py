"""The annual report of the demo district: its numbers are those of the tables, in all three forms, and the same each time."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from decimal import Decimal

import docx
import openpyxl
import pytest
from lxml import etree
from pypdf import PdfReader

from scicity.city import City
from scicity.reports import told as words_of
from scicity.reports.annual import files, making, parts
from scicity.reports.annual.parts import Document
from scicity.reports.content import address_of
from tests.reports import glyphs
from tests.reports.conftest import HOSTILE

SERVER = "https://city.example"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
OWN = """# Report {{ year }} of {{ district }}

Energy: **{{ cell energy.zone_yearly.energy carrier=electricity }}**, {{ status charging-points }}. {{ closing }};
as of {{ as_of }}.

- {{ name charging-points }} [{{ unit charging-points }}]: {{ value charging-points }} of {{ target charging-points }}
- before: {{ before charging-points }}, distance {{ distance charging-points }}, baseline {{ baseline charging-points }}

| what | value |
|---|---|
| floor area | {{ cell energy.zone_yearly.energy_intensity carrier=electricity }} |

{{ contents }}

{{ indicators years=3 }}

{{ chart electricity-use }}

{{ section energy-carriers }}

{{ section energy-buildings }}

{{ section energy-months }}

{{ table carbon.zone_total_yearly columns=zone,emission,coverage }}

{{ if table buildings.no_such_table }}
never
{{ else }}
otherwise
{{ end }}

{{ state }}

{{ marks }}

{{ read }}
"""


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b\u00a0]+", "", text)


def made(city: City, language: str = "en", text: str = OWN, year: int = 2022) -> Document:
    names = [row["indicator"] for row in city.figures.rows("indicators.indicator")]
    for word in ("charging-points", "electricity-use"):
        if word not in names:
            text = text.replace(word, names[0])
    return making.made(city, text, year, language)


def test_every_number_is_the_one_of_its_table(demo: City) -> None:
    document = made(demo)
    assert len(document.figures) > 50
    for figure in document.figures:
        assert demo.figures.figure(address_of(figure)).value == figure.value, figure.address
        assert document.read[figure.table][0] == figure.version or figure.closed


def test_known_numbers_stand_in_the_report(demo: City) -> None:
    """Of the whole district's electricity the sum over its buildings, as the tables of the demo have it."""
    document = made(demo)
    buildings = demo.figures.rows("energy.consumption_yearly", where={"year": 2022, "carrier": "electricity"})
    whole = next(figure for figure in document.figures if figure.table == "energy.zone_yearly" and figure.column == "energy")
    assert whole.key == {"zone": "district", "carrier": "electricity", "year": 2022}
    assert whole.value == sum((row["energy"] for row in buildings if row["energy"] is not None), Decimal(0))


def test_conditions_choose_and_words_are_told(demo: City) -> None:
    text = " ".join(run.text for block in made(demo).blocks for run in block.runs)
    assert "otherwise" in text and "never" not in text
    assert "Report" in text and demo.district.name("en") in text and "2022 is open" in text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_lake_and_template_give_the_same_bytes(demo: City, language: str) -> None:
    document = made(demo, language)
    again = made(City(demo.folder, demo.state), language)
    kept = parts.kept(document)
    assert parts.kept(again) == kept and document.digest == parts.digest_of(kept)
    restored = parts.restored(kept)
    assert restored.figures == document.figures and parts.kept(restored) == kept
    for form in files.FORMS:
        first = files.written(demo, document, form)
        assert first == files.written(demo, again, form) == files.written(demo, restored, form), form


def test_what_was_not_kept_is_refused() -> None:
    for content in (b"", b"{}", b"[]", b'{"format": 99}'):
        with pytest.raises(ValueError):
            parts.restored(content)


def text_of_pdf(content: bytes) -> str:
    return squeezed("".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages))


def text_of_word(content: bytes) -> str:
    return squeezed("".join(docx.Document(io.BytesIO(content)).element.body.itertext(f"{W}t")))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_number_stands_in_pdf_and_word_with_its_address(demo: City, language: str) -> None:
    from scicity.reports.annual.pdf import Lines

    document = made(demo, language)
    lines = Lines(document, "")
    blocks = [lines.block(block) for block in document.blocks]
    assert sorted(address for _, address in lines.listed) == sorted(map(address_of, document.figures))
    numbers = [run["text"] for block in blocks for run in block.get("runs", ()) if "key" in run]
    numbers += [c["text"] for b in blocks if "sheet" in b for row in b["sheet"]["rows"] for c in row["cells"] if "key" in c]
    pdf, word = (files.written(demo, document, form) for form in ("pdf", "docx"))
    for text in (text_of_pdf(pdf), text_of_word(word)):
        for number in numbers:
            assert squeezed(number) in text
        for figure in document.figures:
            assert squeezed(address_of(figure)) in text


def test_numbers_link_to_the_server(demo: City) -> None:
    document = made(demo)
    wanted = {f"{SERVER}/why/{address_of(figure)}" for figure in document.figures}
    reader = PdfReader(io.BytesIO(files.written(demo, document, "pdf", SERVER)))
    links = {
        each.get_object()["/A"]["/URI"]
        for page in reader.pages
        for each in page.get("/Annots", [])
        if "/URI" in each.get_object().get("/A", {})
    }
    word = docx.Document(io.BytesIO(files.written(demo, document, "docx", SERVER)))
    linked = {rel.target_ref for rel in word.part.rels.values() if rel.is_external}
    book = openpyxl.load_workbook(io.BytesIO(files.written(demo, document, "xlsx", SERVER)))
    addresses = {row[0].value for row in book["Lineage"].iter_rows(min_row=2)}
    assert wanted <= links and wanted == linked and {f"{SERVER}/why/{each}" for each in addresses} == wanted


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_glyph_is_missing_in_the_pdf(demo: City, language: str) -> None:
    reader = PdfReader(io.BytesIO(files.written(demo, made(demo, language), "pdf")))
    assert glyphs.missing(reader) == []
    assert sum(1 for page in reader.pages for _ in glyphs.shown(reader, page.get_contents(), page["/Resources"])) > 2_000


def test_a_missing_glyph_would_be_found(demo: City) -> None:
    document = making.made(demo, "# Head\n\nno font has \U0001f6d2 here", 2022, "en")
    assert glyphs.missing(PdfReader(io.BytesIO(files.written(demo, document, "pdf"))))


def test_word_names_a_font_for_chinese_and_none_of_the_theme(demo: City) -> None:
    package = zipfile.ZipFile(io.BytesIO(files.written(demo, made(demo, "zh"), "docx")))
    styles = etree.fromstring(package.read("word/styles.xml"))
    named = {style.get(f"{W}styleId"): style for style in styles.iter(f"{W}style")}
    for name in ("Normal", "Title", "Heading1", "Heading2", "Heading3", "Quote"):
        fonts = named[name].find(f"{W}rPr/{W}rFonts")
        assert fonts is not None and fonts.get(f"{W}eastAsia") == "Microsoft YaHei"
        assert not [key for key in fonts.attrib if key.endswith("Theme")]
    assert styles.find(f"{W}docDefaults//{W}rFonts").get(f"{W}eastAsia") == "Microsoft YaHei"


def test_tables_of_word_fit_the_page_and_repeat_their_heads(demo: City) -> None:
    book = docx.Document(io.BytesIO(files.written(demo, made(demo), "docx")))
    across = book.sections[0].page_width - book.sections[0].left_margin - book.sections[0].right_margin
    assert len(book.tables) > 5
    for table in book.tables:
        grid = [int(column.get(f"{W}w")) for column in table._tbl.tblGrid]
        assert sum(grid) * 635 <= across + 12_700  # twentieths of a point in EMU
        assert all(row.find(f"{W}trPr/{W}cantSplit") is not None for row in table._tbl.iter(f"{W}tr"))
    assert [table for table in book.tables if table._tbl.find(f"{W}tr/{W}trPr/{W}tblHeader") is not None]


def test_excel_holds_numbers_and_no_formula(demo: City) -> None:
    document = made(demo)
    book = openpyxl.load_workbook(io.BytesIO(files.written(demo, document, "xlsx")))
    rows = list(book["Lineage"].iter_rows(min_row=2, values_only=True))
    assert sorted(row[0] for row in rows) == sorted(map(address_of, document.figures))
    values = {address_of(figure): figure.value for figure in document.figures}
    for address, sheet, where, *_ in rows:
        value = values[address]
        cell = book[sheet][where].value
        if value is None:
            assert cell == "—"
        else:
            assert cell == pytest.approx(float(value), rel=1e-14)
    assert not [cell for sheet in book for row in sheet for cell in row if cell.data_type == "f"]


EVIL = [
    '=HYPERLINK("http://x.example","open") #panic("x") $x$ `raw`',
    "@SUM(1) <w:instrText>DDEAUTO c:\\\\windows</w:instrText> ]]> &lt; <!-- -->",
    "+cmd|' /C calc'!A0 \x00\x01\x0b\x1f\ud800 \ufffe\uffff end",
    '-1 \\u{41} #set page(fill: red) #import "/etc/passwd" @ref <label>',
    "{% load x %} {{{ }}} ${7*7} %s %(x)s {0.__class__}",
]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_hostile_template_is_text_in_every_form(demo: City, language: str) -> None:
    text = (
        "# Head\n\n"
        + "\n\n".join(f"a{at} {each}" for at, each in enumerate(EVIL))
        + "\n\n| =1+1 | +2 |\n|---|---|\n| @x | -y |\n"
    )
    document, faults = making.tried(demo, text, 2022, language)
    assert [fault.line for fault in faults] == [11]  # the braces of the last one
    for form in files.FORMS:
        content = files.written(demo, document, form)
        if form == "pdf":
            shown = text_of_pdf(content)
        elif form == "docx":
            shown = text_of_word(content)
            package = zipfile.ZipFile(io.BytesIO(content))
            for name in package.namelist():
                if name.endswith(".xml"):
                    etree.fromstring(package.read(name))
            body = package.read("word/document.xml")
            assert b"<w:instrText" not in body and b"<w:fldSimple" not in body and b"<w:object" not in body
            assert not [rel for rel in docx.Document(io.BytesIO(content)).part.rels.values() if rel.is_external]
        else:
            book = openpyxl.load_workbook(io.BytesIO(content))
            cells = [cell for sheet in book for row in sheet for cell in row]
            assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
            shown = squeezed("".join(str(cell.value) for cell in cells if cell.value is not None))
        for piece in ('=HYPERLINK("http://x.example"', '#panic("x")', "DDEAUTO", "+cmd|", "#setpage(fill:red)", "${7*7}"):
            assert squeezed(piece) in shown, (form, piece)


@pytest.mark.parametrize("form", sorted(files.FORMS))
def test_a_hostile_name_of_a_building_is_a_name(hostile: City, form: str) -> None:
    document = made(hostile, "en")
    content = files.written(hostile, document, form)
    if form == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [cell for sheet in book for row in sheet for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        shown = squeezed("".join(str(cell.value) for cell in cells if cell.value is not None))
    else:
        shown = text_of_pdf(content) if form == "pdf" else text_of_word(content)
    for name in HOSTILE.values():
        assert squeezed(words_of.clean(name))[:12] in shown


@pytest.mark.parametrize(
    ("text", "found", "remedy"),
    [
        ("{{ value chargingpoints }}", "chargingpoints", "meant?"),
        ("{{ cell energy.zone_yearly.enregy carrier=electricity }}", "enregy", "Is energy"),
        ("{{ cell energy.zone_yearly.energy }}", "cell energy.zone_yearly.energy", "See the list"),
        ("{{ cell energy.zone_yearly.energy carrier=electricity year=x }}", "x", "See"),
        ("{{ cell energy.zone_yeerly.energy }}", "energy.zone_yeerly", "energy.zone_yearly"),
        ("{{ section energy-carrier }}", "energy-carrier", "energy-carriers"),
        ("{{ indicators no-framework }}", "no-framework", "See"),
        ("{{ table carbon.zone_total_yearly columns=zone,emision }}", "emision", "Is emission"),
        ("{{ table carbon.zone_total_yearly colour=red }}", "colour", "See"),
        ("{{ chart nothing }}", "nothing", "See"),
    ],
)
def test_what_a_template_names_and_the_district_has_not_is_a_fault(demo: City, text: str, found: str, remedy: str) -> None:
    with pytest.raises(making.Faulty) as raised:
        making.made(demo, f"# A\n\n{text}\n", 2022, "en")
    (fault,) = raised.value.faults
    assert fault.line == 3 and fault.found == found and remedy in fault.remedy[1]


def test_a_district_without_registers_has_a_report_that_says_so(tmp_path) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "district.toml").write_text(
        '[district]\nslug = "bare"\nname = { zh = "空区", en = "Bare" }\ntimezone = "Asia/Shanghai"\n\n'
        '[[zone]]\nzone = "district"\nname_zh = "空区"\nname_en = "Bare"\n',
        encoding="utf-8",
    )
    city = City(folder, tmp_path / "state")
    city.load()
    assert making.years_of(city) == []
    document = making.made(city, files.template_of(folder, "en"), 2023, "en")
    assert document.figures == []
    for form in files.FORMS:
        assert files.written(city, replace(document, standing=""), form)
