"""What the operator sets in [gateways.payu]: PayU's addresses, of which its server's is another one than the payer's."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from engine.api import ConfigField, Refused

__all__ = ["SETTINGS", "hosts", "pay_url", "product", "service_url", "wrong_settings"]

SETTINGS: Sequence[ConfigField] = (
    ConfigField("pay_url", "Where the payer's browser posts a payment to PayU.", default="https://secure.payu.in/_payment"),
    ConfigField(
        "service_url", "Where PayU is asked for status and refunds.", default="https://info.payu.in/merchant/postservice.php?form=2"
    ),
    ConfigField("product", "What PayU's page says is paid for.", default="Certificate of Origin"),
)

_DEFAULTS = {field.name: field.default or "" for field in SETTINGS}
_URLS = ("pay_url", "service_url")
_PLAIN = re.compile(r"[!-~]{1,300}", re.ASCII)
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,()/-]{0,99}", re.ASCII)
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_NO_MONEY = "test.payu.in"


def setting(settings: Mapping[str, str], name: str) -> str:
    """A setting as the operator has it, or its default."""
    return settings.get(name, _DEFAULTS[name])


def pay_url(settings: Mapping[str, str], *, rehearsal: bool) -> str:
    """Where the payer's browser goes. Outside rehearsals raises Refused for plain http, and for PayU's test system: no money moves there."""
    url = setting(settings, "pay_url")
    if not rehearsal and (urlsplit(url).scheme != "https" or urlsplit(url).hostname == _NO_MONEY):
        say = "[gateways.payu] pay_url must be https and not PayU's test system, or no payer is led there; tell the operator."
        raise Refused(say, code="address")
    return url


def service_url(settings: Mapping[str, str]) -> str:
    """Where our server asks."""
    return setting(settings, "service_url")


def product(settings: Mapping[str, str]) -> str:
    """What is paid for."""
    return setting(settings, "product")


def hosts(settings: Mapping[str, str]) -> Sequence[str]:
    """The hosts of both addresses, each once."""
    found = (urlsplit(setting(settings, name)).netloc for name in _URLS if not _url_fault(name, setting(settings, name)))
    return tuple(dict.fromkeys(host.lower() for host in found))


def wrong_settings(settings: Mapping[str, str]) -> Sequence[str]:
    """What is wrong with the operator's settings, one sentence each."""
    known = ", ".join(_DEFAULTS)
    wrong = [f"[gateways.payu] does not know the key {name!r}; it knows {known}." for name in sorted(settings.keys() - _DEFAULTS.keys())]
    for name in _URLS:
        if fault := _url_fault(name, setting(settings, name)):
            wrong.append(f"[gateways.payu] {name} cannot be used, because {fault}.")
    if not _PRODUCT.fullmatch(setting(settings, "product")):
        wrong.append("[gateways.payu] product must be 1 to 100 plain letters, digits, spaces and . , ( ) / -.")
    return wrong


def _url_fault(name: str, url: str) -> str:
    """Why an address cannot be used, as the end of a sentence; or nothing. PayU's own service address has a query."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is no address"
    query = parts.query if name == "pay_url" else parts.query.removeprefix("form=2")
    if not _PLAIN.fullmatch(url) or not parts.hostname or "@" in parts.netloc or "\\" in url or query or parts.fragment:
        return "it is no plain address such as https://secure.payu.in/_payment"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        return "it is not https"
    return ""
