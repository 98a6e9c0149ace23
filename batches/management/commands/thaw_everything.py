"""`manage.py thaw_everything --reason TEXT`: mail leaves again, of all accounts that are not frozen by themselves."""

from __future__ import annotations

from batches.management.switch import SwitchCommand
from batches.stop.freeze import thaw_installation


class Command(SwitchCommand):
    help = "Thaws the installation and prints the receipt. Exit code 2: it was not frozen."
    switch = staticmethod(thaw_installation)
