"""Shares of residents within reach: by class and by circle, of each zone and of the whole district, by age group."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived

RESIDENTS = Read("circles.resident", trace={"day": "day", "age_group": "age_group"})


def _by_zone(rows: Any) -> Any:
    """The rows of each zone, and all of them again as the zone `district`."""
    within = rows.filter(rows.zone != ROOT_ZONE)
    return within.union(rows.mutate(zone=ibis.literal(ROOT_ZONE)), distinct=False)


@derived(
    reads={
        "reached": Read(
            "circles.access", trace={"day": "day", "travel_mode": "travel_mode", "facility_class": "facility_class"}
        ),
        "residents": RESIDENTS,
        "classes": Read("circles.facility_class"),
        "own": Read("circles.own_facility_class"),
    },
    columns=[
        *("day", "travel_mode", "facility_class", "zone", "age_group", "people", "people_seen", "coverage", "people_5"),
        *("people_10", "people_15", "people_radius", "share_5", "share_10", "share_15", "share_radius", "people_unreached"),
        *("mean_access_time", "service_radius", "stand_in", "origin"),
    ],
    grain=["day", "travel_mode", "facility_class", "zone", "age_group"],
    title_zh="设施可达居民比例",
    title_en="Residents within reach of a class",
)
def class_coverage(reached: Any, residents: Any, classes: Any, own: Any) -> Any:
    """Residents within 5, 10 and 15 minutes of a class, and within its service radius along the network.

    `people_seen` are those whose cell touches the network, and shares are of these; `coverage` is their share of all. Who is
    on an island without a facility is seen, and not reached. Where a district has no facility of a class there is no row. The
    mean is of those who reach one. The zone `district` is everybody.
    """
    radius = own.select("facility_class", "service_radius").union(
        classes.anti_join(own, "facility_class").select("facility_class", "service_radius"), distinct=False
    )
    joined = reached.filter(reached.access_state != "no_facilities").join(
        residents.select("day", "cell", "age_group", "zone", "people", stand_in_home=residents.stand_in), ["day", "cell"]
    )
    joined = joined.left_join(radius, "facility_class").drop("facility_class_right")
    rows = _by_zone(joined)

    def people(condition: Any) -> Any:
        return ibis.coalesce(rows.people.sum(where=condition), ibis.literal(0)).cast("decimal(18, 6)")

    seen = rows.access_state != "off_network"
    summed = rows.group_by("day", "travel_mode", "facility_class", "zone", "age_group").agg(
        people=rows.people.sum().cast("decimal(18, 6)"),
        people_seen=people(seen),
        people_5=people(rows.access_time <= 300),
        people_10=people(rows.access_time <= 600),
        people_15=people(rows.access_time <= 900),
        people_radius=people(rows.access_distance <= rows.service_radius),
        people_unreached=people(rows.access_state == "unreached"),
        reach_time=(rows.people.cast("float64") * rows.access_time).sum(),
        people_reached=people(rows.access_state == "reached"),
        service_radius=rows.service_radius.max(),
        stand_in=(rows.stand_in | rows.stand_in_home).max(),
    )

    def share(part: Any) -> Any:
        return part.cast("float64") / summed.people_seen.cast("float64").nullif(0) * 100

    return summed.mutate(
        coverage=summed.people_seen.cast("float64") / summed.people.cast("float64").nullif(0),
        share_5=share(summed.people_5),
        share_10=share(summed.people_10),
        share_15=share(summed.people_15),
        people_radius=ibis.ifelse(summed.service_radius.isnull(), ibis.null("decimal(18, 6)"), summed.people_radius),
        share_radius=ibis.ifelse(summed.service_radius.isnull(), ibis.null("float64"), share(summed.people_radius)),
        mean_access_time=(summed.reach_time / summed.people_reached.cast("float64").nullif(0)).round(3),
        origin=ibis.literal("modelled"),
    ).drop("reach_time", "people_reached")


@derived(
    reads={
        "cells": Read("circles.circle_cell", trace={"day": "day", "circle": "circle"}),
        "residents": RESIDENTS,
    },
    columns=[
        *(
            "day",
            "circle",
            "zone",
            "age_group",
            "people",
            "people_seen",
            "coverage",
            "people_covered",
            "people_covered_at_most",
        ),
        *("circle_share", "circle_share_at_most", "classes_without_data", "stand_in", "origin"),
    ],
    grain=["day", "circle", "zone", "age_group"],
    title_zh="生活圈覆盖率",
    title_en="Coverage of circles",
)
def circle_coverage(cells: Any, residents: Any) -> Any:
    """Residents whose home has a circle, as a share of those whose cell touches the network (`coverage`: their share of all).

    Null where a class that the circle asks for has no facility in the data, so that it is not known; `circle_share_at_most` is
    then what the other classes allow. The zone `district` is everybody.
    """
    joined = cells.join(
        residents.select("day", "cell", "age_group", "zone", "people", stand_in_home=residents.stand_in), ["day", "cell"]
    )
    rows = _by_zone(joined)
    seen = rows.circle_met_at_most.notnull()

    def people(condition: Any) -> Any:
        return ibis.coalesce(rows.people.sum(where=condition), ibis.literal(0)).cast("decimal(18, 6)")

    summed = rows.group_by("day", "circle", "zone", "age_group").agg(
        people=rows.people.sum().cast("decimal(18, 6)"),
        people_seen=people(seen),
        people_known=people(seen & rows.circle_met.notnull()),
        met=people(rows.circle_met),
        people_covered_at_most=people(rows.circle_met_at_most),
        classes_without_data=rows.classes_without_data.max(),
        stand_in=(rows.stand_in | rows.stand_in_home).max(),
    )
    whole = summed.people_known == summed.people_seen

    def share(part: Any) -> Any:
        return part.cast("float64") / summed.people_seen.cast("float64").nullif(0) * 100

    return summed.mutate(
        coverage=summed.people_seen.cast("float64") / summed.people.cast("float64").nullif(0),
        people_covered=ibis.ifelse(whole, summed.met, ibis.null("decimal(18, 6)")),
        circle_share=ibis.ifelse(whole, share(summed.met), ibis.null("float64")),
        circle_share_at_most=share(summed.people_covered_at_most),
        origin=ibis.literal("modelled"),
    ).drop("people_known", "met")
