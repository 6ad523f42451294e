"""The papers of the full site: applications, the certificates that came of them, and what persons have in hand just now."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.application import ApplicationState, Kind, canonical
from engine.bench.filling import Filling
from engine.bench.sales import Fate, Sale
from engine.certificate import format_number, new_code, number_key
from engine.filing import read
from engine.filing.tables import ApplicationRow
from engine.issuing.tables import ApprovalRow
from engine.people.access import RoleKind
from engine.people.access.tables import Ticket
from engine.people.dsc.tables import Presented
from engine.people.joining.tables import RegistrationRequest
from engine.people.pictures.tables import Appearance, PictureDraft
from engine.proof.tables import CertificateRow, SeriesRow

__all__ = ["PICTURE", "Signatory", "put_papers"]

# The smallest picture that there is.
PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII=")
_TOKEN = "a-token-of-the-benchmark"  # noqa: S105  # it opens nothing but a throw-away site
_STANDING = {
    Fate.CANCELLED: ApplicationState.WITHDRAWN,
    **dict.fromkeys((Fate.EXPIRED, Fate.OPEN, Fate.TRYING, Fate.REVIEW, Fate.UNASKED), ApplicationState.FILED),
}


class Signatory(NamedTuple):
    """An officer, whose they are, and the X.509 certificate with which they sign."""

    account: UUID
    officer: UUID
    agency: UUID
    enrolment: UUID


def put_papers(filling: Filling, sales: Sequence[Sale], officers: Sequence[Signatory]) -> None:
    """Everything that is no money. Sales are the oldest first, so the newest papers are the first firm's."""
    asked = [sale for sale in sales if sale.fate is not Fate.TOP_UP]
    filling.put(ApplicationRow, (_application(sale) for sale in asked))
    _certificates(filling, [sale for sale in asked if sale.fate.pays], {each.agency: each for each in reversed(officers)})
    waiting = [f"{sale.index:020d}" for sale in reversed(asked) if sale.fate is Fate.UNASKED]
    if waiting:
        filling.crowd.addresses["/applications/{application}/withdraw"] = [f"/applications/{waiting[0]}/withdraw"]
        filling.crowd.addresses["/pay/fees"] = [f"/pay/fees?application={reference}" for reference in waiting[:1]]
    filling.crowd.files.append(PICTURE)
    _in_hand(filling, officers[0])


@cache
def _example() -> str:
    return canonical(read((files("plugins") / "templates" / "aifta" / "example.json").read_bytes())).decode()


def _application(sale: Sale) -> dict[str, Any]:
    content = _example()
    return {
        "id": sale.application,
        "reference": f"{sale.index:020d}",
        "state": str(_STANDING.get(sale.fate, ApplicationState.ISSUED)),
        "kind": str(Kind.NEW),
        "scheme": "AIFTA",
        "issuer_kind": "agency",
        **sale.owner,
        "content": content,
        "content_sha256": _sha256(content),
        "made_by": "bench",
        "made_at": sale.at,
        "filed_at": sale.at,
    }


def _certificates(filling: Filling, sales: Sequence[Sale], signatories: Mapping[UUID, Signatory]) -> None:
    """An issued certificate for each, with the approval that was spent on it."""
    base = {"series_key": "bench", "issuer_kind": "agency", "year": 2026, "pattern": "{serial}", "value": len(sales)}
    [series] = filling.put(SeriesRow, [{**base, **sales[0].here}]) if sales else [uuid4()]
    approvals = filling.put(ApprovalRow, (_approval(sale, signatories) for sale in sales))
    pairs = zip(sales, approvals, strict=True)
    codes: list[str] = []

    def rows() -> Iterator[dict[str, Any]]:
        for serial, (sale, approval) in enumerate(pairs, 1):
            code = new_code()
            codes.append(code)
            yield {"series": series, "serial": serial, "code": code, "approval": approval, **_certificate(sale, serial)}

    filling.put(CertificateRow, rows())
    filling.crowd.addresses |= {f"/{letter}/{{code}}": [f"/{letter}/{code}" for code in codes[:1]] for letter in "vV"}


def _approval(sale: Sale, signatories: Mapping[UUID, Signatory]) -> dict[str, Any]:
    signatory = signatories.get(sale.agency)
    return {
        "application": sale.application,
        "issuer_kind": "agency",
        **sale.owner,
        "kind": "officer" if signatory else "auto",
        "officer": signatory.officer if signatory else None,
        "signatory": (signatory or next(iter(signatories.values()))).enrolment,
        "approved_by": "bench",
        "frozen": "{}",
        "content_sha256": _sha256(_example()),
        "state": "done",
        "approved_at": sale.at,
        "spent_at": sale.at,
    }


def _certificate(sale: Sale, serial: int) -> dict[str, Any]:
    number = format_number("{agency}/{year}/{office}/{serial:07d}{check}", agency="EIA", year=2026, office="MUM", serial=serial, scheme="")
    return {
        "number": number,
        "number_key": number_key(number),
        "application": sale.application,
        "live_key": str(sale.application),
        "issuer_kind": "agency",
        **sale.owner,
        "scheme": "AIFTA",
        "form_sha256": _sha256("form"),
        "kind": str(Kind.NEW),
        "state": "issued",
        "content_sha256": _sha256(_example()),
        "drawn_sha256": _sha256(number),
        "shown": _shown(),
        "numbered_at": sale.at,
        "issued_at": sale.at,
    }


@cache
def _shown() -> str:
    """What the register keeps of the example, by the names of `engine.issuing.shown`."""
    file = read((files("plugins") / "templates" / "aifta" / "example.json").read_bytes())
    words = {"demo": True, "scheme": "AIFTA", "title": "ASEAN-India", "form": "Form AI", "form_version": "1", "validity_months": 12}
    words |= {"kind": "new", "replaces": "", "endorsement": "", "agency": "Chamber of Commerce", "office": "Mumbai", "currency": "USD"}
    words |= {"officer": "Officer 1", "designation": "Assistant Director", "origin_country": "India", "remarks": "", "export_document": ""}
    words |= {"total_weight": "", "total_value": "", "destination": "Vietnam", "producer": None, "third_party": None}
    people = {"exporter": {"name": file.exporter.name, "address": file.exporter.address}}
    people["consignee"] = {"name": file.consignee.name, "address": file.consignee.address, "tax_id": "", "country": "Vietnam"}
    declared = {"name": file.declaration.name, "place": file.declaration.place, "dated_on": file.declaration.dated_on.isoformat()}
    route = {"departs_on": file.transport.departs_on.isoformat(), "vessel": "MV Ganga", "voyage": "12E"}
    route |= {"port_of_discharge_name": "Haiphong", "port_of_discharge": "VNHPH"}
    items = [_item(item.description, item.hs) for item in file.items]
    invoices = [{"number": invoice.number, "dated_on": invoice.dated_on.isoformat()} for invoice in file.invoices]
    whole = {**words, **people, "declaration": declared, "transport": route, "invoices": invoices, "items": items}
    return json.dumps(whole)


def _item(description: str, hs: str) -> dict[str, Any]:
    words = {"description": description, "hs": hs, "marks": "", "packages": "1 carton", "quantity": "1 kg", "origin_criterion": "RVC 35"}
    return words | {"gross_weight_kg": None, "value": None, "origin_country": "India", "supporting_documents": None, "invoice": "INV/1"}


def _presented_chain() -> str:
    """A certificate in a name that nobody here has, signed by itself, as PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody Else")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    dated = made.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2028, 1, 1, tzinfo=UTC))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _in_hand(filling: Filling, officer: Signatory) -> None:
    """An officer's certificate that waits for its name, a firm's picture, an upload, a link to a password and one to a registration."""
    at, soon, ids = filling.at, filling.at + timedelta(days=5), filling.crowd.ids
    mine = {"agency": officer.agency, "officer": officer.officer}
    base = {"signer": "key_file", "key": "bench", "chain": _presented_chain(), "made_at": at, "expires_at": soon}
    states = ("waiting", "asked")
    presented = filling.put(
        Presented,
        (
            {**base, **mine, "nonce": _sha256(state), "fingerprint": _sha256(state), "state": state, "live_key": _sha256(state)}
            for state in states
        ),
    )
    addresses = filling.crowd.addresses
    addresses["/dsc/{presented}"] = [f"/dsc/{id}" for id in reversed(presented)]
    for studio in ("/firm/picture", "/picture", "/offices/{office}/stamp", "/users/{officer}/picture"):
        bare = studio.replace("{office}", ids["office"][0]).replace("{officer}", ids["officer"][0])
        addresses[f"{studio}/pictures/{{picture}}"] = [f"{bare}/pictures/live"]
        addresses |= {f"{studio}/form/{kind}": [f"{bare}/form/{kind}?scheme=AIFTA"] for kind in ("page", "pdf")}
    addresses["/users/{officer}/names/{presented}"] = [f"/users/{officer.officer}/names/{presented[0]}"]
    user = {"exporter": ids["exporter"][0], "exporter_user": ids["exporter_user"][0]}
    sha256, person = hashlib.sha256(PICTURE).hexdigest(), filling.crowd.accounts[RoleKind.EXPORTER]
    made = {"sha256": sha256, "quality": 90, "made_by": "bench", "made_at": at}
    filling.put(Appearance, [{**user, **made, "version": 1, "live_key": user["exporter_user"]}])
    drawn = {"original_sha256": sha256, "preview_sha256": sha256, "clean_sha256": sha256, "made_at": at, "expires_at": soon}
    desk = f"{person}:user:{user['exporter_user']}"
    filling.put(PictureDraft, [{**user, **drawn, "account": person, "bearer": "user", "desk": desk[:100]}])
    _linked(filling, officer.account)


def _linked(filling: Filling, account: UUID) -> None:
    at, soon, addresses = filling.at, filling.at + timedelta(days=5), filling.crowd.addresses
    hashed = _sha256(f"ticket:{_TOKEN}")
    filling.put(Ticket, [{"account": account, "purpose": "reset", "token_sha256": hashed, "made_at": at, "expires_at": soon}])
    addresses["/password/{token}"] = [f"/password/{_TOKEN}"]
    asked = {"role": "broker", "email": "asks@broker.example.in", "name": "Applicant", "firm": "Fast Filing", "licence": "B2"}
    dated = {"state": "unproved", "asked_at": at, "expires_at": soon, "live_key": "", "token_sha256": _sha256(f"registration:{_TOKEN}")}
    id = uuid4()
    filling.put(RegistrationRequest, [{**asked, **dated, "id": id, "live_key": str(id)}])
    addresses["/register/prove/{token}"] = [f"/register/prove/{_TOKEN}"]
    addresses["/register/agency"] = ["/register/agency?agency=AG000&role=officer"]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
