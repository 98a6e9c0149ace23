"""Run other programs that do the same job, each as its users run it, with the best tuning that is known here.

A package each: `running` brings it up, and the few lines that a user of it would write are in its folder `program`,
which runs in a private environment and sees nothing of Sluice. What holds for all of them:

* a message is scheduled as durably as that peer does it: PostgreSQL with fsync; Redis without persistence, which is
  the best case for those that use it;
* workers run and wait before anything is scheduled, and SMTP connections are kept open where the peer can;
* every message has its own recipient and name, and is built as text and HTML with the library that the peer's users
would use.
"""
