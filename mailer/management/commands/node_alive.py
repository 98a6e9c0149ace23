"""Exit 0 if a worker node of this host has written its heartbeat lately, for health checks: `manage.py node_alive`."""

from __future__ import annotations

import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from batches.hints import NODE_SILENCE, living_nodes


class Command(BaseCommand):
    help = "Exit 0 if a worker node of this host is alive, and 1 otherwise"
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=socket.gethostname(), help="the part of the node's name after the @")

    def handle(self, *args: Any, **options: Any) -> None:
        host = options["host"]
        try:
            is_alive = living_nodes().filter(name__endswith=f"@{host}").exists()
        except DatabaseError as error:
            raise CommandError(f"The database cannot be reached: {str(error).splitlines()[0]}") from error
        if not is_alive:
            raise CommandError(f"No node on {host} has been seen for {NODE_SILENCE.total_seconds():.0f} s.")
