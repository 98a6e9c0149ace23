"""Import what all processes that the fork server forks share (tests/forked.py)."""

from __future__ import annotations

import django

django.setup()

import audience.jobs.run  # noqa: E402, F401
import mailer.pipeline.deliver  # noqa: E402, F401
