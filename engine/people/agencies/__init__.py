"""Agencies: their register, offices, officers and administrators, who asks to join, and the forms that an agency confirmed."""
