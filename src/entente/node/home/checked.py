"""What callers give to the parts of a node is looked at before anything is done with it.

A wrong type, None where something is needed, or text that has no UTF-8 becomes an InvalidError that names the argument,
instead of whatever would break inside. So does what the system says of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from types import FunctionType
from typing import Any, Final, TypeVar, cast

from entente.core.errors import InvalidError
from entente.core.safe_text import file_name
from entente.node.home.written import PathLike, path_of

C = TypeVar("C")
Method = Callable[..., Any]  # Any: the methods of a part have all kinds of signatures

LARGEST: Final = 2**53 - 1
"""Numbers beyond it are not the same in every program that reads JSON."""


def checked(part: type[C]) -> type[C]:
    """Let the public methods of a class look at their arguments first, by the annotations of their parameters."""
    for name, held in list(vars(part).items()):
        if name.startswith("_"):
            continue
        if isinstance(held, FunctionType):
            setattr(part, name, _looking(held, 1))
        elif isinstance(held, staticmethod):
            setattr(part, name, staticmethod(_looking(cast("FunctionType", held.__func__), 0)))
        elif isinstance(held, classmethod):
            setattr(part, name, classmethod(_looking(cast("FunctionType", held.__func__), 1)))
    return part


def _looking(method: FunctionType, first: int) -> Method:
    """Return a method that looks at what it is given; nothing is looked at before parameter number `first`."""
    code = method.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    looks = {name: _look_for(str(method.__annotations__.get(name))) for name in names[first:]}
    optional = {name for name in looks if str(method.__annotations__.get(name)).endswith("| None")}

    def look(name: str, value: object) -> object:
        if value is None and name in optional:
            return None
        if value is None and name in looks:
            raise InvalidError(f"{name} is missing: None was given.", hint=f"Give {name}.")
        return looks.get(name, _keep)(name, value)

    @wraps(method)
    def run(*given: object, **named: object) -> object:
        placed = [look(name, value) for name, value in zip(names[first:], given[first:], strict=False)]
        rest = given[first + len(placed) :]  # more than there are parameters: Python says so
        spelt = {name: look(name, value) for name, value in named.items()}
        try:
            return method(*given[:first], *placed, *rest, **spelt)
        except OSError as problem:
            where = f" ({file_name(str(problem.filename))})" if problem.filename else ""
            hint = "Check the path, its rights, and the room on the disk."
            raise InvalidError(f"{problem.strerror or problem}{where}.", code="file", hint=hint) from problem

    return run


def _keep(name: str, value: object) -> object:
    del name
    return value


def _text(name: str, value: object) -> object:
    if not isinstance(value, str):
        raise _wrong(name, "a text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as problem:
            raise InvalidError(
                f"{name} holds half of a surrogate pair at position {problem.start}.", hint="Give text that is Unicode."
            ) from None
    return value


def _number(name: str, value: object) -> object:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, "a whole number", value)
    if not -LARGEST <= value <= LARGEST:
        raise InvalidError(f"{name} lies outside of -(2^53 - 1) to 2^53 - 1.", hint="Give a smaller number.")
    return value


def _truth(name: str, value: object) -> object:
    if not isinstance(value, bool):
        raise _wrong(name, "True or False", value)
    return value


def _bytes(name: str, value: object) -> object:
    if not isinstance(value, (bytes, bytearray)):
        raise _wrong(name, "bytes", value)
    return bytes(value)


def _texts(name: str, value: object) -> object:
    """Look at several texts; one text alone is no list of its letters."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise _wrong(name, "a list of texts", value)
    return [_text(f"{name}[{at}]", each) for at, each in enumerate(cast("Iterable[object]", value))]


def _several(name: str, value: object) -> object:
    """Look at several things of any kind; a text or bytes alone are none."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise _wrong(name, "a list", value)
    return list(cast("Iterable[object]", value))


def _mapping(name: str, value: object) -> object:
    if not isinstance(value, Mapping):
        raise _wrong(name, "a mapping", value)
    return cast("object", value)


def _path(name: str, value: object) -> object:
    del name
    return path_of(cast("PathLike", value))


def _wrong(name: str, wanted: str, value: object) -> InvalidError:
    return InvalidError(f"{name} is {wanted}, not {type(value).__name__}.", hint=f"Give {wanted}.")


_TYPES: Final[dict[str, Callable[[str, object], object]]] = {
    "str": _text,
    "int": _number,
    "bool": _truth,
    "bytes": _bytes,
    "Sequence[str]": _texts,
    "Iterable[str]": _texts,
    "Mapping[str, object]": _mapping,
    "Path": _path,
    "PathLike": _path,
}
_LOOKS: Final = _TYPES | {f"{name} | None": look for name, look in _TYPES.items()}


def _look_for(annotation: str) -> Callable[[str, object], object]:
    """Return what looks at a parameter with this annotation."""
    fallback = _several if annotation.startswith(("Sequence[", "Iterable[")) else _keep
    return _LOOKS.get(annotation, fallback)
