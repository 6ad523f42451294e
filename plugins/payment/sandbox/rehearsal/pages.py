"""The pages that a person meets: where a payment ends as one chooses, and the desk that shows and moves everything."""

from datetime import timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plugins.payment.sandbox.rehearsal.amounts import rupees
from plugins.payment.sandbox.rehearsal.http import Reply
from plugins.payment.sandbox.rehearsal.scripts import SCENARIOS, SUFFIXES, Part
from plugins.payment.sandbox.rehearsal.till import Payment, Till
from plugins.payment.sandbox.rehearsal.wires.asked import Post

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["back_page", "desk_page", "pay_page", "refused_page", "style"]

_IST = timezone(timedelta(hours=5, minutes=30))
_OFFERED = ("success", "failure", "user_cancel", "pending_then_success", "no_return")
_SHOWN = 50


def pay_page(payment: Payment, usual: str) -> Reply:
    """The payment page: what is asked for, and a button for each outcome."""
    others = [name for name, part in SCENARIOS.items() if part is Part.PAYMENT and name not in {*_OFFERED, usual}]
    return _page("pay.html", "Pay", payment=payment, rupees=_rupees(payment), usual=usual, others=others)


def back_page(payment: Payment, status: str, post: Post | None) -> Reply:
    """The outcome, and the way back to the site if there is one."""
    to = post.url if post else ""
    return _page("back.html", "Done here", to=to, payment=payment, rupees=_rupees(payment), status=status, post=post)


def refused_page(say: str) -> Reply:
    """Why no payment begins."""
    return _page("refused.html", "This cannot be paid", status_code=400, say=say)


def desk_page(till: Till) -> Reply:
    """Everything that happened, the offices, and the scenarios by paise."""
    shown = [
        {
            "payment": each,
            "rupees": _rupees(each),
            "status": till.status(each),
            "refunds": [
                f"{rupees(refund.amount_paise)}: {'failed' if refund.failed else 'done' if till.is_done(refund) else 'pending'}"
                for refund in each.refunds.values()
            ],
        }
        for each in reversed(till.payments[-_SHOWN:])
    ]
    scenarios = [name for name, part in SCENARIOS.items() if part is not Part.SETTLEMENT]
    suffixes = [(f"{paise:02}", name) for paise, name in SUFFIXES.items()]
    now = till.now().astimezone(_IST).strftime("%Y-%m-%d %H:%M:%S")
    told = {"merchants": till.merchants, "scenarios": scenarios, "suffixes": suffixes}
    return _page("desk.html", "Rehearsal gateway", wide=True, payments=shown, now=now, told=told)


@cache
def style() -> Reply:
    """The pages' rules."""
    return Reply(200, (files(__package__) / "style.css").read_bytes(), "text/css; charset=utf-8")


def _page(template: str, heading: str, *, status_code: int = 200, wide: bool = False, to: str = "", **words: Any) -> Reply:
    parts = urlsplit(to)
    forms = f"'self' {parts.scheme}://{parts.netloc}" if to else "'self'"
    policy = f"default-src 'none'; style-src 'self'; form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    html = _templates().get_template(template).render(heading=heading, wide=wide, **words)
    return Reply(
        status_code, html.encode(), "text/html; charset=utf-8", {"content-security-policy": policy, "referrer-policy": "same-origin"}
    )


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("plugins.payment.sandbox.rehearsal")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _rupees(payment: Payment) -> str:
    return f"{payment.currency} {rupees(payment.amount_paise)}"
