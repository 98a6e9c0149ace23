"""Delivery to mail servers that others wrote: Postfix, Exim and Haraka. Run with `./sluice test -m mta`."""
