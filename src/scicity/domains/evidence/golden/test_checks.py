"""Known answers of each check: what it finds, with its arithmetic, and the same in order, of which it finds nothing."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.evidence.golden.small_report import AGAIN, STANDARDS, TWICE, WELL, check, said, standard
from scicity.domains.evidence.methods.checking import ROW, digest_of

CITY: dict[str, Any] = {"unit_reported": "平方公里", "status": "plan"}


def only(found: dict[str, list[dict[str, Any]]], rule: str) -> list[dict[str, Any]]:
    assert set(found) == {rule}, found
    assert all(set(row) == set(ROW) for row in found[rule])
    return found[rule]


def test_the_same_said_twice() -> None:
    rows = only(check(TWICE, AGAIN), "said_twice")
    assert [(row["claim_id"], row["claim_role"]) for row in rows] == [("A1", "first"), ("A2", "second")]
    assert rows[0]["arithmetic"] == "70 ≠ 55; Δ = 15 (21.4286 %)"
    assert rows[0]["finding"] == "said_twice.A1.A2"
    assert check(TWICE, {**AGAIN, "stated_period": "2023"}) == {}
    assert check(TWICE, {**AGAIN, "status": "target"}) == {}


def test_two_bounds_and_a_bound_that_holds() -> None:
    over = {**WELL, "comparator": "over", "quote_zh": "绿地率超40%"}
    assert only(
        check(over, {**over, "claim_id": "A4", "value": 50.0, "value_reported": "50", "quote_zh": "绿地率超50%"}),
        "bounds_twice",
    )
    assert check(over, {**WELL, "claim_id": "A4", "value": 43.2, "value_reported": "43.2", "quote_zh": "绿地率43.2%"}) == {}


def sector(claim: str, quote: str, printed: str, value: float, **more: Any) -> dict[str, Any]:
    about: dict[str, Any] = {
        "unit_reported": "亿元",
        "stated_period": "2024",
        "subject_zh": f"产业{claim}",
        "subject_en": claim,
    }
    return said(claim, quote, printed, value, "CNY", "industry_revenue", **{**about, **more})


def test_parts_that_exceed_their_whole_and_scopes_that_differ() -> None:
    whole = sector("T", "营业收入40亿元", "40", 4e9, measure_en="operating_revenue", subject_zh="规模以上企业")
    parts = [sector("P", "其中甲30亿元", "30", 3e9), sector("Q", "乙15亿元", "15", 1.5e9)]
    found = check(whole, *parts)
    assert set(found) == {"parts_over_whole", "scope_mixed"}
    assert found["parts_over_whole"][0]["arithmetic"].startswith(
        "3,000,000,000 + 1,500,000,000 = 4,500,000,000 > 4,000,000,000 CNY"
    )
    assert {row["claim_role"] for row in found["parts_over_whole"]} == {"part", "whole"}
    fitting = sector("Q", "乙10亿元", "10", 1e9)
    assert check(whole, parts[0], fitting) == {}


def school(claim: str, quote: str, printed: str, measure: str) -> dict[str, Any]:
    return said(
        claim,
        quote,
        printed,
        float(printed),
        "{school}",
        measure,
        unit_reported="所",
        subject_zh=f"学校{claim}",
        subject_en=claim,
    )


def test_named_parts_add_up_or_do_not() -> None:
    whole = school("S", "39所中小学", "39", "school_count")
    ten, more = (
        school("M", "中学10所", "10", "secondary_school_count"),
        school("N", "名校14所", "14", "prestigious_school_count"),
    )
    assert check(whole, ten, school("P", "小学29所", "29", "primary_school_count"), more) == {}, "of another division"
    assert only(check(whole, ten, school("P", "小学2所", "2", "primary_school_count")), "parts_short")
    assert only(check(whole, ten, school("P", "小学49所", "49", "primary_school_count")), "parts_over_whole")


def area(claim: str, name: str, printed: str) -> dict[str, Any]:
    quote = f"{name}规划面积{printed}平方公里"
    return said(claim, quote, printed, float(printed) * 1e6, "m2", "planned_area", subject_zh=name, subject_en=claim, **CITY)


def test_zones_tile_the_district_and_nothing_is_larger() -> None:
    assert check(area("D", "示范区", "3.0"), area("E", "东区", "1.0"), area("W", "西区", "2.0")) == {}
    assert only(check(area("D", "示范区", "3.0"), area("E", "东区", "1.0"), area("W", "西区", "1.0")), "zones_apart")
    assert only(check(area("P", "公园", "44")), "beyond_district")


def test_shares_of_a_sentence_and_of_a_year() -> None:
    length = {"unit": "m", "unit_reported": "公里", "stated_period": None}
    sewers = [
        said("L", "雨水管道215.7公里", "215.7", 215_700.0, measure="storm_sewer_length", **length),
        said("C", "合流管道10.0公里", "10.0", 10_000.0, measure="combined_sewer_length", **length),
    ]
    share = said("S", "约占5%", "5", 5.0, "%", "combined_sewer_share", unit_reported="%", comparator="~")
    assert check(*sewers, share) == {}
    wrong = {**share, "value": 15.0, "value_reported": "15", "quote_zh": "约占15%"}
    assert only(check(*sewers, wrong), "share_apart")[0]["arithmetic"] == "10,000 / 215,700 = 4.6361 % ≠ 15 %"
    days = said("N", "达标296天", "296", 296.0, "d", "attainment_days", unit_reported="天", stated_period="2024")
    ratio = said("R", "达标率83.1%", "83.1", 83.1, "%", "attainment_day_ratio", unit_reported="%", stated_period="2024")
    assert "356.1974 d" in only(check(days, ratio), "days_apart")[0]["arithmetic"]


def test_changes_and_their_levels() -> None:
    of = {"unit": "{enterprise}", "measure": "new_enterprise_count", "unit_reported": "家"}
    rows = [
        said("L", "新增2293家", "2293", 2293.0, stated_period="2025", **of),
        said("B", "上年1049家", "1049", 1049.0, stated_period="2024", **of),
    ]
    growth = said(
        "G", "增长118.59%", "118.59", 118.59, "%", "growth", unit_reported="%", stated_period="2025", baseline_period="2024"
    )
    found = check(*rows, growth)
    assert set(found) == {"jump"}, "the change itself fits its levels"
    wrong = {**growth, "value": 18.59, "value_reported": "18.59", "quote_zh": "增长18.59%"}
    assert set(check(*rows, wrong)) == {"jump", "growth_apart"}


def test_ratios_and_ranges() -> None:
    about = {"unit": "t/a", "unit_reported": "万吨", "status": "projection"}
    coal = said("K", "减少标煤20万吨", "20", 200_000.0, measure="standard_coal_saved", **about)
    assert only(check(coal, said("C", "二氧化碳6万吨", "6", 60_000.0, measure="co2_avoided", **about)), "ratio_outside")
    assert check(coal, said("C", "二氧化碳52万吨", "52", 520_000.0, measure="co2_avoided", **about)) == {}
    assert only(check({**WELL, "value": 140.0, "value_reported": "140", "quote_zh": "绿地率140%"}), "outside_range")
    assert only(check(said("U", "绿地率40米", "40", 40.0, "m", "green_space_ratio", unit_reported="米")), "unit_of_measure")
    assert only(check(said("H", "共7.5家", "7.5", 7.5, "{enterprise}", "enterprise_count", unit_reported="家")), "not_whole")


def test_targets_told_as_facts() -> None:
    of = {"unit": "%", "measure": "blue_green_space_share", "unit_reported": "%"}
    target = said("T", "占比达到50%", "50", 50.0, status="target", stated_period="2035", **of)
    seen = said("R", "占比43.2%", "43.2", 43.2, stated_period="2023", **of)
    fact = said("F", "50%占比的基底", "50", 50.0, **of)
    assert {row["claim_role"] for row in only(check(target, seen, fact), "target_as_fact")} == {"fact", "target", "reported"}
    assert check(target, seen) == {}


def test_what_is_expected_told_as_a_fact() -> None:
    quote = {**WELL, "quote_zh": "预计绿地率为40%"}
    assert only(check(quote), "status_of_words")
    assert check({**quote, "status": "projection"}) == {}


def test_every_check_of_the_register_is_made_and_every_one_made_is_there() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in (STANDARDS.parent / "methods").glob("*.py"))
    named = {row["rule"] for row in standard("checks.csv")}
    assert {rule for rule in named if f'"{rule}"' not in code} == set()
    assert set(re.findall(r'Found\(\s*"(\w+)"', code)) <= named


def test_series_that_stand_still_or_jump() -> None:
    of = {"unit": "CNY", "measure": "industrial_output", "unit_reported": "亿元"}
    first = said("A", "产值465.6亿元", "465.6", 46.56e9, stated_period="2022", **of)
    assert only(check(first, {**first, "claim_id": "B", "stated_period": "2023"}), "unmoved")
    assert only(check(first, said("B", "产值838.7亿元", "838.7", 83.87e9, stated_period="2023", **of)), "jump")
    assert check(first, said("B", "产值480.0亿元", "480.0", 48e9, stated_period="2023", **of)) == {}


PRODUCTION = ("industrial_output", "industry_revenue", "operating_revenue")


def test_many_series_that_stand_still_are_one_finding() -> None:
    def told(*measures: str) -> list[dict]:
        rows = []
        for number, measure in enumerate(measures):
            of = {"unit": "CNY", "measure": measure, "unit_reported": "亿元"}
            quote = f"产值46{number}.6亿元"
            first = said(f"A{number}", quote, f"46{number}.6", (460 + number) * 1e8 + 6e7, stated_period="2022", **of)
            rows += [first, {**first, "claim_id": f"B{number}", "stated_period": "2023"}]
        return rows

    few, many = (check(*told(*names)) for names in (PRODUCTION[:2], PRODUCTION))
    assert list(few) == ["unmoved"] and len({row["finding"] for row in few["unmoved"]}) == 2
    (one,) = {row["finding"] for row in many["unmoved"]}
    assert {row["claim_id"] for row in many["unmoved"]} == {"A0", "B0", "A1", "B1", "A2", "B2"}
    assert {row["claim_role"] for row in many["unmoved"]} == {"earlier", "later"}
    assert {(row["found_value"], row["severity"]) for row in many["unmoved"]} == {(3, "medium")} and one.startswith("unmoved.")


def test_a_scope_that_is_not_said_is_no_other_scope() -> None:
    def revenue(claim: str, scope: str, printed: str, year: str) -> dict:
        of = {"unit": "CNY", "measure": "industry_revenue", "unit_reported": "亿元", "stated_period": year}
        subject = f"医药健康产业{scope}营业收入"
        return said(claim, f"{subject}{printed}亿元", printed, float(printed) * 1e8, subject_zh=subject, **of)

    after = revenue("B", "全口径", "1040", "2024")
    assert "scope_mixed" not in check(revenue("A", "", "910", "2023"), after)
    assert "scope_mixed" in check(revenue("A", "规模以上", "910", "2023"), after)


def test_denominators_mixed() -> None:
    blue = said("B", "蓝绿空间占比43.2%", "43.2", 43.2, "%", "blue_green_space_share", unit_reported="%", stated_period="2023")
    assert only(
        check({**WELL, "stated_period": None, "value": 56.0, "value_reported": "56", "quote_zh": "绿地率56%"}, blue),
        "scope_order",
    )


def test_dates_that_cannot_be() -> None:
    event = said(
        "Y",
        "2019年发布",
        "2019",
        2019.0,
        "{year}",
        "publication_year",
        unit_reported="年",
        stated_period="2019",
        status="event",
    )
    assert check(event) == {}
    assert only(check({**event, "stated_period": "2018"}), "year_apart")
    assert only(check({**event, "stated_period": "2019-02-30"}), "impossible_period")
    change = said("G", "下降5%", "5", 5.0, "%", "reduction", unit_reported="%", stated_period="2020", baseline_period="2021")
    assert only(check(change), "baseline_later")
    fifty = said(
        "A", "建交50周年", "50", 50.0, "a", "anniversary", unit_reported="周年", stated_period="2014", baseline_period="1964"
    )
    assert check(fifty) == {}
    assert only(check({**fifty, "value": 60.0, "value_reported": "60", "quote_zh": "建交60周年"}), "duration_apart")


def test_what_was_taken_down_follows_from_the_quote() -> None:
    roof = said(
        "P", "面积约26.5万平方米", "26.5", 265_000.0, "m2", "gross_floor_area", unit_reported="万平方米", comparator="~"
    )
    assert check(roof) == {}
    assert only(check({**roof, "value": 26_500.0}), "value_of_print")
    assert only(check({**roof, "value_reported": "6.5", "value": 65_000.0}), "number_in_quote")
    assert "unit_of_print" in check({**roof, "unit": "m"})
    assert only(check({**roof, "comparator": ">="}), "words_of_quote")
    fall = said("R", "下降6.9%", "6.9", 6.9, "%", "reduction", unit_reported="%")
    assert check(fall) == {}
    assert only(check({**fall, "quote_zh": "增长6.9%"}), "sign_of_words")
    assert "percent_or_points" in check({**WELL, "unit": "[pp]", "unit_reported": "个百分点", "quote_zh": "绿地率为40个百分点"})


def test_measurements_contradict() -> None:
    value = {"indicator": "g", "zone": "district", "year": 2024, "symbol": "%", "coverage": None, "claim_id": "A3"}
    values = [{**value, "origin": "reported", "value": 40.0}, {**value, "origin": "measured", "value": 31.0, "claim_id": None}]
    assert only(check(WELL, values=values), "measured_apart")[0]["arithmetic"] == "40 ≠ 31 % (g, 2024)"
    assert check(WELL, values=[values[0], {**values[1], "coverage": 0.2}]) == {}, "too little was measured"
    assert check(WELL, values=[values[0], {**values[1], "stand_in": True}]) == {}, "a stand-in contradicts nobody"
    change = said(
        "C", "下降65.8%", "65.8", 65.8, "%", "reduction", unit_reported="%", stated_period="2024", baseline_period="2013"
    )
    implied = [
        {"claim_id": "C", "level_claim": "L", "pollutant": "pm25", "year": 2013, "concentration": 79.2,
         "concentration_low": 79.0,
         "concentration_high": 79.4},
    ]  # fmt: skip
    stations = [
        {"station": s, "pollutant": "pm25", "year": 2013, "concentration": c, "coverage": 0.9}
        for s, c in (("a", 50), ("b", 60))
    ]
    assert only(check(change, implied=implied, stations=stations), "baseline_measured_apart")
    assert check(change, implied=implied, stations=[{**stations[0], "concentration": 85}]) == {}


def test_the_digest_changes_with_what_is_said_and_not_with_the_place() -> None:
    assert digest_of([TWICE, AGAIN]) == digest_of([{**AGAIN, "line": 9}, TWICE])
    assert digest_of([TWICE, AGAIN]) != digest_of([TWICE, {**AGAIN, "value": 56.0}])


TEXTS = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from(["2024", "5%", "约5万平方米", "2024..2020", "占", "[pp]", "m2", "{x}"])
)


COLUMNS = (
    *("subject_zh", "measure_en", "unit", "value_reported", "unit_reported", "stated_period", "baseline_period", "quote_zh"),
    *("status", "comparator"),
)
VALUES = {"value": st.one_of(st.none(), st.floats(-1e12, 1e12))}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, TEXTS) | VALUES), max_size=6))
def test_no_statement_makes_the_checker_fail(rows: list[dict[str, Any]]) -> None:
    told = [{**WELL, **row, "claim_id": f"X{n}", "quote_zh": row["quote_zh"] or ""} for n, row in enumerate(rows)]
    check(*told)
