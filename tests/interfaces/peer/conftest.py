"""One server for the tests of a file, one client for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.exchange.transport import Client
from entente.interfaces.peer.app import Patience
from interfaces.peer.small_node import Node, Partner, Running, running
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(patience=Patience(strangers=100_000)) as host:  # all tests of a file are one caller
        yield host


@pytest.fixture
def host(server: Running) -> Running:
    fresh = Node()
    server.node.__dict__.update({**fresh.__dict__, "bells": server.node.bells})
    return server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(timeout=CEILING) as opened:
        yield opened


@pytest.fixture
def partner(host: Running, client: Client) -> Partner:
    return Partner(client, host)
