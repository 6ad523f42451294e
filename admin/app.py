"""The web application of one site: every page and every route of the API, listed here and nowhere else.

Three classes of route. Pages take cookies and their own forms. `/api/v1` takes bearer keys alone and answers problem+json;
its one public part is `/api/v1/verify`. `/cb/...` is for the callbacks of gateways and signers: no cookie, the raw bytes, believed for their signature.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from litestar import Litestar, Router

from admin.api import applications, certificates, cost_sheets, origin, schemes
from admin.api import payments as api_payments
from admin.api import verify as api_verify
from admin.api.description import BEARER, BEARER_OR_NONE, api_description
from admin.callbacks import CALLBACKS
from admin.csrf import FormSeal
from admin.errors import HANDLERS
from admin.guards import require_key, require_own_form
from admin.headers import security_headers
from admin.limits import Limits
from admin.pages import (
    account,
    administrators,
    audit,
    brokerage,
    cash_book,
    changes,
    dashboard,
    desk_accounts,
    desk_agencies,
    desk_brokers,
    desk_people,
    desk_requests,
    dsc,
    firm,
    health,
    home,
    keys,
    office_fees,
    office_payment,
    office_readiness,
    office_terms,
    office_wallets,
    offices,
    outbox,
    password,
    pay,
    payment_refund,
    payment_review,
    payments,
    register,
    registry,
    settlement,
    sign_in,
    specimens,
    static,
    studio,
    user_officer,
    user_requests,
    users,
    verify,
    wallet,
    withdraw,
)
from admin.pages.rights import FIRMS
from admin.parts import Parts
from admin.persons import acting_as, know_person, require_person
from engine.clock import Clock
from engine.config import Config
from engine.people import KeyUses
from engine.people.access import RoleKind
from engine.people.firms.keeping import Dgft
from engine.site import open_site

__all__ = ["create_app"]

MOST_BODY_BYTES = 1_000_000


def create_app(config: Config, *, clock: Clock | None = None, work: bool = True) -> Litestar:
    """The application of a site, opened when the server starts it. Without `work` it verifies and files, and issues nothing."""
    tls = config.site.public_url.startswith("https:")

    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        executor = "embedded" if config.serve.profile == "embedded" else "serve"
        async with AsyncExitStack() as stack:
            site = await stack.enter_async_context(open_site(config, work=work, clock=clock, executor=executor))
            limits = Limits(site.clock)
            uses = KeyUses()
            app.state["parts"] = Parts(
                site, limits, FormSeal.of_site(config.secrets.key_file, tls=tls), uses, Dgft.of_site(config, site.clock)
            )
            await stack.enter_async_context(limits.sharing(uses.write))
            yield

    return Litestar(
        route_handlers=[_pages(), _api(), CALLBACKS],
        lifespan=[opened],
        exception_handlers=HANDLERS,
        before_send=[security_headers(tls=tls)],
        request_max_body_size=MOST_BODY_BYTES,
        multipart_form_part_limit=20,
        openapi_config=api_description(),
        logging_config=None,
        debug=False,
    )


_DESK = [*desk_requests.HANDLERS, *desk_agencies.HANDLERS, *desk_brokers.HANDLERS, *desk_people.HANDLERS, *desk_accounts.HANDLERS]


def _money() -> list[Router]:
    """The pages on which a firm pays and an office looks after its money; an office's own books lie under /offices."""
    return [
        _area("/payments", payments.HANDLERS, *FIRMS, RoleKind.ADMINISTRATOR, RoleKind.PLATFORM),
        _area("/payments", [*payment_review.HANDLERS, *payment_refund.HANDLERS], RoleKind.ADMINISTRATOR),
        _area("/payments", pay.ORDERS, *FIRMS),
        _area("/payments", pay.ASKING, *FIRMS, RoleKind.ADMINISTRATOR),
        _area("/pay", pay.FEES, *FIRMS),
        _area("/wallet", wallet.HANDLERS, *FIRMS),
        _area("/applications", withdraw.HANDLERS, *FIRMS),
    ]


def _pages() -> Router:
    return Router(
        "/",
        guards=[know_person, require_own_form],
        include_in_schema=False,
        route_handlers=[
            home.home,
            home.icon,
            static.asset,
            verify.form,
            verify.by_number,
            verify.by_file,
            verify.by_code,
            verify.captcha,
            outbox.outbox,
            sign_in.form,
            sign_in.enter_password,
            sign_in.code_form,
            sign_in.enter_code,
            sign_in.factor_form,
            sign_in.set_factor,
            sign_in.sign_out,
            *registry.HANDLERS,
            password.forgot_form,
            password.forgot,
            password.choose_form,
            password.choose,
            Router("/account", guards=[require_person], route_handlers=account.HANDLERS),
            Router("/register", route_handlers=register.HANDLERS),
            Router("/dashboard", guards=[require_person], route_handlers=[dashboard.dashboard]),
            _area("/desk", _DESK, RoleKind.PLATFORM),
            _area("/users/requests", user_requests.HANDLERS, RoleKind.ADMINISTRATOR),
            _area("/audit", audit.HANDLERS, RoleKind.PLATFORM, RoleKind.ADMINISTRATOR, RoleKind.OFFICER),
            _area("/keys", keys.HANDLERS, RoleKind.ADMINISTRATOR, RoleKind.EXPORTER, RoleKind.BROKER),
            _area(
                "/offices",
                [
                    *(*offices.HANDLERS, *office_fees.HANDLERS, *office_payment.HANDLERS, *office_readiness.HANDLERS),
                    *(*office_terms.HANDLERS, *office_wallets.HANDLERS, *cash_book.HANDLERS, *settlement.HANDLERS),
                ],
                RoleKind.ADMINISTRATOR,
            ),
            *_money(),
            _area("/offices/{office:uuid}/stamp", studio.OFFICE_STAMP, RoleKind.ADMINISTRATOR),
            _area("/users", [*users.HANDLERS, *user_officer.HANDLERS], RoleKind.ADMINISTRATOR),
            _area("/administrators", administrators.HANDLERS, RoleKind.ADMINISTRATOR),
            _area("/dsc", dsc.HANDLERS, RoleKind.OFFICER, RoleKind.EXPORTER),
            _area("/users/{officer:uuid}/picture", studio.OFFICERS_PICTURE, RoleKind.ADMINISTRATOR),
            _area("/picture", studio.OWN_PICTURE, RoleKind.OFFICER),
            _area("/firm", firm.HANDLERS, RoleKind.EXPORTER),
            _area("/brokerage", brokerage.HANDLERS, RoleKind.BROKER),
            _area("/firm/picture", studio.FIRM_PICTURE, RoleKind.EXPORTER),
            _area("/specimens", specimens.HANDLERS, RoleKind.ADMINISTRATOR, RoleKind.OFFICER),
            _area("/changes", changes.HANDLERS, RoleKind.PLATFORM, RoleKind.ADMINISTRATOR, RoleKind.OFFICER),
            health.live,
            health.ready,
        ],
    )


def _area(path: str, handlers: Sequence[Any], *kinds: RoleKind) -> Router:
    """Pages for persons who act in one of these roles."""
    return Router(path, guards=[require_person, acting_as(*kinds)], route_handlers=handlers)


def _api() -> Router:
    public = Router("/", security=BEARER_OR_NONE, tags=["Verify"], route_handlers=[api_verify.by_question, api_verify.by_file])
    keyed = Router(
        "/",
        guards=[require_key],
        security=BEARER,
        tags=["Applications"],
        route_handlers=[
            applications.create,
            applications.listed,
            applications.one,
            applications.change,
            applications.check_file,
            applications.check_kept,
            applications.submit,
            applications.withdraw,
            certificates.download,
            certificates.leaves,
            certificates.leaf,
            schemes.schemes,
            origin.of_application,
            origin.of_sheet,
        ],
    )
    costed = Router("/", guards=[require_key], security=BEARER, tags=["Cost sheets"], route_handlers=cost_sheets.HANDLERS)
    paid = Router("/", guards=[require_key], security=BEARER, tags=["Payments"], route_handlers=api_payments.HANDLERS)
    return Router("/api/v1", route_handlers=[public, keyed, costed, paid])
