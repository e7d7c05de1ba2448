"""A playbook is read without loss, and one that cannot be run is refused with every step and reason."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.formats import cacao

if TYPE_CHECKING:
    from pathlib import Path

Made = dict[str, Any]
READABLE = ("http", "manual", "openc2", "powershell", "ssh")


def uid(number: int) -> str:
    """Give a UUID for a number."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def sid(kind: str, number: int) -> str:
    """Give the id of a step or another thing."""
    return f"{kind}--{uid(number)}"


HARBOUR, NORTHWIND = sid("organization", 901), sid("organization", 902)
START, END = sid("start", 1), sid("end", 2)
ONE, TWO = sid("action", 3), sid("action", 4)


def action(then: str = END, agent: str = HARBOUR, **more: Any) -> Made:
    """Make an action that a person does."""
    return {
        "type": "action",
        "agent": agent,
        "commands": [{"type": "manual", "command": "Look at the lamp."}],
        "on_completion": then,
        **more,
    }


def playbook(steps: Made, **more: Any) -> Made:
    """Make a playbook of these steps for two fictional organisations."""
    return {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": sid("playbook", 900),
        "name": "Lamps out",
        "created_by": sid("identity", 903),
        "created": "2026-11-20T10:00:00.000Z",
        "modified": "2026-11-20T10:00:00.5Z",
        "workflow_start": START,
        "workflow": steps,
        "agent_definitions": {
            HARBOUR: {"type": "organization", "name": "Harbour"},
            NORTHWIND: {"type": "organization", "name": "Northwind"},
        },
        **more,
    }


def simple(**more: Any) -> Made:
    """Make a playbook of two actions, one of each side."""
    steps = {
        START: {"type": "start", "on_completion": ONE},
        ONE: action(TWO),
        TWO: action(END, NORTHWIND),
        END: {"type": "end"},
    }
    return playbook(steps, **more)


def dump(value: object) -> bytes:
    """Write it as JSON."""
    return json.dumps(value, indent=1).encode()


def codes(value: object) -> list[tuple[str, str]]:
    """Give the code and the step of everything that is wrong."""
    return [(problem.code, problem.step) for problem in cacao.problems(cacao.examine(dump(value)))]


def example(shared_data: Path, name: str) -> bytes:
    """Give the bytes of a published example."""
    return (shared_data / "cacao" / "examples" / f"{name}-playbook.json").read_bytes()


class TestReading:
    """What comes in is what goes out."""

    @pytest.mark.parametrize("name", READABLE)
    def test_examples_are_written_as_they_were_read(self, shared_data: Path, name: str) -> None:
        data = example(shared_data, name)
        assert cacao.write(cacao.read(data)) == data

    @pytest.mark.parametrize(
        ("name", "count"), [("http", 0), ("manual", 0), ("openc2", 0), ("powershell", 1), ("ssh", 1)]
    )
    def test_a_password_in_an_example_is_a_warning(self, shared_data: Path, name: str, count: int) -> None:
        found = cacao.read(example(shared_data, name))
        assert len(cacao.secrets(found)) == len(found.warnings) == count
        assert all((each.code, each.severity) == ("secret", "warning") for each in found.warnings)
        assert all(each.endswith("password.") for each in cacao.secrets(found))

    def test_the_broken_example_is_refused_with_all_reasons(self, shared_data: Path) -> None:
        found = cacao.problems(cacao.examine(example(shared_data, "fin")))
        assert {each.code for each in found} == {"shape", "time", "command-type"}
        with pytest.raises(InvalidError, match=r"(?s)action--2fd6bca0.*pong") as refused:
            cacao.read(example(shared_data, "fin"))
        assert refused.value.code == "shape"

    def test_every_step_is_there_with_its_values(self, shared_data: Path) -> None:
        found = cacao.read(example(shared_data, "manual"))
        step = found.steps["action--eb9372d4-d524-49fc-bf24-be26ea084779"]
        assert (found.name, found.start[:7], found.exception[:5]) == ("Example manual", "start--", "end--")
        assert (step.timeout_ms, step.delay_ms, step.out_args) == (100000, 0, ("__hyperspeed_ready__",))
        assert [command.type for command in step.commands] == ["manual"]
        assert step.variables["__hyperspeed_ready__"] == cacao.Variable("string", None, constant=False, external=False)

    def test_what_nobody_knows_survives(self) -> None:
        data = dump(simple(x_colour={"é": [1, 2.5, None]})).replace(
            b'"name": "Lamps out"', b'"name":  "Lamps\\u0020out"'
        )
        found = cacao.read(data)
        assert cacao.write(found) == data
        assert found.raw["x_colour"] == {"é": [1, 2.5, None]}
        assert found.name == "Lamps out"

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"", "not JSON"),
            (b"[]", "not a JSON object"),
            (b'{"a":1,"a":2}', "given twice"),
            (b'{"a":{"b":1,"b":1}}', "given twice"),
            (b'{"a":NaN}', "no number"),
            (b'{"a":-Infinity}', "no number"),
            (b'{"a":1e999}', "too large"),
            (b'{"a":' + b"1" * 50 + b"}", "too large"),
            (b'{"a":"\xff"}', "not JSON"),
            (b'{"a":"\\ud800"}', "not JSON"),
            (b'\xef\xbb\xbf{"a":1}', "not JSON"),
            (b'{"a":1} x', "not JSON"),
        ],
    )
    def test_what_two_readers_could_read_differently_is_refused(self, data: bytes, what: str) -> None:
        with pytest.raises(InvalidError, match=what) as refused:
            cacao.read(data)
        assert refused.value.code == "json"

    def test_too_deep_and_too_large_are_refused(self) -> None:
        def deep(levels: int) -> bytes:
            return dump(simple()).removesuffix(b"}") + b',"x":' + b"[" * levels + b"]" * levels + b"}"

        cacao.read(deep(cacao.MAX_DEPTH - 1))
        for data in (deep(cacao.MAX_DEPTH), b" " * (cacao.MAX_SIZE + 1), b"[" * 100_000):
            with pytest.raises(LimitError):
                cacao.read(data)

    def test_brackets_in_texts_are_not_depth(self) -> None:
        cacao.read(dump(simple(description='[{"\\' * 100)))

    def test_ten_problems_are_listed_and_the_rest_counted(self) -> None:
        with pytest.raises(InvalidError, match="and 5 more") as refused:
            cacao.read(dump(simple(labels=[1] * 15)))
        assert refused.value.message.count("labels[") == 10

    def test_too_many_steps_are_refused(self) -> None:
        many = {sid("action", number): action(sid("action", number + 1)) for number in range(10, 1010)}
        assert ("limit", "") in codes(playbook({START: {"type": "start", "on_completion": ONE}, **many}))


def changed(change: str) -> Made:
    """Make the simple playbook and break it by the name of the change."""
    made = simple()
    exec(change, {"p": made, "w": made["workflow"], "action": action, **globals()})  # noqa: S102
    return made


MEANING = [
    ("p['workflow_start'] = sid('start', 77)", "start", ""),
    ("p['workflow_start'] = ONE", "start", ONE),
    ("w[TWO]['on_completion'] = START", "start", TWO),
    ("p['workflow_exception'] = sid('end', 77)", "missing-step", ""),
    ("w[ONE]['on_completion'] = sid('action', 77)", "missing-step", ONE),
    ("w[sid('action', 77)] = action()", "unreachable", sid("action", 77)),
    ("w[TWO]['on_completion'] = ONE", "loop", TWO),
    ("w[TWO]['on_completion'] = TWO", "loop", TWO),
    ("del w[TWO]['on_completion']", "no-end", TWO),
    ("w[TWO]['on_success'] = END", "next", TWO),
    ("w[TWO].update(on_success=END, on_failure=ONE); del w[TWO]['on_completion']", "loop", TWO),
    ("w[ONE]['agent'] = sid('individual', 77)", "agent", ONE),
    ("w[ONE]['targets'] = [sid('individual', 77)]", "target", ONE),
    ("del w[ONE]['agent']", "shape", ONE),
    ("w[ONE]['commands'] = []", "shape", ONE),
    ("del w[ONE]['commands']", "shape", ONE),
    ("w[ONE]['type'] = 'wait'", "shape", ONE),
    ("w[ONE]['commands'][0]['type'] = 'pong'", "command-type", ONE),
    ("w[ONE]['commands'][0]['type'] = 'x-pong'", "command-type", ONE),
    ("w[ONE]['commands'][0].clear(); w[ONE]['commands'][0]['type'] = 'ssh'", "command", ONE),
    ("w[ONE]['commands'][0]['type'] = 'sigma'", "command", ONE),
    ("w[ONE]['in_args'] = ['__lamp__']", "variable", ONE),
    ("w[ONE]['out_args'] = ['__lamp__']", "variable", ONE),
    ("w[ONE]['commands'][0]['command'] = 'Put out __lamp__:value'", "variable", ONE),
    (
        "w[ONE].update(out_args=['__lamp__'], step_variables={'__lamp__': {'type': 'string', 'constant': True}})",
        "variable",
        ONE,
    ),
    ("p['playbook_variables'] = {'lamp': {'type': 'string'}}", "shape", ""),
    ("w[ONE]['step_variables'] = {'__a__b__': {'type': 'string'}}", "shape", ONE),
    ("p['modified'] = '2026-11-20T09:59:59.999Z'", "time", ""),
    ("p['modified'] = '2026-11-20T10:00:00Z'; p['created'] = '2026-11-20T10:00:00.000001Z'", "time", ""),
    ("p.update(valid_from='2027-01-01T00:00:00Z', valid_until='2026-01-01T00:00:00Z')", "time", ""),
    ("p['playbook_variables'] = {'__gate__': {'type': 'password'}}", "secret", ""),
    ("p['playbook_variables'] = {'__gate__': {'type': 'private-key'}}", "secret", ""),
    ("p['playbook_variables'] = {'__api_key__': {'type': 'string'}}", "secret", ""),
    ("w[TWO]['step_variables'] = {'__access_token__': {'type': 'string'}}", "secret", TWO),
    ("p['agent_definitions'][sid('net-address', 5)] = {'type': 'net-address', 'name': 'Wall'}", "shape", ""),
    ("p['agent_definitions'][sid('wall', 5)] = {'type': 'sector', 'name': 'Wall'}", "shape", ""),
    ("p['agent_definitions'][sid('sector', 5)] = {'type': 'wall', 'name': 'Wall'}", "shape", ""),
    (
        "p['target_definitions'] = {sid('ssh', 5): {'type': 'ssh', 'name': 'Wall', 'address': {}, "
        "'authentication_info': sid('user-auth', 6)}}",
        "authentication",
        "",
    ),
]


@pytest.mark.parametrize(("change", "code", "step"), MEANING, ids=[each[0] for each in MEANING])
def test_every_fault_of_meaning_is_named_with_its_step(change: str, code: str, step: str) -> None:
    assert codes(simple()) == []
    made = changed(change)
    assert (code, step) in codes(made)
    with pytest.raises(InvalidError):
        cacao.read(dump(made))


def test_all_faults_are_told_at_once() -> None:
    made = changed("w[ONE]['targets'] = [sid('individual', 77)]; del w[TWO]['on_completion']; p['priority'] = 101")
    assert codes(made) == [("shape", ""), ("no-end", TWO), ("unreachable", END), ("target", ONE)]


def test_a_kind_of_agent_that_nobody_knows_is_taken() -> None:
    made = simple()
    made["agent_definitions"][sid("lantern-robot", 5)] = {"type": "lantern", "name": "Robot"}
    assert codes(made) == []


def test_flags_named_like_secrets_are_no_secrets() -> None:
    made = simple(playbook_variables={"__password_reset__": {"type": "bool"}, "__keyboard__": {"type": "string"}})
    assert codes(made) == []
    assert cacao.secrets(cacao.read(dump(made))) == []


@pytest.mark.parametrize(
    ("login", "count"),
    [
        ({"type": "user-auth", "username": "keeper", "password": "fish"}, 1),
        ({"type": "user-auth", "username": "keeper", "password": ""}, 0),
        ({"type": "user-auth", "username": "keeper", "kms": True, "kms_key_identifier": "lamp-7"}, 0),
        ({"type": "vault", "private_key": "fish"}, 1),
        ({"type": "vault", "more": [{"api-key": "fish", "secret": "fish"}]}, 2),
    ],
)
def test_secrets_in_logins_are_told(login: Made, count: int) -> None:
    made = simple(authentication_info_definitions={sid(login["type"], 6): login})
    assert len(cacao.secrets(cacao.read(dump(made)))) == count


@pytest.mark.parametrize(("name", "count"), [("Authorization", 1), ("X-Api-Key", 1), ("Accept", 0)])
def test_secrets_in_headers_are_told(name: str, count: int) -> None:
    made = simple()
    made["workflow"][ONE]["commands"] = [{"type": "http-api", "command": "GET /lamps", "headers": {name: ["fish"]}}]
    assert len(cacao.secrets(cacao.read(dump(made)))) == count


UNDO, UNDO_END = sid("action", 8), sid("end", 9)


def extended(undo: Made | None = None, /, **fields: Any) -> Made:
    """Make a playbook whose first action has our extension."""
    made = simple(extension_definitions={cacao.EXTENSION: dict(cacao.EXTENSION_DEFINITION)})
    made["workflow"][ONE]["step_extensions"] = {cacao.EXTENSION: fields}
    if undo is not None:
        made["workflow"] |= {UNDO: undo, UNDO_END: {"type": "end"}}
    return made


class TestExtension:
    """What this project adds to a step: limit, undo, repeatable."""

    def test_a_step_with_all_of_it_is_read(self) -> None:
        found = cacao.read(dump(extended(action(UNDO_END), limit=3600, undo=UNDO, repeatable=True)))
        step = found.steps[ONE]
        assert (step.limit, step.undo, step.repeatable) == (3600, UNDO, True)
        assert (found.steps[TWO].limit, found.steps[TWO].undo, found.steps[TWO].repeatable) == (0, "", False)

    def test_an_undo_may_end_by_itself(self) -> None:
        made = extended({**action(), "on_completion": UNDO_END}, undo=UNDO)
        del made["workflow"][UNDO]["on_completion"], made["workflow"][UNDO_END]
        assert codes(made) == []

    @pytest.mark.parametrize(
        "fields",
        [
            *({"limit": wrong} for wrong in (0, -1, True, "60", 1.5, 10**12)),
            *({"repeatable": 1}, {"undo": 7}, {"undo": ""}, {"colour": "red"}),
        ],
    )
    def test_wrong_fields_are_refused(self, fields: Made) -> None:
        assert codes(extended(**fields)) == [("extension", ONE)]

    def test_it_must_be_defined(self) -> None:
        made = extended(limit=60)
        del made["extension_definitions"]
        assert codes(made) == [("extension", ONE)]

    def test_only_actions_have_it(self) -> None:
        made = extended()
        made["workflow"][END]["step_extensions"] = {cacao.EXTENSION: {"limit": 60}}
        assert codes(made) == [("extension", END)]

    @pytest.mark.parametrize(
        ("undo", "code", "step"),
        [
            (action(UNDO_END, NORTHWIND), "undo", ONE),
            (action(END), "undo", ONE),
            (action(TWO), "undo", UNDO),
            ({**action(UNDO_END), "on_completion": None}, "shape", UNDO),
            (action(UNDO_END, step_extensions={cacao.EXTENSION: {"limit": 5}}), "undo", UNDO),
        ],
    )
    def test_an_undo_keeps_apart(self, undo: Made, code: str, step: str) -> None:
        assert (code, step) in codes(extended(undo, undo=UNDO))

    def test_an_undo_with_a_way_for_failure_is_refused(self) -> None:
        undo = action(UNDO_END)
        del undo["on_completion"]
        made = extended({**undo, "on_success": UNDO_END, "on_failure": UNDO_END}, undo=UNDO)
        assert codes(made) == [("undo", UNDO)]

    def test_an_undo_in_the_normal_flow_is_refused(self) -> None:
        assert ("undo", ONE) in codes(extended(undo=TWO))

    def test_an_undo_that_is_missing_is_refused(self) -> None:
        assert codes(extended(undo=UNDO)) == [("missing-step", ONE)]

    def test_an_undo_that_is_no_action_is_refused(self) -> None:
        made = extended({"type": "end"}, undo=UNDO)
        made["workflow"][ONE]["step_extensions"][cacao.EXTENSION]["undo"] = UNDO_END
        del made["workflow"][UNDO]
        assert ("undo", ONE) in codes(made)


def test_reading_changes_nothing_outside() -> None:
    made = simple()
    before = copy.deepcopy(made)
    with pytest.raises(EntenteError):
        cacao.read(dump({**made, "workflow": 7}))
    assert made == before
