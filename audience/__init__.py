"""Keep the audience of campaigns: contacts with custom fields, lists, segments, and the jobs that work on them.

A transaction that changes contacts or memberships of an account locks its `Audience` row first (`locks.lock_audience`).
So the writers of one account take turns: counts are exact, and no two writers can deadlock.
"""

QUEUE = "audience"
"""The Celery queue of tasks that work on an audience for seconds at a time.

It has a separate worker, so that no mail waits behind these tasks.
"""
