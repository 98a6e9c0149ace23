"""Act on all messages that filters select: stop, reschedule, replay or drop them.

`actions.py` opens such an action and does it in steps, each by the functions that the other pages and the APIs use
(`mailer/one_message.py`, `mailer/in_hand.py`). Its row has the place that was reached and the counts. `running.py` has
the task that continues it, and the sweeper's duty that finds actions that no process works on.
"""
