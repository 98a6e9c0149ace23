"""Freeze the whole installation, for operators without a browser: `manage.py freeze_everything --reason TEXT`."""

from __future__ import annotations

from batches.management.switch import SwitchCommand
from batches.stop.freeze import freeze_installation


class Command(SwitchCommand):
    help = "Freeze the installation and print the receipt. Exit code 1: mail is in flight; 2: it was frozen before."
    switch = staticmethod(freeze_installation)
