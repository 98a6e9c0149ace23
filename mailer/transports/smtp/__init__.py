"""Mail over SMTP: our own pipelining client.

`url` where the peer is; `pool` the transport and its loop; `resolving`, `connection`, `tls` the way to the peer;
`opening`, `delivering` what is said on it, in `transaction`s and `replies`; `verdicts` what a reply means; `limits`
what the peer does not take; `slice` what is left to be sent; `visiting` a session in which nothing is sent.
"""

from mailer.transports.smtp.pool import SmtpTransport
from mailer.transports.smtp.url import SmtpAddress
from mailer.transports.smtp.visiting import visit

__all__ = ["SmtpAddress", "SmtpTransport", "visit"]
