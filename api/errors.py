"""Turn exceptions into the errors of the JSON APIs.

An API has three tables of rows: for the errors of the core that its calls can raise, for unreadable bodies, and for
HTTP statuses. All other errors of the core share one row, so a new error costs a row only in the APIs whose calls can
raise it. `ErrorTable` picks the row; a subclass makes a `Refusal` of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException

from api.caller import CallerRefused
from api.http import BadBody
from foundation.errors import SluiceError

ANY_CALL: Final = "any call"
ITS_OWN: Final = "the error's own"
"""Stands in the place of a row's field for the field that the error names."""


class Refusal(Exception):
    """The answer to a request that is refused. Each API adds the parts of its envelope."""

    def __init__(self, status: int, *parts: object) -> None:
        super().__init__(status, *parts)
        self.status = status


Row = TypeVar("Row")
R = TypeVar("R", bound=Refusal)


@dataclass(frozen=True)
class ErrorTable(ABC, Generic[Row, R]):
    """The rows of one API, and how they become refusals.

    `core` maps the core's code and the call, such as `POST cancel`, to a row. A row for `ANY_CALL` serves the calls
    that have no specific row. `fallback` serves all errors that have no row.
    """

    core: Mapping[tuple[str, str], Row]
    fallback: Row
    bodies: Mapping[type[BadBody], Row]
    http: Mapping[int, Row]

    @abstractmethod
    def refuse(self, row: Row, error: Exception | None = None, **values: Any) -> R:
        """Return the refusal of a row. Its message may name the error and the values."""

    def answer_for(self, error: Exception, call: str, **values: Any) -> R | None:
        """Return the refusal for an exception of a call such as `POST cancel`, or None for a fault of ours."""
        if isinstance(error, Refusal):
            return error  # type: ignore[return-value]  # an API raises no refusals of another one
        if isinstance(error, SluiceError):
            return self.refuse_core(error, call, **values)
        if isinstance(error, CallerRefused):
            return self.refuse(self.row_for_caller(error, call), error, **values)
        if isinstance(error, BadBody):
            return self.refuse(self.row_for_body(error, call), error, **values)
        if isinstance(error, OperationalError | InterfaceError):
            # The database is away, and nobody knows whether a commit succeeded: the caller may repeat the request.
            return self.refuse(self.http[503], error, **values)
        if isinstance(error, APIException):
            return self.refuse(self.http.get(error.status_code, self.http[400]), error, **values)
        return None

    def plain(self, status: int, **values: Any) -> R:
        """Return the refusal that says no more than its status does."""
        return self.refuse(self.http[status], **values)

    def row_for_core(self, code: str, call: str) -> Row:
        """Return the row for an error of the core."""
        return self.core.get((code, call)) or self.core.get((code, ANY_CALL)) or self.fallback

    def refuse_core(self, error: SluiceError, call: str, **values: Any) -> R:
        """Return the refusal for an error of the core."""
        return self.refuse(self.row_for_core(error.code, call), error, **values)

    def row_for_body(self, error: BadBody, call: str) -> Row:
        """Return the row for a body that cannot be read."""
        return self.bodies[type(error)]

    def row_for_caller(self, error: CallerRefused, call: str) -> Row:
        """Return the row for a caller that is not let in."""
        return self.http[error.status]


Details = Mapping[str, Sequence[str]]
"""The problems of each field."""


class CodedRefusal(Refusal):
    """A refusal with a code and a message, and `details` where there is something to say about fields."""

    def __init__(self, status: int, code: str, message: str, *, details: Details | None = None) -> None:
        super().__init__(status, code, message)
        self.code = code
        self.message = message
        self.details = details

    def envelope(self) -> dict[str, Any]:
        """Return the body of the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        return {"error": error if self.details is None else {**error, "details": self.details}}


@dataclass(frozen=True, slots=True)
class CodedAnswer:
    """A row of an API whose errors have a code and a message.

    The message may name `{error}`, the error's `{field}` in words, or a value of the call; a name without a value is
    left blank. A row with a `field` is a validation error, and the message is its detail.
    """

    status: int
    code: str
    message: str
    field: str | None = None


@dataclass(frozen=True)
class CodedErrors(ErrorTable[CodedAnswer, CodedRefusal]):
    """The rows of an API whose errors have a code and a message. `invalid_row` is the answer to wrong fields."""

    invalid_row: CodedAnswer
    default_field: str = ""
    """The field of a row with `ITS_OWN` when the error names none."""

    def invalid(self, details: Details) -> CodedRefusal:
        """Return the refusal for fields that are wrong."""
        row = self.invalid_row
        return CodedRefusal(row.status, row.code, row.message, details=details)

    def refuse(self, row: CodedAnswer, error: Exception | None = None, **values: Any) -> CodedRefusal:
        """Return the refusal of a row."""
        field = (error.field if isinstance(error, SluiceError) else None) or ""
        message = row.message.format_map(_Values({**values, "error": error, "field": field.replace("_", " ")}))
        if row.field is not None:
            return self.invalid({(field or self.default_field) if row.field == ITS_OWN else row.field: [message]})
        return CodedRefusal(row.status, row.code, message)


class _Values(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def error_view(refuse: Callable[[HttpRequest, int], HttpResponseBase], status: int) -> Callable[..., HttpResponseBase]:
    """Return a view that answers every request with this status, in the form of the API whose `refuse` it is."""

    @csrf_exempt
    def view(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        return refuse(request, status)

    view.__name__ = f"error_{status}"
    return view
