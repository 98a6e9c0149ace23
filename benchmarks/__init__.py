"""The benchmarks of Sluice: `./sluice bench --case NAME`, one module per case. The product never imports this."""
