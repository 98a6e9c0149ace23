"""Thaw the installation, but no account that was frozen individually: `manage.py thaw_everything --reason TEXT`."""

from __future__ import annotations

from batches.management.switch import SwitchCommand
from batches.stop.freeze import thaw_installation


class Command(SwitchCommand):
    help = "Thaw the installation and print the receipt. Exit code 2: it was not frozen."
    switch = staticmethod(thaw_installation)
