"""Campaigns: content, audience and time. A launched one is a batch, and is stopped like any other."""

QUEUE = "audience"
"""Of the tasks that work through an audience, for seconds at a time: a worker of their own, so that no mail waits."""
