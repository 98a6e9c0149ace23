"""Send mail over SMTP, with a client that uses pipelining.

`url` reads the address of the peer; `pool` has the transport, its loop and the look-up of the host; `connection` and
`tls` carry bytes to the peer; `opening` and `delivering` are the dialogue, in `transaction`s and `replies`; `verdicts`
decides what a reply means; `limits` remembers what the peer does not take; `work` has the messages that are still to be
sent; `visiting` is a session in which nothing is sent.
"""

from mailer.transports.smtp.pool import SmtpTransport
from mailer.transports.smtp.url import SmtpAddress
from mailer.transports.smtp.visiting import visit

__all__ = ["SmtpAddress", "SmtpTransport", "visit"]
