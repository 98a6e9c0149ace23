"""Launch Sluice by `./sluice`: embedded PostgreSQL and Valkey, and the processes of a running stack.

It uses the product only through commands and environment variables. The product never imports it.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the checkout."""


class StackError(Exception):
    """A problem that a person must solve. Its text is printed without a traceback."""
