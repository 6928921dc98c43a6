"""Makes a back-up the state of a district again, wholly or not at all, once it is verified; nothing may run meanwhile."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, refuse, say, stop
from scicity.kernel.problems import Refused


def run(
    source: Annotated[Path, typer.Option("--from", help="A manifest, or a folder of back-ups: its newest.")],
    instead: Annotated[bool, typer.Option("--replace", help="Set aside the state that there is.")] = False,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    from scicity.cockpit.place import Place
    from scicity.operation.backup import BackupFailed
    from scicity.operation.restore import restore

    place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
    try:
        done = restore(place, source, instead)
    except BackupFailed as failed:
        stop(str(failed), as_json)
    except Refused as refused:
        refuse(refused.problems, as_json)
        raise
    lines = [f"restored {done.files:,} files of {done.manifest}, taken {done.taken}."]
    lines += [f"what was there lies in {done.set_aside}"] if done.set_aside else []
    lines += [] if done.same_folder else ["the district's folder is not as it was then: `check` it before you begin."]
    document = {"manifest": str(done.manifest), "taken": done.taken, "files": done.files, "same_folder": done.same_folder}
    say(document | {"set_aside": str(done.set_aside or "")}, "\n".join(lines), as_json)
