"""The font of the reports: Noto Sans CJK (SIL Open Font License 1.1), installed as a package with the program."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "noto_cjk_sans_otc"
FAMILY = "Noto Sans CJK SC"


class NoFont(RuntimeError):  # noqa: N818  (reads as what happened)
    """The font is not installed."""


def folder() -> Path:
    """The folder of the font. Raises NoFont with what to do."""
    found = find_spec(PACKAGE)
    home = Path(found.origin).parent if found is not None and found.origin else None
    if home is None or not any(home.glob("*.ttc")):
        name = PACKAGE.replace("_", "-")
        raise NoFont(
            f"the font of the reports is missing: install the package {name} into the program's environment "
            f"(`python -m pip install {name}`; ./scicity does it by itself); the Excel report needs none"
        )
    return home
