"""Measurements of Sluice: `./sluice bench --case NAME`, each case a module. The product never imports this."""
