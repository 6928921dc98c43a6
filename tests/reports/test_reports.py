"""Reports of months and years: every number opens, the same lake gives the same bytes, closed figures stand as closed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

import pytest

from scicity.city import City
from scicity.cockpit import digits
from scicity.kernel.engine import Between
from scicity.kernel.lineage import ALL
from scicity.kernel.tables import Table
from scicity.reports import document, drawing, fonts, told
from scicity.reports.content import Report, address_of, made
from scicity.reports.declared import PARTS, SECTIONS, where_of
from scicity.reports.period import NoPeriod, Period, listed
from scicity.reports.words import Scale, amount, is_share, marks_of, scale_of

PERIODS = ("2022", "2023-01")


def open_all(city: City, report: Report) -> int:
    """Opens every number of a report, and finds there what is printed."""
    figures = report.figures
    for figure in figures:
        opened = city.figures.why(address_of(figure))
        if figure.value is None or opened.figure.value is None:
            assert opened.figure.value is figure.value, figure.address
        else:
            assert digits.exact(opened.figure.value) == digits.exact(figure.value), figure.address
        assert opened.method, figure.address
        assert any(evidence.total for evidence in opened.inputs), figure.address
    return len(figures)


@pytest.mark.parametrize("period", PERIODS)
def test_every_number_of_the_demo_opens(demo: City, period: str) -> None:
    report = made(demo, Period.of(period))
    assert open_all(demo, report) > 90
    assert {table.section.part for table in report.tables} >= {"energy", "carbon", "factors"}


@pytest.mark.sample
@pytest.mark.slow
def test_every_number_of_the_sample_opens(shipped: Callable[[str], City]) -> None:
    city = shipped("future-science-city")
    report = made(city, Period.of("2022"))
    assert open_all(city, report) > 1_000
    assert open_all(city, made(city, Period.of("2022-07"))) > 400
    assert report.stand_ins > 900  # and the report says so
    assert "替代" in "".join(text for _, text in told.facts(report, "zh", city.district.calendar.tz))


def test_what_a_report_says_is_what_the_tables_hold(demo: City) -> None:
    report = made(demo, Period.of("2023-01"))
    table = next(each for each in report.tables if each.section.name == "energy-buildings")
    rows = {(r["building"], r["carrier"]): r for r in demo.figures.rows("energy.consumption_monthly")
            if str(r["month"]) == "2023-01-01"}  # fmt: skip
    printed = {
        (row[2].figure.key["building"], row[2].figure.key["carrier"]): row[2].figure.value
        for row in table.rows
        if row[2].figure
    }
    assert printed == {key: row["energy"] for key, row in rows.items()}
    days = next(each for each in report.tables if each.section.name == "energy-days")
    whole = next(each for each in report.tables if each.section.name == "energy-carriers")
    for at, row in enumerate(whole.rows, start=1):  # the days of the report are its month
        assert sum(line[at].figure.value for line in days.rows) == row[1].figure.value


@pytest.mark.parametrize("form", document.FORMS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_lake_gives_the_same_bytes(demo: City, language: str, form: str) -> None:
    first = document.written(demo, Period.of("2022"), language, form)
    again = document.written(City(demo.folder, demo.state), Period.of("2022"), language, form)
    assert first == again
    assert first != document.written(demo, Period.of("2022-12"), language, form)


def test_another_state_of_the_lake_is_told(demo: City, closed: City) -> None:
    """The late readings healed the tables: digest and instant of the state are others."""
    before, after = made(demo, Period.of("2022")), made(closed, Period.of("2022"))
    assert before.digest != after.digest and before.at < after.at


def test_a_closed_month_stands_as_it_was_closed_and_says_what_is_known_by_now(demo: City, closed: City) -> None:
    period = Period.of("2023-01")
    before, after = made(demo, period), made(closed, period)
    assert before.act is None and after.act is not None

    def printed(report: Report) -> dict[str, object]:
        monthly = (f for t in report.tables if t.section.name != "corrections" for f in t.figures if "month" in f.key)
        return {figure.address: figure.value for figure in monthly}

    assert printed(after) == printed(before)
    kept = [f for t in after.tables if t.section.name != "corrections" for f in t.figures if f.key.get("month") == period.first]
    assert kept and all(figure.closed == "2023-01" for figure in kept)
    assert after.corrected > 0
    corrections = next(table for table in after.tables if table.section.name == "corrections")
    assert any(row[2].figure.value != row[3].figure.value for row in corrections.rows)
    assert open_all(closed, after) > 90
    said = dict(told.facts(after, "en", closed.district.calendar.tz))["Closing"]
    assert "was closed on 2023-03-01" in said and f"{after.corrected} of them" in said
    assert "open" in dict(told.facts(before, "en", closed.district.calendar.tz))["Closing"]
    assert [str(each.period) for each in listed(closed) if each.act] == ["2023-01"]


def test_a_table_that_a_district_has_not_is_no_section(demo: City) -> None:
    there = set(demo.figures.catalog.tables)
    for period in map(Period.of, PERIODS):
        report = made(demo, period)
        shown = {table.section.table for table in report.tables} | {section.table for section in report.empty}
        assert shown <= there
        assert shown == {section.table for section in SECTIONS if section.table in there and period.kind in section.of}


def test_sections_ask_for_columns_that_their_tables_have(demo: City) -> None:
    """A table that another part declares is asked by the names that it has."""
    for section in SECTIONS:
        assert section.part in PARTS and section.zh and section.en
        table = demo.figures.catalog.tables.get(section.table)
        if table is not None:
            asked = {*section.columns, *section.where, *section.order, *(section.during or ())} | ({section.by} - {""})
            assert asked <= set(table.columns), section.name


def test_a_reader_sees_the_domains_that_are_open_and_no_others(demo: City) -> None:
    report = made(demo, Period.of("2022"), {"energy", "indicators"})
    assert {figure.table.partition(".")[0] for figure in report.figures} == {"energy"}
    assert all(name.startswith("energy.") for name in report.read)
    with pytest.raises(NoPeriod):
        made(demo, Period.of("2022"), {"carbon"})


def test_a_reader_hears_of_corrections_of_rows_that_may_be_seen_alone(closed: City) -> None:
    def limit(table: Table) -> str:
        return "false" if "building" in table.columns else ALL

    narrow = SimpleNamespace(district=closed.district, closings=closed.closings, figures=closed.figures.limited(limit))
    period = Period.of("2023-01")
    seen, whole = made(narrow, period), made(closed, period)
    assert 0 < seen.corrected < whole.corrected
    assert not [figure for figure in seen.figures if "building" in figure.key]


@pytest.mark.parametrize("text", ["", "22", "2022-13", "2022-3", "２０２２", "2022-01-01", "0999", "../2022", "2022\n2023"])
def test_a_text_that_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(NoPeriod, match="2022-03"):
        Period.of(text)


def test_a_period_without_energy_is_refused(demo: City) -> None:
    with pytest.raises(NoPeriod, match="no energy of 2019"):
        made(demo, Period.of("2019"))
    assert [str(each.period) for each in listed(demo)] == ["2023", "2023-02", "2023-01", "2022", "2022-12", "2022-11"]


def test_a_period_knows_its_days() -> None:
    year, month = Period.of("2024"), Period.of("2024-02")
    assert (str(year.first), str(year.last), str(month.last)) == ("2024-01-01", "2024-12-31", "2024-02-29")
    section = next(each for each in SECTIONS if each.name == "emission-round")
    asked = where_of(section, Period.of("2024-02"), [])["month"]
    assert isinstance(asked, Between) and (str(asked.first), str(asked.last)) == ("2023-02-01", "2024-02-01")


def test_marks_tell_of_a_number_what_must_be_known(demo: City) -> None:
    figures = made(demo, Period.of("2022-11")).figures
    energies = [figure for figure in figures if figure.table == "energy.zone_monthly" and figure.column == "energy"]
    assert energies and all(marks_of(figure)[-1] == "coverage" for figure in energies)  # the month begins on the 17th
    assert all(figure.coverage is not None and figure.coverage < 1 for figure in energies)


def test_numbers_of_a_column_are_written_alike(demo: City) -> None:
    report = made(demo, Period.of("2022"))
    figure = next(f for f in report.figures if f.column == "energy")
    assert scale_of([figure], "kWh", "en").symbol == "MWh" and scale_of([figure], "kWh", "zh").symbol == "kWh"
    assert amount(figure, "en", Scale("MWh", Decimal(1000), 2)) == f"{figure.value / 1000:,.2f}"
    share = next(f for f in report.figures if is_share(f))
    assert amount(share, "en", Scale()).endswith(" %")


def test_a_missing_font_says_what_to_do(demo: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "PACKAGE", "no_such_font")
    with pytest.raises(fonts.NoFont, match="no-such-font"):
        document.written(demo, Period.of("2022"), "zh", "pdf")
    assert document.written(demo, Period.of("2022"), "zh", "xlsx")


@pytest.mark.parametrize("text", ["javascript:alert(1)", "ftp://x", "http://a b", "//x", 'https://x"onclick'])
def test_an_address_that_is_none_is_refused(demo: City, text: str) -> None:
    with pytest.raises(document.NoAddress):
        document.address_of(demo, text)
    assert document.address_of(demo, "https://city.example:8443/sci/") == "https://city.example:8443/sci"


def test_a_scale_holds_its_numbers() -> None:
    for low, high in ((0.0, 1.0), (0.0, 8_123.4), (-30.0, 4.0), (0.0, 0.003), (0.0, 0.0)):
        first, last, ticks = drawing.scale(low, high)
        assert first <= low and last >= high and ticks[0] == first and ticks[-1] == pytest.approx(last)
        assert 2 <= len(ticks) <= 7


def test_bars_stand_on_each_other_and_lines_break_where_nothing_is_known() -> None:
    bars = drawing._bars([[2.0, None], [3.0, -1.0]], lambda value: value / 10)
    assert [(bar[0], bar[3], bar[4]) for bar in bars] == [(0, 0.0, 0.2), (1, 0.2, 0.3), (1, -0.1, 0.1)]
    lines = drawing._lines([[1.0, None, 2.0, 3.0]], lambda value: value / 10)
    assert [len(line["points"]) for line in lines] == [1, 2]
