"""Modbus TCP, and RTU frames over TCP: devices that are asked for their registers."""
