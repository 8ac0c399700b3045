"""What people type into fields, as the API takes it. What can't be read goes on as it is, for the API to refuse."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,6})?", flags=re.ASCII)
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[ ,_'](?=[0-9]{3}(?![0-9]))", flags=re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", flags=re.ASCII)
_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}", flags=re.ASCII)


def number(text: str) -> int | Decimal | str:
    """'1,000' as 1000, '0.5' as a Decimal."""
    plain = _BETWEEN_DIGITS.sub("", text)
    if not _NUMBER.fullmatch(plain):
        return text
    return Decimal(plain) if "." in plain else int(plain)


def numbers(text: str) -> list[int | Decimal | str]:
    """Numbers parted by spaces, with or without commas: '100, 10 0'."""
    return [number(each) for each in re.split(r"[\s,;]+", text) if each]


def time(text: str) -> str:
    """The value of a `datetime-local` field, which is one of UTC here, as RFC 3339."""
    return f"{text}:00Z" if _MINUTE.fullmatch(text) else text


def day(text: str) -> str:
    """The value of a `date` field as the beginning of that day of UTC."""
    return f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text
