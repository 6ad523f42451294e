"""What the measurements run on: a demonstration site in a folder of its own, on the day its example was written for.

Promises that nothing outside that folder is touched and that no certificate leaves it. The clock stands still, so that
the example stays fit to be filed and no run crosses midnight.
"""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec

from engine import config as configuration
from engine import demo
from engine.application import Application
from engine.config import Config
from engine.contracts.drawing import DrawRequest
from engine.contracts.signing import Signer, SignerContext
from engine.drawing import DrawingRoom
from engine.filing import read
from engine.issuing import Approval, Corridor, Frozen
from engine.issuing.shell import approve_at_shell
from engine.issuing.tables import ApprovalRow
from engine.people import Enrolled, enrolled
from engine.proof import SeriesRule, Standing, by_approval
from engine.site import Site, open_site

__all__ = ["Numbered", "Stage", "site_config", "stage"]
