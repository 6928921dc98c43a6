"""Lets go of what is old by the district's rule (`[retention]` of district.toml): versions of tables, readings, their files."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, refuse, say, stop


def run(
    district: District = USUAL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be let go of; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    from scicity.access.inbox import Inbox
    from scicity.access.storage import StorageRefused
    from scicity.cockpit.arriving import RETENTION
    from scicity.cockpit.place import Place
    from scicity.kernel.problems import Refused
    from scicity.operation.upgrading import UpgradeDue
    from scicity.retention import Gone, UnderWay, rule_of

    gone = Gone()
    try:
        for bite in city.retain(dry=dry_run):
            gone += bite
    except (UnderWay, UpgradeDue) as reason:
        stop(str(reason), as_json)
    except Refused as refused:
        refuse(refused.problems, as_json)
    if not dry_run:
        with suppress(StorageRefused):  # the operator's page tells of it
            place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
            Inbox(place.inbox).beat(RETENTION, datetime.now(UTC), gone.told() | {"error": gone.problem})
    rule = rule_of(city.district.settings)
    would = "would be " if dry_run else ""
    lines = [
        f"{gone.versions:,} versions {would}let go of, with {gone.logs:,} files of logs.",
        f"{gone.files:,} files ({gone.bytes:,} bytes) are named by no kept version; they are deleted six hours later.",
        f"{gone.deleted:,} files ({gone.deleted_bytes:,} bytes) {would}deleted.",
    ]
    if rule.readings_years is None:
        lines.append("Readings are kept for ever ([retention] readings_years is not set).")
    else:
        lines.append(f"{gone.readings:,} readings of {len(gone.months)} months {would}retired.")
    lines += [f"✗ {gone.problem}"] if gone.problem else []
    say({"dry_run": dry_run, "rule": vars(rule), **gone.told()}, "\n".join(lines), as_json)
    if gone.problem:
        raise typer.Exit(1)
