"""Says everything that is wrong with a district's folder, and changes nothing."""

from scicity.commands import USUAL, Folder, Json, open_city, refuse, say


def run(folder: Folder = USUAL, as_json: Json = False) -> None:
    sources, problems = open_city(folder).check()
    refuse(problems, as_json)
    rows = {name: table.num_rows for name, table in sources.items()}
    say({"problems": [], "rows": rows}, f"{folder}: no problem; {sum(rows.values()):,} rows in {len(rows)} tables.", as_json)
