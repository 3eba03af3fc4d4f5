"""Videos by the names that logs and submissions give them."""

from __future__ import annotations

import re
from collections.abc import Iterable


class VideoNames:
    """The videos of a data set or csv, found by other spellings of their names.

    The case of letters does not matter. A name may lack the folder of the subject or have one more
    (`s15/15_0102eatingworms`), end with `*`, begin with the `s` of the subject (`s15_0102`), and lack the words after
    the number (`15_0102`), as long as it is that of one video only.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._whole = {name.casefold(): name for name in self._names}

    def find(self, name: str) -> str | None:
        """The video that a name means; None if it is that of none, or of several."""
        plain = name.casefold()
        if (whole := self._whole.get(plain)) is not None:
            return whole
        last = _last(plain).rstrip("*")
        for spelling in (last, re.sub(r"^s(?=\d)", "", last)):
            same = [other for other in self._names if _last(other.casefold()) == spelling]
            begin = [o for o in self._names if re.match(re.escape(spelling) + r"[^\d]", _last(o.casefold()))]
            for found in (same, begin) if spelling else ():
                if len(found) == 1:
                    return found[0]
        return None


def _last(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]
