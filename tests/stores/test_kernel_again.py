"""The kernel's own tests, again, with the lake in an object store: the fixture `toy` is the one of this folder."""

__all__ = [name for name in dict(globals()) if name.startswith(("test_", "figures", "closing_"))]
