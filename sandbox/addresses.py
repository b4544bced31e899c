"""Whether a text is an address that this operator can call."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_http_url(text: str) -> bool:
    """An http or https URL with a host, and nothing in it that HTTP cannot carry."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return False
    return usable and text.isascii() and text.isprintable() and " " not in text
