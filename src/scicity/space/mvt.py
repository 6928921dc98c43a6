"""Mapbox Vector Tiles 2.1, encoded by columns: no loop over features, rings or vertices.

Everything that a layer's features say is numbers of variable length (varints) one behind another, so that the words of all
features are laid out as one array and encoded at once. Held in tests against the decoder of mapbox-vector-tile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely

EXTENT = 4096  # units of a tile's side
BUFFER = 64  # units around a tile that are drawn too, so that outlines and circles meet over its edge
PIXEL = EXTENT // 512  # units of a pixel: a tile is drawn 512 pixels wide
MANY = 64  # vertices from which a geometry is simplified
POINT, LINE, POLYGON = 1, 2, 3
MOVE, CLOSE = 1 << 3 | 1, 1 << 3 | 7
SOUTH, NORTH = -85.0511287798066, 85.0511287798066  # [°] where the square of Web Mercator ends


@dataclass(frozen=True)
class Tile:
    """A tile of WebMercatorQuad: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    def bounds(self, buffer: float = BUFFER) -> tuple[float, float, float, float]:
        """West, south, east, north with a margin [units of the tile] around: [° WGS 84]."""
        margin = buffer / EXTENT
        west, east = ((self.x + at) / 2**self.z * 360 - 180 for at in (-margin, 1 + margin))
        south, north = (
            float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (self.y + at) / 2**self.z))))) for at in (1 + margin, -margin)
        )
        return west, south, east, north

    def units(self, places: np.ndarray) -> np.ndarray:
        """Longitudes and latitudes [°] of shape (n, 2) in units of the tile, from its north-western corner, y downwards."""
        return (world(places) * 2.0**self.z - (self.x, self.y)) * EXTENT


def world(places: np.ndarray) -> np.ndarray:
    """Longitudes and latitudes [°] of shape (n, 2) in the square of Web Mercator: from 0 to 1, y downwards."""
    found = np.empty((len(places), 2))
    found[:, 0] = places[:, 0] / 360 + 0.5
    found[:, 1] = 0.5 - np.arctanh(np.sin(np.radians(np.clip(places[:, 1], SOUTH, NORTH)))) / (2 * np.pi)
    return found


@dataclass(frozen=True)
class Paths:
    """Points, lines or rings of some features: vertices of shape (n, 2), the path of each, the feature of each path."""

    kind: int
    vertices: np.ndarray
    lengths: np.ndarray
    features: np.ndarray


def encode(
    name: str, tile: Tile, geometries: np.ndarray, columns: Mapping[str, pa.Array], boxes: np.ndarray | None = None
) -> bytes:
    """A tile of one layer; empty where nothing of it is drawn.

    Args:
        name: of the layer within the tile.
        tile: the tile.
        geometries: of shapely, WGS 84, of shape (n,); None: what is smaller than a pixel, a square pixel at its place.
        columns: properties of the features, of n rows each: text, whole and real numbers, booleans; null: the feature has none.
        boxes: longitudes and latitudes that hold each geometry, of shape (n, 4) [°]; worked out where not given.
    """
    boxes = shapely.bounds(geometries) if boxes is None else boxes
    corners = np.hstack([tile.units(boxes[:, [0, 3]]), tile.units(boxes[:, [2, 1]])]) if len(boxes) else np.empty((0, 4))
    drawn, cut = _clipped(tile, geometries, corners)
    dimensions = shapely.get_dimensions(drawn)
    kinds = [_pixels(geometries, corners)]
    for kind in (POLYGON, LINE, POINT):
        features = np.flatnonzero(dimensions == kind - 1)
        kinds += [_paths(kind, tile, drawn[features], cut[features], features)] if len(features) else []
    written = [_words(paths) for paths in kinds if len(paths.lengths)]
    if not written:
        return b""
    features = np.concatenate([each[0] for each in written])
    taken = pa.array(features)
    tags, tag_counts, keys, values = _tags({key: column.take(taken) for key, column in columns.items()}, len(features))
    body = _features(
        np.concatenate([np.full(len(each[0]), each[3], np.int64) for each in written]),
        np.concatenate([each[1] for each in written]),
        np.concatenate([each[2] for each in written]),
        tags,
        tag_counts,
    )
    called = name.encode()
    layer = b"".join((b"\x78\x02\x0a", number(len(called)), called, body, keys, values, b"\x28", number(EXTENT)))
    return b"\x1a" + number(len(layer)) + layer


def _clipped(tile: Tile, geometries: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The geometries of the tile, and which of them are in its units, the others being in degrees: those that reach over its
    buffer, cut off there, and those with many vertices, which have fewer."""
    low, high = -BUFFER, EXTENT + BUFFER
    found = geometries.copy()
    away = (corners[:, :2].max(axis=1) > high) | (corners[:, 2:].min(axis=1) < low)
    found[away] = None
    over = (corners[:, :2].min(axis=1) < low) | (corners[:, 2:].max(axis=1) > high)
    many = shapely.get_num_coordinates(found) > MANY
    changed = (over | many) & ~shapely.is_missing(found)
    found[changed] = shapely.transform(found[changed], tile.units)
    over &= changed
    found[over] = _cut(found[over], low, high)
    many &= changed
    found[many] = shapely.simplify(found[many], PIXEL / 4, preserve_topology=False)
    return found, changed


def _cut(geometries: np.ndarray, low: float, high: float) -> np.ndarray:
    """What of the geometries lies in the square; what is not valid is mended first."""
    square, broken = shapely.box(low, low, high, high), ~shapely.is_valid(geometries)
    found = geometries.copy()
    found[broken] = shapely.intersection(shapely.make_valid(geometries[broken]), square)
    try:
        found[~broken] = shapely.clip_by_rect(geometries[~broken], low, low, high, high)
    except shapely.errors.GEOSException:  # the quick way is known to fail for some
        found[~broken] = shapely.intersection(geometries[~broken], square)
    return found


def _pixels(geometries: np.ndarray, corners: np.ndarray) -> Paths:
    """A square pixel for each feature whose geometry is None: what is too small to be drawn leaves no hole."""
    features = np.flatnonzero(shapely.is_missing(geometries))
    centres = (corners[features, :2] + corners[features, 2:]) / 2
    inside = ((centres >= -BUFFER) & (centres < EXTENT + BUFFER)).all(axis=1)
    features, centres = features[inside], centres[inside]
    first = np.round(centres - PIXEL / 2)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * PIXEL
    vertices = (first[:, None] + square).reshape(-1, 2).astype(np.int64)
    return Paths(POLYGON, vertices, np.full(len(features), 4), features)


def _paths(kind: int, tile: Tile, geometries: np.ndarray, cut: np.ndarray, features: np.ndarray) -> Paths:
    """What is drawn of geometries of one dimension, on whole units; what collapses is left out."""
    parts, place = _parts(geometries)
    right = (shapely.get_dimensions(parts) == kind - 1) & ~shapely.is_empty(parts)
    parts, place = parts[right], place[right]
    part = np.arange(len(parts))
    if kind == POLYGON:
        parts, part = shapely.get_rings(parts, return_index=True)
    vertices, path = shapely.get_coordinates(parts, return_index=True)
    whole = cut[place][part][path]
    vertices[~whole] = tile.units(vertices[~whole])
    on_units = np.round(vertices).astype(np.int64)
    return _points(on_units, features[place]) if kind == POINT else _drawn(kind, on_units, path, part, features[place])


def _parts(geometries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Geometries without those that hold others, which are in their places; and which of the given ones each is of."""
    place = np.arange(len(geometries))
    for _ in range(2):  # collections may hold collections
        if not (shapely.get_type_id(geometries) > 3).any():
            break
        geometries, at = shapely.get_parts(geometries, return_index=True)
        place = place[at]
    return geometries, place


def _points(vertices: np.ndarray, features: np.ndarray) -> Paths:
    inside = ((vertices >= -BUFFER) & (vertices < EXTENT + BUFFER)).all(axis=1)
    vertices, features = vertices[inside], features[inside]
    found, lengths = np.unique(features, return_counts=True)
    return Paths(POINT, vertices, lengths, found)


def _drawn(kind: int, vertices: np.ndarray, path: np.ndarray, part: np.ndarray, features: np.ndarray) -> Paths:
    """Paths without doubled vertices, and none that collapsed; rings turn as the specification says."""
    same = np.zeros(len(vertices), bool)
    same[1:] = (path[1:] == path[:-1]) & (vertices[1:] == vertices[:-1]).all(axis=1)
    vertices, path = vertices[~same], path[~same]
    if kind == POLYGON:  # a ring's last vertex is its first
        last = np.ones(len(path), bool)
        last[:-1] = path[1:] != path[:-1]
        vertices, path = vertices[~last], path[~last]
    lengths = np.bincount(path, minlength=len(part))
    kept = lengths >= kind
    outer = np.ones(len(part), bool)
    if kind == POLYGON:
        outer[1:] = part[1:] != part[:-1]
        area = _areas(vertices, path, lengths)
        kept &= area != 0
        kept &= kept[np.maximum.accumulate(np.where(outer, np.arange(len(part)), 0))]  # no hole without its outline
    vertices, path = vertices[kept[path]], path[kept[path]]
    if kind == POLYGON:
        starts = np.cumsum(lengths[kept]) - lengths[kept]
        back = (area > 0)[kept] != outer[kept]
        order = np.arange(len(vertices))
        of = np.repeat(np.arange(len(starts)), lengths[kept])
        mirrored = 2 * starts[of] + lengths[kept][of] - 1 - order
        vertices = vertices[np.where(back[of], mirrored, order)]
    return Paths(kind, vertices, lengths[kept], features[part[kept]])


def _areas(vertices: np.ndarray, path: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Twice the signed area of each ring, which is not closed: positive where it turns clockwise on the screen."""
    following = np.arange(1, len(vertices) + 1)
    ends = np.cumsum(lengths)
    some = lengths > 0
    following[ends[some] - 1] = (ends - lengths)[some]
    x, y = vertices[:, 0], vertices[:, 1]
    return np.bincount(path, weights=x * y[following] - x[following] * y, minlength=len(lengths))


def _words(paths: Paths) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The features that are drawn, their commands one behind another, how many words each has, and their kind."""
    features, kind, lengths = paths.features, paths.kind, paths.lengths
    first_path = np.ones(len(features), bool)
    first_path[1:] = features[1:] != features[:-1]
    starts = np.cumsum(lengths) - lengths
    steps = np.diff(paths.vertices, axis=0, prepend=np.zeros((1, 2), np.int64))
    steps[starts[first_path]] = paths.vertices[starts[first_path]]  # the pen begins each feature at the corner
    zigzag = ((steps << 1) ^ (steps >> 63)).astype(np.uint32)
    around = {POINT: 1, LINE: 2, POLYGON: 3}[kind]
    sizes = 2 * lengths + around
    begins = np.cumsum(sizes) - sizes
    words = np.empty(int(sizes.sum()), np.uint32)
    within = np.arange(len(paths.vertices)) - np.repeat(starts, lengths)
    at = np.repeat(begins, lengths) + 1 + 2 * within + ((within > 0) if kind != POINT else 0)
    words[at], words[at + 1] = zigzag[:, 0], zigzag[:, 1]
    words[begins] = lengths << 3 | 1 if kind == POINT else MOVE
    if kind != POINT:
        words[begins + 3] = (lengths - 1) << 3 | 2
    if kind == POLYGON:
        words[begins + sizes - 1] = CLOSE
    counts = np.add.reduceat(sizes, np.flatnonzero(first_path))
    return features[first_path], words, counts, kind


def _features(kinds: np.ndarray, geometry: np.ndarray, counts: np.ndarray, tags: np.ndarray, tag_counts: np.ndarray) -> bytes:
    """The messages of all features: how long each is, its tags, its kind, its commands."""
    tag_sizes, sizes = _sums(_lengths(tags), tag_counts), _sums(_lengths(geometry), counts)
    whole = 1 + _lengths(tag_sizes) + tag_sizes + 2 + 1 + _lengths(sizes) + sizes
    words_of = 8 + tag_counts + counts
    begins = np.cumsum(words_of) - words_of
    words = np.empty(int(words_of.sum()), np.uint32)
    words[begins], words[begins + 1], words[begins + 2], words[begins + 3] = 0x12, whole, 0x12, tag_sizes
    behind = begins + 4 + tag_counts
    words[behind], words[behind + 1], words[behind + 2], words[behind + 3] = 0x18, kinds, 0x22, sizes
    words[ragged(begins + 4, tag_counts)] = tags
    words[ragged(behind + 4, counts)] = geometry
    return _varints(words)[0].tobytes()


def _tags(columns: Mapping[str, pa.Array], count: int) -> tuple[np.ndarray, np.ndarray, bytes, bytes]:
    """The tags of so many features one behind another, how many each has, and the messages of keys and values."""
    keys, values, codes, known = [], [], [], 0
    for key, column in columns.items():
        encoded = column.dictionary_encode() if not pa.types.is_dictionary(column.type) else column.unify_dictionaries()
        code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        codes.append(np.where(code < 0, -1, code + known))
        known += len(encoded.dictionary)
        keys.append(b"\x1a" + number(len(key.encode())) + key.encode())
        values.append(_values(encoded.dictionary))
    code_of = np.stack(codes, axis=1) if codes else np.empty((count, 0), np.int64)
    row, column_of = np.nonzero(code_of >= 0)
    tags = np.stack([column_of, code_of[row, column_of]], axis=1).astype(np.uint32).ravel()
    return tags, 2 * np.bincount(row, minlength=len(code_of)), b"".join(keys), b"".join(values)


def _values(values: pa.Array) -> bytes:
    """The messages of values of one type."""
    if pa.types.is_floating(values.type):
        bits = np.frombuffer(values.to_numpy(zero_copy_only=False).astype("<f8").tobytes(), np.uint8).reshape(-1, 8)
        head = np.broadcast_to(np.array([0x22, 9, 0x19], np.uint8), (len(bits), 3))
        return np.hstack([head, bits]).tobytes()
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        numbers = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
        if (numbers < 0).any() or (numbers >= 2**32).any():
            return _values(values.cast(pa.float64()))
        tag = 0x38 if pa.types.is_boolean(values.type) else 0x28
        words = np.stack([np.full_like(numbers, 0x22), 1 + _lengths(numbers), np.full_like(numbers, tag), numbers], axis=1)
        return _varints(words.ravel().astype(np.uint32))[0].tobytes()
    return _texts(values.cast(pa.large_string()))


def _texts(texts: pa.Array) -> bytes:
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, 8 * texts.offset)
    letters = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    lengths = np.diff(ends)
    told = [np.full_like(lengths, 0x22), 1 + _lengths(lengths) + lengths, np.full_like(lengths, 0x0A), lengths]
    heads, sizes = _varints(np.stack(told, axis=1).ravel().astype(np.uint32))
    head_sizes = sizes.reshape(-1, 4).sum(axis=1)
    begins = np.cumsum(head_sizes + lengths) - head_sizes - lengths
    written = np.empty(int((head_sizes + lengths).sum()), np.uint8)
    written[ragged(begins, head_sizes)] = heads
    written[ragged(begins + head_sizes, lengths)] = letters[ends[0] : ends[-1]]
    return written.tobytes()


def ragged(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The whole numbers of many stretches one behind another: each from its start, so many as its length."""
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)


def _sums(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sum of each stretch of values, the stretches being one behind another."""
    ends = np.cumsum(counts)
    total = np.concatenate([[0], np.cumsum(values)])
    return total[ends] - total[ends - counts]


def _lengths(words: np.ndarray) -> np.ndarray:
    """How many bytes each word has as a varint."""
    sizes = np.ones(words.shape, np.int64)
    for bits in (7, 14, 21, 28):
        longer = words >= 1 << bits
        if not longer.any():
            break
        sizes += longer
    return sizes


def _varints(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words as varints one behind another, and how many bytes each has."""
    sizes = _lengths(words)
    begins = np.cumsum(sizes) - sizes
    written = np.empty(int(sizes.sum()), np.uint8)
    written[begins] = words & 0x7F | np.where(sizes > 1, 0x80, 0).astype(words.dtype)
    longer = np.flatnonzero(sizes > 1)
    for byte in range(1, 5):
        if not len(longer):
            break
        rest, left = words[longer] >> (7 * byte), sizes[longer] > byte + 1
        written[begins[longer] + byte] = rest & 0x7F | np.where(left, 0x80, 0).astype(words.dtype)
        longer = longer[left]
    return written, sizes


def number(value: int) -> bytes:
    """One varint."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
