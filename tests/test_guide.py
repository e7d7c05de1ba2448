"""The example on the page about the Python API runs as it is written there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ports import free_port
from timing import CEILING

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "python.md"


def test_the_example_of_the_python_guide_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    port = free_port()
    script = tmp_path / "example.py"
    script.write_text(found[1].replace("8702", str(port)), "utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=CEILING, check=False
    )

    assert done.returncode == 0, done.stderr
    promised = re.findall(r"print\(.*\)  # (.+)", found[1])
    assert done.stdout.splitlines()[: len(promised)] == promised
    assert done.stdout.splitlines()[-1].startswith("not-found ")
