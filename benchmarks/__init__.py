"""What Sluice takes, in time: `./sluice bench --case NAME`, each case a module. The product never imports this."""
