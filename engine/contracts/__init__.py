"""What plugins meet: Protocols and frozen types, one module per kind. A change here raises `CONTRACT`."""

CONTRACT = 1
