"""Break a running Sluice, and prove that its promises were kept: the command `./sluice chaos`.

The real stack sends scheduled mail to a peer that counts, and callers pause, resume and cancel it over HTTP, while
processes are killed, engines crash and connections break. Afterwards the answers that callers got are compared with
PostgreSQL and with the peer's count. The product never imports this.
"""
