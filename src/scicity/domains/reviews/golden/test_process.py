"""Processes: what is read, what is refused, how it is drawn, and that the engine goes where BPMN says."""

from __future__ import annotations

import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.reviews import bpmn, conditions, soundness
from scicity.domains.reviews.methods import drawing
from scicity.domains.reviews.methods.running import Did, NotOpen, Running, replayed
from scicity.kernel.problems import Problems

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:sc="urn:scicity:review" id="d">'
    '<bpmn:process id="p" name="流程" sc:name-en="Process" isExecutable="true">'
)
TAIL = "</bpmn:process></bpmn:definitions>"
GATE = (
    '<bpmn:sequenceFlow id="gp" sourceRef="gate" targetRef="end"><bpmn:conditionExpression>outcome == "passed"'
    "</bpmn:conditionExpression></bpmn:sequenceFlow>"
    '<bpmn:sequenceFlow id="gr" sourceRef="gate" targetRef="apply"><bpmn:conditionExpression>outcome == "returned"'
    "</bpmn:conditionExpression></bpmn:sequenceFlow>"
    '<bpmn:sequenceFlow id="gx" sourceRef="gate" targetRef="no"/>'
)


def step(key: str, act: str, stage: str = "scheme", **more: str) -> str:
    told = {"days": "5", "name-en": key, **({"reviewers": "1"} if act == "review" else {}), **more}
    own = "".join(f' sc:{name}="{value}"' for name, value in told.items())
    return f'<bpmn:userTask id="{key}" name="{key}" sc:stage="{stage}" sc:act="{act}"{own}/>'


def flow(source: str, target: str) -> str:
    return f'<bpmn:sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}"/>'


SMALL = (
    HEAD
    + '<bpmn:startEvent id="start"/>'
    + step("apply", "submit")
    + step("look", "review")
    + '<bpmn:exclusiveGateway id="gate" default="gx"/><bpmn:endEvent id="end"/>'
    + '<bpmn:endEvent id="no"><bpmn:terminateEventDefinition/></bpmn:endEvent>'
    + flow("start", "apply")
    + flow("apply", "look")
    + flow("look", "gate")
    + GATE
    + TAIL
)


def problems_of(text: str) -> list[str]:
    found = Problems()
    process = bpmn.read(text, "processes/p.bpmn", found)
    if process is not None and not len(found):
        soundness.check(process, "processes/p.bpmn", found)
    return [str(problem) for problem in found]


def sound(text: str) -> bpmn.Process:
    assert problems_of(text) == []
    return bpmn.known(text)


# Two ways side by side, each with a loop of its own, then a third stage.
BESIDE = (
    HEAD
    + '<bpmn:startEvent id="start"/><bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="join"/>'
    + "".join(step(f"apply-{s}", "submit", s) + step(f"look-{s}", "review", s) for s in ("scheme", "drawings", "completion"))
    + '<bpmn:endEvent id="end"/><bpmn:endEvent id="no"><bpmn:terminateEventDefinition/></bpmn:endEvent>'
    + "".join(
        f'<bpmn:exclusiveGateway id="gate-{s}" default="gx-{s}"/>'
        + flow(f"apply-{s}", f"look-{s}")
        + flow(f"look-{s}", f"gate-{s}")
        + GATE.replace('"gate"', f'"gate-{s}"')
        .replace('"apply"', f'"apply-{s}"')
        .replace('"end"', f'"{after}"')
        .replace('id="gp"', f'id="gp-{s}"')
        .replace('id="gr"', f'id="gr-{s}"')
        .replace('id="gx"', f'id="gx-{s}"')
        for s, after in (("scheme", "join"), ("drawings", "join"), ("completion", "end"))
    )
    + flow("start", "fork")
    + flow("fork", "apply-scheme")
    + flow("fork", "apply-drawings")
    + flow("join", "apply-completion")
    + TAIL
)


def test_a_small_process_runs_through_return_and_passing():
    process = sound(SMALL)
    running = Running.begin(process, "market")
    assert running.open_steps == ["apply"]
    assert running.complete("apply", "passed") == ["look"]
    assert running.complete("look", "returned") == ["apply"]
    running.complete("apply", "passed")
    assert running.complete("look", "passed") == [] and running.ended
    with pytest.raises(NotOpen, match="'look' is not open; open are: none"):
        running.complete("look", "passed")


def test_a_step_ends_with_its_own_outcomes_alone():
    running = Running.begin(sound(SMALL), "market")
    with pytest.raises(ValueError, match="cannot end with 'returned'"):
        running.complete("apply", "returned")
    assert running.open_steps == ["apply"]


@pytest.mark.parametrize("text", [SMALL, BESIDE], ids=["small", "beside"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_engine_goes_where_the_token_game_goes(text, data):
    process = sound(text)
    supply = data.draw(st.sampled_from(conditions.SUPPLIES))
    marking, running, history = soundness.begin(process, supply), Running.begin(process, supply), []
    for _ in range(14):
        assert running.open_steps == soundness.open_steps(process, marking)
        if running.ended:
            break
        key = data.draw(st.sampled_from(running.open_steps))
        outcome = data.draw(st.sampled_from(soundness.outcomes(process.nodes[key])))
        marking = soundness.complete(process, marking, key, outcome, supply)
        running.complete(key, outcome)
        history.append(Did(key, outcome))
        running = Running.load(process, running.dump())
    assert replayed(process, supply, history).open_steps == running.open_steps


def test_a_refusal_ends_all_that_runs_beside_it():
    running = Running.begin(sound(BESIDE), "covenant")
    running.complete("apply-scheme", "passed")
    assert running.complete("look-scheme", "refused") == []


def test_a_state_of_another_process_is_refused():
    with pytest.raises(ValueError, match="no state of the process"):
        Running.load(sound(SMALL), Running.begin(sound(BESIDE), "market").dump())
    with pytest.raises(ValueError):
        Running.load(sound(SMALL), "{}")


HOSTILE = {
    "script": ('<bpmn:scriptTask id="s"><bpmn:script>import os</bpmn:script></bpmn:scriptTask>', "<scriptTask>"),
    "service": ('<bpmn:serviceTask id="s"/>', "<serviceTask>"),
    "call": ('<bpmn:callActivity id="s" calledElement="q"/>', "<callActivity>"),
    "timer": ('<bpmn:intermediateCatchEvent id="s"/>', "<intermediateCatchEvent>"),
    "business-rule": ('<bpmn:businessRuleTask id="s"/>', "<businessRuleTask>"),
    "many": ("<bpmn:multiInstanceLoopCharacteristics/>", "<multiInstanceLoopCharacteristics>"),
    "sub-process": ('<bpmn:subProcess id="s"/>', "<subProcess>"),
    "extension": ('<x:script xmlns:x="urn:x">os.system("id")</x:script>', "<script>"),
    "spiff": ('<s:preScript xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core">1</s:preScript>', "<preScript>"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_could_run_code_is_refused_by_name(name):
    inside, told = HOSTILE[name]
    (problem,) = [each for each in problems_of(SMALL.replace(TAIL, inside + TAIL)) if told in each][:1]
    assert "processes/p.bpmn, row 1" in problem and "expected one of startEvent" in problem


ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SMALL.replace("流程", "&x;"), "a document type"),
        ('<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd">' + SMALL, "a document type"),
        (ENTITIES + SMALL.replace("流程", "&b;"), "a document type"),
        ('<?xml-stylesheet href="x.xsl"?>' + SMALL, "a processing instruction"),
        (SMALL[:-22], "unclosed token"),
        (SMALL.replace("流程", "&x;"), "undefined entity"),
        ("", "no element found"),
        ("<a>" * 40 + "</a>" * 40, "a deeper element"),
        ("<a>" + "<b/>" * 6000 + "</a>", "more elements"),
        (f'<a b="{"x" * 3000}"/>', "a longer attribute"),
        ("<a>" + "x" * 2_000_000 + "</a>", "at most 1048576 bytes"),
        ("<html/>", "expected one process"),
        (SMALL.replace('id="look"', 'id="../look"', 1), "found ../look"),
        (SMALL.replace('id="look"', 'id="apply"', 1), "the first is in line 1"),
    ],
    ids=range(14),
)
def test_markup_of_a_stranger_is_refused_with_its_place(text, told):
    found = problems_of(text)
    assert any(told in problem for problem in found), found
    assert all("processes/p.bpmn" in problem for problem in found)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')",
        "outcome.__class__",
        "(lambda: 1)()",
        "outcome == passed",
        'outcome == "other"',
        "1 == 1",
        "True",
        'outcome == "passed" if 1 else 2',
        '[x for x in "a"] == "passed"',
        "outcome",
        'outcome == ("passed")  ; 1',
        'exec("1") == "passed"',
        "(" * 150 + ")" * 50,
        'outcome == "passed" and ' * 30,
        'supply_kind < "market"',
        'outcome == f"passed"',
        "${outcome == 'passed'}",
        "\x00",
    ],
)
def test_a_condition_is_a_comparison_and_nothing_else(text):
    with pytest.raises(ValueError, match="such as outcome"):
        conditions.names_of(text)
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\x00", "\\0")
    assert any("formula" in each for each in problems_of(SMALL.replace('outcome == "passed"', escaped)))


def test_conditions_hold_as_they_are_written():
    text = 'outcome in ("returned", "refused") and not supply_kind == "market"'
    assert conditions.names_of(text) == {"outcome", "supply_kind"}
    assert conditions.holds(text, {"outcome": "refused", "supply_kind": "covenant"})
    assert not conditions.holds(text, {"outcome": "refused", "supply_kind": "market"})
    with pytest.raises(ValueError, match="supply_kind has no value"):
        conditions.holds(text, {"outcome": "refused"})


NO_END = ('<bpmn:endEvent id="no"><bpmn:terminateEventDefinition/></bpmn:endEvent>', "")


def changed(*changes: tuple[str, str]) -> str:
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed((flow("look", "gate"), flow("look", "end"))), "an exclusive gateway that parts"),
        (changed(('"gate" targetRef="apply"', '"gate" targetRef="end"')), "a return that leads to an end"),
        (changed(('"gate" targetRef="no"', '"gate" targetRef="apply"'), NO_END), "a refusal behind which steps stay open"),
        (changed((' sc:reviewers="1"', "")), "expected how many reviewers"),
        (changed(('sc:stage="scheme"', 'sc:stage="holiday"')), "found holiday"),
        (changed(('sc:days="5"', 'sc:days="0"')), "a whole number from 1 to 999"),
        (changed(('sc:days="5"', 'sc:hours="5"')), "field-unknown"),
        (changed((flow("start", "apply"), "")), "flows in"),
        (changed((flow("start", "apply"), flow("start", "nowhere"))), "an end 'nowhere'"),
        (
            changed(('<bpmn:startEvent id="start"/>', '<bpmn:startEvent id="start"/><bpmn:startEvent id="again"/>')),
            "2 start events",
        ),
        (changed(('outcome == "returned"', 'outcome != "refused"')), "2 conditions that hold"),
        (changed(('default="gx"', "")), "a flow without a condition"),
        (changed(('sc:act="submit"', 'sc:act="submit" sc:gaps="allow"')), "gaps that nothing closes"),
        (BESIDE.replace('parallelGateway id="join"', 'exclusiveGateway id="join"'), "a second token"),
        (BESIDE.replace('parallelGateway id="fork"', 'exclusiveGateway id="fork"'), "a condition on each flow"),
    ],
    ids=range(15),
)
def test_what_cannot_run_is_told_with_its_place(text, told):
    found = problems_of(text)
    assert any(told in problem for problem in found), found


def test_a_gateway_that_waits_for_ever_is_found():
    text = SMALL.replace(flow("start", "apply"), flow("start", "join") + flow("join", "apply") + flow("apply", "join"))
    text = text.replace('<bpmn:startEvent id="start"/>', '<bpmn:startEvent id="start"/><bpmn:parallelGateway id="join"/>')
    assert problems_of(text)


def test_gateways_that_double_do_not_blow_up():
    """Thirty diamonds one behind the other have a thousand million ways: told at once, not walked."""
    parts, flows, before = [], [], "start"
    for number in range(20):
        parts.append(f'<bpmn:exclusiveGateway id="a{number}" default="d{number}"/><bpmn:exclusiveGateway id="b{number}"/>')
        flows.append(f'<bpmn:sequenceFlow id="i{number}" sourceRef="{before}" targetRef="a{number}"/>')
        flows.append(
            f'<bpmn:sequenceFlow id="c{number}" sourceRef="a{number}" targetRef="b{number}"><bpmn:conditionExpression>'
            f'supply_kind == "market"</bpmn:conditionExpression></bpmn:sequenceFlow>'
        )
        parts.append(f'<bpmn:exclusiveGateway id="m{number}"/>')
        flows.append(
            f'<bpmn:sequenceFlow id="d{number}" sourceRef="a{number}" targetRef="m{number}"/>'
            + flow(f"m{number}", f"b{number}")
        )
        before = f"b{number}"
    text = SMALL.replace(flow("start", "apply"), "".join(parts + flows) + flow(before, "apply"))
    began = time.process_time()
    assert any("ways through it" in each for each in problems_of(text))
    assert time.process_time() - began < 20


def test_what_the_engine_reads_holds_nothing_of_the_file_but_its_shape():
    hostile = SMALL.replace('name="look"', 'name="&lt;script&gt;x&lt;/script&gt;"')
    text = bpmn.canonical(sound(hostile)).decode()
    assert "script" not in text and "流程" not in text
    assert [node.node for node in bpmn.known(hostile).steps] == ["apply", "look"]


def test_a_diagram_is_well_formed_and_marks_where_the_case_is():
    hostile = SMALL.replace('name="look"', 'name="&lt;script&gt;x&lt;/script&gt; &quot;onload=&quot;"')
    for language in ("zh", "en"):
        text = drawing.drawn(sound(hostile), language, ["look"], ["apply"])
        root = ElementTree.fromstring(text)
        assert "<script" not in text and len(re.findall("bpmn-step [a-z-]+ bpmn-open", text)) == 1 and "bpmn-done" in text
        assert all(float(part) >= 0 for part in root.attrib["viewBox"].split()[2:])
    assert "当前步骤" in drawing.drawn(sound(hostile), "zh", ["look"])


@given(text=st.text(max_size=60), room=st.integers(4, 30), most=st.integers(1, 4))
def test_words_are_broken_into_few_lines(text, room, most):
    lines = drawing.wrapped(text, room, most)
    assert 1 <= len(lines) <= most
    if len(drawing.wrapped(text, room, 99)) <= most:
        assert "".join("".join(lines).split()) == "".join(text.split())


SAMPLES = sorted(Path(__file__).parents[5].glob("districts/*/processes/*.bpmn"))


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_the_processes_of_the_districts_can_run(file):
    process = sound(file.read_text(encoding="utf-8"))
    running = Running.begin(process, "market")
    while not running.ended:
        running.complete(running.open_steps[0], "passed")
    assert set(process.shapes) >= set(process.nodes)


def test_the_report_has_two_commitments_one_filing_and_two_reviews():
    (file,) = [file for file in SAMPLES if file.stem == "one-one-two"]
    acts = {(node.stage, node.act) for node in sound(file.read_text(encoding="utf-8")).steps}
    assert {each for each in acts if each[1] == "review"} == {("preliminary", "review"), ("completion", "review")}
    assert ("drawings", "accept") in acts and ("scheme", "submit") in acts and ("scheme", "review") not in acts
