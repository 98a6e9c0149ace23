"""The image, built by a real engine and run as docker-compose.yml says (`./sluice test -m image`)."""
