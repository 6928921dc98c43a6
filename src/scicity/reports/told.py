"""What a report says in words, the same in both formats: its title, the state of its data, what its marks mean."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from scicity.cockpit import digits
from scicity.reports.content import Report, Table
from scicity.reports.declared import PARTS
from scicity.reports.words import MARKS, marks_of

DIRECTIONS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))  # signs that turn a text around
CONTROLS = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000), *DIRECTIONS, 0xFFFE, 0xFFFF), "\ufffd")


def clean(text: str) -> str:
    """A text without what no document should hold: control characters, halves of characters, signs that turn it around."""
    return text.translate(CONTROLS)


def either(language: str, zh: str, en: str) -> str:
    """One of two texts."""
    return zh if language == "zh" else en


def title(report: Report, language: str) -> str:
    """What kind of report it is, of which period."""
    yearly = report.period.kind == "year"
    zh = f"能源与碳排放{'年' if yearly else '月'}报 · {report.period.name('zh')}"
    en = f"Energy and carbon: {'yearly' if yearly else 'monthly'} report {report.period.name('en')}"
    return either(language, zh, en)


def district(report: Report, language: str) -> str:
    """The district's name."""
    return report.names[language != "zh"]


def part(name: str, language: str) -> str:
    """The name of a part."""
    return PARTS[name][language != "zh"]


def section(table: Table, language: str) -> str:
    """The name of a section."""
    return either(language, table.section.zh, table.section.en)


def note(report: Report, table: Table, language: str) -> str:
    """What is said of a section; of days in a closed period, that they are not closed with it."""
    said = either(language, *table.section.note)
    figure = next(table.figures, None)
    if report.act is not None and figure is not None and table.section.table and not {"month", "year"} & set(figure.key):
        zh, en = "此表不随关账封存，按目前所知列出。", "This table is not closed with its period: it stands as it is known now."
        said = f"{said} {either(language, zh, en)}".strip()
    return said


def standing(report: Report, language: str, zone: ZoneInfo) -> str:
    """Whether the period is closed."""
    act = report.act
    if act is None:
        return either(language, "未关账：数值仍会随数据补齐而更新", "open: figures are still brought up to date as data come")
    when = digits.moment(act.at, zone)
    zh = f"{act.period} 已于 {when} 关账（第 {act.number} 号）；数值按关账时列出"
    en = f"{act.period} was closed on {when} (act {act.number}); figures stand as they were closed"
    if report.corrected:
        zh += f"，此后有 {report.corrected} 项更正"
        en += f"; {report.corrected} of them are known otherwise by now"
    return either(language, zh, en)


def facts(report: Report, language: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    """The state of the data: what is said, and how it stands."""
    period, count = report.period, len(report.figures)
    found = [
        (either(language, "城区", "District"), district(report, language)),
        (either(language, "账期", "Period"), f"{period.name(language)}（{period.first} – {period.last}）"
         if language == "zh" else f"{period.name(language)} ({period.first} to {period.last})"),
        (either(language, "关账", "Closing"), standing(report, language, zone)),
        (either(language, "数据覆盖", "Coverage"), _coverage(report, language)),
    ]  # fmt: skip
    if report.stand_ins:
        zh = f"{count:,} 个数值中有 {report.stand_ins:,} 个以其他园区的数据替代，不代表本区实况"
        en = f"{report.stand_ins:,} of {count:,} numbers stand on data of another place and do not tell of this district"
        found.append((either(language, "替代数据", "Stand-in data"), either(language, zh, en)))
    unverified = report.unverified()
    if unverified:
        names = "、".join(dict.fromkeys(str(row["factor"]) for row in unverified))
        zh = f"{len(unverified)} 条所用因子的文件未曾核对：{names}"
        en = f"the documents of {len(unverified)} factors in use were not seen: {names.replace('、', ', ')}"
        found.append((either(language, "未核对因子", "Unverified factors"), either(language, zh, en)))
    if report.empty:
        names = [either(language, each.zh, each.en) for each in report.empty]
        found.append(
            (either(language, "本期无数据", "Nothing in the period"), either(language, "、", ", ").join(dict.fromkeys(names)))
        )
    when = digits.moment(report.at, zone)
    lake = either(language, f"{report.digest}，截至 {when}", f"{report.digest}, as of {when}")
    found.append((either(language, "数据湖状态", "State of the lake"), lake))
    return found


def _coverage(report: Report, language: str) -> str:
    """The coverage of each carrier in the whole district."""
    first = next(table for table in report.tables if table.section.name == "energy-carriers")
    said = []
    for row in first.rows:
        share = next((cell.figure for cell in row if cell.figure is not None and cell.figure.column == "coverage"), None)
        known = digits.share(share.value) if share is not None and share.value is not None else digits.UNKNOWN
        said.append(f"{row[0].text(language)} {known}")
    return either(language, "，", ", ").join(said)


def legend(report: Report, language: str) -> list[tuple[str, str]]:
    """The marks that stand in a report, with what they mean."""
    there = {mark for figure in report.figures for mark in marks_of(figure)}
    return [(MARKS[name][language != "zh"], MARKS[name][2 + (language != "zh")]) for name in MARKS if name in there]
