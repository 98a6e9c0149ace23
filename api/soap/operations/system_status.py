"""GetSystemStatus: that the call was let in says that the database answers; what is left to say is whether an operator
holds everything."""

from __future__ import annotations

from typing import Final

from api.soap.calls import Call
from api.soap.codes import OK
from api.soap.outputs import add, payload
from api.soap.reading import Element
from batches.models import Installation

IN_MAINTENANCE: Final = "InMaintenance"


def get_system_status(call: Call) -> Element:
    """The reply."""
    is_frozen = Installation.objects.filter(frozen_at__isnull=False).exists()
    made = payload("SystemStatusResponseMsg")
    result = add(add(made, "Results"), "Result")
    add(result, "StatusCode", OK)
    add(result, "StatusMessage", "All mail is held." if is_frozen else "")
    add(result, "SystemStatus", IN_MAINTENANCE if is_frozen else OK)
    add(made, "OverallStatus", OK)
    add(made, "OverallStatusMessage", "")
    add(made, "RequestID", call.id)
    return made
