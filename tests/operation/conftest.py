"""A cluster of PostgreSQL for tests of back-ups, as those of the inbox have it."""

from tests.access.conftest import postgres

__all__ = ["postgres"]
