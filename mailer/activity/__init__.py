"""Find activities: what happened to the messages of an account, for each recipient, in SendGrid's words.

`language.py` reads a query and returns a condition (`conditions.py`), `finding.py` finds the messages that could meet
it at a bounded cost, and `records.py` reads what happened to them.
"""
