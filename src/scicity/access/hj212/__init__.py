"""Monitoring stations of pollution sources and of the air (HJ 212): messages of this protocol to readings."""
