"""The validator of OASIS as the judge of our own strict verdict; used by tests only."""

from __future__ import annotations

import json
import logging

from stix2validator import ValidationOptions, validate_parsed_json

_OPTIONS = ValidationOptions(version="2.1", strict=True, silent=True)
BUNDLE = "bundle--2b4f0f3b-6c1d-4c6f-9d1c-0b5a1b2c3d4e"


def refusals(data: bytes) -> list[str]:
    """Give what the validator says against the object in a bundle; an exception of its own is a refusal too."""
    logging.disable(logging.WARNING)
    try:
        parsed = {"type": "bundle", "id": BUNDLE, "objects": [json.loads(data)]}
        result = validate_parsed_json(parsed, _OPTIONS)
    except Exception as error:  # noqa: BLE001 - the validator raises whatever it stumbles over
        return [f"raised {error!r}"]
    finally:
        logging.disable(logging.NOTSET)
    return [str(error) for error in result.errors]
