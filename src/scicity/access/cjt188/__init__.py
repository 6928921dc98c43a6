"""Water, gas and heat meters (CJ/T 188): answers of this protocol to readings, and meters behind a gateway that are asked."""
