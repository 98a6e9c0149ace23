"""The audience of campaigns: contacts with custom fields, lists, segments, and the jobs that work on them.

A transaction that changes contacts or memberships of an account locks its `Audience` row first
(`contacts.lock_audience`), so the writers of one account take turns: counts are exact, and no two writers can deadlock.
"""

QUEUE = "audience"
"""The Celery queue of tasks that work through an audience for seconds at a time.

It has a worker of its own, so that no mail waits behind them.
"""
