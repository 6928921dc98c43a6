"""Says everything that is wrong with a district's folder, and changes nothing."""

from scicity.city import City
from scicity.commands import SAMPLE, Folder, Json, refuse, say


def run(folder: Folder = SAMPLE, as_json: Json = False) -> None:
    sources, problems = City(folder).check()
    refuse(problems, as_json)
    rows = {name: table.num_rows for name, table in sources.items()}
    say({"problems": [], "rows": rows}, as_json, f"{folder}: no problem; {sum(rows.values()):,} rows in {len(rows)} tables.")
