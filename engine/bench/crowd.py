"""A site as full as India's: agencies, offices, officers, exporters and years of audit, written straight into the database.

One agency, the busy one, has a tenth of the offices and a fifth of everything else; the persons that the pages are asked
as are its own. Rows are those that the program writes, their values are made up.
"""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path
from string import ascii_uppercase
from typing import Any
from uuid import UUID

from engine.bench.filling import Crowd, Filling, Sizes, shared
from engine.bench.papers import PICTURE, Signatory, put_papers
from engine.bench.sales import plan
from engine.bench.takings import put_takings
from engine.people.access import RoleKind
from engine.people.agencies.tables import Certifies, OfficialAddress
from engine.people.changes.tables import ChangeRow
from engine.people.dsc.tables import Enrolment
from engine.people.joining.tables import RegistrationRequest
from engine.people.pictures.tables import Appearance, Stamp
from engine.people.tables import (
    Account,
    Administrator,
    Agency,
    AgencyListing,
    ApiKey,
    Broker,
    BrokerGrant,
    BrokerUser,
    Exporter,
    ExporterUser,
    Office,
    Officer,
    OfficerOffice,
    PlatformUser,
)
from engine.store.tables import AuditEntry, AuditUnsealed

__all__ = ["fill_site"]

_SINCE = date(2024, 8, 19)
_ACTS = (
    "application_saved",
    "application_filed",
    "approved",
    "number_taken",
    "certificate_drawn",
    "certificate_signed",
    "certificate_issued",
)
_RARE = ("officer_mapped", "stamp_put", "api_key_made", "office_added")
_SCHEMES = ("AIFTA", "ISFTA", "IJCEPA", "IKCEPA", "SAFTA", "MERCOSUR", "IUAECEPA", "ECTA")
_FAMILY = ("Deshmukh", "Iyer", "Rao", "Das", "Kaur", "Nair", "Patel", "Sinha", "Bose", "Khan")
_GIVEN = ("Asha", "Meera", "Vikram", "Rohan", "Simran", "Latha", "Nilesh", "Anil", "Sumana", "Imran")


def fill_site(database: Path, sizes: Sizes, at: datetime) -> Crowd:
    """Fills an empty SQLite database that has its tables."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA synchronous=OFF")
        with opened:
            crowd = _People(opened, sizes, at).all()
        opened.execute("ANALYZE")
    return crowd


class _People(Filling):
    """Whoever there is, and what waits for them."""

    def all(self) -> Crowd:
        """Everything, parents first."""
        agencies = self._agencies()
        offices = self._offices(agencies)
        officers = self._officers(offices)
        self._desk()
        exporters, broker = self._firms()
        self._keys({"agency": agencies[0], "exporter": exporters[0], "broker": broker})
        self._waiting(agencies[0], offices)
        self._audit(offices, [each.account for each in officers])
        sales = plan(self.sizes, offices, exporters, self.at)
        put_papers(self, sales, officers)
        put_takings(self, sales)
        return self.crowd

    def _accounts(self, count: int, kind: str) -> list[UUID]:
        def row(index: int) -> dict[str, Any]:
            name = f"{_GIVEN[index % 10]} {_FAMILY[index // 10 % 10]} {index}"
            return {
                "email": f"{kind}{index}@bench.example.in",
                "name": name,
                "totp_set_at": self.at,
                "totp_sealed": "x",
                "made_at": self.at,
            }

        return self.put(Account, (row(index) for index in range(count)))

    def _agencies(self) -> list[UUID]:
        count = self.sizes.agencies
        names = (f"{'Export Promotion Council' if index % 2 else 'Chamber of Commerce'} No. {index + 1}" for index in range(count))
        ids = self.put(Agency, ({"code": f"AG{index:03d}", "name": name} for index, name in enumerate(names)))
        self.put(AgencyListing, ({"agency": id, "appendix": "2B", "starts_on": _SINCE, "notice": "TN 23/2024-25"} for id in ids))
        both = product(ids, _SCHEMES)
        self.put(Certifies, ({"agency": id, "appendix": "2B", "scheme": scheme, "starts_on": _SINCE} for id, scheme in both))
        self.put(OfficialAddress, (self._domain(id, index) for index, id in enumerate(ids)))
        persons = self._accounts(count * 2, "administrator")
        appointed = [(persons[index], ids[index // 2]) for index in range(count * 2)]
        self.put(Administrator, (self._live({"agency": agency, "account": who}, f"{who}:{agency}") for who, agency in appointed))
        self.crowd.accounts[RoleKind.ADMINISTRATOR] = persons[0]
        return ids

    def _domain(self, agency: UUID, index: int) -> dict[str, Any]:
        value = f"agency{index}.example.in"
        return {"agency": agency, "kind": "domain", "value": value, "live_key": f"{agency}:domain:{value}", "recorded_on": _SINCE}

    def _live(self, row: Mapping[str, Any], key: str) -> dict[str, Any]:
        return {**row, "live_key": key, "made_by": "bench", "made_at": self.at}

    def _offices(self, agencies: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
        """The offices, the busy agency's first: office and agency."""
        owners = list(shared(agencies, self.sizes.offices, busy=0.1))
        codes = ["".join(letters) for letters in product(ascii_uppercase, repeat=3)]
        rows = [
            {
                "agency": agency,
                "code": codes[index],
                "name": f"Office {index + 1}",
                "city": "Mumbai",
                "address": "1 Harbour Road",
                "state": "27",
                "wallet": True,
            }
            for index, agency in enumerate(owners)
        ]
        offices = list(zip(self.put(Office, rows), owners, strict=True))
        self.put(Stamp, (self._picture({"agency": agency, "office": office}, office) for office, agency in offices))
        return offices

    def _picture(self, owner: Mapping[str, Any], live: UUID) -> dict[str, Any]:
        return {**self._live(owner, str(live)), "version": 1, "sha256": hashlib.sha256(PICTURE).hexdigest(), "quality": 90}

    def _officers(self, offices: Sequence[tuple[UUID, UUID]]) -> list[Signatory]:
        """The officers; each is mapped to three offices of theirs."""
        of_agency: dict[UUID, list[UUID]] = {}
        for office, agency in offices:
            of_agency.setdefault(agency, []).append(office)
        owners = list(shared(list(of_agency), self.sizes.officers, busy=0.2))
        accounts = self._accounts(len(owners), "officer")
        rows = [
            {"agency": agency, "account": account, "name": f"Officer {index + 1}", "designation": "Assistant Director"}
            for index, (account, agency) in enumerate(zip(accounts, owners, strict=True))
        ]
        officers = list(zip(accounts, self.put(Officer, rows), owners, strict=True))
        self.put(OfficerOffice, self._mappings(officers, of_agency))
        self.put(Appearance, (self._picture({"agency": agency, "officer": id}, id) for _, id, agency in officers))
        enrolments = self.put(Enrolment, (self._enrolment(id, agency, index) for index, (_, id, agency) in enumerate(officers)))
        self.crowd.accounts[RoleKind.OFFICER] = accounts[0]
        return [Signatory(*each, enrolment) for each, enrolment in zip(officers, enrolments, strict=True)]

    def _mappings(self, officers: Sequence[tuple[UUID, UUID, UUID]], offices: Mapping[UUID, Sequence[UUID]]) -> Iterator[dict[str, Any]]:
        for index, (_, officer, agency) in enumerate(officers):
            here = offices[agency]
            for office in {here[(index + step) % len(here)] for step in range(3)}:
                yield {"agency": agency, "officer": officer, "office": office, "live_key": f"{officer}:{office}", "mapped_at": self.at}

    def _enrolment(self, officer: UUID, agency: UUID, index: int) -> dict[str, Any]:
        fingerprint = hashlib.sha256(f"x509 {index}".encode()).hexdigest()
        return {
            "agency": agency,
            "officer": officer,
            "signer": "key_file",
            "key": f"officer{index}",
            "fingerprint": fingerprint,
            "live_key": fingerprint,
            "subject": f"CN=Officer {index + 1}",
            "issuer": "CN=Bench",
            "serial": str(index),
            "not_before_at": self.at - timedelta(days=100),
            "not_after_at": self.at + timedelta(days=600),
            "enrolled_at": self.at,
            "enrolled_by": "bench",
        }

    def _desk(self) -> None:
        [account] = self._accounts(1, "desk")
        self.put(PlatformUser, [self._live({"account": account}, str(account))])
        self.crowd.accounts[RoleKind.PLATFORM] = account

    def _firms(self) -> tuple[list[UUID], UUID]:
        """Exporters, and a broker whom some let file; persons of ours act for the first one and for the broker."""
        count = self.sizes.exporters
        rows = (
            {"iec": f"{index:010d}", "name": f"Exporter {index}", "address": "Plot 7", "sync_due_at": self.at} for index in range(count)
        )
        exporters = self.put(Exporter, rows)
        persons = self._accounts(max(1, count // 10), "exporter")
        pairs = [(exporters[min(index // 5, count - 1)], person) for index, person in enumerate(persons)]
        self.put(
            ExporterUser,
            (
                {"exporter": firm, "account": who, "name": "A User", "rights": "see,prepare,submit,pay,sign", "live_key": f"{firm}:{who}"}
                for firm, who in pairs
            ),
        )
        [broker] = self.put(
            Broker, [{"code": "BENCH234", "name": "Fast Brokers", "licence": "B1", "licence_key": "B1", "made_at": self.at}]
        )
        colleagues = self._accounts(20, "broker")
        rights = "see,prepare,submit,pay,manage"
        self.put(BrokerUser, ({"broker": broker, "account": who, "rights": rights, "made_at": self.at} for who in colleagues))
        granted = exporters[: min(200, count)]
        self.put(
            BrokerGrant,
            (self._live({"broker": broker, "exporter": firm, "rights": "see,submit,pay"}, f"{broker}:{firm}") for firm in granted),
        )
        self.crowd.accounts |= {RoleKind.EXPORTER: persons[0], RoleKind.BROKER: colleagues[0]}
        return exporters, broker

    def _keys(self, owners: Mapping[str, UUID]) -> None:
        self.put(ApiKey, (self._key(column, owner, index) for column, owner in owners.items() for index in range(60)))

    def _key(self, column: str, owner: UUID, index: int) -> dict[str, Any]:
        sha256 = hashlib.sha256(f"{column} {index}".encode()).hexdigest()
        maker = self.crowd.accounts[RoleKind(column) if column != "agency" else RoleKind.ADMINISTRATOR]
        ends_at = self.at + timedelta(days=90 if index < 20 else -90)
        said = {"name": f"Machine {index}", "prefix": f"ecoo_{sha256[:7]}", "key_sha256": sha256, "rights": "see"}
        nobody = {"agency": None, "exporter": None, "broker": None}
        return {**said, **nobody, column: owner, "made_by": f"account:{maker}", "made_at": self.at, "expires_at": ends_at}

    def _waiting(self, agency: UUID, offices: Sequence[tuple[UUID, UUID]]) -> None:
        """Changes and registrations that wait at the busy agency and at the desk."""
        asker, here = self.crowd.accounts[RoleKind.ADMINISTRATOR], [office for office, owner in offices if owner == agency][:50]
        base = {"agency": agency, "kind": "stamp", "title": "New stamp", "state": "waiting", "asked_as": "administrator"}
        base |= {"asked_by": asker, "asked_at": self.at}
        self.put(ChangeRow, ({**base, "office": office, "subject": str(office), "live_key": f"stamp:{agency}:{office}"} for office in here))
        self.put(RegistrationRequest, (self._request(agency, here[index % len(here)], index) for index in range(200)))

    def _request(self, agency: UUID, office: UUID, index: int) -> dict[str, Any]:
        officer = index % 2 == 0
        return {
            "role": "officer" if officer else "administrator",
            "agency": agency,
            "office": office if officer else None,
            "email": f"asks{index}@agency0.example.in",
            "name": f"Applicant {index}",
            "designation": "Director",
            "letter_sha256": "" if officer else hashlib.sha256(PICTURE).hexdigest(),
            "letter_type": "" if officer else "application/pdf",
            "state": "waiting",
            "token_sha256": hashlib.sha256(f"asks {index}".encode()).hexdigest(),
            "live_key": f"asks {index}",
            "asked_at": self.at,
            "proved_at": self.at,
            "expires_at": self.at + timedelta(days=30),
        }

    def _audit(self, offices: Sequence[tuple[UUID, UUID]], officers: Sequence[UUID]) -> None:
        agencies = list(dict.fromkeys(agency for _, agency in offices))
        office_of = {agency: str(office) for office, agency in reversed(offices)}
        owners = list(shared(agencies, self.sizes.entries, busy=0.2))

        def row(index: int) -> dict[str, Any]:
            agency = owners[index * 7919 % len(owners)]  # mixed, and the same each time
            act = _RARE[index % 4] if index % 500 == 0 else _ACTS[index % len(_ACTS)]
            return {
                "at": self.at - timedelta(seconds=(self.sizes.entries - index) * 60),
                "actor": f"account:{officers[index % len(officers)]}",
                "act": act,
                "room": "bench",
                "subject": f"APP-{index // len(_ACTS):010d}",
                "agency": str(agency),
                "office": office_of[agency],
                "after_sha256": hashlib.sha256(str(index).encode()).hexdigest(),
                "detail": json.dumps({"version": index % 5}),
            }

        rows = [row(index) for index in range(self.sizes.entries)]
        ids = self.put(AuditEntry, rows)
        self.put(AuditUnsealed, ({"id": id, "at": each["at"]} for id, each in zip(ids, rows, strict=True)))
