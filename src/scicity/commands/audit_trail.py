"""Verifies the chain of the audit trail (`verify`, status 1 where it breaks), or prints its head for safe keeping (`head`)."""

import os
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop

NAME = "audit-trail"


def run(
    what: Annotated[str, typer.Argument(help="verify or head.", show_default=False)],
    kept: Annotated[
        str, typer.Option("--head", help="A head that was kept: finds whether what came before it was cut off.")
    ] = "",
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    if what not in ("verify", "head"):
        stop(f"there is no {what!r}: say verify or head", as_json)
    kept = kept.strip().lower()
    if kept and (len(kept) != 64 or set(kept) - set("0123456789abcdef")):
        stop("a head is 64 digits of base 16, as `audit-trail head` prints it", as_json)
    city = open_city(district)
    os.environ["SCICITY_DISTRICT"] = str(city.folder.resolve())
    os.environ["SCICITY_STATE"] = str(city.state.parent.resolve())
    from scicity.cockpit.first import prepare_records

    prepare_records()
    from scicity.cockpit import trail

    if what == "head":
        number, digest = trail.head()
        say({"number": number, "head": digest}, f"{digest} (entry {number})", as_json)
        return
    found = trail.verified(kept)
    document = {"entries": found.entries, "head": found.head, "holds": found.fault is None}
    if found.fault is None:
        say(document | {"fault": None}, f"the chain holds: {found.entries:,} entries, head {found.head}", as_json)
        return
    fault = {"number": found.fault.number, "kind": found.fault.kind, "found": found.fault.found}
    text = f"✗ the chain breaks at entry {fault['number']} ({fault['kind']}): {fault['found']}"
    say(document | {"fault": fault}, text, as_json)
    raise typer.Exit(1)
