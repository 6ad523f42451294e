"""Accounts as the platform's desk sees them: whose they are, closing one for a reason, and opening it again."""
