"""Carry out the operations of the SOAP API, one file for each. A table finds them by the request's element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from api.soap.calls import Call
from api.soap.operations.create import create, delete, update
from api.soap.operations.describe import describe
from api.soap.operations.perform import perform
from api.soap.operations.retrieve import retrieve
from api.soap.operations.system_status import get_system_status
from api.soap.reading import Element


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation. `name` is its SOAPAction, and `verb` the verb of the scope that it needs, or None for no scope."""

    name: str
    serve: Callable[[Call], Element]
    verb: str | None = None

    @property
    def is_change(self) -> bool:
        """Return whether the operation changes anything."""
        return self.verb not in {None, "read"}


OPERATIONS: Final[Mapping[str, Operation]] = {
    "PerformRequestMsg": Operation("Perform", perform, "update"),
    "CreateRequest": Operation("Create", create, "create"),
    "UpdateRequest": Operation("Update", update, "update"),
    "DeleteRequest": Operation("Delete", delete, "delete"),
    "RetrieveRequestMsg": Operation("Retrieve", retrieve, "read"),
    "DefinitionRequestMsg": Operation("Describe", describe, "read"),
    "SystemStatusRequestMsg": Operation("GetSystemStatus", get_system_status),
}
"""The operations by the name of their request's element."""

UNSUPPORTED: Final[Mapping[str, str]] = {
    "QueryRequestMsg": "Query",
    "ExecuteRequestMsg": "Execute",
    "ExtractRequestMsg": "Extract",
    "ConfigureRequestMsg": "Configure",
    "ScheduleRequestMsg": "Schedule",
    "VersionInfoRequestMsg": "VersionInfo",
}
"""Operations of the original that Sluice does not have, by the name of their request's element."""

NAMES: Final = frozenset({operation.name for operation in OPERATIONS.values()} | set(UNSUPPORTED.values()))
