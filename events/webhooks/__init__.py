"""Deliver the events of the log to the endpoints of accounts, by webhooks."""
