"""Vehicles and trips of public transport (GTFS Realtime): feeds of this protocol to readings."""
