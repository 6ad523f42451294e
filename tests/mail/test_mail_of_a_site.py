"""[mail] of engine.toml, the sweep of a site, and what `ecoo check` says of both."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import rounds
from engine.cli.checking import _look
from engine.config import Config, load
from engine.errors import ConfigError
from engine.mail import FileOutbox, Letter, Smtp, mailer_of, outbox_of, sender_of, write_letter
from engine.mail.tables import LetterRow
from engine.site import Site, open_site
from engine.store import uow

FROM = 'from_address = "no-reply@coo.example.in"\n'


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Config]:
    """Reads an engine.toml with this [mail]."""

    def of(mail: str, environ: dict[str, str] | None = None, site: str = "") -> Config:
        path = tmp_path / "engine.toml"
        path.write_text(f"[site]\n{site}\n[mail]\n{mail}\n", encoding="utf-8")
        return load(path, environ or {})

    return of


# --- settings ---------------------------------------------------------------------------------------


def test_without_a_server_letters_are_files_in_the_sites_folder(read, tmp_path: Path) -> None:
    config = read("")
    mailer = mailer_of(config)
    assert isinstance(mailer, FileOutbox)
    assert mailer.folder == tmp_path / "var" / "outbox"
    assert sender_of(config).address == "no-reply@localhost"


@pytest.mark.parametrize(
    ("public_url", "address", "host"),
    [
        ("https://coo.example.in", "no-reply@coo.example.in", "coo.example.in"),
        ("https://b\u00fccher.example:8443", "no-reply@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://127.0.0.1:8000", "no-reply@localhost", "127.0.0.1"),
        ("http://[::1]:8000", "no-reply@localhost", "[::1]"),
    ],
)
def test_the_sender_is_of_our_host(public_url: str, address: str, host: str, read) -> None:
    sender = sender_of(read("", site=f'public_url = "{public_url}"'))
    assert (sender.address, sender.host, sender.name) == (address, host, "Electronic Certificate of Origin")


@pytest.mark.parametrize(
    ("mail", "server"),
    [
        ('url = "smtp://mail.example.in"', "mail.example.in:25, STARTTLS"),
        ('url = "smtp://mail.example.in:587"', "mail.example.in:587, STARTTLS"),
        ('url = "smtp://mail.example.in:25"\nstarttls = false', "mail.example.in:25, not encrypted"),
        ('url = "smtp://127.0.0.1:25"', "127.0.0.1:25, not encrypted"),
        ('url = "smtp://localhost"', "localhost:25, not encrypted"),
        ('url = "smtp://127.0.0.1:25"\nstarttls = true', "127.0.0.1:25, STARTTLS"),
        ('url = "smtps://mail.example.in"', "mail.example.in:465, TLS"),
        ('url = "smtps://mail.example.in:4650"', "mail.example.in:4650, TLS"),
    ],
)
def test_a_server_is_encrypted_unless_it_is_this_machine(mail: str, server: str, read) -> None:
    mailer = mailer_of(read(f"{mail}\n{FROM}"))
    assert isinstance(mailer, Smtp)
    assert mailer.server == server


@pytest.mark.parametrize(
    ("mail", "named"),
    [
        (f'url = "http://mail.example.in"\n{FROM}', "mail.url"),
        (f'url = "mail.example.in:25"\n{FROM}', "mail.url"),
        (f'url = "smtp://"\n{FROM}', "mail.url"),
        (f'url = "smtp://mail.example.in:port"\n{FROM}', "mail.url"),
        (f'url = "smtp://mail.example.in:99999"\n{FROM}', "mail.url"),
        (f'url = "smtp://mail.example.in:0"\n{FROM}', "mail.url"),
        (f'url = "smtp://mail.example.in/inbox"\n{FROM}', "mail.url"),
        (f'url = "smtp://mail.example.in?tls=no"\n{FROM}', "mail.url"),
        (f'url = "smtp://coo:hunter2@mail.example.in"\n{FROM}', "mail.url"),
        (f'url = "smtp://[::1"\n{FROM}', "mail.url"),
        (f'url = "smtps://mail.example.in"\nstarttls = true\n{FROM}', "mail.starttls"),
        ('url = "smtp://mail.example.in"', "mail.from_address"),
        (f'url = "smtp://mail.example.in"\nuser = "coo"\n{FROM}', "mail.password"),
        (f'url = "smtp://mail.example.in"\npassword = {{ env = "PASS" }}\n{FROM}', "mail.user"),
        (f'url = "smtp://mail.example.in"\nuser = "coo"\npassword = "hunter2"\n{FROM}', "mail.password"),
        (f'url = "smtp://mail.example.in"\nuser = "coo"\npassword = {{ env = "NONE" }}\n{FROM}', "mail.password"),
        (f'url = "smtp://mail.example.in"\nstarttls = false\nuser = "coo"\npassword = {{ env = "PASS" }}\n{FROM}', "mail.starttls"),
        (f'url = "smtp://mail.example.in"\ntimeout_s = 0\n{FROM}', "mail.timeout_s"),
        ('starttls = "sometimes"', "mail.starttls"),
        ("starttls = 1", "mail.starttls"),
        ('server = "mail.example.in"', "mail.server"),
    ],
)
def test_what_is_wrong_is_named_and_a_password_never_repeated(mail: str, named: str, read) -> None:
    with pytest.raises(ConfigError) as raised:
        read(mail, {"PASS": "hunter2"})
    assert named in raised.value.say
    assert "hunter2" not in raised.value.say


def test_the_password_is_a_reference_and_is_shown_nowhere(read) -> None:
    mail = f'url = "smtps://mail.example.in"\nuser = "coo"\npassword = {{ env = "PASS" }}\n{FROM}'
    config = read(mail, {"PASS": "hunter2"})
    assert config.mail.password.value == "hunter2"
    assert "hunter2" not in repr(config) + repr(mailer_of(config))
    by_environment = read(f'url = "smtps://mail.example.in"\nuser = "coo"\n{FROM}', {"ECOO_MAIL__PASSWORD__ENV": "PASS", "PASS": "x"})
    assert by_environment.mail.password.value == "x"
    assert read("", {"ECOO_MAIL__STARTTLS": "false"}).mail.starttls is False


@pytest.mark.parametrize("mail", ['from_address = "nobody"', r'from_name = "A\nBcc: all@firm.example"', r'from_address = "a\r\n@b.in"'])
def test_a_sender_that_cannot_stand_in_a_letter_stops_the_start(mail: str, read) -> None:
    with pytest.raises(ConfigError, match=r"mail\.from_address or mail\.from_name"):
        sender_of(read(mail))


# --- a site -----------------------------------------------------------------------------------------


@pytest.fixture
def config(sites: Any, tmp_path: Path) -> Config:
    """A demonstration site on SQLite."""
    return load(sites.make(tmp_path / "site"), {})


def by_server(config: Config, port: int) -> Config:
    """The same site with the mail server of a test."""
    return replace(config, mail=replace(config.mail, url=f"smtp://127.0.0.1:{port}", from_address="no-reply@coo.example.in"))


async def a_letter(site: Site) -> None:
    async with uow():
        await write_letter(Letter("asha@firm.example", "A word", "Hello"), box=site.secrets, purpose="test", at=site.clock.now())


async def test_the_sweep_of_a_working_site_sends_what_was_written(config: Config) -> None:
    async with open_site(config, work=False) as site:
        site.works = True
        sweeps = {sweep.name: sweep for sweep in rounds.sweeps_of(site, jobs=None)}  # type: ignore[arg-type]
        demos = await LetterRow.count()  # a demonstration begins with some of its own
        await a_letter(site)
        assert await sweeps["letters"].act() == demos + 1
        assert "asha@firm.example" in {posted.to for posted in await FileOutbox(outbox_of(config)).newest(demos + 1)}
        site.works = False
        assert "letters" not in {sweep.name for sweep in rounds.sweeps_of(site, jobs=None)}  # type: ignore[arg-type]


async def test_a_site_that_ends_sends_first(config: Config) -> None:
    async with open_site(config, work=False) as site:
        await a_letter(site)
        await rounds.last_words(site)
        assert await LetterRow.count().where(LetterRow.sent_at.is_not_null()) == await LetterRow.count() > 0


async def checked(config: Config) -> dict[str, tuple[bool, str]]:
    return {each.name: (each.ok, each.say) for each in await _look(config)}


async def test_check_says_where_letters_go(config: Config) -> None:
    async with open_site(config, work=False) as site:
        await rounds.last_words(site)
    said = await checked(config)
    assert said["mail"] == (True, f"files in {outbox_of(config)}, which reach nobody by themselves; set mail.url to send them")
    assert said["letters"] == (True, "0 waiting")


async def test_check_connects_to_the_server_and_sends_nothing(config: Config, mail_server: Any) -> None:
    async with mail_server() as server:
        said = await checked(by_server(config, server.port))
    assert said["mail"] == (True, f"127.0.0.1:{server.port}, not encrypted, from no-reply@coo.example.in")
    assert server.verbs
    assert "MAIL" not in server.verbs
    ok, say = (await checked(by_server(config, server.port)))["mail"]
    assert not ok
    assert "mail.url" in say
