"""Easymail's endpoints, a module to a family. A view reads its request, makes one call of the core, answers."""

from api.easymail.views.base import Endpoint, bad_request, busy, not_found, server_error

__all__ = ["Endpoint", "bad_request", "busy", "not_found", "server_error"]
