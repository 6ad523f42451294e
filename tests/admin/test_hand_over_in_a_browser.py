"""A real browser at the page that hands over to a gateway: the form goes to the gateway's host, and none goes anywhere else."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from admin.headers import policy_with_form
from tests.admin.test_in_a_browser import CHROMIUM
from tests.sockets import Socket, listening


class Posted:
    """A gateway's host, which remembers what was posted to it and may lead on."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.leads_to = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            self.paths.append(scope["path"])
        leads = bool(self.leads_to) and scope["method"] == "POST"
        headers = [(b"location", self.leads_to.encode())] if leads else [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 303 if leads else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<title>the gateway</title>"})


class HandOver:
    """The page of a site, with forms to two hosts, under the policy that lets one of them be posted to."""

    def __init__(self, gateway: str, stranger: str) -> None:
        self.policy = policy_with_form(gateway)["content-security-policy"]
        self.body = (
            f'<form method="post" action="{gateway}/pay"><input name="msg" value="x"><button id="gateway">Pay</button></form>'
            f'<form method="post" action="{stranger}/pay"><input name="msg" value="x"><button id="stranger">Pay</button></form>'
            f'<form method="post" action="/own"><button id="own">Own</button></form>'
            f'<script>document.title = "ran"</script>'
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-security-policy", self.policy.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": f"<title>{scope['path']}</title>{self.body}".encode()})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield launched
        launched.close()


@pytest.fixture
def hosts() -> Iterator[tuple[Socket, Socket, Socket]]:
    with listening() as site, listening() as gateway, listening() as stranger:
        gateway.app, stranger.app = Posted(), Posted()
        site.app = HandOver(gateway.address, stranger.address)
        yield site, gateway, stranger


def test_the_form_goes_to_the_gateway_and_to_no_other_host(browser: Browser, hosts: tuple[Socket, Socket, Socket]) -> None:
    site, gateway, stranger = hosts
    page = browser.new_context().new_page()
    page.goto(site.address)
    assert page.title() == "/"  # no script of the page ran
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.click("#stranger", no_wait_after=True)
    assert (stranger.app.paths, page.url) == ([], f"{site.address}/")
    page = browser.new_context().new_page()  # the one before waits for a navigation that never comes
    page.goto(site.address)
    with page.expect_navigation():
        page.click("#own")
    assert page.title() == "/own"
    with page.expect_navigation():
        page.click("#gateway")
    assert (page.title(), page.url) == ("the gateway", f"{gateway.address}/pay")
    assert (gateway.app.paths, stranger.app.paths) == (["/pay"], [])


def test_a_gateway_that_leads_on_at_once_is_followed_at_its_own_host(browser: Browser, hosts: tuple[Socket, Socket, Socket]) -> None:
    """Browsers hold where a posted form is led on to against the policy too: a gateway's page that leads on within its host is reached."""
    site, gateway, _ = hosts
    gateway.app.leads_to = f"{gateway.address}/checkout"
    page = browser.new_context().new_page()
    page.goto(site.address)
    with page.expect_navigation():
        page.click("#gateway")
    assert page.url == f"{gateway.address}/checkout"
