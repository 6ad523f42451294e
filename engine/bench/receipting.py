"""The receipts of the full site: numbered without a hole at each office, with all that is printed on them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from engine.bench.filling import Filling
from engine.bench.sales import Sale
from engine.clock import ist_day
from engine.money.fees import Breakup
from engine.money.receipts.content import ContentLine, Parties, ReceiptContent, digest_of, frozen
from engine.money.receipts.tables import ReceiptCounterRow, ReceiptKind, ReceiptRow
from engine.money.receipts.words import TITLES, in_words

__all__ = ["Receipting"]

_PREFIX = "RC/2627/"
_PARTIES = Parties("Chamber of Commerce", "Mumbai", "MUM", "1 Harbour Road", "27 Maharashtra", "", "Exporter", "0000000000", "Plot 7", "")


@dataclass(slots=True)
class Receipting:
    """The last numbers of all offices, and the receipts."""

    last: Counter[tuple[UUID, UUID]] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def receipt(self, sale: Sale, journal: UUID, fee: Breakup | None, paise: int) -> UUID:
        """The receipt of a fee, or of a deposit, and its id."""
        self.last[sale.agency, sale.office] += 1
        id, serial = uuid4(), self.last[sale.agency, sale.office]
        number, kind = f"{_PREFIX}{serial:06d}", ReceiptKind.TAX_INVOICE if fee else ReceiptKind.ACKNOWLEDGEMENT
        content = frozen(_content(sale, number, kind, fee, paise))
        printed = {"content": content, "content_sha256": digest_of(content), "amount_paise": paise}
        numbered = {"kind": str(kind), "number": number, "prefix": _PREFIX, "serial": serial, "subject_key": f"order:{sale.id}:{kind}"}
        self.rows.append({"id": id, **sale.owner, **numbered, **printed, "order": sale.id, "journal": journal, "made_at": sale.at})
        return id

    def put(self, filling: Filling) -> None:
        """Writes them down."""
        counters = ({"agency": agency, "office": office, "prefix": _PREFIX, "last": last} for (agency, office), last in self.last.items())
        filling.put(ReceiptCounterRow, counters)
        filling.put(ReceiptRow, self.rows)


def _content(sale: Sale, number: str, kind: ReceiptKind, fee: Breakup | None, paise: int) -> ReceiptContent:
    parts = (fee.base_paise, fee.cgst_paise, fee.sgst_paise, fee.igst_paise) if fee else (paise, 0, 0, 0)
    rate, sac = (fee.gst_rate_bp, fee.sac) if fee else (0, "")
    line = ContentLine("Fee of a certificate" if fee else "Deposit", f"{sale.index:020d}" if fee else "", sac, rate, "SGST", *parts)
    day, words = ist_day(sale.at).isoformat(), in_words(paise)
    order = (("Order", sale.reference),)
    return ReceiptContent(str(kind), TITLES[kind], number, day, _PARTIES, "27 Maharashtra", (line,), paise, words, order, ())
