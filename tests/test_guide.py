"""The example on the page about the Python API runs as it is written there."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "python.md"


@pytest.mark.timeout(120)
def test_the_example_of_the_python_guide_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    script = tmp_path / "example.py"
    script.write_text(found[1].replace("8702", str(port)), "utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=90, check=False
    )

    assert done.returncode == 0, done.stderr
    promised = re.findall(r"print\(.*\)  # (.+)", found[1])
    assert done.stdout.splitlines()[: len(promised)] == promised
    assert done.stdout.splitlines()[-1].startswith("not-found ")
