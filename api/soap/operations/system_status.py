"""Return the status of the system.

A call that was let in shows that the database answers. So the status depends only on whether an operator holds all
mail.
"""

from __future__ import annotations

from typing import Final

from api.soap.calls import Call
from api.soap.codes import OK
from api.soap.outputs import add, payload
from api.soap.reading import Element
from batches.models import Installation

IN_MAINTENANCE: Final = "InMaintenance"


def get_system_status(call: Call) -> Element:
    """Return the reply to a GetSystemStatus."""
    is_frozen = Installation.objects.filter(frozen_at__isnull=False).exists()
    reply = payload("SystemStatusResponseMsg")
    result = add(add(reply, "Results"), "Result")
    add(result, "StatusCode", OK)
    add(result, "StatusMessage", "All mail is frozen." if is_frozen else "")
    add(result, "SystemStatus", IN_MAINTENANCE if is_frozen else OK)
    add(reply, "OverallStatus", OK)
    add(reply, "OverallStatusMessage", "")
    add(reply, "RequestID", call.id)
    return reply
