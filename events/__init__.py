"""Tell programs what became of messages: a log of all events, webhooks and pull.

`log/` gives the events that transactions have written their places in one order, and reads them. `webhooks/` delivers
them to endpoints, which only remember a place in the log. Writing an event costs nothing for an endpoint.
"""

QUEUE = "events"
"""The Celery queue of the tasks that deliver to endpoints. It has a separate worker, since an endpoint may be slow."""
