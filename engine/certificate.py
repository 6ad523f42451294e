"""The certificate: its states, its number, its code. Pure data; rows and files are `proof`'s.

A number is `{agency}/{year}/{office}/{serial:07d}{check}` by default. The check character is ISO 7064
MOD 37,36 over agency, year, office and serial, so every slip of one character and nearly every swap of two
neighbours is caught before anybody looks anything up.
"""

import base64
import re
import secrets
import string
from enum import StrEnum

from stdnum.iso7064 import mod_37_36

from engine.errors import ConfigError, Refused

__all__ = [
    "CODE_LENGTH",
    "DEFAULT_PATTERN",
    "CertificateState",
    "FileKind",
    "Verdict",
    "check_character",
    "check_pattern",
    "code_from",
    "file_name",
    "format_number",
    "is_code",
    "is_legacy",
    "new_code",
    "number_key",
    "number_slip",
    "verify_url",
]

DEFAULT_PATTERN = "{agency}/{year}/{office}/{serial:07d}{check}"

# platform.certificate_number of the scheme facts: seen on Form AI 2020-2023 and IJCEPA 2024.
_LEGACY = re.compile(r"[A-Z]+/\d{4}/\d{3}/\d{7}[A-Z]/\d{8}", re.ASCII)
_LEGACY_KEY = re.compile(r"[A-Z]+\d{4}\d{3}\d{7}[A-Z]\d{8}", re.ASCII)
_SEPARATORS = re.compile(r"[\s/\-_.\\]+")

CODE_LENGTH = 27  # one format character and 128 random bits in base32
_RANDOM_CODE = re.compile(r"A[A-Z2-7]{26}", re.ASCII)


class CertificateState(StrEnum):
    """APPROVED -> NUMBERED -> DRAWN -> SIGNING -> SIGNED -> ISSUED, or VOID; an issued one may end superseded or cancelled."""

    NUMBERED = "numbered"
    DRAWN = "drawn"
    SIGNING = "signing"
    SIGNED = "signed"
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    VOID = "void"


class FileKind(StrEnum):
    """What a file of a certificate is; only the first two can ever read genuine."""

    ELECTRONIC = "electronic"
    TRUE_COPY = "true_copy"
    LEAF = "leaf"


class Verdict(StrEnum):
    """What anybody learns who asks; there is no seventh answer."""

    GENUINE = "genuine"
    ALTERED = "altered"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    LEGACY = "legacy"
    UNKNOWN = "unknown"


def number_key(number: str) -> str:
    """The number without case, spaces and separators: what look-ups go through."""
    return _SEPARATORS.sub("", number).upper()


def is_legacy(number: str) -> bool:
    """Whether the number is of the older platform, also when its separators were mistyped."""
    tidy = number.strip().upper()
    return bool(_LEGACY.fullmatch(tidy) or _LEGACY_KEY.fullmatch(number_key(tidy)))


def check_character(agency: str, year: int, office: str, serial: int) -> str:
    """ISO 7064 MOD 37,36 over agency, year, office and the seven-digit serial."""
    return str(mod_37_36.calc_check_digit(f"{agency}{year}{office}{serial:07d}"))


def number_slip(number: str) -> bool:
    """Whether a number of the default shape fails its own check character: surely a typing slip."""
    match = re.fullmatch(r"([A-Z0-9]{2,12})(\d{4})([A-Z]{2,4})(\d{7})([A-Z0-9])", number_key(number))
    return bool(match) and not mod_37_36.is_valid("".join(match.groups()) if match else "")


_FIELDS = {"agency", "year", "office", "serial", "check", "scheme"}


def check_pattern(pattern: str) -> None:
    """Refuses a number pattern that is not unique, not printable, or whose output can begin a legacy number."""
    try:
        parts = [(name, spec, conv) for _, name, spec, conv in string.Formatter().parse(pattern) if name is not None]
    except ValueError as error:
        raise ConfigError(f"The number pattern {pattern!r} cannot be read: {error}.") from error
    names = [name for name, _, _ in parts]
    if set(names) - _FIELDS or any(conv for _, _, conv in parts):
        raise ConfigError(f"The number pattern {pattern!r} may use {', '.join(sorted(_FIELDS))} and nothing else.")
    if names.count("serial") != 1 or "year" not in names:
        raise ConfigError(f"The number pattern {pattern!r} needs {{serial}} once and {{year}}; without them numbers repeat.")
    if any(spec and not re.fullmatch(r"0\d{1,2}d", spec) for _, spec, _ in parts):
        raise ConfigError(f"The number pattern {pattern!r} has a format that is not like :07d.")
    literal = re.sub(r"\{[^}]*\}", "", pattern)
    if not re.fullmatch(r"[A-Z0-9/\-]*", literal, re.ASCII):
        raise ConfigError(f"The number pattern {pattern!r} may print capitals, digits, / and - only.")
    # A legacy number has a 3-digit third part; an office code is letters, so a pattern is safe only if a letter of
    # the office (or of the pattern itself) stands between the year and the serial.
    sample = pattern.format(agency="EIC", year=2026, office="000", serial=1, check="A", scheme="AIFTA")
    if _LEGACY.match(sample) or (re.match(r"[A-Z]+/\d{4}/\d", sample) and "office" not in names):
        raise ConfigError(f"The number pattern {pattern!r} can print the beginning of a number of the older platform.")


def format_number(pattern: str, *, agency: str, year: int, office: str, serial: int, scheme: str) -> str:
    """The printed number of one serial of a series."""
    check = check_character(agency, year, office, serial)
    number = pattern.format(agency=agency, year=year, office=office, serial=serial, check=check, scheme=scheme)
    if _LEGACY.match(number):
        raise Refused(f"The number {number} reads like one of the older platform.", rule="number pattern")
    return number


def new_code() -> str:
    """A fresh code for the QR: format `A`, then 128 random bits in upper-case base32."""
    return "A" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")


def is_code(text: str) -> bool:
    """Whether the text is a code of a format ever printed."""
    return bool(_RANDOM_CODE.fullmatch(text.upper()))


def code_from(url_path: str) -> str | None:
    """The code in `/v/{code}` or `/V/{CODE}`, or None."""
    match = re.fullmatch(r"/[vV]/([A-Za-z0-9]{1,400})/?", url_path, re.ASCII)
    return match.group(1).upper() if match else None


def verify_url(public_url: str, code: str) -> str:
    """The address that a person opens; the QR carries the same in capitals (`verify_url(...).upper()`)."""
    return f"{public_url.rstrip('/')}/v/{code}".lower()


def file_name(number: str, leaf: str | None = None) -> str:
    """The download name: slashes become hyphens, a leaf adds its own name."""
    return number.replace("/", "-") + (f"-{leaf}" if leaf else "") + ".pdf"
