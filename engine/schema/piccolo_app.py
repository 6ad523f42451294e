"""The piccolo app: where the migrations are."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from engine.schema import TABLES

APP_CONFIG = AppConfig(
    app_name="ecoo",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=list(TABLES),
    migration_dependencies=[],
    commands=[],
)
