"""Lists every table: what kind it is, its grain, its columns, and its version in the lake."""

from scicity.commands import USUAL, District, Json, open_city, say


def run(district: District = USUAL, as_json: Json = False) -> None:
    city = open_city(district)
    found = []
    for table in sorted(city.catalog.tables.values(), key=lambda t: t.name):
        kind = table.kind
        version = city.lake.snapshot(table.name).version
        found.append({"table": table.name, "kind": kind, "grain": table.grain, "columns": table.columns, "version": version})
    lines = [f"{t['table']:<40} {t['kind']:<8} v{t['version']:<4} {', '.join(t['grain'])}" for t in found]
    say({"tables": found}, "\n".join(lines), as_json)
