"""What steps do outside: real requests to a real endpoint, real programs; each answer and each failure is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from entente.core.errors import InvalidError, NotFoundError
from entente.formats import cacao
from entente.node.work.plan.effects import Order, orders, perform
from entente.node.work.plan.values import Permit
from network import Network
from playbooks import action, end, playbook, step_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEP = step_id("action", "send")
TARGET = "http-api--0f1f4d9e-2d0f-4c3e-9a5d-1f2f3f4f5f6f"


class Endpoint(BaseHTTPRequestHandler):
    """Keeps what it was asked, and answers what the test wants."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    status = 200
    reply = b'{"text": "blocked", "variables": {"__ticket__": "T-1"}}'

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        type(self).asked.append((self.command, self.path, headers, body))
        self.send_response(type(self).status)
        self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(type(self).reply)

    do_POST = do_GET = do_DELETE = _answer  # noqa: N815 - names of the standard library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        del format, args


@pytest.fixture
def endpoint() -> Iterator[tuple[type[Endpoint], str]]:
    kind = type("Fresh", (Endpoint,), {"asked": [], "status": 200})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kind, f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def plan_of(command: dict[str, object], url: str = "http://127.0.0.1:1") -> bytes:
    target = {"type": "http-api", "name": "there", "address": {"url": [url]}}
    variables = {"__host__": {"type": "string", "value": "evil.example"}}
    step = action("Alder", end(), name="send", command=command, targets=[TARGET])
    return playbook({STEP: step}, agents=["Alder"], start=STEP, targets={TARGET: target}, variables=variables)


def order(command: dict[str, object], permit: Permit, url: str = "http://127.0.0.1:1") -> Order:
    found = cacao.read(plan_of(command, url))
    made = orders(found, found.steps[STEP], {"__host__": "evil.example"}, [permit], "key-1")
    assert made is not None
    return made[0]


def test_request_carries_its_key_and_the_values_of_its_variables(
    endpoint: tuple[type[Endpoint], str], tmp_path: Path
) -> None:
    kind, url = endpoint
    secret = tmp_path / "headers"
    secret.write_text("Authorization: Bearer not-in-the-plan\n")
    command: dict[str, object] = {
        "type": "http-api",
        "command": "POST block HTTP/1.1",
        "content": '{"domain": "__host__:value"}',
        "headers": {"x-team": ["a", "b"]},
    }
    done = perform(order(command, Permit("http", url, headers=str(secret)), url))
    assert done.ok
    assert done.text == "HTTP 200. blocked"
    assert done.variables == {"__ticket__": "T-1"}
    method, path, headers, body = kind.asked[0]
    assert (method, path, json.loads(body)) == ("POST", "/api/block", {"domain": "evil.example"})
    assert headers["idempotency-key"] == "key-1"
    assert headers["authorization"] == "Bearer not-in-the-plan"
    assert headers["x-team"] == "a, b"


@pytest.mark.parametrize(("status", "ok"), [(204, True), (302, False), (404, False), (500, False)])
def test_status_decides_and_no_redirect_is_followed(
    endpoint: tuple[type[Endpoint], str], status: int, ok: bool
) -> None:
    kind, url = endpoint
    kind.status = status
    done = perform(order({"type": "http-api", "command": "GET state HTTP/1.1"}, Permit("http", url), url))
    assert done.ok == ok
    assert len(kind.asked) == 1


def test_endpoint_that_is_not_there_is_a_failed_step() -> None:
    url = "http://127.0.0.1:1"
    done = perform(order({"type": "http-api", "command": "GET state"}, Permit("http", url), url))
    assert not done.ok
    assert "did not answer" in done.text


def test_path_of_a_command_cannot_leave_the_permitted_address() -> None:
    url = "https://firewall.example/api"
    for path in ("/../admin", "//evil.example/x", "https://evil.example/x"):
        found = cacao.read(plan_of({"type": "http-api", "command": f"GET {path} HTTP/1.1"}, url))
        try:
            assert orders(found, found.steps[STEP], {}, [Permit("http", url)], "k") is None, path
        except InvalidError:
            continue


def hook(folder: Path, script: str) -> Permit:
    program = folder / "hook"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return Permit("hook", "bash", program=str(program))


def test_program_gets_the_command_as_json_and_answers(tmp_path: Path) -> None:
    permit = hook(tmp_path, f'cat > {tmp_path}/in; printf \'{{"text": "done", "variables": {{"__n__": "3"}}}}\'')
    done = perform(order({"type": "bash", "command": "drop __host__:value"}, permit))
    assert (done.ok, done.text, done.variables) == (True, "done", {"__n__": "3"})
    asked = json.loads((tmp_path / "in").read_text())
    assert asked["command"] == "drop evil.example"
    assert asked["key"] == "key-1"


def test_program_that_fails_is_a_failed_step_with_its_words(tmp_path: Path) -> None:
    done = perform(order({"type": "bash", "command": "x"}, hook(tmp_path, "echo no way >&2; exit 3")))
    assert not done.ok
    assert "no way" in done.text
    assert "3" in done.text


def test_permits_are_given_and_taken_by_the_operator(tmp_path: Path) -> None:
    node = Network().add("Alder")
    permits = node.plans.permits
    assert list(permits.list()) == []
    for url in ("http://firewall.example/api", "ftp://127.0.0.1/", "firewall.example"):
        with pytest.raises(InvalidError):
            permits.allow_http(url)
    with pytest.raises(NotFoundError):
        permits.allow_hook("bash", str(tmp_path / "none"))
    with pytest.raises(InvalidError):
        permits.allow_hook("manual", "/bin/true")
    permits.allow_http("https://firewall.example/api")
    permits.allow_hook("bash", "/bin/true", repeatable=True)
    assert [each.value for each in permits.list()] == ["bash", "https://firewall.example/api"]
    permits.forbid("bash")
    with pytest.raises(NotFoundError):
        permits.forbid("bash")
    assert [each.value for each in permits.list()] == ["https://firewall.example/api"]
