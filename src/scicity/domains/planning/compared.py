"""Plans laid over each other and over the control lines: conflicts, and totals that add up. What there is to compare the
register of plans tells, so these tables are made for each district."""

from __future__ import annotations

import hashlib
import threading
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scicity.domains.planning.methods import conflicts, uses
from scicity.domains.planning.methods.rights import narrowed, together
from scicity.domains.planning.sources import PLAN, rows_by, rules_of
from scicity.kernel.computing import Slot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Derived, Read, Table, derived
from scicity.space.ground import Ground, ground_of, word_of

LINES = "control-lines"
LEFT_OUT = ("superseded", "withdrawn")
PLAN_READ, LINE_READ = "plan", "line"
STAND_IN = "stand-in"
COLUMNS = ("feature", "feature_class", "valid_from", "valid_to", "restricted_to", "details", "geometry", "origin", "digest")

_CONFLICT = [
    *("conflict", "plan", "against", "against_kind", "feature", "feature_class", "land_use", "other_feature", "other_class"),
    *("other_land_use", "piece_kind", "conflict_area", "sliver_area", "parts_counted", "mean_width", "prevails", "zone"),
    *("longitude", "latitude", "restricted_to", "stand_in", "geometry"),
]
_COMPARISON = [
    *("plan", "against", "against_kind", "whole_area", "agreed_area", "conflict_area", "sliver_area", "silent_area"),
    *("overruled_area", "unaccounted_area", "overlap_area", "conflicts_counted", "slivers_counted", "other_whole_area"),
    *("other_silent_area", "other_overlap_area", "restricted_to", "stand_in"),
]
_TRACE: dict[str, str] = {}
_RULES = {
    "plans": Read("planning.plan", columns=("plan", "plan_kind", "plan_status", "layer", "precedence"), trace={"plan": "plan"}),
    "kinds": Read("planning.plan_kind", columns=("plan_kind", "precedence"), trace=_TRACE),
    "land_uses": Read("planning.land_use", columns=("land_use",), trace={"land_use": "land_use"}),
    "words": Read("planning.land_use_word", columns=("written_class", "land_use"), trace={"feature_class": "written_class"}),
    "compatible": Read("planning.compatible_use", columns=("land_use", "other_land_use"), trace=_TRACE),
    "rules": Read("planning.control_line", trace={"other_class": "control_line"}),
    "own_rules": Read("planning.own_control_line", trace={"other_class": "control_line"}),
    "thresholds": Read("planning.threshold", columns=("rule", "threshold"), trace=_TRACE),
    "own_thresholds": Read("planning.own_threshold", columns=("rule", "threshold"), trace=_TRACE),
    "layers": Read("district.layer", columns=("layer", "visible_to"), trace=_TRACE),
    "zones": Read("layer.zones", columns=COLUMNS, trace=_TRACE),
    "lines": Read(f"layer.{LINES}", columns=COLUMNS, trace={"other_feature": "feature"}),
}

_lock = threading.Lock()
_last: list[tuple[str, tuple[pa.Table, pa.Table]]] = []


def tables_of(district: Any) -> list[Table]:
    """The conflicts and the totals of a district's plans: they read the layers that its register of plans names."""
    layers = sorted(set(_layers_of(district)) - {LINES, "zones"})
    return [_conflicts(layers), _comparisons(layers)]


def _layers_of(district: Any) -> list[str]:
    """The layers of the plans that are compared; what is wrong with the register is told when it is loaded."""
    if not Path(district.folder).is_dir():
        return []
    rows = district.read(PLAN, Problems()).to_pylist()
    return [row["layer"] for row in rows if row["layer"] and row["plan_status"] not in LEFT_OUT]


def _reads(layers: list[str]) -> dict[str, Read]:
    parcels = {f"of {name}": Read(f"layer.{name}", columns=COLUMNS, trace={"feature": "feature"}) for name in layers}
    return {**_RULES, **parcels}


def _conflicts(layers: list[str]) -> Derived:
    def conflict(slot: Slot, **tables: pa.Table) -> pa.Table:
        """The places of which two plans say different things, or where a plan does what a control line keeps out.

        Every two plans that are not superseded and have a layer of parcels are compared, and each with the control lines. Of a
        layer the features count that hold when the last of them has begun. The id of a conflict is made of what meets there,
        so that it stays through editions; `prevails`: what goes first by precedence, open where that is equal. Method:
        `methods/conflicts.py`.
        """
        return _compared(tables)[0]

    return derived(
        reads=_reads(layers),
        columns=_CONFLICT,
        grain=["conflict"],
        by_partition=True,
        title_zh="规划冲突",
        title_en="Conflicts between plans",
        name="planning.conflict",
    )(conflict)


def _comparisons(layers: list[str]) -> Derived:
    def comparison(slot: Slot, **tables: pa.Table) -> pa.Table:
        """How much of a plan agrees with another one or with a kind of control line: areas that add up to the whole.

        whole = agreed + conflict + sliver + silent + overruled + unaccounted, the last of which is the rounding of coordinates.
        What two parcels of one plan claim is counted once, and told as `overlap_area`.
        """
        return _compared(tables)[1]

    return derived(
        reads=_reads(layers),
        columns=_COMPARISON,
        grain=["plan", "against"],
        by_partition=True,
        title_zh="规划比对",
        title_en="Plans compared",
        name="planning.comparison",
    )(comparison)


def _compared(tables: dict[str, pa.Table]) -> tuple[pa.Table, pa.Table]:
    """Conflicts and totals; what was found last is kept, as the table of the totals asks the same behind that of conflicts."""
    stamp = "".join(f"{name}:{_stamp(table)};" for name, table in sorted(tables.items()))
    with _lock:
        for known, found in _last:
            if known == stamp:
                return found
        _last[:] = [(stamp, _compare(tables))]
        return _last[0][1]


def _stamp(table: pa.Table) -> str:
    """What tells the rows of a table: the digests of features, else all of it."""
    told = table.select(["digest"] if "digest" in table.column_names else table.column_names)
    return hashlib.sha256(repr(told.to_pydict()).encode()).hexdigest()


def _compare(tables: dict[str, pa.Table]) -> tuple[pa.Table, pa.Table]:
    limits, digits, ground = _thresholds(tables), _digits(tables), _ground(tables)
    kinds = rows_by("plan_kind", tables["kinds"])
    visible = {row["layer"]: row["visible_to"] for row in tables["layers"].to_pylist()}
    drawn, ranks, roles, of_feature = [], {}, {}, {}
    stand_ins: set[str] = set()
    for row in sorted(tables["plans"].to_pylist(), key=lambda row: row["plan"]):
        layer = tables.get(f"of {row['layer']}")
        if layer is None or not layer.num_rows or row["plan_status"] in LEFT_OUT:
            continue
        layer = _in_force(layer)
        plan, shapes = row["plan"], ground.shapes(layer.column("geometry"))
        written = _column(layer, "feature_class")
        drawn.append((plan, _column(layer, "feature"), written, _uses(tables, written, digits), shapes))
        kind = kinds.get(row["plan_kind"], {})
        ranks[plan] = row["precedence"] if row["precedence"] is not None else kind.get("precedence")
        roles[plan] = visible.get(row["layer"])
        of_feature[plan] = dict(zip(_column(layer, "feature"), _column(layer, "restricted_to"), strict=True))
        if STAND_IN in layer.column("origin").to_pylist():
            stand_ins.add(plan)
    sheets = {each.plan: each for each in conflicts.sheets(drawn)}
    compatible = [(row["land_use"], row["other_land_use"]) for row in tables["compatible"].to_pylist()]
    pieces, totals = [], []
    order = sorted(sheets, key=lambda plan: (ranks[plan] if ranks[plan] is not None else 10**6, plan))
    for mine, theirs in combinations(order, 2):
        found = conflicts.between(sheets[mine], sheets[theirs], limits, compatible)
        about = {"plan": mine, "against": theirs, "against_kind": PLAN_READ}
        told = {"restricted_to": narrowed(roles[mine], roles[theirs]), "stand_in": bool({mine, theirs} & stand_ins)}
        pieces.append(
            _rows(
                found.columns,
                about | told,
                conflicts.prevailing(ranks[mine], ranks[theirs]),
                of_feature[mine],
                of_feature[theirs],
            )
        )
        totals.append(about | told | _counted(found.totals))
    lines = _in_force(tables["lines"])
    lines_stand_in = STAND_IN in lines.column("origin").to_pylist()
    for mine in order if lines.num_rows else ():
        found, of_line = _beneath(sheets[mine], lines, tables, ground, limits)
        told = {
            "restricted_to": narrowed(roles[mine], visible.get(LINES)),
            "stand_in": lines_stand_in or mine in stand_ins,
        }
        if found.columns:
            rows = _rows(found.columns, {"plan": mine, "against_kind": LINE_READ} | told, "other", of_feature[mine], of_line)
            rows["against"] = [f"line:{kind}" for kind in found.columns["other_class"]]
            pieces.append(rows)
        for kind in sorted({name.partition("/")[0] for name in found.totals}):
            of_kind = {name.partition("/")[2]: v for name, v in found.totals.items() if name.startswith(f"{kind}/")}
            about = {"plan": mine, "against": f"line:{kind}", "against_kind": LINE_READ}
            totals.append(about | told | {"overlap_area": sheets[mine].overlap} | _counted(of_kind))
    return _table(pieces, ground, tables["zones"]), pa.Table.from_pylist(totals, schema=_schema(_COMPARISON))


def _beneath(
    sheet: conflicts.Sheet, lines: pa.Table, tables: dict[str, pa.Table], ground: Ground, limits: conflicts.Limits
) -> tuple[conflicts.Found, dict[str, Any]]:
    rules = rows_by("control_line", tables["rules"], tables["own_rules"])
    known = [
        conflicts.Line(name, row["control_kind"], tuple(row["land_uses"].split()), row["precedence"])
        for name, row in rules.items()
    ]
    feature, kind = _column(lines, "feature"), _column(lines, "feature_class")
    found = conflicts.beneath(sheet, feature, kind, ground.shapes(lines.column("geometry")), known, limits)
    return found, dict(zip(feature, _column(lines, "restricted_to"), strict=True))


def _rows(
    columns: dict[str, Any], about: dict[str, Any], prevails: str | None, mine: dict[str, Any], theirs: dict[str, Any]
) -> dict[str, Any]:
    """The columns of `planning.conflict` of one comparison, but for the place."""
    size = len(columns["conflict"])
    roles = together(
        [mine.get(each) for each in columns["feature"]],
        [theirs.get(each) for each in columns["other_feature"]],
        about["restricted_to"],
    )
    return {
        **{name: [value] * size for name, value in about.items()},
        **columns,
        "prevails": [prevails or "open"] * size,
        "restricted_to": roles,
    }


def _table(pieces: list[dict[str, Any]], ground: Ground, zones: pa.Table) -> pa.Table:
    """All pieces as one table, with the place and the zone of each."""
    schema = _schema(_CONFLICT)
    parts = []
    for columns in pieces:
        shapes = columns["geometry"]
        if not len(shapes):
            continue
        inside = shapely.point_on_surface(shapes)
        places = ground.lonlat(inside)
        known = columns | {
            "longitude": shapely.get_x(places),
            "latitude": shapely.get_y(places),
            "zone": _zones_of(inside, ground, zones),
            "geometry": ground.wkb(shapes),
        }
        parts.append(pa.table([pa.array(known[name], schema.field(name).type) for name in _CONFLICT], schema=schema))
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _zones_of(points: Any, ground: Ground, zones: pa.Table) -> Any:
    """The zone in which each point lies; None where there is none."""
    found = np.full(len(points), None, dtype=object)
    if zones.num_rows:
        at, which = shapely.STRtree(ground.shapes(zones.column("geometry"))).query(points, predicate="intersects")
        found[at[::-1]] = zone_names(zones)[which[::-1]]
    return found


def zone_names(zones: pa.Table) -> Any:
    """The zone that each feature of the layer `zones` is: by its attribute `zone`, else by its name."""
    told, feature = word_of(zones.column("details"), "zone"), _column(zones, "feature")
    return np.array([a or b for a, b in zip(told, feature, strict=True)], dtype=object)


def _in_force(layer: pa.Table) -> pa.Table:
    """The features of a layer that hold when the last of them has begun: what the plan comes to in the end."""
    last = pc.max(layer.column("valid_from"))
    ends = layer.column("valid_to")
    return layer if not last.is_valid else layer.filter(pc.fill_null(pc.greater(ends, last), True))


def _uses(tables: dict[str, pa.Table], written: Any, digits: int) -> Any:
    codes = set(tables["land_uses"].column("land_use").to_pylist())
    words = {row["written_class"]: row["land_use"] for row in tables["words"].to_pylist()}
    return uses.at_level(uses.land_uses(written, codes, words), digits)


def _thresholds(tables: dict[str, pa.Table]) -> conflicts.Limits:
    rules = rules_of(tables["thresholds"], tables["own_thresholds"])
    return conflicts.Limits(rules["sliver_area"], rules["sliver_width"])


def _digits(tables: dict[str, pa.Table]) -> int:
    return int(rules_of(tables["thresholds"], tables["own_thresholds"])["use_digits"])


def _ground(tables: dict[str, pa.Table]) -> Ground:
    return ground_of(tables["zones"], *(tables[name] for name in sorted(tables) if name.startswith("of ")), tables["lines"])


def _counted(totals: dict[str, float]) -> dict[str, Any]:
    return {name: int(value) if name.endswith("_counted") else value for name, value in totals.items()}


def _column(table: pa.Table, name: str) -> Any:
    return table.column(name).to_numpy(zero_copy_only=False)


def _schema(columns: list[str]) -> pa.Schema:
    return Table(name="planning.any", columns=tuple(columns), grain=(columns[0],)).schema
