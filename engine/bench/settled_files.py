"""The settlement files of the first office: a day's payments each, more than a page of them, and some lines that nobody knows."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from engine.bench.filling import Filling
from engine.clock import ist_day
from engine.money.settling.tables import SettlementFileRow, SettlementLineRow

__all__ = ["put_settlements"]

_FILES = 250
_UNKNOWN = 40
_COST, _TAX = 200, 36


def put_settlements(filling: Filling, attempts: Sequence[Mapping[str, Any]], parameters: UUID) -> None:
    """Files over these tries, each settled once; the rows of the tries are those of one office, the oldest first."""
    if not attempts:
        return
    agency, office = attempts[0]["agency"], attempts[0]["office"]
    own = {"agency": agency, "office": office, "gateway": "sandbox"}
    each = -(-len(attempts) // _FILES)
    days = [attempts[start : start + each] for start in range(0, len(attempts), each)]
    files = [_file(own, parameters, day, f"settled-{number}.csv") for number, day in enumerate(days, 1)]
    ids = filling.put(SettlementFileRow, files)
    filling.put(SettlementLineRow, (_known(own, file, row) for file, day in zip(ids, days, strict=True) for row in day))
    strange = filling.put(SettlementLineRow, _strangers(own, ids[-1], attempts[-1]["made_at"]))
    addresses = filling.crowd.addresses
    addresses["/offices/{office}/settlements/{settlement}"] = [f"/offices/{office}/settlements/{ids[-1]}"]
    addresses["/offices/{office}/settlements/lines/{line}"] = [f"/offices/{office}/settlements/lines/{strange[0]}"]


def _file(own: Mapping[str, Any], parameters: UUID, day: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    gross, count = sum(row["amount_paise"] for row in day), len(day)
    sums = {"gross_paise": gross, "fee_paise": _COST * count, "tax_paise": _TAX * count, "net_paise": gross - (_COST + _TAX) * count}
    made = {"imported_by": "bench", "imported_at": day[-1]["made_at"] + timedelta(days=1)}
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return {**own, "parameters": parameters, "name": name, "sha256": sha256, "lines": count, **sums, **made}


def _line(own: Mapping[str, Any], file: UUID, key: str, paise: int, at: datetime) -> dict[str, Any]:
    sums = {"gross_paise": paise, "fee_paise": _COST, "tax_paise": _TAX, "net_paise": paise - _COST - _TAX}
    said = {"line_key": key, "kind": "payment", "reference": key, "gateway_txn_id": key, "utr": "UTR0001"}
    return {**own, "id": uuid4(), "file": file, **said, **sums, "settled_on": ist_day(at), "changed_at": at}


def _known(own: Mapping[str, Any], file: UUID, row: Mapping[str, Any]) -> dict[str, Any]:
    line = _line(own, file, row["reference"], row["amount_paise"], row["made_at"])
    return {**line, "match": "matched", "attempt": row["id"], "matched_key": str(row["id"])}


def _strangers(own: Mapping[str, Any], file: UUID, at: datetime) -> Iterator[dict[str, Any]]:
    for index in range(_UNKNOWN):
        line = _line(own, file, f"UNKNOWN{index}", 236_00, at)
        yield {**line, "match": "missing_here", "matched_key": str(line["id"])}
