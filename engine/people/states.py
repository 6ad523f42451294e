"""India's states and union territories by the two digits that a GSTIN begins with."""

from collections.abc import Mapping

__all__ = ["STATES", "state_name", "taxes_by_union"]

# The GST portal's list of state codes; 25 and 28 are of the past, 97 (other territory) holds no office.
STATES: Mapping[str, str] = {
    "01": "Jammu and Kashmir",
    "02": "Himachal Pradesh",
    "03": "Punjab",
    "04": "Chandigarh",
    "05": "Uttarakhand",
    "06": "Haryana",
    "07": "Delhi",
    "08": "Rajasthan",
    "09": "Uttar Pradesh",
    "10": "Bihar",
    "11": "Sikkim",
    "12": "Arunachal Pradesh",
    "13": "Nagaland",
    "14": "Manipur",
    "15": "Mizoram",
    "16": "Tripura",
    "17": "Meghalaya",
    "18": "Assam",
    "19": "West Bengal",
    "20": "Jharkhand",
    "21": "Odisha",
    "22": "Chhattisgarh",
    "23": "Madhya Pradesh",
    "24": "Gujarat",
    "26": "Dadra and Nagar Haveli and Daman and Diu",
    "27": "Maharashtra",
    "29": "Karnataka",
    "30": "Goa",
    "31": "Lakshadweep",
    "32": "Kerala",
    "33": "Tamil Nadu",
    "34": "Puducherry",
    "35": "Andaman and Nicobar Islands",
    "36": "Telangana",
    "37": "Andhra Pradesh",
    "38": "Ladakh",
}
# Union territories without a legislature: the second half of the tax is the union territory's (UTGST Act 2017, section 2(22)).
_UNION = frozenset({"04", "26", "31", "35", "38"})


def state_name(code: str) -> str:
    """The name of a state, or nothing for a code that no state has."""
    return STATES.get(code, "")


def taxes_by_union(code: str) -> bool:
    """Whether the half of the tax beside CGST is UTGST there, and not SGST."""
    return code in _UNION
