"""Digital signature certificates: which X.509 certificate signs for whom."""
