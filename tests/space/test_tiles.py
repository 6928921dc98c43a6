"""Tiles of an index: kept, dropped where something changed and nowhere else, apart by rights and language."""

from __future__ import annotations

import gzip
import sqlite3
import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pytest
import shapely

from scicity.kernel.engine import Engine
from scicity.kernel.lake import Lake, Part
from scicity.kernel.tables import layer_table
from scicity.space import tiles as kept_tiles
from scicity.space.index import Index
from scicity.space.mvt import Tile, world
from scicity.space.tiles import Tiles

SHANGHAI = ZoneInfo("Asia/Shanghai")
STEP = 0.01


class Layered:
    """A layer of a grid of squares in a lake of its own, its index and its tiles."""

    def __init__(self, folder: Path) -> None:
        self.table, self.lake = layer_table("parks"), Lake(folder / "lake")
        self.engine, self.index = Engine(self.lake), Index(folder, "parks")
        self.tiles = Tiles(self.index, SHANGHAI)
        self.features = {f"p{at:02}": {"place": (at % 10, at // 10)} for at in range(100)}

    def put(self) -> None:
        """Puts the features into the lake and brings the index to them."""
        rows = []
        for name, told in sorted(self.features.items()):
            x, y = 116 + told["place"][0] * STEP, 40 + told["place"][1] * STEP
            row = {"feature": name, "name_zh": f"园{name}", "origin": "stand-in"} | {
                k: v for k, v in told.items() if k != "place"
            }
            geometry = shapely.to_wkb(shapely.box(x, y, x + STEP * 0.8, y + STEP * 0.8))
            rows.append(row | {"geometry": geometry, "digest": str(hash(repr(sorted(told.items()))))})
        table = pa.Table.from_pylist(rows, schema=self.table.schema)
        self.lake.replace(self.table.name, {Part("all"): table}, self.table.schema, inputs={}, code="")
        self.index.follow(self.lake, self.engine, self.table)

    def tile(self, x: float, y: float, zoom: int = 13, seen: frozenset[str] | None = None, language: str = "zh"):
        """The tile that a place lies in, by steps of the grid."""
        column, row = np.floor(world(np.array([[116 + x * STEP, 40 + y * STEP]]))[0] * 2**zoom).astype(int).tolist()
        return self.tiles.tile(Tile(zoom, column, row), language, seen)

    def kept(self) -> set[tuple[int, int, int, str, str]]:
        """The tiles that are kept."""
        with sqlite3.connect(self.tiles.file) as connection:
            return set(connection.execute("SELECT z, x, y, rights, language FROM tiles"))


@pytest.fixture
def layered(tmp_path):
    """The grid, put."""
    found = Layered(tmp_path)
    found.put()
    return found


def told(made) -> dict[str, dict]:
    """The properties of a tile's features."""
    read = mapbox_vector_tile.decode(gzip.decompress(made.body))["parks"]["features"] if made.body else []
    return {feature["properties"]["feature"]: feature["properties"] for feature in read}


def test_a_tile_that_was_made_is_kept(layered):
    first, second = layered.tile(0.5, 0.5), layered.tile(0.5, 0.5)
    assert (first.kept, second.kept) == (False, True)
    assert (first.body, first.etag) == (second.body, second.etag)


def test_an_empty_tile_is_empty_and_not_kept(layered, tmp_path):
    assert layered.tile(500, 500).body == b""
    assert not layered.tiles.file.exists()
    assert Tiles(Index(tmp_path, "none"), SHANGHAI).tile(Tile(0, 0, 0), "zh", None).body == b""


def test_a_change_drops_the_tiles_that_it_lies_in_and_no_others(layered):
    near, far = layered.tile(0.5, 0.5), layered.tile(8.5, 8.5)
    layered.features["p00"]["name_zh"] = "新园"
    layered.put()
    assert layered.tile(8.5, 8.5).kept
    again = layered.tile(0.5, 0.5)
    assert not again.kept
    assert told(again)["p00"]["name"] == "新园"
    assert told(near)["p00"]["name"] != "新园"
    assert layered.tile(8.5, 8.5).etag == far.etag


def test_what_moved_is_gone_where_it_was_and_there_where_it_is(layered):
    for place in (0.5, 5.5, 8.5):
        layered.tile(place, place)
    layered.features["p00"]["place"] = (8.1, 8.1)
    layered.put()
    assert layered.tile(5.5, 5.5).kept
    assert "p00" not in told(layered.tile(0.5, 0.5))
    assert "p00" in told(layered.tile(8.5, 8.5))


def test_what_was_taken_away_is_gone_at_every_zoom(layered):
    for zoom in range(8, 17):
        layered.tile(0.5, 0.5, zoom)
    del layered.features["p00"]
    layered.put()
    for zoom in range(8, 17):
        assert "p00" not in told(layered.tile(0.5, 0.5, zoom))


def test_after_changes_a_tile_is_that_of_an_index_made_anew(layered, tmp_path):
    for at, name in enumerate(["p00", "p11", "p22", "p05"]):
        layered.features[name] |= {"name_zh": f"新园{at}", "place": (at / 3, at / 2)}
        layered.tile(0.5, 0.5, 10)
        layered.put()
    del layered.features["p33"]
    layered.put()
    fresh = Layered(tmp_path / "fresh")
    fresh.features = layered.features
    fresh.put()
    for zoom in (6, 9, 12, 14):
        assert layered.tile(0.5, 0.5, zoom).etag == fresh.tile(0.5, 0.5, zoom).etag


def test_readers_share_a_tile_where_nothing_is_restricted(layered):
    layered.tile(0.5, 0.5, seen=frozenset({"officer"}))
    assert layered.tile(0.5, 0.5, seen=frozenset()).kept
    assert layered.tile(0.5, 0.5, seen=None).kept


def test_readers_with_other_rights_get_other_tiles(layered):
    layered.features["p00"]["restricted_to"] = "officer leader"
    layered.features["p01"]["restricted_to"] = "leader"
    layered.put()
    seen = {roles: set(told(layered.tile(0.5, 0.5, seen=roles))) for roles in map(frozenset, ([], ["officer"], ["leader"]))}
    assert [{"p00", "p01"} & each for each in seen.values()] == [set(), {"p00"}, {"p00", "p01"}]
    assert "p00" in told(layered.tile(0.5, 0.5, seen=None))
    assert layered.tile(0.5, 0.5, seen=frozenset({"officer", "resident"})).kept
    assert not {"p00", "p01"} & set(told(layered.tile(0.5, 0.5, seen=frozenset({"resident", "offic"}))))


def test_a_tile_is_kept_for_each_language(layered):
    layered.features["p00"]["name_en"] = "New Park"
    layered.put()
    assert told(layered.tile(0.5, 0.5, language="en"))["p00"]["name"] == "New Park"
    assert told(layered.tile(0.5, 0.5, language="zh"))["p00"]["name"] == "园p00"


def test_of_so_many_changes_that_none_is_noted_all_is_dropped(layered, monkeypatch):
    layered.tile(8.5, 8.5)
    monkeypatch.setattr("scicity.space.placing.FEW", 3)
    for at in range(5):
        layered.features[f"p0{at}"]["name_zh"] = "新"
    layered.put()
    assert not layered.tile(8.5, 8.5).kept


def test_an_index_made_anew_drops_all(layered):
    layered.tile(8.5, 8.5)
    layered.index.file.unlink()
    layered.index.follow(layered.lake, layered.engine, layered.table)
    assert not layered.tile(8.5, 8.5).kept


def test_a_tile_of_an_earlier_state_is_not_kept_over_a_later_one(layered, monkeypatch):
    layered.tile(8.5, 8.5)
    made = Tiles.raw

    def slow(self, connection, tile, *asked):
        found = made(self, connection, tile, *asked)
        if layered.features["p00"].get("name_zh") != "新园":
            other = threading.Thread(target=meanwhile)
            other.start()
            other.join()
        return found

    def meanwhile():
        layered.features["p00"]["name_zh"] = "新园"
        layered.put()
        layered.tile(5.5, 5.5)  # what is kept is of the later state from here on

    monkeypatch.setattr(Tiles, "raw", slow)
    assert told(layered.tile(0.5, 0.5))["p00"]["name"] == "园p00"  # as it was when it was asked for
    assert told(layered.tile(0.5, 0.5))["p00"]["name"] == "新园"


def test_a_torn_file_of_what_is_kept_does_not_keep_tiles_away(layered):
    before = layered.tile(0.5, 0.5)
    for file in layered.tiles.file.parent.glob(f"{layered.tiles.file.name}*"):
        file.write_bytes(b"no database at all " * 400)
    assert layered.tile(0.5, 0.5).etag == before.etag
    assert layered.tile(0.5, 0.5).etag == before.etag


def test_what_is_kept_does_not_grow_without_end(layered, monkeypatch):
    monkeypatch.setattr(kept_tiles, "LARGEST", 60_000)
    monkeypatch.setattr(kept_tiles, "AT_ONCE", 5)
    for at in range(60):
        layered.tile(at % 10 + 0.5, at // 10 + 0.5, 15)
    with sqlite3.connect(layered.tiles.file) as connection:
        pages, free = (connection.execute(f"PRAGMA {of}").fetchone()[0] for of in ("page_count", "freelist_count"))
    assert 0 < len(layered.kept()) < 60
    assert (pages - free) * 4096 < 90_000
