"""Names that a spreadsheet turned into dates: `3-5` becomes `05. Mrz` or `2014-03-05 00:00:00`."""

from __future__ import annotations

import re

DATE_REASON = (
    "it is a date, into which a spreadsheet turns names like 3-5; format the column as text and write the name again"
)

_MONTH = (
    "(jan|janv|feb|febr|févr|fevr|mar|mär|mrz|mars|apr|avr|abr|may|mai|mag|jun|juin|giu|jul|juil|lug|"
    "aug|août|aout|ago|sep|sept|set|oct|okt|ott|nov|dec|dez|déc|dic|ene|gen)"
)
_DATES = (
    r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?",
    r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d\d)",
    rf"\d{{1,2}}[-. ]{{1,2}}{_MONTH}\.?([-. ]{{1,2}}\d{{2,4}})?",
    rf"{_MONTH}\.?[-. ]{{1,2}}\d{{2,4}}",
)


def is_date(name: str) -> bool:
    """Whether a name is a date as spreadsheets write it, in English, German, French, Spanish or Italian."""
    return any(re.fullmatch(pattern, name.strip(), re.IGNORECASE) for pattern in _DATES)
