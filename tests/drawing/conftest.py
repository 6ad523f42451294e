"""Certificates to draw, photos to clean, and golden pages to compare with (`ECOO_GOLDEN=write` writes them anew)."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.contracts.drawing import DrawRequest
from engine.contracts.form import Filled, Form
from engine.packs import builtin_packs, read_forms, sheet_reader

GOLDEN = Path(__file__).parent / "golden"
PACKS = files("plugins").joinpath("templates")
SHEETS = Path(__file__).parent / "packs"
GOODS = (
    "Basmati rice, parboiled, 25 kg bags",
    "Cotton knitted T-shirts, men's, assorted sizes and colours, dyed and printed",
    "Brake pads for passenger cars, asbestos-free",
    "Turmeric powder, café grade, Müller pack",
    "Stainless steel fasteners M8×40, A2-70",  # noqa: RUF001  # the sign is the point
)
VALUES = {
    "agency_name": "Export Inspection Agency",
    "office_name": "Mumbai office",
    "office_city": "Mumbai",
    "officer_name": "Anjali Deshpande",
    "officer_designation": "Deputy Director",
    "exporter_name": "Sahyadri Export House Pvt. Ltd.",
    "origin_country": "INDIA",
    "destination": "VIET NAM",
    "declared_place": "Mumbai",
    "declared_on": "20 NOV 2026",
    "declared_by": "R. K. Sahasrabuddhe",
    "certified_place": "Mumbai",
    "certified_on": "21 NOV 2026",
    "endorsement": "",
    "endorsement_unticked": "",
    "export_document": "SB 7735591 OF 16 NOV 2026",
    "tick_third_party": "X",
    "tick_retrospective": "",
    "tick_cumulation": "",
    "verify_text": "https://coo.example.gov.in/v/ab3cdefghijklmnopqrstuvwxyz",
    "total_weight": "6620 KG",
    "total_value": "USD 61170.00",
}
WHOLE = {
    "exporter": ("SAHYADRI EXPORT HOUSE PVT. LTD.", "Plot 14, MIDC Industrial Area, Andheri East", "Mumbai 400093, Maharashtra", "INDIA"),
    "consignee": ("CÔNG TY TNHH NGUYỄN & SØREN TRADING", "Lô 7, Đường Lê Hồng Phong, Hải Phòng", "VIET NAM", "Tax ID: 0101234567"),
    "transport": ("Departure date: 18 NOV 2026", "Vessel's name/Aircraft etc.: MV KOTA LAYANG", "Port of Discharge: Haiphong (VNHPH)"),
    "exporter_contact": (
        "SAHYADRI EXPORT HOUSE PVT. LTD.",
        "Plot 14, MIDC Industrial Area, Andheri East",
        "Mumbai 400093, Maharashtra",
        "INDIA",
        "E-mail: exports@sahyadri.example",
        "Tel.: +91 22 5550 0101, Fax: +91 22 5550 0102",
    ),
    "producer": ("KOYNA SPINNING MILLS LIMITED", "Survey No. 77, Ichalkaranji 416115", "INDIA"),
    "third_party": ("STRAITS PANTRY PTE LTD", "9 Example Quay, #02-01", "SINGAPORE"),
    "port_of_loading": ("Nhava Sheva (INNSA)",),
    "invoices": ("SEH/INV/2600 12 NOV 2026; SEH/INV/2601 12 NOV 2026; SEH/INV/2602 13 NOV 2026",),
    "remarks": ("Shipped in two containers under one seal.",),
    "countries_of_origin": ("INDIA",),
    "destination": ("VIET NAM",),
}


@pytest.fixture(scope="session")
def forms() -> dict[str, Form]:
    """The newest form of every built-in pack, by scheme, and one for each sheet under the sheet's name in capitals."""
    packs = (*builtin_packs(PACKS), *builtin_packs(SHEETS))
    sheets = sheet_reader(packs, PACKS / "sheets")
    return {form.scheme: form for pack in packs for form in read_forms(pack, sheets)}


Certificate = Callable[..., DrawRequest]


@pytest.fixture
def certificate(forms: dict[str, Form]) -> Certificate:
    """Makes requests: `certificate(scheme, items, **changes)`; `values` are merged into the usual ones."""

    def make(scheme: str = "AIFTA", items: int = 5, **changes: Any) -> DrawRequest:
        form = forms[scheme]
        filled = Filled(_boxes(form), tuple(_row(form, index) for index in range(items)))
        values = {**VALUES, **changes.pop("values", {})}
        request = DrawRequest(
            form=form,
            filled=filled,
            number="EIC/2026/MUM/0000123K",
            issued_on=date(2026, 11, 21),
            qr_text="HTTPS://COO.EXAMPLE.GOV.IN/V/AB3CDEFGHIJKLMNOPQRSTUVWXYZ",
            values=values,
        )
        return replace(request, **changes)

    return make


def _boxes(form: Form) -> dict[str, tuple[str, ...]]:
    return {box.no: WHOLE.get(box.field, ()) for box in form.boxes if not box.in_rows}


def _row(form: Form, index: int) -> dict[str, tuple[str, ...]]:
    goods, hs = (f"{20 + index} CARTONS", GOODS[index % 5]), f"{1006 + index * 13:04d}30"
    weight, value, quantity = f"{1250 + 37 * index} KG", f"USD {10400 + index * 917}.00", f"{1000 + index} PCS"
    said = {
        "item_number": (str(index + 1),),
        "hs": (hs,),
        "hs6": (hs,),
        "marks": (f"SEH/2026/{index + 1}", "1-20 VN HPH"),
        "goods": (*goods, f"Quantity: {quantity}", f"HS: {hs}"),
        "goods_block": (f"{index + 1}. SEH/2026/{index + 1}", "1-20 VN HPH", ", ".join(goods), f"HS: {hs}"),
        "goods_quantity": (goods[1], f"Quantity: {quantity}"),
        "description": (goods[1],),
        "criterion": (('"WO"', '"RVC [79.73] %+CTSH"', '"RVC [41.20] %+CTSH"')[index % 3],),
        "weight_value": (weight, value),
        "weight_quantity": (weight, quantity),
        "gross_weight": (weight,),
        "quantity": (quantity,),
        "invoice": (f"SEH/INV/{2600 + index}", "12 NOV 2026"),
    }
    return {box.no: said[box.field] for box in form.boxes if box.in_rows}


@pytest.fixture(scope="session")
def golden() -> Callable[[str, bytes], bytes]:
    """The golden file of that name; with `ECOO_GOLDEN=write` what is given becomes it."""

    def read(name: str, now: bytes) -> bytes:
        path = GOLDEN / name
        if os.environ.get("ECOO_GOLDEN") == "write":
            path.write_bytes(now)
        return path.read_bytes()

    return read


@pytest.fixture(scope="session")
def stamp_ink() -> np.ndarray[Any, Any]:
    """A round stamp as an ink mask, 0 to 1, 800 px a side."""
    mask = np.zeros((800, 800), np.uint8)
    cv2.circle(mask, (400, 400), 300, 255, 12)
    cv2.circle(mask, (400, 400), 200, 255, 6)
    cv2.putText(mask, "EXPORT", (250, 395), cv2.FONT_HERSHEY_TRIPLEX, 2.2, 255, 5)
    cv2.putText(mask, "INSPECTION", (215, 460), cv2.FONT_HERSHEY_TRIPLEX, 1.7, 255, 4)
    return cv2.GaussianBlur(mask, (0, 0), 0.9).astype(np.float32) / 255


Photo = Callable[..., bytes]


@pytest.fixture(scope="session")
def photo() -> Photo:
    """Makes phone photos of ink on paper: uneven light, a shadow, grain and noise, as JPEG or another format."""

    def shoot(ink: np.ndarray[Any, Any], *, colour: tuple[int, int, int] = (70, 40, 150), noise: float = 3.0, kind: str = "JPEG") -> bytes:
        rng = np.random.default_rng(7)
        height, width = ink.shape
        yy, xx = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
        light = 0.72 + 0.28 * (1 - ((xx - 0.35) ** 2 + (yy - 0.3) ** 2)) - 0.2 * np.clip(xx + yy - 1.2, 0, 1)
        grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 20) * 40
        paper = np.dstack([np.full((height, width), level, np.float32) for level in (240.0, 236.0, 225.0)]) + grain[..., None]
        picture = paper * (1 - ink[..., None]) + np.array(colour, np.float32) * ink[..., None]
        picture = picture * light[..., None] + rng.normal(0, noise, (height, width, 1))
        return encode(Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)), kind)

    return shoot


def encode(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **({"quality": 90} if kind in {"JPEG", "WEBP"} else {}))
    return out.getvalue()


@pytest.fixture(scope="session")
def stamp_png(stamp_ink: np.ndarray[Any, Any]) -> bytes:
    """A clean stamp: one violet ink on nothing."""
    alpha = Image.fromarray((stamp_ink * 255).astype(np.uint8)).resize((300, 300))
    picture = Image.new("RGBA", alpha.size, (70, 40, 150, 0))
    picture.putalpha(alpha)
    return encode(picture, "PNG")
