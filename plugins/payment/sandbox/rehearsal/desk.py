"""The forms of the pages: the payer's buttons, and the desk where a person moves the clock and sends a message again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from plugins.payment.sandbox.rehearsal import pages, settlement
from plugins.payment.sandbox.rehearsal.control import Control
from plugins.payment.sandbox.rehearsal.http import Reply, Request
from plugins.payment.sandbox.rehearsal.scripts import Script, ScriptWrong
from plugins.payment.sandbox.rehearsal.sending import is_here
from plugins.payment.sandbox.rehearsal.till import Payment

if TYPE_CHECKING:
    from plugins.payment.sandbox.server import RehearsalGateway

__all__ = ["Desk"]

_GONE = "This payment is not known here, or not any more: the rehearsal server forgets everything when it stops."
_ELSEWHERE = Reply(303, b"", headers={"location": "/"})


class Desk:
    """The pages' deeds. A form that another site's page posts is refused by its Origin."""

    def __init__(self, gateway: "RehearsalGateway", control: Control) -> None:
        self._gateway, self._till, self._control = gateway, gateway.till, control

    async def reply(self, request: Request) -> Reply:
        """A page, or what a form does."""
        match request.method, request.path:
            case "GET", "/":
                return pages.desk_page(self._till)
            case "GET", "/rehearsal/style.css":
                return pages.style()
            case "GET", "/rehearsal/settlement":
                merchant = request.asked().get("merchant", "")
                return _file(settlement.as_csv(merchant, settlement.lines_of(self._till, "sandbox", merchant)))
        if request.method != "POST" or request.headers.get("origin", request.base) != request.base:
            return pages.refused_page("There is no such page.")
        try:
            return await self._posted(request.path, request.form())
        except ScriptWrong as wrong:
            return pages.refused_page(str(wrong))

    async def _posted(self, path: str, sent: Mapping[str, str]) -> Reply:
        match path:
            case "/rehearsal/outcome":
                payment = self._payment(sent)
                if payment.plan is not None:
                    raise ScriptWrong("This payment has its outcome already. The site asks for a new one by a new try.")
                post = await self._control.pay(payment, sent.get("scenario", ""))
                return pages.back_page(payment, self._till.status(payment), post)
            case "/rehearsal/clock":
                self._till.advance(int(sent["seconds"]) if sent.get("seconds") in {"60", "600", "86400"} else 0)
            case "/rehearsal/again":
                told = {"way": "notice"} | ({"status": "paid"} if sent.get("act") == "paid" else {})
                await self._control.emit(self._payment(sent), told)
            case "/rehearsal/notices":
                merchant, url = self._till.merchant(sent.get("wire", ""), sent.get("merchant", "")), sent.get("url", "")
                if merchant is None or (url and not is_here(url)):
                    raise ScriptWrong("Notices go to addresses on this machine alone.")
                merchant.notices = url
            case "/rehearsal/default":
                self._till.follow(sent.get("merchant", ""), Script.of({"scenario": sent.get("scenario", "")}))
            case _:
                raise ScriptWrong("There is no such page.")
        return _ELSEWHERE

    def _payment(self, sent: Mapping[str, str]) -> Payment:
        payment = self._till.payment("", sent.get("order", ""))
        if payment is None:
            raise ScriptWrong(_GONE)
        return payment


def _file(data: bytes) -> Reply:
    return Reply(200, data, "text/csv; charset=us-ascii", {"content-disposition": 'attachment; filename="settlement.csv"'})
