"""Where a lake's files lie: in a folder, or in an object store that speaks S3. All that differs between the two is here.

In a folder, what is durable is synced to the disk. In an object store, a file is kept once the store has acknowledged it whole,
and a commit is put under the condition that nobody has put it before. Files are named by the digest of their content and never
change, so whoever asks for one of the store's reads a copy beside the state, which is made at the first asking and checked by
that name; the copies are bounded, and those that were asked for long ago go first. Everything else reads plain paths.
"""

from __future__ import annotations

import os
from pathlib import Path

from scicity.stores.folder import Folder, StoreRefused
from scicity.stores.objects import Objects

__all__ = ["Folder", "Objects", "Store", "StoreRefused", "store_at"]

Store = Folder | Objects


def store_at(state: Path, slug: str) -> Store:
    """Where a district's lake lies: below SCICITY_LAKE, where that is said, else in its state folder.

    Raises StoreRefused for a SCICITY_LAKE that is no address.
    """
    address = os.environ.get("SCICITY_LAKE", "")
    return Objects(f"{address.rstrip('/')}/{slug}", state / "cache") if address else Folder(state / "lake")
