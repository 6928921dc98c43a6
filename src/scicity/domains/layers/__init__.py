"""The layers of the map: their register, editions and exchange."""
