"""Objective classes, as sheets and users write them."""

from __future__ import annotations

import re

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
"""The objective classes (Davison, Merghani and Yap 2018)."""


def objective_class(text: str) -> str:
    """An objective class as `I` to `VII`, also where it is written `1`, `1.0`, `i` or `Class I`; other texts as is."""
    plain = re.sub(r"^class\s*|\.0+$", "", text.strip().casefold())
    if plain.isascii() and plain.isdigit() and 1 <= int(plain) <= len(ROMAN):
        return ROMAN[int(plain) - 1]
    return plain.upper() if plain.upper() in ROMAN else text
