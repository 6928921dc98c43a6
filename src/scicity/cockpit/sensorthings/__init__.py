"""SensorThings 1.1 by HTTP, at `/sta/v1.1/`: entities of the registers and of clients, observations from the lake."""
