#!/usr/bin/env python3
"""Draw which parts of `entente.node` import which, in the floors that pyproject.toml demands: docs/house.svg.

.venv/bin/python tools/graph.py            # write the picture
.venv/bin/python tools/graph.py --check    # exit 1 if the picture is not that of the code
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "house.svg"
PACKAGE = "entente.node"
WIDTH, ROW, BOX, HEIGHT, TOP = 1040, 92, 150, 40, 56


def floors() -> list[list[str]]:
    """Return the parts of the package by floor, the highest first, as the contract `node` has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["id"] == "node")
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def arrows() -> dict[tuple[str, str], int]:
    """Return how many imports lead from one part to another; a part is a file or a folder directly in the package."""
    graph = grimp.build_graph("entente")
    found: dict[tuple[str, str], int] = {}
    for module in graph.find_descendants(PACKAGE):
        for other in graph.find_modules_directly_imported_by(module):
            ends = part(module), part(other)
            if ends[0] and ends[1] and ends[0] != ends[1]:
                found[ends] = found.get(ends, 0) + 1
    return found


def part(module: str) -> str:
    """Return the part that a module belongs to, "" for one outside the package and for the package itself."""
    return module.removeprefix(PACKAGE + ".").partition(".")[0] if module.startswith(PACKAGE + ".") else ""


def draw(rows: list[list[str]], found: dict[tuple[str, str], int]) -> str:
    """Return the picture: a box for each part, a line for each pair, thicker for more imports; all lines go down."""
    places = {
        name: (round(WIDTH * (at + 1) / (len(row) + 1) + (level % 2 - 0.5) * 90), TOP + level * ROW)
        for level, row in enumerate(rows)
        for at, name in enumerate(row)
    }
    height = TOP + len(rows) * ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="20" y="28" font-size="17" fill="#222">entente.node: {len(places)} parts, {len(found)} arrows, '
        "each points down</text>",
    ]
    for (upper, lower), number in sorted(found.items()):
        (x1, y1), (x2, y2) = places[upper], places[lower]
        width = 0.6 + min(number, 24) / 8
        lines.append(
            f'<path d="M{x1} {y1 + HEIGHT} C{x1} {y1 + ROW} {x2} {y2 - ROW // 2} {x2} {y2}" fill="none" '
            f'stroke="#5b7c99" stroke-opacity="0.55" stroke-width="{width:.1f}"/>'
        )
    for name, (x, y) in places.items():
        lines.append(
            f'<rect x="{x - BOX // 2}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6" fill="#eef3f7" stroke="#36566f"/>'
            f'<text x="{x}" y="{y + 26}" font-size="17" text-anchor="middle" fill="#12222e">{name}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> int:
    """Write the picture, or compare it with the one that is there."""
    made = draw(floors(), arrows())
    if "--check" in sys.argv[1:]:
        return int(PICTURE.read_text("utf-8") != made)
    PICTURE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
