"""One district brought to life: its folder checked and loaded, its tables computed, its figures answered."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from scicity.access.files import readings
from scicity.closing import Closings
from scicity.documents.rules import rules_of
from scicity.kernel.computing import Computing, Done
from scicity.kernel.district import District
from scicity.kernel.lake import Lake
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems
from scicity.kernel.reading import Batch, take, whole_batches
from scicity.kernel.rows import filed
from scicity.kernel.tables import Catalog, Source, discover, layer_table
from scicity.mending import mend
from scicity.notices.mailing import sender_of
from scicity.notices.reminding import days_of
from scicity.operation.upgrading import upgrade
from scicity.reports.annual import template_files as templates
from scicity.retention import Gone, let_go, rule_of
from scicity.space import crs, editing, loading, register
from scicity.space.index import Index
from scicity.stores import store_at

STATE = ".scicity"  # where lake and records lie, in SciCity's own folder unless SCICITY_STATE says otherwise


@dataclass
class Loaded:
    """What a load took: rows of each source that changed, features of each layer that did, readings by property."""

    sources: dict[str, int] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    readings: dict[str, int] = field(default_factory=dict)


class City:
    """A district's folder with its lake. `state` is the folder of lake and records."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.problems = Problems()
        self.folder = Path(folder)
        self.district = District.open(self.folder, self.problems)
        root = os.environ.get("SCICITY_STATE") or Path(os.environ.get("SCICITY_HOME", ".")) / STATE
        self.state = state or Path(root) / self.district.slug
        self.lake = Lake(self.state / "lake", store_at(self.state, self.district.slug))

    @cached_property
    def catalog(self) -> Catalog:
        """Every table of every domain, for this district."""
        return discover(district=self.district)

    @cached_property
    def computing(self) -> Computing:
        """What computes the derived tables."""
        return Computing(self.lake, self.catalog, self.district.calendar, self.district.buckets)

    @cached_property
    def figures(self) -> Figures:
        """What answers questions about figures."""
        figures = Figures(self.computing)
        figures.closed = self.closings.of  # figures of closed periods stand as they were closed
        return figures

    @cached_property
    def closings(self) -> Closings:
        """The closed periods and what was corrected in them."""
        return Closings(self.computing.engine, self.catalog, self.district.calendar)

    def check(self, progress: Callable[[str], None] | None = None) -> tuple[dict[str, pa.Table], Problems]:
        """Everything that is wrong with the folder, all at once, and its sources; writes nothing."""
        return self._check(progress)

    def _check(
        self, progress: Callable[[str], None] | None, taken: dict[str, loading.Taken] | None = None
    ) -> tuple[dict[str, pa.Table], Problems]:
        """The same; where a load follows, `taken` gets each layer that is due, so that no file of these is read twice."""
        problems = Problems(list(self.problems.items))
        rule_of(self.district.settings, problems)
        rules_of(self.district.settings, problems)
        sender_of(self.district.settings, problems)
        crs.check_setting(self.district.settings, problems)
        days_of(self.district.settings, problems)
        sources = self.district.sources(self.catalog, problems)
        self._find_unread(problems)
        templates.check(self.folder, problems)
        if register.LAYER.name in sources:
            register.check_files(self.folder, sources[register.LAYER.name].to_pylist(), problems)
        for spec in self._layers_due(sources):
            if progress:
                progress(f"layers/{spec.layer_file}")
            if taken is None:
                for _ in loading.batches(spec, self.folder, self.district.calendar, problems):
                    pass
            elif found := loading.take(spec, self.folder, self.district.calendar, problems, self.state):
                taken[spec.layer] = found
        streams = sources["district.datastream"]
        for batch in readings.batches(self.folder, problems, whole_batches(self.lake)):
            if progress:
                progress(batch.name)
            self._take(batch, streams, problems, write=False)
        problems.items = list(dict.fromkeys(problems.items))  # a file that four tables come from is told of once
        return sources, problems

    def load(self, progress: Callable[[str], None] | None = None) -> Loaded:
        """Checks the folder, then brings what changed into the lake. Raises Refused with all problems, and loads nothing."""
        taken: dict[str, loading.Taken] = {}
        sources, problems = self._check(progress, taken)
        problems.refuse()
        loaded = Loaded()
        with self._alone(loading=True):
            for name, rows in sources.items():
                declared = self.catalog[name]
                if isinstance(declared, Source) and self.computing.put(declared, rows):
                    loaded.sources[name] = rows.num_rows
            for spec in self._layers_due(sources):
                if progress:
                    progress(f"layers/{spec.layer_file}")
                self._load_layer(spec, taken.pop(spec.layer, None), loaded)
            self._empty_layers(sources, loaded)
            for batch in readings.batches(self.folder, problems, whole_batches(self.lake)):
                if progress:
                    progress(batch.name)
                for observed, count in self._take(batch, sources["district.datastream"], problems).items():
                    loaded.readings[observed] = loaded.readings.get(observed, 0) + count
        return loaded

    def take(self, file: Path) -> dict[str, int]:
        """Takes one more file of readings into the lake. Raises Refused with its problems, and takes nothing of it then."""
        problems = Problems()
        batch = readings.read(file, file.name, problems)
        problems.refuse()
        streams = self.computing.engine.rows(self.catalog["district.datastream"])
        with self._alone():
            taken = self._take(batch, streams, problems) if batch else {}
        problems.refuse()
        return taken

    def compute(self, progress: Callable[[str, int, int], None] | None = None, only: str | None = None) -> list[Done]:
        """Brings every derived table up to date; with `only` this one and what it reads.

        Raises UpgradeDue where an older SciCity wrote the lake, and a load must come first.
        """
        with self._alone():
            done = self.computing.bring_up_to_date(progress, only)
            self.closings.post(datetime.now(UTC))
            return done

    def retain(self, *, dry: bool = False, now: datetime | None = None) -> Iterator[Gone]:
        """Lets go of what is old by the district's rule, a bite with each step; `dry` only tells. Raises UnderWay, Refused."""
        if not dry:
            with self._alone():
                pass  # what the machine's last end has torn is mended first
        yield from let_go(self.computing, self.closings, self.district, now or datetime.now(UTC), dry=dry)

    @contextmanager
    def _alone(self, loading: bool = False) -> Iterator[None]:
        mend(self.lake, self.catalog)
        with self.lake.alone():
            upgrade(self.lake, self.catalog, loading)
            yield

    def _layers_due(self, sources: dict[str, pa.Table]) -> list[register.Spec]:
        """The layers whose file, or what the register says of it, is another than when it was loaded."""
        known = self.lake.noted(editing.LAYERS)
        return [each for each in self._specs(sources).values() if known.get(each.layer) != loading.stamp_of(each, self.folder)]

    def _specs(self, sources: dict[str, pa.Table]) -> dict[str, register.Spec]:
        if register.LAYER.name not in sources:  # a catalog of some domains only
            return {}
        rows, classes = (sources[each.name].to_pylist() for each in (register.LAYER, register.LAYER_CLASS))
        return register.specs_of(self.district, rows, classes)

    def _empty_layers(self, sources: dict[str, pa.Table], loaded: Loaded) -> None:
        """A layer whose file and row of the register are gone has no features but those that people left; figures follow it."""
        if register.LAYER.name not in sources:
            return
        stamps, there = self.lake.noted(editing.LAYERS), self._specs(sources)
        for layer in sorted(set(stamps) - set(there)):
            declared = layer_table(layer)
            rows = pa.concat_tables(editing.overlaid([declared.schema.empty_table()], self._edits_of(layer)))
            if self.computing.put(declared, rows):
                loaded.layers[layer] = rows.num_rows
            for file in (self.state / loading.REPORTS).glob(f"{layer}.[sm]*"):  # its index and its report
                file.unlink()
            self.lake.note(editing.LAYERS, {name: stamp for name, stamp in stamps.items() if name in there})

    def _edits_of(self, layer: str) -> pa.Table:
        return editing.edits_of(self.computing.engine, layer)

    def _load_layer(self, spec: register.Spec, taken: loading.Taken | None, loaded: Loaded) -> None:
        if taken is None:  # due only now, as its file is another than it was at the check
            problems = Problems()
            taken = loading.take(spec, self.folder, self.district.calendar, problems, self.state)
            problems.refuse()
        if taken is None:
            return
        declared, rows = spec.table, taken.rows
        with editing.a_file(self.state) as file:
            edits = self._edits_of(spec.layer)
            if edits.num_rows:
                rows = filed(editing.overlaid(taken.parts(), edits), declared.schema, file)
            if self.computing.put(declared, rows):
                loaded.layers[spec.layer] = rows.num_rows
        taken.report.write(self.state)
        Index(self.state, spec.layer).follow(self.lake, self.computing.engine, declared)
        self.lake.note(editing.LAYERS, self.lake.noted(editing.LAYERS) | {spec.layer: taken.stamp})

    def _find_unread(self, problems: Problems) -> None:
        """A register whose name is misspelt would be nobody's: every file in a folder that is read must be somebody's."""
        read = [declared.path for declared in self.catalog.sources if not declared.packaged] + [register.FILES, *readings.FILES]
        for place in {pattern.split("/")[0] for pattern in read if "/" in pattern}:
            for file in (self.folder / place).glob("[!.]*"):
                name = f"{place}/{file.name}"
                if file.suffix != ".md" and not any(fnmatchcase(name, pattern) for pattern in read):
                    expected = "one of " + ", ".join(sorted(pattern for pattern in read if pattern.startswith(f"{place}/")))
                    problems.add("file-unknown", name, found=file.name, expected=expected)

    def _take(self, batch: Batch, streams: pa.Table, problems: Problems, write: bool = True) -> dict[str, int]:
        mine = Problems()
        taken = take(self.lake, batch, streams, self.district.calendar, self.district.buckets, mine, write=write)
        problems.items += mine.items
        return taken
