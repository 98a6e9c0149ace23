"""`manage.py freeze_everything --reason TEXT`: no more mail is sent. For operators without a browser."""

from __future__ import annotations

from batches.management.switch import SwitchCommand
from batches.stop.freeze import freeze_installation


class Command(SwitchCommand):
    help = "Freezes the installation and prints the receipt. Exit code 1: something is in flight; 2: it was frozen."
    switch = staticmethod(freeze_installation)
