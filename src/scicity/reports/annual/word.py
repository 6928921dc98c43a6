"""An annual report as a Word document: styles with East Asian fonts, tables whose heads repeat, numbers that link on.

Texts are texts of XML: nothing in them is markup, and what XML cannot hold is replaced before. No field, macro or link to a
template is written. Charts are pictures with their numbers in the text beside them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from scicity.reports.annual.parts import Document
from scicity.reports.annual.pdf import Lines, picture
from scicity.reports.told import clean, either

LATIN, EAST = "Arial", {"zh": "Microsoft YaHei", "en": "Microsoft YaHei"}
MOST_ROWS = 400  # of a table; Excel has all
MOST_MARKED = 5_000  # numbers that get a bookmark in the list of their addresses
ACROSS = 9_990  # twentieths of a point: A4 less its margins
ACCENT, FAINT, AMBER, SUNKEN = "0F5F68", "5A6B70", "8A5A00", "EEF3F3"
NOT_IN_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\ufffd")


def written(document: Document, zone: ZoneInfo, address: str = "") -> bytes:
    """The Word document. With the `address` of a server each number links to its page there, else to the list at the end.

    Raises NoFont where a chart is to be drawn and the font is not installed.
    """
    import docx

    book = docx.Document()
    _Writing(book, document, address.rstrip("/")).write()
    properties = book.core_properties
    properties.title, properties.author = f"{document.title} · {document.district}"[:255], "SciCity"
    properties.comments, properties.language = "", document.language
    properties.created = properties.modified = document.at.replace(tzinfo=None, microsecond=0)
    properties.last_modified_by, properties.revision = "SciCity", 1
    into = io.BytesIO()
    book.save(into)
    return _timeless(into.getvalue())


def _timeless(content: bytes) -> bytes:
    """The same package without the time at which it was packed, so that equal content is equal bytes."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(entry, old.read(name))
    return into.getvalue()


class _Writing:
    """A document being written."""

    def __init__(self, book: Any, document: Document, base: str) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        self.book, self.document, self.base = book, document, base
        self.language = document.language
        self.element, self.qn = OxmlElement, qn
        self.lines = Lines(document, base)
        self.links: dict[str, str] = {}
        self.headings = 0

    def said(self, zh: str, en: str) -> str:
        return either(self.language, zh, en)

    def write(self) -> None:
        """Page, styles, the blocks in their order, and where each number opens."""
        from docx.shared import Mm, Pt

        section = self.book.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(17)
        section.top_margin, section.bottom_margin = Mm(20), Mm(18)
        self._styles(Pt)
        document = self.document
        self._paragraph([_text(document.district)], "Subtitle")
        self._paragraph([_text(document.title)], "Title")
        if document.standing:
            self._paragraph([_text(document.standing)], "Normal", colour=FAINT)
        if document.stand_ins:
            told = self.said("示例数据：本报告含替代数据，不代表本区实况。", "Sample data: this report holds stand-in data.")
            self._paragraph([_text(told)], "Normal", colour=AMBER)
        for block in document.blocks:
            self._block(self.lines.block(block))
        self._sources()
        self._foot(section)

    # --- styles ---

    def _styles(self, pt: Any) -> None:
        from docx.shared import RGBColor

        styles = self.book.styles
        sizes = {"Normal": 10, "Title": 22, "Subtitle": 11, "Heading 1": 15, "Heading 2": 12, "Heading 3": 10.5}
        for name, size in {**sizes, "List Bullet": 10, "List Number": 10, "Quote": 10, "Header": 8, "Footer": 8}.items():
            style = styles[name]
            style.font.size, style.font.italic = pt(size), False
            self._fonts(style.element.get_or_add_rPr())
            if name.startswith(("Heading", "Title")):
                style.font.color.rgb, style.font.bold = RGBColor.from_string(ACCENT), True
            if name in ("Subtitle", "Quote"):
                style.font.color.rgb = RGBColor.from_string(FAINT)
        styles["Normal"].paragraph_format.space_after = pt(6)
        defaults = styles.element.find(self.qn("w:docDefaults"))
        if defaults is not None:
            for properties in defaults.iter(self.qn("w:rPr")):
                self._fonts(properties)

    def _fonts(self, properties: Any) -> None:
        """Fonts by name for Latin and East Asian signs alike; those of the theme would leave Chinese to chance."""
        fonts = properties.find(self.qn("w:rFonts"))
        if fonts is None:
            fonts = self.element("w:rFonts")
            properties.insert(0, fonts)
        for name in list(fonts.attrib):
            del fonts.attrib[name]
        for name, font in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", EAST[self.language])):
            fonts.set(self.qn(f"w:{name}"), font)
        fonts.set(self.qn("w:hint"), "eastAsia" if self.language == "zh" else "default")
        spoken = properties.find(self.qn("w:lang"))
        if spoken is None:
            spoken = self.element("w:lang")
            properties.append(spoken)
        spoken.set(self.qn("w:val"), "zh-CN" if self.language == "zh" else "en-GB")
        spoken.set(self.qn("w:eastAsia"), "zh-CN")

    # --- blocks ---

    def _block(self, block: Mapping[str, Any]) -> None:
        kind = block["kind"]
        if kind == "heading":
            paragraph = self._paragraph(block["runs"], f"Heading {block['level']}")
            self.headings += 1
            self._bookmark(paragraph._p, f"h{self.headings}", MOST_MARKED + self.headings)
        elif kind == "item":
            self._item(block)
        elif kind in ("paragraph", "quote"):
            self._paragraph(block["runs"], "Quote" if kind == "quote" else "Normal")
        elif kind == "rows":
            widest = max(len(row) for row in block["rows"])
            self._table([[(cell, False) for cell in row] for row in block["rows"]], [1] * widest, 9)
        elif kind == "facts" and block["facts"]:
            rows = [[([_text(label)], False), ([_text(text)], False)] for label, text in block["facts"]]
            self._table(rows, [1, 4], 8.5, head=False)
        elif kind == "break":
            self.book.add_page_break()
        elif kind == "contents":
            self._contents()
        elif kind == "sheet":
            self._sheet(block["sheet"])

    def _contents(self) -> None:
        """The headings, each leading to its place."""
        number = 0
        for block in self.document.blocks:
            if block.kind != "heading":
                continue
            number += 1
            if block.level > 2:
                continue
            words = "".join(part["text"] for part in Lines(self.document, "").runs(block.runs))
            paragraph = self.book.add_paragraph(style="Normal")
            link = self.element("w:hyperlink")
            link.set(self.qn("w:anchor"), f"h{number}")
            link.append(self._letters(words, False, False, ACCENT))
            paragraph._p.append(link)
            paragraph.paragraph_format.space_after = 0
            paragraph.paragraph_format.left_indent = 200_000 * (block.level - 1)

    def _item(self, block: Mapping[str, Any]) -> None:
        """A line of a list: its mark is text, so that numbers stand as the template has them."""
        from docx.shared import Mm

        mark = [_text(f"{block['mark']}\t")] if block["mark"] else [_text("\t")]
        paragraph = self._paragraph(mark + list(block["runs"]), "Normal")
        form = paragraph.paragraph_format
        form.left_indent, form.first_line_indent = Mm(6 * block["level"]), Mm(-6)
        form.tab_stops.add_tab_stop(Mm(6 * block["level"]))

    def _sheet(self, sheet: Mapping[str, Any]) -> None:
        from docx.shared import Mm

        title = self._paragraph([_text(sheet["title"]) | {"bold": True}], "Normal", colour=ACCENT)
        title.paragraph_format.keep_with_next = True
        if sheet["note"]:
            self._paragraph([_text(sheet["note"])], "Normal", colour=FAINT).paragraph_format.keep_with_next = True
        if sheet["chart"]:
            shape = self.book.add_picture(io.BytesIO(picture(sheet["chart"], self.language)), width=Mm(174))
            shape._inline.docPr.set("descr", clean(sheet["title"]))
            shape._inline.docPr.set("name", f"chart {shape._inline.docPr.get('id')}")
        if not sheet["rows"]:
            return
        heads = []
        for head in sheet["heads"]:
            text = head["text"] + (f" [{head['unit']}]" if head["unit"] else "")
            heads.append(([_text(text)], head["right"]))
        rows = [heads]
        for row in sheet["rows"][:MOST_ROWS]:
            cells = zip(row["cells"], sheet["heads"], strict=True)
            rows.append([([cell | {"bold": False, "slanted": False}], head["right"]) for cell, head in cells])
        self._table(rows, sheet["widths"], 8.5 * sheet["size"] / 100)
        if sheet["more"] or len(sheet["rows"]) > MOST_ROWS:
            told = self.said(f"仅列前 {MOST_ROWS} 行，其余见 Excel。", f"The first {MOST_ROWS} rows; Excel has all.")
            self._paragraph([_text(told)], "Normal", colour=FAINT)

    def _sources(self) -> None:
        """Where each number opens."""
        if self.base:
            told = self.said(f"每个数值均可点开其由来：{self.base}", f"Each number links to where it comes from: {self.base}")
            self._paragraph([_text(told)], "Normal", colour=FAINT)
            return
        if not self.lines.listed:
            return
        self._paragraph([_text(self.said("数值的由来", "Where the numbers come from"))], "Heading 1")
        for number, (key, address) in enumerate(self.lines.listed, start=1):
            paragraph = self._paragraph([_text(f"{key}\u2003{address}")], "Normal", size=7)
            paragraph.paragraph_format.space_after = 0
            if number <= MOST_MARKED:
                self._bookmark(paragraph._p, f"n{key}", number)

    def _foot(self, section: Any) -> None:
        told = self.said("摘要", "digest")
        paragraph = section.footer.paragraphs[0]
        self._run(paragraph._p, _text(f"{self.document.district} · {self.document.title} · {told} {self.document.digest[:12]}"))

    # --- paragraphs and runs ---

    def _paragraph(self, runs: Sequence[Mapping[str, Any]], style: str, colour: str = "", size: float = 0) -> Any:
        paragraph = self.book.add_paragraph(style=style)
        for run in runs:
            self._run(paragraph._p, run, colour, size)
        return paragraph

    def _run(self, into: Any, run: Mapping[str, Any], colour: str = "", size: float = 0) -> None:
        """A run of text, or a number with its link, unit and marks."""
        if "key" not in run:
            into.append(self._letters(run["text"], run.get("bold"), run.get("slanted"), colour, size))
            return
        link = self.element("w:hyperlink")
        if run["url"]:
            link.set(self.qn("r:id"), self._link(run["url"]))
        elif len(self.lines.listed) <= MOST_MARKED:
            link.set(self.qn("w:anchor"), f"n{run['key']}")
        link.append(self._letters(run["text"], run.get("bold"), False, ACCENT if not run.get("faint") else FAINT, size))
        into.append(link)
        if run["unit"]:
            into.append(self._letters(f"\u00a0{run['unit']}", False, False, FAINT, size))
        if run["marks"]:
            into.append(self._letters(run["marks"], False, False, AMBER, size, raised=True))

    def _letters(self, text: str, bold: Any, slanted: Any, colour: str = "", size: float = 0, *, raised: bool = False) -> Any:
        run, properties = self.element("w:r"), self.element("w:rPr")
        told: list[tuple[str, str]] = [("b", "1")] if bold else []
        told += [("i", "1")] if slanted else []
        told += [("color", colour)] if colour else []
        told += [("sz", str(round(2 * size))), ("szCs", str(round(2 * size)))] if size else []
        told += [("vertAlign", "superscript")] if raised else []
        for name, value in told:
            one = self.element(f"w:{name}")
            one.set(self.qn("w:val"), value)
            properties.append(one)
        run.append(properties)
        for at, part in enumerate(clean_of(text).split("\t")):
            if at:
                run.append(self.element("w:tab"))
            letters = self.element("w:t")
            letters.text = part
            letters.set(self.qn("xml:space"), "preserve")
            run.append(letters)
        return run

    def _link(self, url: str) -> str:
        from docx.opc.constants import RELATIONSHIP_TYPE

        if url not in self.links:
            self.links[url] = self.book.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        return self.links[url]

    def _bookmark(self, paragraph: Any, name: str, number: int) -> None:
        for kind, place in (("w:bookmarkStart", 1), ("w:bookmarkEnd", len(paragraph) + 1)):
            mark = self.element(kind)
            mark.set(self.qn("w:id"), str(number))
            if kind == "w:bookmarkStart":
                mark.set(self.qn("w:name"), name)
            paragraph.insert(place, mark)

    # --- tables ---

    def _table(self, rows: Sequence[Sequence[Any]], widths: Sequence[float], size: float, *, head: bool = True) -> None:
        """A table of fixed widths that fits the page; its head is repeated, and a row is not torn apart."""
        total = sum(widths)
        places = [max(round(ACROSS * width / total), 200) for width in widths]
        table = self.element("w:tbl")
        table.append(self._said_of("w:tblPr", tblW={"w": str(sum(places)), "type": "dxa"}, tblLayout={"type": "fixed"}))
        grid = self.element("w:tblGrid")
        for width in places:
            grid.append(self._one("w:gridCol", w=str(width)))
        table.append(grid)
        for number, cells in enumerate(rows):
            top = head and number == 0
            row = self.element("w:tr")
            row.append(self._said_of("w:trPr", cantSplit={}, **({"tblHeader": {}} if top else {})))
            for (runs, right), width in zip(cells, places, strict=False):
                row.append(self._cell(runs, right, width, size, top))
            table.append(row)
        body = self.book.element.body
        body.insert(len(body) - 1, table)
        self.book.add_paragraph(style="Normal").paragraph_format.space_after = 0

    def _cell(self, runs: Any, right: bool, width: int, size: float, top: bool) -> Any:
        cell = self.element("w:tc")
        properties = self._said_of("w:tcPr", tcW={"w": str(width), "type": "dxa"})
        borders = self.element("w:tcBorders")
        borders.append(
            self._one("w:bottom", val="single", sz="8" if top else "4", space="0", color=ACCENT if top else "CFD8DA")
        )
        properties.append(borders)
        if top:
            properties.append(self._one("w:shd", val="clear", color="auto", fill=SUNKEN))
        cell.append(properties)
        paragraph = self.element("w:p")
        about = self._said_of("w:pPr", spacing={"before": "30", "after": "30"})
        if right:
            about.append(self._one("w:jc", val="right"))
        paragraph.append(about)
        for run in runs:
            self._run(paragraph, run, ACCENT if top else "", size)
        cell.append(paragraph)
        return cell

    def _one(self, name: str, **told: str) -> Any:
        one = self.element(name)
        for key, value in told.items():
            one.set(self.qn(f"w:{key}"), value)
        return one

    def _said_of(self, name: str, **parts: Mapping[str, str]) -> Any:
        one = self.element(name)
        for key, told in parts.items():
            one.append(self._one(f"w:{key}", **told))
        return one


def clean_of(text: str) -> str:
    """A text that XML can hold; tabs stay."""
    return "\t".join(clean(part) for part in text.split("\t")).translate(NOT_IN_XML)


def _text(text: str) -> dict[str, Any]:
    return {"text": text, "bold": False, "slanted": False}
