"""The access network: one folder per protocol; each decodes to the same reading."""
