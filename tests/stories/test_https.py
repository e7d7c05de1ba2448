"""Two members over TLS: the certificates that `init` made, found by pairing, pinned from then on."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import TransportError
from entente.exchange.tls import make_certificate
from entente.interfaces.run import serve
from entente.node import Node
from ports import free_port
from stories.homes import agree, settle
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served(node: Node) -> Iterator[None]:
    ready, stop = threading.Event(), threading.Event()
    port = int(node.url.rpartition(":")[2])
    thread = threading.Thread(target=serve, args=(node, "127.0.0.1", port, lambda _url: ready.set(), stop))
    thread.start()
    try:
        assert ready.wait(CEILING)
        yield
    finally:
        stop.set()
        thread.join(CEILING)


def found(folder: Path, name: str) -> Node:
    Node.init(folder / name, name=name, url=f"https://localhost:{free_port()}")
    return Node.open(folder / name)


def indicator() -> bytes:
    body = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--5f1d1b0c-6a0e-4d5e-9f55-0c1f7a1b2c3d",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "scanner",
        "pattern": "[ipv4-addr:value = '192.0.2.7']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    return json.dumps(body).encode()


def test_members_pair_by_code_and_exchange_over_tls(tmp_path: Path):
    with found(tmp_path, "Dover") as one, found(tmp_path, "Calais") as other, served(one), served(other):
        invitation = other.partners.invite()
        met = one.partners.join(invitation.url, invitation.code)
        one.partners.confirm(met.partner, " ".join(other.words))
        other.partners.confirm(one.member, " ".join(one.words))
        circle = agree(one, other)

        one.items.import_files([("indicator", indicator())], tlp="amber", circle=circle)
        settle(one, other)

        assert other.items.show("indicator--5f1d1b0c").object == json.loads(indicator())
        assert one.ledger.receipts("indicator--5f1d1b0c")[0].stage == "stored"


def test_another_certificate_at_the_partners_address_gets_not_a_byte(tmp_path: Path):
    with found(tmp_path, "Dover") as one, found(tmp_path, "Calais") as other:
        for each, partner in ((one, other), (other, one)):
            each.partners.add(partner.partners.card())
            record = json.dumps({"since": 0, "ours": True, "theirs": True}).encode()
            with each.base.store.write() as tx:
                tx.records.put("partner", partner.member, record)
        certificate, key = make_certificate("localhost", now=1_790_000_000)
        false = msgspec.structs.replace(other.base.keys.secrets, tls_cert=certificate.decode(), tls_key=key.decode())
        other.base.keys.use(false)
        with served(other):
            done = one.exchange.sync()

        assert "pin" in done[0].error or "certificate" in done[0].error
        assert done[0].sent.entries == 0


def test_plain_http_to_another_machine_is_refused(tmp_path: Path):
    with found(tmp_path, "Dover") as one, pytest.raises(TransportError, match=r"loopback|plain|TLS|https"):
        one.partners.join("http://192.0.2.1:8443", "123-abacus-abdomen")
