"""The load of the next day, building by building, beside the back-tested errors of such forecasts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.control.pages import asked

PAGE = {"zh": "负荷预测", "en": "Load forecasts"}


def show(request: HttpRequest) -> HttpResponse:
    """The next day's load of one building, and how far forecasts of all of them were off over the last twelve months."""
    city = request.city
    newest = city.rows("control.load_forecast", ["day", "origin_day"], order=["-day"], limit=1)
    if not newest:
        return render(request, "control/forecasts.html", {"day": None})
    day = newest[0]["day"]
    names = asked.names(city)
    skill = city.rows("control.forecast_skill", order=["building", "carrier"])
    known = {(row["building"], row["carrier"]) for row in skill}
    wanted = (request.GET.get("building", ""), request.GET.get("carrier", ""))
    chosen = wanted if wanted in known else min(known, default=("", ""))
    where = {"building": chosen[0], "carrier": chosen[1]}
    rows = city.rows("control.load_forecast", where={**where, "day": day}, order=["hour"])
    months = city.rows("control.forecast_error", where=where, order=["-month"], limit=12)
    entries = [
        {"row": row, "name": names.get(("building", row["building"])), "carrier": asked.CARRIERS.get(row["carrier"])}
        for row in skill
    ]
    context: dict[str, Any] = {
        "day": day,
        "origin_day": newest[0]["origin_day"],
        "entries": entries,
        "chosen": chosen,
        "name": names.get(("building", chosen[0])),
        "carrier": asked.CARRIERS.get(chosen[1], (chosen[1], chosen[1])),
        "skill": next((row for row in skill if (row["building"], row["carrier"]) == chosen), None),
        "hours": _hours(city, rows) if rows else None,
        "errors": _errors(list(reversed(months))) if months else None,
    }
    return render(request, "control/forecasts.html", context)


def _hours(city: Any, rows: list[Any]) -> dict[str, Any]:
    tz = city.district.calendar.tz
    told = (
        (("预测", "forecast"), "forecast"),
        (("下限", "lower end"), "forecast_low"),
        (("上限", "upper end"), "forecast_high"),
        (("昨日同时", "a day ago"), "yesterday_load"),
        (("上周同时", "a week ago"), "last_week_load"),
    )
    return {
        "id": "hours",
        "kind": "line",
        "unit": "kWh",
        "axis": ("时刻", "Hour"),
        "labels": [f"{row['hour'].astimezone(tz):%H:%M}" for row in rows],
        "series": [{"name": name, "figures": [row.figure(column) for row in rows]} for name, column in told],
        "title": ("次日逐时负荷", "Load of the next day"),
        "note": ("区间应含五分之四的结果", "the interval is to hold four outcomes in five"),
    }


def _errors(rows: list[Any]) -> dict[str, Any]:
    told = (
        (("预测", "forecast"), "forecast_mae"),
        (("照昨日", "as yesterday"), "yesterday_mae"),
        (("照上周", "as last week"), "last_week_mae"),
    )
    return {
        "id": "errors",
        "kind": "bar",
        "unit": "kWh",
        "axis": ("月", "Month"),
        "labels": [f"{row['month']:%Y-%m}" for row in rows],
        "series": [{"name": name, "figures": [row.figure(column) for row in rows]} for name, column in told],
        "title": ("逐月平均绝对误差", "Mean absolute error by month"),
        "note": ("每个零点用当时已知的数据预测次日", "forecast each midnight from what was known then"),
    }
