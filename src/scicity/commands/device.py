"""Makes a device that may send readings by HTTP, or gives it a new secret; the secret is shown once."""

import os
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, say


def run(
    name: Annotated[str, typer.Argument(help="Letters, digits, hyphens: the name of the device or gateway.")],
    datastreams: Annotated[list[str], typer.Argument(help="Datastreams that it may send for; * stands for any characters.")],
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    os.environ["SCICITY_DISTRICT"] = str(city.folder.resolve())
    os.environ["SCICITY_STATE"] = str(city.state.parent.resolve())
    from scicity.cockpit.first import make_device

    credential = make_device(name, datastreams)
    line = f"POST /api/readings with the header  Authorization: Bearer {credential}"
    say({"device": name, "credential": credential}, line, as_json)
