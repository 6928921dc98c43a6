"""The door `sensorthings`: OGC SensorThings API 1.1, Part 1. See README.md."""
