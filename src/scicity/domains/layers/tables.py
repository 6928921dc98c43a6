"""The register of layers; a district's layers are tables by its files (`layer.<name>`)."""

from __future__ import annotations

from scicity.space.editing import EDIT  # noqa: F401  (found here by name)
from scicity.space.register import LAYER, LAYER_CLASS, tables_of  # noqa: F401  (found here by name)
