"""For all tests: no test holds a clock, so neither does Hypothesis."""

from hypothesis import settings

settings.register_profile("scicity", deadline=None)
settings.load_profile("scicity")
