"""Find the errors of the core, and which of them a call of an API can raise."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from inspect import unwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any

from api.http import BadBody
from foundation.errors import SluiceError

APPS = ("foundation", "accounts", "batches", "content", "mailer", "audience", "campaigns", "events")


def subclasses_of(base: type) -> Iterator[type]:
    for each in base.__subclasses__():
        yield each
        yield from subclasses_of(each)


def core_errors() -> list[type[SluiceError]]:
    """Return every error class of the core, in whichever app it is."""
    for app in APPS:
        package = importlib.import_module(app)
        for module in pkgutil.walk_packages(package.__path__, f"{app}."):
            if module.name.rpartition(".")[2] == "errors":
                importlib.import_module(module.name)
    return [each for each in subclasses_of(SluiceError) if each.__module__.partition(".")[0] in APPS]


def unreadable_bodies() -> list[type[BadBody]]:
    """Return the kinds of unreadable bodies that every API can meet."""
    return [each for each in subclasses_of(BadBody) if each.__module__ == BadBody.__module__]


def made(kind: type[SluiceError]) -> SluiceError:
    """Return an error of this class, whatever its constructor asks for."""
    error = kind.__new__(kind)
    SluiceError.__init__(error, "so it is")
    return error


def codes_raised_by(function: Any, view: type | None = None) -> set[str]:
    """Return the codes of the core's errors that a function can raise, directly or through functions that it calls.

    The functions are found by the names in their code. So the result may name errors that cannot occur, and does not
    name those that only methods of objects raise.
    """
    waiting, seen, codes = [function], set[Any](), set[str]()
    while waiting:
        each = unwrap(waiting.pop())
        each = getattr(each, "func", each)
        if isinstance(each, type) and issubclass(each, SluiceError) and each is not SluiceError:
            codes.add(each.code)
        if each in seen or not isinstance(each, FunctionType) or each.__module__.split(".")[0] not in {*APPS, "api"}:
            continue
        seen.add(each)
        names = names_in(each.__code__)
        named = [each.__globals__.get(name) for name in names]
        owners = [view, *(value for value in named if isinstance(value, ModuleType))]
        members = (getattr(owner, name, None) for owner in owners if owner for name in names)
        enclosed = (cell.cell_contents for cell in each.__closure__ or ())
        waiting += [value for value in (*named, *members, *enclosed) if callable(value)]
    return codes


def names_in(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(names_in(each) for each in code.co_consts if isinstance(each, CodeType)))


def codes_of_views(urlpatterns: Any) -> set[str]:
    """Return the codes of the core's errors that the calls of an API can raise."""
    views = [getattr(pattern.callback, "cls", None) for pattern in urlpatterns]
    handlers = {(getattr(view, method.lower(), None), view) for view in views if view for method in view.scopes}
    return set[str]().union(*(codes_raised_by(handler, view) for handler, view in handlers if handler))


def calls_of_views(urlpatterns: Any) -> set[str]:
    """Return the names of the calls of an API, such as `POST cancel`."""
    views = [getattr(pattern.callback, "cls", None) for pattern in urlpatterns]
    return {f"{method} {view.resource}" for view in views if view for method in view.scopes}
