"""What the formats that can be read share."""

from __future__ import annotations

from pydantic import ValidationError


def first_error(error: ValidationError) -> str:
    """Describe the first wrong value: which field, which value, what is wrong with it."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])} = {first.get('input')!r}: {first['msg']}"
