"""Secrets of virtual keys. Only a digest and the last four characters of one are ever stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from saas_access._core import KeySecret


@dataclass(frozen=True, kw_only=True)
class GeneratedKey:
    """A new secret: `virtual_key` is for its owner, once; `secret` is what the store may know of it."""

    virtual_key: str = field(repr=False)
    secret: KeySecret


def generate() -> GeneratedKey:
    """256 bits from the system's random source."""
    virtual_key = "sk-" + secrets.token_urlsafe(32)
    return GeneratedKey(
        virtual_key=virtual_key, secret=KeySecret(digest=digest(virtual_key), last_four=virtual_key[-4:])
    )


def digest(virtual_key: str) -> bytes:
    """SHA-256, as the core knows a key. The secret is random, so no slow hash is needed."""
    return hashlib.sha256(virtual_key.encode("utf-8", errors="surrogatepass")).digest()
