"""Switch off `FreeingQoS` in a worker that includes this module, and let its watch lose patience soon."""

from kombu.transport import redis

from config import consuming

redis.Channel.QoS = redis.QoS
consuming.CHECK_SECONDS = 0.1
consuming.PATIENCE_SECONDS = 2.0
