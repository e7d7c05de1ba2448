"""Agreements get names that tell them apart."""

from __future__ import annotations

import pytest

from entente.core.errors import ConflictError
from network import Network


def test_agreements_without_a_name_are_numbered_and_a_given_name_is_taken_once() -> None:
    network = Network(21)
    dover, calais = network.add("Dover"), network.add("Calais")
    network.pair(dover, calais)
    for _ in range(3):
        dover.agreements.propose([calais.member])
    dover.agreements.propose([calais.member], name="Ports")
    with pytest.raises(ConflictError):
        dover.agreements.propose([calais.member], name="Ports")

    found = sorted(each.name for each in dover.agreements.list())
    assert found == ["Dover and Calais", "Dover and Calais 2", "Dover and Calais 3", "Ports"]
