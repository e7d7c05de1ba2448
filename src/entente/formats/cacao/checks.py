"""What a schema cannot see in a playbook's parts: things that are named but not defined, conditions, times, secrets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from entente.core.errors import InvalidError, LimitError
from entente.formats.cacao.condition import parse, switch_variable, used
from entente.formats.cacao.graph import reached
from entente.formats.cacao.playbook import EXTENSION, WORK, Playbook, Problem, Step, Variable
from entente.formats.cacao.shape import COMMANDS
from entente.formats.cacao.shape_rules import below
from entente.formats.cacao.strict_json import items, part, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEPEST: Final = 16
_LONGEST_LIMIT: Final = 10 * 366 * 86_400
_FIELDS: Final = frozenset({"limit", "undo", "repeatable"})
_SECRET_WORDS: Final = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "secret",
        "secrets",
        "token",
        "credential",
        "credentials",
        "apikey",
    }
)
_SECRET_PAIRS: Final = frozenset({("private", "key"), ("api", "key"), ("access", "key"), ("secret", "key")})
_HARMLESS: Final = frozenset({"bool", "integer", "long", "float"})
_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
_DEFINITIONS: Final = "authentication_info_definitions"


def enclosing(playbook: Playbook) -> dict[str, tuple[str, ...]]:
    """Give, for every step that is reached, the branching steps around it, outermost first."""
    found = dict[str, tuple[str, ...]]()
    for id_, before in reached(playbook).items():
        step = playbook.steps.get(before)
        around = found.get(before, ())
        inside = step is not None and any(first == id_ for _, first in step.branches())
        found[id_] = (*around, before) if inside else around
    return found


def scope(playbook: Playbook, step: str) -> dict[str, Variable]:
    """Give the variables that a step may use: those of the playbook, of the branching steps around it, and its own."""
    names = (*enclosing(playbook).get(step, ()), step)
    found = dict(playbook.variables)
    for name in names:
        if name in playbook.steps:
            found.update(playbook.steps[name].variables)
    return found


def find(playbook: Playbook) -> Iterator[Problem]:
    """Yield everything that is wrong with what the parts say of each other."""
    yield from _times(playbook)
    yield from _parties(playbook)
    around = enclosing(playbook)
    for id_, step in playbook.steps.items():
        outer = [playbook.steps[each] for each in around.get(id_, ()) if each in playbook.steps]
        if len(outer) > _DEEPEST:
            yield Problem("limit", id_, f"Branches are nested deeper than {_DEEPEST} levels.")
            continue
        yield from _work(playbook, step)
        yield from _names(step, [playbook.variables, *(each.variables for each in outer), step.variables])
        yield from _extension(playbook, step)
    yield from _variables("", playbook.variables)
    for id_, step in playbook.steps.items():
        yield from _variables(id_, step.variables)


def warnings(playbook: Playbook) -> Iterator[Problem]:
    """Yield what can be read but must not be proposed: secrets that stand in the file."""
    for key, login in part(playbook.raw.get(_DEFINITIONS)).items():
        for where in _literals(login, below(_DEFINITIONS, key)):
            yield Problem("secret", "", f"A secret stands in the file, at {where}.", "warning")
    for id_, step in playbook.steps.items():
        for number, command in enumerate(step.commands):
            for name, value in part(command.raw.get("headers")).items():
                if _is_secret_header(name) and any(texts(value)):
                    where = f"commands[{number}].headers.{name:.80}"
                    yield Problem("secret", id_, f"A secret stands in the file, at {where}.", "warning")


def _times(playbook: Playbook) -> Iterator[Problem]:
    for first, last in (("created", "modified"), ("valid_from", "valid_until")):
        one, other = (text(playbook.raw.get(name)) for name in (first, last))
        if one and other and _instant(other) < _instant(one):
            yield Problem("time", "", f"The playbook's {last} {other} is before its {first} {one}.")


def _instant(time: str) -> tuple[str, str]:
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return whole, fraction.ljust(12, "0")


def _parties(playbook: Playbook) -> Iterator[Problem]:
    """Yield logins that are named by agents or targets and not defined."""
    known = part(playbook.raw.get(_DEFINITIONS))
    for key, party in (*playbook.agents.items(), *playbook.targets.items()):
        login = text(party.get("authentication_info"))
        if login and login not in known:
            yield Problem("authentication", "", f"{key} names the login {login:.100}, which is not defined.")


def _work(playbook: Playbook, step: Step) -> Iterator[Problem]:
    """Yield what an action names and is not defined, and commands that nobody knows."""
    if step.type not in WORK:
        return
    if step.agent and step.agent not in playbook.agents:
        yield Problem("agent", step.id, f"Its agent {step.agent:.100} is not defined.")
    for target in step.targets:
        if target not in playbook.targets:
            yield Problem("target", step.id, f"Its target {target:.100} is not defined.")
    for number, command in enumerate(step.commands):
        rule = COMMANDS.get(command.type)
        if rule is None:
            yield Problem("command-type", step.id, f"No command is of the type {command.type!r:.60}.")
            continue
        for where, what in rule(command.raw, f"commands[{number}]"):
            yield Problem("command", step.id, f"{where} {what}.")


def _names(step: Step, scopes: list[Mapping[str, Variable]]) -> Iterator[Problem]:
    """Yield names of variables that are not defined, and conditions that cannot be read."""
    wanted = [(name, "argument") for name in dict.fromkeys((*step.in_args, *step.out_args))]
    try:
        if step.condition:
            wanted += [(name, "condition") for name in parse(step.condition).variables]
        if step.switch:
            wanted.append((switch_variable(step.switch), "switch"))
    except (InvalidError, LimitError) as problem:
        yield Problem("condition", step.id, problem.message)
    for command in step.commands:
        wanted += [(name, "command") for said in _said(command.raw) for name in used(said)]
    for name, place in wanted:
        if not any(name in scope_ for scope_ in scopes):
            yield Problem("variable", step.id, f"Its {place} names the variable {name:.100}, which is not defined.")
    for name in step.out_args:
        if any(name in scope_ and scope_[name].constant for scope_ in scopes):
            yield Problem("variable", step.id, f"It writes the variable {name:.100}, which is constant.")


def _said(command: Mapping[str, object]) -> Iterator[str]:
    yield text(command.get("command"))
    yield text(command.get("content"))
    for values in part(command.get("headers")).values():
        yield from texts(values)


def _extension(playbook: Playbook, step: Step) -> Iterator[Problem]:
    """Yield what is wrong with what this project says about a step; the graph looks after the undo itself."""
    raw = part(part(playbook.raw.get("workflow")).get(step.id))
    if EXTENSION not in part(raw.get("step_extensions")):
        return
    said = step.extension
    if EXTENSION not in part(playbook.raw.get("extension_definitions")):
        yield Problem("extension", step.id, f"It uses {EXTENSION}, which is not among the extension_definitions.")
    if step.type not in WORK:
        yield Problem("extension", step.id, "Only an action has a limit or an undo, or can be repeatable.")
    for name in sorted(said.keys() - _FIELDS):
        yield Problem("extension", step.id, f"The extension has no field {name!r:.60}.")
    if "limit" in said and not 0 < step.limit <= _LONGEST_LIMIT:
        yield Problem("extension", step.id, "The limit must be a whole number of seconds above 0.")
    if "undo" in said and not step.undo:
        yield Problem("extension", step.id, "The undo must be the id of a step.")
    if "repeatable" in said and not isinstance(said["repeatable"], bool):
        yield Problem("extension", step.id, "Repeatable must be true or false.")


def _variables(step: str, variables: Mapping[str, Variable]) -> Iterator[Problem]:
    """Yield variables that hold a secret by their type or name."""
    for name, variable in variables.items():
        words = _words(variable.type) if _is_secret(_words(variable.type)) else _words(name)
        if variable.type not in _HARMLESS and _is_secret(words):
            yield Problem("secret", step, f"The variable {name:.100} holds a secret; secrets are never variables.")


def _words(name: str) -> list[str]:
    return [word for word in name.lower().replace("-", "_").replace(" ", "_").split("_") if word]


def _is_secret(words: list[str]) -> bool:
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairwise(words))


def _is_secret_header(name: str) -> bool:
    return name.lower() in _SECRET_HEADERS or _is_secret(_words(name))


def _literals(value: object, at: str) -> Iterator[str]:
    """Yield the places below `value` where a field of a secret's name holds a text."""
    for number, each in enumerate(items(value)):
        yield from _literals(each, f"{at}[{number}]")
    for name, each in part(value).items():
        if isinstance(each, str) and each and (_is_secret_header(name) or name == "oauth_header"):
            yield below(at, name)
        yield from _literals(each, below(at, name))
