"""Answer Easymail's calls, one module for each family. A view reads a request, calls the core, and answers."""

from api.easymail.views.base import Endpoint, bad_request, busy, not_found, server_error

__all__ = ["Endpoint", "bad_request", "busy", "not_found", "server_error"]
