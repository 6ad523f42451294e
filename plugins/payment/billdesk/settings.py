"""What the operator sets in [gateways.billdesk]: BillDesk's addresses, and what its contract says that is not public.

The defaults are the production addresses that public integrations use; BillDesk's test system, and every contract, may have
others. What BillDesk alone can say has no default: until it is set, nothing is concluded from it.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from engine.api import ConfigField, Refused

__all__ = ["SETTINGS", "address", "codes", "hosts", "setting", "wrong_settings"]

SETTINGS: Sequence[ConfigField] = (
    ConfigField(
        "classic_pay_url",
        "Where the payer's browser posts a classic message.",
        default="https://pgi.billdesk.com/pgidsk/PGIMerchantPayment",
    ),
    ConfigField(
        "classic_query_url", "Where a payment's status is asked, classic.", default="https://www.billdesk.com/pgidsk/PGIQueryController"
    ),
    ConfigField(
        "classic_refund_url", "Where a refund is asked for, classic.", default="https://www.billdesk.com/pgidsk/PGIRefundController"
    ),
    ConfigField("jose_api_url", "The JOSE API, with its path up to the version.", default="https://api.billdesk.com/payments/ve1_2"),
    ConfigField("jose_pay_url", "Where the payer's browser posts a JOSE order.", default="https://pay.billdesk.com/web/v1_2/embeddedsdk"),
    ConfigField(
        "jose_device_ip", "This site's public IP address, sent as the device that makes a JOSE order; empty: none is sent.", default=""
    ),
    ConfigField(
        "jose_missing_codes",
        "Error codes, with commas, by which the JOSE API says that it knows no such order or refund; the status 404 says so always.",
        default="",
    ),
    ConfigField(
        "refund_done_codes",
        "Refund status codes, with commas, that BillDesk confirmed to mean that the payer has the money; empty: none does.",
        default="",
    ),
    ConfigField(
        "refund_failed_codes",
        "Refund status codes, with commas, that BillDesk confirmed to mean that no money will go back; empty: none does.",
        default="",
    ),
    ConfigField(
        "classic_refund_column",
        "Where the classic status answer has the refund's status, 26 or 27, once BillDesk confirmed it; empty: it is not read.",
        default="",
    ),
)

_DEFAULTS = {field.name: field.default or "" for field in SETTINGS}
_URLS = tuple(name for name in _DEFAULTS if name.endswith("_url"))
_LISTS = tuple(name for name in _DEFAULTS if name.endswith("_codes"))
_CODES = re.compile(r"[A-Za-z0-9_]{1,20}(?:, ?[A-Za-z0-9_]{1,20}){0,30}", re.ASCII)
_PLAIN = re.compile(r"[\x21-\x7e]{1,300}", re.ASCII)
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def setting(settings: Mapping[str, str], name: str) -> str:
    """A setting as the operator has it, or its default."""
    return settings.get(name, _DEFAULTS[name])


def codes(settings: Mapping[str, str], name: str) -> frozenset[str]:
    """The codes of a list."""
    return frozenset(code.strip() for code in setting(settings, name).split(",") if code.strip())


def address(settings: Mapping[str, str], name: str, *, rehearsal: bool) -> str:
    """An address for the payer's browser. Raises Refused for plain http outside rehearsals: no line checks a browser's way."""
    url = setting(settings, name)
    if not rehearsal and urlsplit(url).scheme != "https":
        raise Refused(f"[gateways.billdesk] {name} must be https, or no payer is led there; tell the operator.", code="address")
    return url


def hosts(settings: Mapping[str, str]) -> Sequence[str]:
    """The hosts of all addresses, each once."""
    found = (urlsplit(setting(settings, name)).netloc for name in _URLS if not _url_fault(setting(settings, name)))
    return tuple(dict.fromkeys(host.lower() for host in found))


def wrong_settings(settings: Mapping[str, str]) -> Sequence[str]:
    """What is wrong with the operator's settings, one sentence each."""
    known = ", ".join(_DEFAULTS)
    wrong = [
        f"[gateways.billdesk] does not know the key {name!r}; it knows {known}." for name in sorted(settings.keys() - _DEFAULTS.keys())
    ]
    wrong += [
        f"[gateways.billdesk] {name} cannot be used, because {fault}." for name in _URLS if (fault := _url_fault(setting(settings, name)))
    ]
    for name in _LISTS:
        if (text := setting(settings, name)) and not _CODES.fullmatch(text):
            wrong.append(f"[gateways.billdesk] {name} must be codes with commas between them, such as 0699,0799.")
    if setting(settings, "classic_refund_column") not in {"", "26", "27"}:
        wrong.append("[gateways.billdesk] classic_refund_column must be 26 or 27, as BillDesk confirmed it, or empty.")
    if (ip := setting(settings, "jose_device_ip")) and not _is_ip(ip):
        wrong.append("[gateways.billdesk] jose_device_ip must be an IP address such as 203.0.113.7, or empty.")
    return wrong


def _url_fault(url: str) -> str:
    """Why an address cannot be used, as the end of a sentence; or nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is no address"
    if not _PLAIN.fullmatch(url) or not parts.hostname or "@" in parts.netloc or "\\" in url or parts.query or parts.fragment:
        return "it is no plain address such as https://api.billdesk.com/payments/ve1_2"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        return "it is not https"
    return ""


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
