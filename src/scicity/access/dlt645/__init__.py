"""Electricity meters (DL/T 645-2007): answers of this protocol to readings, and meters behind a gateway that are asked."""
