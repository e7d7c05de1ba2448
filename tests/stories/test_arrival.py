"""Two nodes are up: what Harbour shares is at Northwind within a second, however it was shared and whoever can call.

Twenty sends each: by the running node, by a second process on the same home, and with a Northwind that nobody can call.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stories.homes import UNREACHABLE, House, agree, houses, pair
from stories.story import bundle, holds, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node import Node

pytestmark = pytest.mark.serial

SENDS = 20
LIMIT = 1.0
ELSEWHERE = """
import sys, time
from pathlib import Path
from entente.node import Node
with Node.open(Path(sys.argv[1])) as node:
    for id_ in sys.argv[3:]:
        began = time.monotonic()
        assert node.sharing.send([id_], sys.argv[2]).shared == 1
        print(id_, began, flush=True)
        time.sleep(0.15)
"""


class Story:
    """Harbour runs and can be called; Northwind runs; thrice twenty items lie at Harbour."""

    def __init__(self, harbour: House, northwind: House) -> None:
        self.harbour, self.northwind = harbour, northwind
        pair(harbour.node, northwind.node)
        self.circle = agree(harbour.node, northwind.node)
        things = [indicator(number) for number in range(SENDS)]
        harbour.node.items.import_files([("file", bundle(*things))], tlp="TLP:GREEN")
        self.ids = [id_of(thing) for thing in things]
        harbour.run()
        northwind.run()
        time.sleep(1)

    def send(self, id_: str) -> float:
        """Share one item from the running node; return when that began."""
        began = time.monotonic()
        assert self.harbour.node.sharing.send([id_], self.circle).shared == 1
        return began


def arrived(node: Node, id_: str, patience: float = 20.0) -> float:
    """Return when an item is there; the caller sends it before or meanwhile."""
    end = time.monotonic() + patience
    while not holds(node, id_):
        assert time.monotonic() < end, f"{id_} has not arrived"
        time.sleep(0.002)
    return time.monotonic()


@pytest.fixture(params=["both can be called", "one cannot be called"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("arrival")
    if request.param == "both can be called":
        with houses(folder, "Harbour", "Northwind") as found:
            yield Story(*found)
        return
    with houses(folder, "Harbour") as (harbour,):
        hermit = House(folder, "Northwind", url=UNREACHABLE)
        try:
            yield Story(harbour, hermit)
        finally:
            hermit.close()


def test_what_is_shared_arrives_within_a_second(story: Story) -> None:
    took = []
    for id_ in story.ids:
        began = story.send(id_)
        took.append(arrived(story.northwind.node, id_) - began)
    assert max(took) < LIMIT


def test_what_a_second_process_shares_arrives_within_a_second(story: Story) -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(story.harbour.home), story.circle, *story.ids]
    took = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            id_, began = line.split()
            took.append(arrived(story.northwind.node, id_) - float(began))
    assert process.returncode == 0
    assert len(took) == SENDS
    assert max(took) < LIMIT
