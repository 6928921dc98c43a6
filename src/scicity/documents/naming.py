"""Names of files as people sent them, made into names that are safe to show, to keep and to save anywhere. Knows no Django."""

from __future__ import annotations

import re
import unicodedata

SUBJECT = r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_]{0,39}:[A-Za-z0-9][A-Za-z0-9._/-]{0,99}"
KIND = r"[a-z][a-z0-9_-]{0,59}"
LONGEST_TITLE = 200
LONGEST_NAME = 150  # characters
MOST_BYTES = 240  # file systems have names of 255 bytes
LONGEST_SUFFIX = 12
NAMELESS = "document"
# Names that Windows keeps for devices, whatever their suffix.
RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"|?*]')


def safe_name(given: str) -> str:
    """The last part of a path as a name: without control characters and marks that turn the direction of writing, not reserved
    by Windows, of at most `LONGEST_NAME` characters and `MOST_BYTES` bytes with its suffix kept. Never empty."""
    text = str(given).encode("utf-8", "replace").decode()
    text = re.split(r"[/\\]", text)[-1]
    text = unicodedata.normalize("NFC", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    text = re.sub(r"\s+", " ", FORBIDDEN.sub("_", text)).strip(" .")
    if RESERVED.match(text) or text.startswith("~"):
        text = "_" + text
    stem, dot, suffix = text.rpartition(".")
    if not dot or not stem or len(suffix) > LONGEST_SUFFIX or len(suffix.encode()) > 2 * LONGEST_SUFFIX:
        stem, dot, suffix = text, "", ""
    end = dot + suffix
    stem = stem[: LONGEST_NAME - len(end)]
    while len((stem + end).encode()) > MOST_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(" .") + end) if stem.strip(" .") else NAMELESS + end


def suffix_of(name: str) -> str:
    """The suffix of a name in small letters, without its dot; empty where it has none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def safe_line(given: str, longest: int) -> str:
    """A title or note as one line of text, without what steers a terminal or turns the direction of writing."""
    text = str(given).encode("utf-8", "replace").decode()
    text = re.sub(r"\s+", " ", text)
    kept = (c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return "".join(kept).strip()[:longest]
