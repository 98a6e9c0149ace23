"""Manage campaigns: content, audience and time. A launched campaign is a batch, and is stopped like any other batch."""
