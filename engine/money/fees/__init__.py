"""What a certificate costs: a table with dates, and the break-up of a fee with its tax."""

from engine.money.fees.breakup import Breakup, Supply, break_up, rupees, supply_of
from engine.money.fees.table import Fee, NewFee, add_fee, end_fee, fee_of, fees_of
from engine.money.fees.tables import Rounding

__all__ = [
    "Breakup",
    "Fee",
    "NewFee",
    "Rounding",
    "Supply",
    "add_fee",
    "break_up",
    "end_fee",
    "fee_of",
    "fees_of",
    "rupees",
    "supply_of",
]
