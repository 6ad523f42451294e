"""What the operator sets in [gateways.razorpay]: Razorpay's addresses, and the name that payers read on its page."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from engine.api import ConfigField, Refused

__all__ = ["SETTINGS", "checkout_url", "hosts", "setting", "wrong_settings"]

SETTINGS: Sequence[ConfigField] = (
    ConfigField("api_url", "Razorpay's API, with its path up to the version.", default="https://api.razorpay.com/v1"),
    ConfigField(
        "checkout_url",
        "Razorpay's hosted checkout, where the payer's browser posts an order.",
        default="https://api.razorpay.com/v1/checkout/embedded",
    ),
    ConfigField("shown_name", "The name that payers read on Razorpay's page.", default="Certificate of Origin"),
)

_DEFAULTS = {field.name: field.default or "" for field in SETTINGS}
_URLS = ("api_url", "checkout_url")
_PLAIN = re.compile(r"[!-~]{1,300}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,()&/-]{0,79}", re.ASCII)
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def setting(settings: Mapping[str, str], name: str) -> str:
    """A setting as the operator has it, or its default."""
    return settings.get(name, _DEFAULTS[name])


def checkout_url(settings: Mapping[str, str], *, rehearsal: bool) -> str:
    """Where the payer's browser goes. Raises Refused for plain http outside rehearsals: no line checks a browser's way."""
    url = setting(settings, "checkout_url")
    if not rehearsal and urlsplit(url).scheme != "https":
        raise Refused("[gateways.razorpay] checkout_url must be https, or no payer is led there; tell the operator.", code="address")
    return url


def hosts(settings: Mapping[str, str]) -> Sequence[str]:
    """The hosts of both addresses, each once."""
    found = (urlsplit(setting(settings, name)).netloc for name in _URLS if not _url_fault(setting(settings, name)))
    return tuple(dict.fromkeys(host.lower() for host in found))


def wrong_settings(settings: Mapping[str, str]) -> Sequence[str]:
    """What is wrong with the operator's settings, one sentence each."""
    known = ", ".join(_DEFAULTS)
    wrong = [
        f"[gateways.razorpay] does not know the key {name!r}; it knows {known}." for name in sorted(settings.keys() - _DEFAULTS.keys())
    ]
    wrong += [
        f"[gateways.razorpay] {name} cannot be used, because {fault}." for name in _URLS if (fault := _url_fault(setting(settings, name)))
    ]
    if not _NAME.fullmatch(setting(settings, "shown_name")):
        wrong.append("[gateways.razorpay] shown_name must be 1 to 80 plain letters, digits, spaces and . , ( ) & / -.")
    return wrong


def _url_fault(url: str) -> str:
    """Why an address cannot be used, as the end of a sentence; or nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is no address"
    if not _PLAIN.fullmatch(url) or not parts.hostname or "@" in parts.netloc or "\\" in url or parts.query or parts.fragment:
        return "it is no plain address such as https://api.razorpay.com/v1"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        return "it is not https"
    return ""
