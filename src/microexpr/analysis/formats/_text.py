"""Text of files that other programs wrote: encodings, limits of size, one clear line where it is no text."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from pathlib import PurePath

from ...core.errors import DataError

MAX_BYTES = 64 * 2**20
"""Largest file that is read, in bytes, unpacked."""

MAX_EVENTS = 100_000
"""Largest number of events of a file."""

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""First bytes of a file -> its encoding; UTF-32 comes first because its mark begins like that of UTF-16."""


def decode(content: bytes, name: str) -> str:
    """Return a text in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, which is left out.

    Raises:
        DataError: it is not in one of these encodings.
    """
    mark, encoding = next(((m, e) for m, e in BYTE_ORDER_MARKS.items() if content.startswith(m)), (b"", "utf-8"))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"'{name}' is no text in UTF-8 (byte {error.start}); save it in UTF-8") from None
    if "\0" in text:
        raise DataError(f"'{name}' is no text in UTF-8: it holds zero bytes; save it in UTF-8")
    return text.removeprefix("\ufeff") if mark else text


def one_of_the_film(names: list[str], video: str, kind: str, where: str) -> str:
    """Choose what belongs to a film among several parts of a file: the only one, or the one with its name.

    Args:
        names: names of the parts, e.g. of films or observations.
        video: name of the film; empty where it is not known.
        kind: what the parts are, for the error.
        where: the file, for the error.

    Raises:
        DataError: none or several fit.
    """
    stem = PurePath(video).stem.casefold()
    fitting = [name for name in names if stem and stem in (name.casefold(), PurePath(name).stem.casefold())]
    if len(fitting) == 1:
        return fitting[0]
    if len(names) == 1 and not fitting:
        return names[0]
    listed = ", ".join(f"'{name[:60]}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    raise DataError(f"{where} holds {len(names)} {kind}s ({listed}), not one of '{video}'; keep one of that name")


def unzip(content: bytes, member: str, name: str) -> bytes:
    """Return a file of a zip archive.

    Raises:
        DataError: it is no archive, lacks the file, or the file is too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(member) as file:
            unpacked = file.read(MAX_BYTES + 1)
    except KeyError:
        raise DataError(f"'{name}' is a zip file without '{member}'") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise DataError(f"'{name}' is not a readable zip file: {error}") from None
    return _bounded(unpacked, name)


def gunzip(content: bytes, name: str) -> bytes:
    """Return the content of a file that gzip packed; other files as they are.

    Raises:
        DataError: it is damaged or too large.
    """
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{name}' is not a readable gz file: {error}") from None
    return _bounded(unpacked, name)


def _bounded(content: bytes, name: str) -> bytes:
    if len(content) > MAX_BYTES:
        raise DataError(f"'{name}' unpacks to more than {MAX_BYTES // 2**20} MiB; no file of events is so large")
    return content


def plain(text: str) -> str:
    """Return a text without line breaks, tabs and other control characters: each is one space."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()
