"""`manage.py thaw_everything --reason TEXT`: mail is sent again, but not of accounts that were frozen individually."""

from __future__ import annotations

from batches.management.switch import SwitchCommand
from batches.stop.freeze import thaw_installation


class Command(SwitchCommand):
    help = "Thaws the installation and prints the receipt. Exit code 2: it was not frozen."
    switch = staticmethod(thaw_installation)
