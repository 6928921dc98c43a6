"""Green power: own generation by the hour, the market-based account of scope 2, and the shares of the year and of the hour."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.carbon.certificates import ELECTRICITY
from scicity.domains.carbon.coal import IN_USE
from scicity.domains.carbon.methods.accounts import ROOT, UNKNOWN, covered, holds_in
from scicity.domains.carbon.methods.certificates import ACCEPTED, CANCELLED, TRANSFERRED
from scicity.domains.carbon.methods.choice_lint import MARKET_BASED
from scicity.kernel.tables import Read, derived

HOUR_LENGTH = 13  # characters of 2023-05-01T07
_MEMBERS = Read(
    "energy.membership", columns=("meter", "enterprise", "valid_from", "valid_to"), during=("valid_from", "valid_to")
)
_METERS = Read("energy.meter", columns=("meter", "carrier", "role"))


@derived(
    reads={
        "hourly": Read("energy.meter_hourly", columns=("meter", "flow", "building", "hour", "day", "energy", "stand_in")),
        "meters": _METERS,
        "members": _MEMBERS,
        "installations": Read(
            "energy.installation",
            columns=("meter", "building", "valid_from", "valid_to"),
            during=("valid_from", "valid_to"),
            trace={"building": "building"},
        ),
    },
    columns=["building", "month", "enterprise", "generated_energy", "self_used_energy", "use_energy", "coverage", "stand_in"],
    grain=["building", "month"],
    period="month",
    time="month",
    title_zh="建筑逐月自发电",
    title_en="Own generation by building and month",
)
def own_generation_monthly(hourly: Any, meters: Any, members: Any, installations: Any) -> Any:
    """What a building with generation meters made, and what of it was used in the hour in which it was made.

    Used on the spot is what was made less what was given back in the same hour; all that was used is that and what was bought.
    Hours in which any of these is unknown do not count. `enterprise` is whose it is, where all electricity meters of the
    building belong to one.
    """
    power = meters.filter(meters.carrier == ELECTRICITY)
    made = hourly.inner_join(power.filter(power.role == "generation"), "meter")
    made = made.group_by("building", "hour", "day").agg(
        made=made.energy.sum(), lost=made.energy.isnull().any(), made_stand_in=made.stand_in.max()
    )
    main = hourly.inner_join(power.filter(power.role == "main"), "meter").semi_join(made, "building")
    zero = ibis.literal(0).cast(UNKNOWN)
    main = main.group_by("building", "hour", "day").agg(
        taken=ibis.coalesce(main.energy.sum(where=main.flow != "reverse"), zero),
        given=ibis.coalesce(main.energy.sum(where=main.flow == "reverse"), zero),
        unknown=main.energy.isnull().any(),
        stand_in=main.stand_in.max(),
    )
    rows = made.inner_join(main, ["building", "hour", "day"])
    rows = rows.mutate(known=~(rows.lost | rows.unknown), month=rows.day.truncate("M"))
    own = ibis.greatest(zero, rows.made - rows.given)
    rows = rows.mutate(own=ibis.ifelse(rows.known, own, ibis.null(UNKNOWN)))
    sums = rows.group_by("building", "month").agg(
        generated_energy=rows.made.sum(),
        self_used_energy=rows.own.sum(),
        use_energy=(rows.taken - rows.given + rows.made).sum(where=rows.known),
        coverage=rows.known.cast("float64").mean(),
        stand_in=(rows.stand_in | rows.made_stand_in).max(),
    )
    owners = installations.inner_join(power.filter(power.role.isin(("main", "generation"))), "meter").inner_join(
        members, "meter"
    )
    owners = owners.group_by("building").agg(owner=owners.enterprise.min(), owners=owners.enterprise.nunique())
    sums = sums.left_join(owners, "building").drop("building_right")
    return sums.mutate(enterprise=ibis.ifelse(sums.owners == 1, sums.owner, ibis.null("string")))


_CLAIMS = Read(
    "carbon.certificate_ledger",
    columns=(
        "event",
        "certificate",
        "action",
        "enterprise",
        "certificate_volume",
        "used_period",
        "verdict",
        "vintage",
        "stand_in",
    ),
    trace={"enterprise": "enterprise"},
)
_GREEN = [
    *("energy", "emission", "covered_energy", "residual_energy", "market_emission", "emission_factor", "factor", "quantity"),
    *("data_year", "self_used_energy", "green_self_energy", "matched_energy", "green_share", "matched_share", "missing"),
    *("known_seconds", "expected_seconds", "coverage", "review", "stand_in"),
]


@derived(
    reads={
        "monthly": Read("carbon.enterprise_emission_monthly", trace={"enterprise": "enterprise"}),
        "uses": Read(IN_USE.table, columns=(*IN_USE.columns, "quantity", "data_year"), during=IN_USE.during, trace={}),
        "claims": _CLAIMS,
        "lots": Read("carbon.certificate", columns=("certificate", "meter"), trace={}),
        "members": Read("energy.membership", columns=("meter", "enterprise"), trace={}),
        "own": Read("carbon.own_generation_monthly", trace={"enterprise": "enterprise"}),
    },
    columns=["enterprise", "year", *_GREEN],
    grain=["enterprise", "year"],
    period="year",
    time="year",
    title_zh="企业用电：基于市场的排放与绿电比例",
    title_en="Market-based scope 2 and green share by enterprise",
)
def market_based_yearly(monthly: Any, uses: Any, claims: Any, lots: Any, members: Any, own: Any) -> Any:
    """Scope 2 of bought electricity by the market: nothing for what certificates cover, the residual factor for the rest.

    GHG Protocol Scope 2 Guidance, 2015, 6.5 (unverified). The factor is that which the district chose for `market_based`;
    `quantity` says which kind it is: the mean less market-traded non-fossil power is a residual mix, the plain mean is none and
    counts green power twice. Beside it stand the share of the year (certificates and own green power over all that was used)
    and the share by the hour, which counts own power as it was made, and certificates only if they tell their hour. Own power
    whose certificates went to others is not green.
    """
    power = monthly.filter((monthly.carrier == ELECTRICITY) & (monthly.zone == ROOT))
    power = power.mutate(year=power.month.year().cast("int64"))
    market = uses.filter((uses.purpose == MARKET_BASED) & (uses.carrier == ELECTRICITY)).drop("carrier", "energy_ratio")
    market = market.rename(lacks="missing", market_review="review")
    rows = power.left_join(market, holds_in(market, power))
    rows = rows.mutate(gross=(rows.energy * rows.factor_value).cast(UNKNOWN))
    one = rows.factor_value.nunique() == 1
    account = rows.group_by("enterprise", "year").agg(
        energy=rows.energy.sum(),
        emission=rows.emission.sum(),
        gross=rows.gross.sum(),
        unknown=(rows.energy.notnull() & rows.factor_value.isnull()).any(),
        missing=ibis.ifelse(rows.factor.isnull().any(), "choice", rows.lacks.min()),
        emission_factor=ibis.ifelse(one, rows.factor_value.max(), ibis.null("decimal(18, 12)")),
        factor=rows.factor.min(),
        quantity=rows.quantity.min(),
        data_year=ibis.ifelse(rows.data_year.nunique() == 1, rows.data_year.max(), ibis.null("int64")),
        known_seconds=rows.known_seconds.sum(),
        expected_seconds=rows.expected_seconds.sum(),
        review=ibis.coalesce(rows.market_review.min(), rows.review.min()),
        stand_in=rows.stand_in.max(),
    )
    account = _with_claims(account, claims, lots, members, own)
    residual = ibis.greatest(0, account.energy - account.covered_energy).cast(UNKNOWN)
    account = account.mutate(residual_energy=residual)
    weighed = (
        account.gross.cast("float64") * account.residual_energy.cast("float64") / account.energy.cast("float64").nullif(0.0)
    )
    emission = ibis.ifelse(
        account.emission_factor.notnull(),
        (account.residual_energy * account.emission_factor).cast(UNKNOWN),
        weighed.cast(UNKNOWN),
    )
    account = account.mutate(market_emission=ibis.ifelse(account.unknown, ibis.null(UNKNOWN), emission))
    return covered(_shares(account))


def _with_claims(account: Any, claims: Any, lots: Any, members: Any, own: Any) -> Any:
    """The accounts of enterprises with what their certificates cover, and with what they made and used themselves."""
    zero = ibis.literal(0).cast(UNKNOWN)
    counted = claims.filter(claims.verdict == ACCEPTED)
    used = counted.filter(counted.action == CANCELLED)
    used = used.mutate(year=used.used_period.substr(0, 4).cast("int64"), hourly=used.used_period.length() == HOUR_LENGTH)
    used = used.group_by("enterprise", "year").agg(
        covered=used.certificate_volume.sum(),
        by_hour=used.certificate_volume.sum(where=used.hourly),
        claims_stand_in=used.stand_in.max(),
    )
    sold = counted.filter(counted.action == TRANSFERRED).inner_join(lots.filter(lots.meter.notnull()), "certificate")
    sold = sold.semi_join(members, ["meter", "enterprise"])
    sold = sold.mutate(year=sold.vintage.year().cast("int64"))
    sold = sold.group_by("enterprise", "year").agg(sold=sold.certificate_volume.sum())
    made = own.filter(own.enterprise.notnull()).mutate(year=own.month.year().cast("int64"))
    made = made.group_by("enterprise", "year").agg(self_used=made.self_used_energy.sum(), made_stand_in=made.stand_in.max())
    rows = account
    for more in (used, sold, made):
        rows = rows.left_join(more, ["enterprise", "year"]).drop("enterprise_right", "year_right")
    kept = ibis.coalesce(rows.self_used, zero) - ibis.coalesce(rows.sold, zero)
    return rows.mutate(
        covered_energy=ibis.coalesce(rows.covered, zero).cast(UNKNOWN),
        matched_certificates=ibis.coalesce(rows.by_hour, zero).cast(UNKNOWN),
        self_used_energy=ibis.coalesce(rows.self_used, zero).cast(UNKNOWN),
        green_self_energy=ibis.greatest(zero, kept).cast(UNKNOWN),
        stand_in=rows.stand_in | ibis.coalesce(rows.claims_stand_in, False) | ibis.coalesce(rows.made_stand_in, False),
    )


def _shares(rows: Any) -> Any:
    """Accounts with their green shares [%] of all that was used, bought and own."""
    used = (rows.energy + rows.self_used_energy).cast("float64").nullif(0.0)
    matched = (rows.green_self_energy + rows.matched_certificates).cast(UNKNOWN)
    green = (rows.covered_energy + rows.green_self_energy).cast("float64")
    return rows.mutate(
        matched_energy=matched, green_share=100.0 * green / used, matched_share=100.0 * matched.cast("float64") / used
    )


@derived(
    reads={"yearly": "carbon.market_based_yearly"},
    columns=["year", *(name for name in _GREEN if name not in ("emission_factor", "factor", "data_year"))],
    grain=["year"],
    period="year",
    time="year",
    title_zh="全区用电：基于市场的排放与绿电比例",
    title_en="Market-based scope 2 and green share of the district",
)
def market_based_total(yearly: Any) -> Any:
    """Scope 2 of bought electricity of the whole district by the market: the sum of all enterprises and of what is common."""
    rows = yearly.mutate(unknown=yearly.market_emission.isnull() & yearly.energy.notnull())
    sums = {name: rows[name].sum().cast(UNKNOWN) for name in _GREEN if name.endswith(("energy", "emission"))}
    account = rows.group_by("year").agg(
        **sums,
        unknown=rows.unknown.any(),
        quantity=ibis.ifelse(rows.quantity.nunique() == 1, rows.quantity.min(), ibis.null("string")),
        missing=rows.missing.min(),
        known_seconds=rows.known_seconds.sum(),
        expected_seconds=rows.expected_seconds.sum(),
        review=rows.review.min(),
        stand_in=rows.stand_in.max(),
    )
    account = account.mutate(
        market_emission=ibis.ifelse(account.unknown, ibis.null(UNKNOWN), account.market_emission),
        matched_certificates=(account.matched_energy - account.green_self_energy).cast(UNKNOWN),
    )
    return covered(_shares(account))
