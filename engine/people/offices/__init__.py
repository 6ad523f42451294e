"""Offices of agencies: their details, holidays, and what each still needs to issue."""
