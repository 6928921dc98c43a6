"""A city model of 1 GB (stand-in: boxes that stand nowhere) read as a stream: time, and memory at its peak; cjio beside it.

    python benchmarks/city_model.py --megabytes 1000 [--beside]

Each reader runs in a process of its own, whose peak of anonymous memory (`RssAnon`, what no file backs) and of all resident
memory is looked at every 20 ms. `--beside` reads it with cjio too (`pip install cjio`), which holds a model as a whole: give it
a machine with the memory for that.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FACES = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
OURS = """
import sys
from pathlib import Path
from scicity.kernel.problems import Problems
from scicity.space import formats
problems = Problems()
opened = formats.read(Path(sys.argv[1]), "layers/model.city.json", formats.Asked(), problems)
print(sum(len(batch) for batch in opened.batches), len(problems))
"""
CJIO = """
import sys
from cjio import cityjson
model = cityjson.reader(open(sys.argv[1]))
print(model.number_city_objects_level1(), 0)
"""


def write(file: Path, megabytes: int) -> int:
    """Writes a model of about this size; how many buildings. The same each time."""
    chance, count, size = random.Random(6), 0, 0
    semantics = {
        "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
        "values": [[0, 1, 2, 2, 2, 2]],
    }
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [440_000, 4_430_000, 0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4548", "title": "stand-in"},
    }
    indices = [index for face in FACES for ring in face for index in ring]
    faces = json.dumps([[[["%d" for _ in ring] for ring in face] for face in FACES]]).replace('"', "")
    pattern = (
        '"b%d": {"type": "Building", "attributes": {"name": "Stand-in %d", "storeys": %d, "origin": "stand-in"}, "geometry": '
        f'[{{"type": "Solid", "lod": "2.2", "boundaries": {faces}, "semantics": {json.dumps(semantics)}}}]}}'
    )
    with file.open("w") as out, tempfile.TemporaryFile("w+") as vertices:
        out.write(json.dumps(head)[:-1] + ', "CityObjects": {')
        while size < megabytes * 1_000_000:
            first = 8 * count
            told = ("," if count else "") + pattern % (count, count, chance.randint(1, 30), *(first + at for at in indices))
            x, y, z = chance.randint(0, 20_000_000), chance.randint(0, 20_000_000), chance.randint(30_000, 60_000)
            w, d, h = chance.randint(8_000, 60_000), chance.randint(8_000, 60_000), chance.randint(3_000, 90_000)
            corners = [(x, y), (x + w, y), (x + w, y + d), (x, y + d)]
            rows = ",".join(f"[{a},{b},{level}]" for level in (z, z + h) for a, b in corners)
            vertices.write(("," if count else "") + rows)
            out.write(told)
            size += len(told) + len(rows) + 1
            count += 1
        out.write('}, "vertices": [')
        vertices.seek(0)
        while block := vertices.read(1 << 20):
            out.write(block)
        out.write("]}")
    return count


def watched(program: str, file: Path) -> dict[str, float | str]:
    """Runs a program on a file: seconds, peaks of memory [MB], and what it printed."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
    peaks = {"RssAnon": 0, "VmHWM": 0}
    while process.poll() is None:
        try:
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                name, _, told = line.partition(":")
                if name in peaks:
                    peaks[name] = max(peaks[name], int(told.split()[0]))
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.02)
    said = process.stdout.read().strip() if process.stdout else ""
    seconds = time.perf_counter() - began
    return {
        "seconds": round(seconds, 1),
        "anonymous_mb": peaks["RssAnon"] // 1024,
        "resident_mb": peaks["VmHWM"] // 1024,
        "said": said or f"ended with {process.returncode}",
    }


def main() -> None:
    """Writes the model, reads it, prints what was seen as JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=1_000)
    asked.add_argument("--beside", action="store_true", help="read it with cjio too")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.city.json"
        count = write(file, given.megabytes)
        told = {"megabytes": file.stat().st_size // 1_000_000, "buildings": count, "scicity": watched(OURS, file)}
        if given.beside:
            told["cjio"] = watched(CJIO, file)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
