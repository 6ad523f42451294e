"""The first schema, whole: tables, constraints, triggers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from engine.schema.build import build

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "The first schema"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="ecoo", description=DESCRIPTION)
    manager.add_raw(build)
    return manager
