"""Sluice while it is being broken: `./sluice chaos`.

The real stack sends scheduled mail to a peer that counts, callers pause, resume and cancel it over HTTP, and meanwhile
processes are killed, engines crash and lines drop. Afterwards what every caller was told is compared with what
PostgreSQL says and with what the peer has seen. The product never imports this.
"""
