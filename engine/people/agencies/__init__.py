"""Agencies: their register, offices, officers and administrators, and the forms that an agency confirmed."""
