"""Exporters under their IEC, and the brokers who file for them."""
