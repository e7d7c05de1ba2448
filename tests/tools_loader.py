"""Load one of the project's own programs in `tools/`, which are no package, as a module."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "docs" / "protocol" / "vectors"


def load(name: str) -> ModuleType:
    """Give the module made of `tools/NAME.py`, the same in every test of this run."""
    if name not in sys.modules:
        spec = spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
        assert spec
        assert spec.loader
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
