"""The audience of campaigns: contacts with custom fields, lists, segments, senders, and the jobs that work on them.

Whoever changes contacts or memberships of an account locks its `Audience` row first (`contacts.lock_audience`), so that
the writers of one account take turns: counts are exact, and no two of them can wait for each other.
"""
