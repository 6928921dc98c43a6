"""Backs a district up while it runs: lake, inbox and records of one moment; what the folder holds is not copied again."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop


def run(
    to: Annotated[Path, typer.Option("--to", help="The folder of back-ups; best on another disk.")],
    keep: Annotated[int, typer.Option(help="Keep so many of the newest and remove older ones; 0 removes none.", min=0)] = 0,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    from scicity.access.inbox import Inbox
    from scicity.access.storage import StorageRefused
    from scicity.cockpit.arriving import BACKUP
    from scicity.cockpit.place import Place
    from scicity.operation.backup import BackupFailed, back_up

    place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
    try:
        done = back_up(place, to, keep)
    except BackupFailed as failed:
        stop(str(failed), as_json)
    with suppress(StorageRefused):  # whoever operates it wants to know of when the last one is
        Inbox(place.inbox).beat(BACKUP, datetime.now(UTC), {"manifest": done.manifest.name, "new_bytes": done.fresh_bytes})
    document = {"manifest": str(done.manifest), "files": done.files, "new": done.fresh, "new_bytes": done.fresh_bytes}
    say(
        document,
        f"{done.manifest}: {done.files:,} files, of which {done.fresh:,} are new ({done.fresh_bytes:,} bytes).",
        as_json,
    )
