"""What piccolo looks up by name: the app registry, and the database the tables are bound to.

Before `store.connect` that is the one of the configuration in force (`ECOO_CONFIG` or ./engine.toml).
"""

from typing import Any

from piccolo.conf.apps import AppRegistry

APP_REGISTRY = AppRegistry(apps=["engine.schema.piccolo_app"])


def __getattr__(name: str) -> Any:
    if name != "DB":
        raise AttributeError(name)
    from engine.config import load
    from engine.store import engines

    return engines.bound() or engines.make_engine(load().database.url)
