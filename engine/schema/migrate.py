"""Brings a database forward. Until the first release there is one migration, and it makes everything."""

import contextlib
import io

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from engine.errors import ConfigError
from engine.schema.build import require_current

__all__ = ["migrate"]


async def migrate() -> str:
    """Runs what has not run yet and gives piccolo's report as text. Raises ConfigError if the schema ends up another."""
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        result = await ForwardsMigrationManager(app_name="ecoo").run()
    if not result.success:
        raise ConfigError(f"The migration did not run: {result.message or report.getvalue().strip()}", code="migration")
    await require_current()
    return report.getvalue().strip()
