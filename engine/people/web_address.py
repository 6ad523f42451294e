"""Addresses on the web that this site may ask or lead to: https at a named host, and at a rehearsal http to this machine besides."""

import re
from urllib.parse import urlsplit

from engine.config import is_loopback

__all__ = ["web_address_fault"]

_PLAIN = re.compile(r"[\x21-\x7e]{1,500}")
_NUMBER = re.compile(r"\[.*|[0-9.]+")


def web_address_fault(url: str, *, rehearsal: bool) -> str:
    """Why this address may not be used, as the end of a sentence, or nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is not a whole and plain address"
    if not parts.hostname or "@" in parts.netloc or "\\" in url or parts.fragment or not _PLAIN.fullmatch(url):
        return "it is not a whole and plain address"
    if parts.scheme != "https" and not (rehearsal and parts.scheme == "http" and is_loopback(parts.hostname)):
        return "it is not https"
    if not rehearsal and (is_loopback(parts.hostname) or _NUMBER.fullmatch(parts.netloc.partition(":")[0])):
        return "it names a number or this machine instead of a host"
    return ""
