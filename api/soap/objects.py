"""Check the number and the types of the objects of a call, and process each of them separately."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from django.db import InterfaceError, OperationalError

from api.soap.codes import MOST_OBJECTS, TOO_MANY_OBJECTS, Code
from api.soap.errors import Fault, FaultKind, Problem, no_object, problem_of, unsupported_type
from api.soap.outputs import Result
from api.soap.reading import Element, child, is_nil, text, type_of
from foundation.errors import SluiceError

SEND: Final = "Send"
INTEGER: Final = re.compile(r"\+?[0-9]{1,20}")
NO_OBJECTS: Final = "The call does not name any objects."
UNCERTAIN: Final = "It is not known whether this was done; repeat the call"
NAME: Final = re.compile(r"\w{1,60}")


def check_options(payload: Element) -> None:
    """Raise a Fault for a call that has to be done later, because doing it now might send too early."""
    if child(payload, "Options", "ScheduledTime") is not None:
        raise Fault(FaultKind.CLIENT, "ScheduledTime is not supported here.")


def check_count(objects: list[Element]) -> str | None:
    """Return the text for a call that has no objects or too many of them, or None."""
    if not objects:
        return NO_OBJECTS
    return TOO_MANY_OBJECTS if len(objects) > MOST_OBJECTS else None


def check_type(element: Element, index: int) -> None:
    """Raise Problem unless an object is a Send."""
    if is_nil(element):
        raise no_object(index)
    kind = type_of(element)
    if kind != SEND:
        raise unsupported_type(kind if kind and NAME.fullmatch(kind) else None)


def read_send_id(element: Element) -> int:
    """Return the ID of a Send. Raises Problem."""
    send_id = text(element, "ID")
    if send_id is None:
        raise Problem(Code.SEND_ID, "Send ID is required")
    number = int(send_id) if INTEGER.fullmatch(send_id) else 0
    if not 0 < number < 2**31:
        raise Problem(Code.SEND_ID, "Send ID must be a positive integer of 32 bits")
    return number


def each_by_itself(
    objects: Iterable[Element], serve: Callable[[int, Element], Result], *, participle: str
) -> list[Result]:
    """Return the result of each object, whatever the results of the others are."""
    return [guarded(index, element, serve, participle=participle) for index, element in enumerate(objects)]


def guarded(index: int, element: Element, serve: Callable[[int, Element], Result], *, participle: str) -> Result:
    """Return the result of `serve` for the object, or the reason why it failed. Errors of the program are raised."""
    try:
        return serve(index, element)
    except (Problem, SluiceError, OperationalError, InterfaceError) as error:
        send = send_of(element)
        return Result.refused(index, problem_of_object(error, send=send or "", participle=participle), send=send)


def send_of(element: Element) -> int | None:
    """Return the ID of the Send that an object names, or None if it names none."""
    try:
        return None if is_nil(element) else read_send_id(element)
    except Problem:
        return None


def problem_of_object(error: Exception, *, send: object, participle: str) -> Problem:
    """Return the problem of one object of a call.

    A database that is away is a problem of the object, too: a fault would not say which of the others were processed.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return Problem(Code.DATABASE, UNCERTAIN)
    problem = problem_of(error, send=send, participle=participle)
    assert problem is not None  # every error of the core and every Problem has an answer
    return problem
