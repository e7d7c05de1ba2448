"""Founded members, and a pair of them with an agreement, for the tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interfaces.cli.cli_world import Cli, Pair, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def member(tmp_path: Path) -> Cli:
    """Give a founded member."""
    return make(tmp_path, "Harbour").init()


@pytest.fixture
def unfounded(tmp_path: Path) -> Cli:
    """Give a member whose home does not exist."""
    return make(tmp_path, "Harbour")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give two members whose nodes run, paired, with an agreement in force."""
    folder = tmp_path_factory.mktemp("pair")
    harbour, northwind = make(folder, "Harbour").init(), make(folder, "Northwind").init()
    with harbour.up(), northwind.up():
        invitation = harbour("partner", "invite")
        northwind("partner", "join", invitation["url"], "--code", invitation["code"])
        northwind("partner", "confirm", harbour.member[:12], "--words", harbour.words)
        harbour("partner", "confirm", northwind.member, "--words", northwind.words)
        proposed = harbour("agreement", "propose", "--with", northwind.member, "--name", "Early warning")
        harbour("agreement", "sign", proposed["agreement"])
        harbour("sync")
        northwind("agreement", "sign", proposed["agreement"])
        northwind("sync")
        yield Pair(harbour, northwind, proposed["agreement"], proposed["circle"], folder)
