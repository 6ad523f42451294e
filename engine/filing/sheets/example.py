"""The cost sheet that a person begins with: every key has a value, and the sums are right."""

from engine.application import Quantity
from engine.cost_sheet import CostSheet, Maker, Product, Rate, SheetCosts, SheetInput

__all__ = ["EXAMPLE"]

EXAMPLE = CostSheet(
    schema=1,
    product=Product(description="Cotton knitted T-shirts, men's", hs="610910", model="TS-100"),
    maker=Maker(name="EXAMPLE KNITWEAR LLP", address="12 Mill Road\nTiruppur 641601"),
    currency="USD",
    quantity=Quantity(value="100", unit="PCS"),
    fob="400.00",
    ex_works="380.00",
    net_weight_kg="16",
    inputs=(
        SheetInput(
            description="Cotton yarn",
            hs="520512",
            country="IN",
            value="96.00",
            originating=True,
            quantity=Quantity(value="15", unit="KGS"),
            weight_kg="15",
            supplier="Example Spinners",
            invoice="ES/2026/118",
        ),
        SheetInput(
            description="Sewing thread of polyester",
            hs="540110",
            country="CN",
            value="14.00",
            currency="EUR",
            weight_kg="0.6",
            supplier="Example Threads",
            invoice="T-7781",
        ),
        SheetInput(description="Labels and buttons", hs="580710", country="TW", value="8.00", weight_kg="0.4"),
    ),
    costs=SheetCosts(direct_labour="118.00", direct_overhead="62.60", profit="80.00", freight_to_port="20.00"),
    rates=(Rate(currency="EUR", rate="1.10"),),
    operations=("knitting", "dyeing", "cutting", "sewing", "finishing"),
    evidence="Purchase and production register 2026",
)
