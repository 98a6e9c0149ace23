"""Test the image, built by a real engine and run as docker-compose.yml describes (`./sluice test -m image`)."""
