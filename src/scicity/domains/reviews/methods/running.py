"""A case's way through its process, run by SpiffWorkflow: which steps are open, what comes when one ends, the state as text.

The engine gets the process as `bpmn.canonical` writes it, never a file; what a condition asks `conditions` works out, and
scripts and services are refused again here. The engine knows no time: days [d] are counted by `clock`.

Source: OMG, BPMN 2.0.2, clause 13 (execution); SpiffWorkflow 3.2 as the engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer

from scicity.domains.reviews import conditions, soundness
from scicity.domains.reviews.bpmn import Process, canonical

MOST_MOVES = 2_000  # of gateways behind one step


class NotOpen(ValueError):  # noqa: N818  (reads as what it is)
    """A step that cannot end now, with those that can."""

    def __init__(self, step: str, open_steps: Iterable[str]) -> None:
        super().__init__(f"the step {step!r} is not open; open are: {', '.join(open_steps) or 'none'}")
        self.step, self.open_steps = step, tuple(open_steps)


class _Conditions(PythonScriptEngine):  # type: ignore[misc]
    """Works out conditions, and runs nothing."""

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> bool:
        values = {name: task.data[name] for name in conditions.NAMES if name in task.data}
        return conditions.holds(expression, values)

    def execute(self, task: Any, script: str, external_context: Any = None) -> bool:
        raise ValueError("a process runs no script")

    def call_service(self, task: Any, **kwargs: Any) -> Any:
        raise ValueError("a process calls no service")


@dataclass(frozen=True)
class Did:
    """A step that ended, and how."""

    step: str
    outcome: str


class Running:
    """One case's state in the engine."""

    def __init__(self, process: Process, workflow: Any) -> None:
        self.process, self._workflow = process, workflow

    @classmethod
    def begin(cls, process: Process, supply: str) -> Running:
        """A case at the beginning of a sound process, for a kind of land supply (`covenant`, `market`)."""
        workflow = BpmnWorkflow(_spec(process_text(process)), script_engine=_Conditions())
        workflow.task_tree.data["supply_kind"] = supply
        workflow.data["supply_kind"] = supply
        found = cls(process, workflow)
        found._go_on()
        return found

    @classmethod
    def load(cls, process: Process, text: str) -> Running:
        """The case whose state `dump` wrote. Raises ValueError for a text that is no state of this process."""
        try:
            told = json.loads(text)
            told["spec"] = json.loads(_spec_text(process_text(process)))
            _SERIALIZER.migrate(told)
            workflow = _SERIALIZER.from_dict(told)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no state of the process {process.process}: {error!r}") from None
        workflow.script_engine = _Conditions()
        return cls(process, workflow)

    def dump(self) -> str:
        """The state as text, without the process itself."""
        told = json.loads(_SERIALIZER.serialize_json(self._workflow))
        told.pop("spec")
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    @property
    def open_steps(self) -> list[str]:
        """The steps that are open, in the order of the process."""
        ready = {task.task_spec.name for task in self._ready()}
        return [node.node for node in self.process.steps if node.node in ready]

    @property
    def ended(self) -> bool:
        """Whether the process has come to an end."""
        return not self.open_steps

    def complete(self, step: str, outcome: str) -> list[str]:
        """Ends an open step; the steps that are open then. Raises NotOpen, and ValueError for an outcome that it has not."""
        tasks = [task for task in self._ready() if task.task_spec.name == step]
        if not tasks:
            raise NotOpen(step, self.open_steps)
        if outcome not in soundness.outcomes(self.process.nodes[step]):
            raise ValueError(f"the step {step!r} cannot end with {outcome!r}")
        tasks[0].data["outcome"] = outcome
        tasks[0].run()
        self._go_on()
        return self.open_steps

    def _ready(self) -> list[Any]:
        return [task for task in self._workflow.get_tasks(state=TaskState.READY) if task.task_spec.manual]

    def _go_on(self) -> None:
        for _ in range(MOST_MOVES):
            task = next((each for each in self._workflow.get_tasks(state=TaskState.READY) if not each.task_spec.manual), None)
            if task is None:
                return
            task.run()
        raise ValueError("gateways that go round without a step")


def replayed(process: Process, supply: str, history: Iterable[Did], steps: Mapping[str, str] | None = None) -> Running:
    """A case brought to where its history leads in a process; with `steps` (old: new) in another one than its own.

    Raises NotOpen where the process has another step open than the one that comes next, KeyError for a step that `steps` lacks.
    """
    running = Running.begin(process, supply)
    for did in history:
        running.complete(did.step if steps is None else steps[did.step], did.outcome)
    return running


_SERIALIZER = BpmnWorkflowSerializer()


def process_text(process: Process) -> bytes:
    """The process as the engine reads it."""
    return canonical(process)


@lru_cache(maxsize=64)
def _spec(text: bytes) -> Any:
    parser = BpmnParser()
    tree = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    parser.add_bpmn_xml(tree)
    return parser.get_spec(parser.get_process_ids()[0])


@lru_cache(maxsize=64)
def _spec_text(text: bytes) -> str:
    told = json.loads(_SERIALIZER.serialize_json(BpmnWorkflow(_spec(text), script_engine=_Conditions())))
    return json.dumps(told["spec"])
