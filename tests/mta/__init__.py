"""Test delivery to independent mail servers: Postfix, Exim and Haraka. Run with `./sluice test -m mta`."""
