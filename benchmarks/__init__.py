"""Measure Sluice: `./sluice bench --case NAME`, with one module per case. The product never imports this."""
