"""Where things lie: the district's folder, and the state folder with its lake, records and secret.

`SCICITY_DISTRICT` names the district's folder and `SCICITY_STATE` the state folder (`.scicity` beside it unless said); a
district's state is `<state>/<slug>/`. `SCICITY_DATABASE` names a database of PostgreSQL, one for each district, where records
and inbox are not to be SQLite files in the state folder. Nothing here knows Django, so that the command line finds the same
places.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The folders of one running district."""

    district: Path
    state_root: Path
    database: str = ""

    @classmethod
    def of_environment(cls) -> Place:
        """The place that the environment names, else the working folder."""
        district = Path(os.environ.get("SCICITY_DISTRICT") or ".")
        state = Path(os.environ.get("SCICITY_STATE", ".scicity"))
        return cls(district.resolve(), state.resolve(), os.environ.get("SCICITY_DATABASE", ""))

    @cached_property
    def slug(self) -> str:
        """The district's short name; the folder's name where `district.toml` cannot tell."""
        try:
            about = tomllib.loads((self.district / "district.toml").read_text(encoding="utf-8"))
            return str(about["district"]["slug"])
        except (OSError, KeyError, ValueError):
            return self.district.name

    @property
    def state(self) -> Path:
        """What belongs to this district and is not in its folder."""
        return self.state_root / self.slug

    @property
    def records(self) -> Path:
        """The SQLite file of people and what they record, where no database is named."""
        return self.state / "records.sqlite3"

    @property
    def inbox(self) -> Path | str:
        """Where what arrives is kept until it is in the lake."""
        return self.database or self.state / "inbox.sqlite3"

    def secret(self) -> str:
        """The key that signs sessions; made once, readable by the owner alone."""
        file = self.state / "secret"
        self.state.mkdir(parents=True, exist_ok=True)
        if file.exists() and not file.stat().st_size:
            file.unlink()  # a power cut came before it was on the disk
        if not file.exists():
            passing = self.state / f"secret.{os.getpid()}"
            with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
                out.write(secrets.token_urlsafe(64))
                out.flush()
                os.fsync(out.fileno())
            with suppress(FileExistsError):  # another process was faster, and its key is the one
                os.link(passing, file)
            passing.unlink()
        return file.read_text(encoding="ascii")

    def databases(self) -> dict[str, object]:
        """What Django is told of the database of records."""
        if self.database:
            from psycopg.conninfo import conninfo_to_dict

            told = conninfo_to_dict(self.database)
            named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
            settings = {theirs: str(told.pop(ours, "")) for theirs, ours in named.items()}
            return {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 60, "OPTIONS": told, **settings}
        options = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",  # a writer waits at its start, and does not fail in its middle
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        }
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": self.records, "OPTIONS": options}
