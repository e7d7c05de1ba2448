"""What steps of plans do outside: only to endpoints and by programs that this node's operator has allowed.

docs/protocol/12-plans.md, "Effects". Nothing is allowed by default.
"""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec
from msgspec import Struct

from entente.core.errors import EntenteError, InvalidError, NotFoundError, TransportError
from entente.exchange.transport.endpoint import METHODS, call
from entente.formats.cacao import strict_json as cacao_json
from entente.formats.cacao.condition import substitute
from entente.formats.cacao.strict_json import part, text
from entente.formats.cacao.strict_json import texts as texts_in
from entente.node.work.plan.values import Forbidden, Permit
from entente.store import shelf

if TYPE_CHECKING:
    from entente.formats.cacao.playbook import Command, Playbook, Step
    from entente.node.home.base import Base
    from entente.store.ports import Transaction

PERMITS: Final = shelf.json("permit", Permit)
HTTP: Final = ("http-api", "openc2-http", "openc2")
MANUAL: Final = "manual"
DEFAULT_SECONDS: Final = 60.0
MAX_SECONDS: Final = 3600.0
MAX_TEXT: Final = 8000
_OK: Final = range(200, 300)
_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_OPENC2: Final = "application/openc2+json;version=1.0"


class Order(Struct, frozen=True):
    """One command of a step, ready to be carried out: under which permit, with which key, within how many seconds."""

    permit: Permit
    key: str
    command: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    targets: Sequence[Mapping[str, object]]
    seconds: float


class Done(Struct, frozen=True):
    """What became of an effect: whether it went well, in words, and variables that it set."""

    ok: bool
    text: str
    variables: Mapping[str, str] = {}


class Permits:
    """What plans may do on this node, by the word of its operator."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def list(self) -> Sequence[Permit]:
        """Return every permit, by kind and then by address or type of command."""
        with self._base.store.read() as tx:
            return permits(tx)

    def allow_http(self, url: str, *, repeatable: bool = False, headers: str = "") -> Permit:
        """Let plans send requests to addresses that begin with `url`, and return the permit.

        `headers` is the path of a file of header lines to send along. With `repeatable` a second request with the same
        key does nothing more. InvalidError unless the address is https, or plain http to this machine; NotFoundError
        if `headers` names no file.
        """
        parts = _split(url)
        local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise InvalidError("An endpoint is an https address; plain http goes to this machine only.")
        if headers and not Path(headers).is_file():
            raise NotFoundError(f"There is no file {headers}.")
        return self._keep(Permit("http", url, repeatable=repeatable, headers=headers))

    def allow_hook(self, command: str, program: str, *, repeatable: bool = False) -> Permit:
        """Let a program (its path) carry out commands of this type (bash, ssh, …), and return the permit.

        InvalidError for a type that no program can stand for, NotFoundError if the program is not there.
        """
        if command in {*HTTP, MANUAL} or not command.isascii() or not command.replace("-", "").isalnum():
            raise InvalidError(f"A program cannot carry out commands of the type {command!r}.")
        path = Path(program).absolute()
        if not path.is_file():
            raise NotFoundError(f"There is no program {program}.")
        return self._keep(Permit("hook", command, program=str(path), repeatable=repeatable))

    def forbid(self, value: str) -> Forbidden:
        """Take every permit for this address or type of command back; NotFoundError if there is none."""
        with self._base.store.write() as tx:
            found = [each for each in permits(tx) if each.value == value]
            if not found:
                raise NotFoundError(f"There is no permit for {value!r}.", hint="See `entente plan permits`.")
            for each in found:
                PERMITS.drop(tx, _key(each))
        return Forbidden(value)

    def _keep(self, permit: Permit) -> Permit:
        with self._base.commit() as tx:
            PERMITS.put(tx, _key(permit), permit)
        return permit


def permits(tx: Transaction) -> Sequence[Permit]:
    """Return what the operator allows."""
    return PERMITS.values(tx)


def _key(permit: Permit) -> str:
    return f"{permit.kind}/{permit.value}"


def is_manual(step: Step) -> bool:
    """Say whether a person does what this step asks for."""
    return step.type == "playbook-action" or all(command.type == MANUAL for command in step.commands)


def orders(
    playbook: Playbook, step: Step, variables: Mapping[str, str], allowed: Sequence[Permit], key: str
) -> list[Order] | None:
    """Return the commands of a step as they would be carried out; None where one of them is not allowed here."""
    found: list[Order] = []
    seconds = min(step.timeout_ms / 1000 or DEFAULT_SECONDS, MAX_SECONDS)
    targets = [playbook.targets[name] for name in step.targets if name in playbook.targets]
    for at, command in enumerate(step.commands):
        made = _order(command, targets, playbook.agents.get(step.agent, {}), variables)
        permit = _permit(made, allowed)
        if permit is None:
            return None
        found.append(msgspec.structs.replace(made, permit=permit, key=f"{key}-{at}" if at else key, seconds=seconds))
    return found


def texts(playbook: Playbook, step: Step, variables: Mapping[str, str]) -> list[str]:
    """Return everything that a step's commands and targets say, to be compared with what is protected."""
    found: list[str] = []
    for command in step.commands:
        made = _order(command, [playbook.targets[name] for name in step.targets], {}, variables)
        found += [made.command, made.url, made.body.decode(errors="replace"), *made.headers.values()]
        found.append(json.dumps(command.raw, ensure_ascii=False))
    found += [json.dumps(playbook.targets[name], ensure_ascii=False) for name in step.targets]
    filled = [substitute(text, variables) for text in found]
    return [*filled, *(_decoded(text) for text in filled)]


def _decoded(text: str) -> str:
    """Return a text as whoever undoes the escapes of addresses and of JSON reads it."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), unquote(text))


def _order(
    command: Command, targets: Sequence[Mapping[str, object]], agent: Mapping[str, object], variables: Mapping[str, str]
) -> Order:
    said = substitute(text(command.raw.get("command")), variables)
    content = text(command.raw.get("content"))
    encoded = text(command.raw.get("content_b64")) or text(command.raw.get("command_b64"))
    try:
        body = substitute(content, variables).encode() if content else b64decode(encoded) if encoded else b""
    except ValueError as problem:
        raise InvalidError("The content of a command is not base64.") from problem
    headers = _headers(command.raw.get("headers"), variables)
    method, url = "", ""
    if command.type in HTTP:
        method, path = _line(said)
        url = _address(next(iter(targets), agent), variables).rstrip("/") + path
        if command.type != "http-api":
            headers.setdefault("content-type", _OPENC2)
    none = Permit("hook" if command.type not in HTTP else "http", command.type)
    return Order(none, "", said, method, url, headers, body, targets, DEFAULT_SECONDS)


def _permit(order: Order, allowed: Sequence[Permit]) -> Permit | None:
    if order.permit.kind == "http":
        return next((each for each in allowed if each.kind == "http" and _within(order.url, each.value)), None)
    return next((each for each in allowed if each.kind == "hook" and each.value == order.permit.value), None)


def _within(url: str, allowed: str) -> bool:
    """Say whether an address lies under an allowed one: same scheme, host and port, and the path below its path."""
    one, other = _split(url), _split(allowed)
    if (one.scheme, one.hostname, one.port) != (other.scheme, other.hostname, other.port):
        return False
    plain = unquote(unquote(one.path))  # some servers decode twice
    if ".." in plain or "\\" in plain:
        return False
    base = other.path.rstrip("/")
    return one.username is None and (one.path == base or one.path.startswith(base + "/"))


def _split(url: str) -> SplitResult:
    """Take an address apart; InvalidError for one that has no parts or no port that is a number."""
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError as problem:
        raise InvalidError(f"{url[:80]!r} is no address.") from problem
    return found


def _line(said: str) -> tuple[str, str]:
    """Read the request line of a command: method and path."""
    words = said.split()
    if not words or words[0].upper() not in METHODS:
        raise InvalidError(f"{said[:80]!r} does not begin with an HTTP method.")
    path = words[1] if len(words) > 1 else "/"
    if _split(path).scheme or path.startswith("//"):
        raise InvalidError("A command names a path; the address is that of its target.")
    return words[0].upper(), "/" + path.lstrip("/")


def _address(target: Mapping[str, object], variables: Mapping[str, str]) -> str:
    """Return the address of a target: its url, else https to its name or address and port."""
    known = part(target.get("address"))
    for name in ("url", "dname", "ipv4", "ipv6"):
        if first := substitute(next(iter(texts_in(known.get(name))), ""), variables):
            port = text(target.get("port"))
            host = f"[{first}]" if name == "ipv6" else first
            return first if name == "url" else f"https://{host}{':' + port if port else ''}"
    raise InvalidError("The target of a command has no address.")


def _headers(value: object, variables: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, said in part(value).items():
        line = substitute(", ".join([text(said)] if isinstance(said, str) else texts_in(said)), variables)
        if not (name + line).isprintable():
            raise InvalidError("A header has a control character.")
        found[name.lower()] = line
    return found


def perform(order: Order) -> Done:
    """Carry out one command and say what became of it; never raises for what the other side does."""
    try:
        return _send(order) if order.permit.kind == "http" else _run(order)
    except (EntenteError, OSError, ValueError) as problem:
        return Done(False, f"It could not be done: {problem}"[:MAX_TEXT])


def _send(order: Order) -> Done:
    headers = {"content-type": "application/json", **order.headers, "idempotency-key": order.key}
    if order.permit.headers:
        for line in Path(order.permit.headers).read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip():
                headers[name.strip().lower()] = value.strip()
    status, body = call(order.method, order.url, headers, order.body or None, timeout=order.seconds)
    told = _told(body)
    return Done(status in _OK, f"HTTP {status}. {told.text}".strip()[:MAX_TEXT], told.variables)


def _run(order: Order) -> Done:
    """Let the operator's program carry out a command: JSON on standard input, JSON or words on standard output."""
    question = {
        "key": order.key,
        "type": order.permit.value,
        "command": order.command,
        "content": order.body.decode(errors="replace"),
        "targets": list(order.targets),
    }
    try:
        ended = subprocess.run(  # noqa: S603 - the operator named the program; no shell
            [order.permit.program],
            input=json.dumps(question).encode(),
            capture_output=True,
            timeout=order.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise TransportError(f"The program did not end within {order.seconds:g} s.") from problem
    told = _told(ended.stdout[: MAX_TEXT * 4])
    if ended.returncode:
        words = f"{told.text} {ended.stderr.decode(errors='replace')}".strip()
        return Done(False, f"The program ended with {ended.returncode}. {words}"[:MAX_TEXT])
    return told


def _told(body: bytes) -> Done:
    """Read an answer: `{"text", "variables"}` if it is that, else its words."""
    words = "".join(letter for letter in body.decode(errors="replace") if letter.isprintable() or letter in "\n\t")
    try:
        said = cacao_json.load(body)
    except EntenteError:
        said = {}
    if not ({"text", "variables"} & said.keys()):
        return Done(True, words.strip()[:MAX_TEXT])
    variables = {
        name: str(value) for name, value in part(said.get("variables")).items() if isinstance(value, str | int)
    }
    return Done(True, text(said.get("text"))[:MAX_TEXT], variables)
