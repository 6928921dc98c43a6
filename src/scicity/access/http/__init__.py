"""Readings by HTTP: JSON, CSV or Arrow batches to readings."""
