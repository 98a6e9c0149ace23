"""Mail over SMTP: our own pipelining client.

`url` where the peer is; `pool` the transport and its loop; `resolving`, `connection`, `tls` the way to the peer;
`opening`, `delivering` the dialogue on it, in `transaction`s and `replies`; `verdicts` the meaning of a reply; `limits`
what the peer does not take; `work` what is still to be sent; `visiting` a session in which nothing is sent.
"""

from mailer.transports.smtp.pool import SmtpTransport
from mailer.transports.smtp.url import SmtpAddress
from mailer.transports.smtp.visiting import visit

__all__ = ["SmtpAddress", "SmtpTransport", "visit"]
