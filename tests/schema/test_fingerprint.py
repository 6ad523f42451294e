"""A database says which schema it has; another one stops the program with the command that mends it."""

import pytest

from engine import config as configuration
from engine import schema
from engine.errors import ConfigError
from engine.schema.migrate import migrate
from engine.site import open_site
from engine.store import uow
from engine.store.tables import Setting


async def test_an_empty_database_asks_for_the_migration(empty_database) -> None:
    with pytest.raises(ConfigError, match="ecoo migrate") as refused:
        await schema.require_current()
    assert refused.value.code == "schema_missing"


async def test_the_migration_makes_the_schema_and_does_nothing_the_second_time(empty_database) -> None:
    await migrate()
    await schema.require_current()
    await migrate()
    assert await Setting.count().where(Setting.name == "schema") == 1


async def test_the_migration_makes_what_building_makes(empty_database) -> None:
    await migrate()
    row = await Setting.select(Setting.value).where(Setting.name == "schema").first()
    assert row == {"value": schema.fingerprint()}


async def test_another_schema_stops_with_the_command_that_mends_it(empty_database) -> None:
    await schema.build()
    await Setting.update({Setting.value: "0" * 64}).where(Setting.name == "schema")
    with pytest.raises(ConfigError, match="ecoo demo --fresh") as refused:
        await schema.require_current()
    assert refused.value.code == "schema_other"


async def test_a_site_of_another_schema_is_not_opened(sites, tmp_path) -> None:
    config = configuration.load(sites.make(tmp_path / "site"), {})
    async with open_site(config, work=False), uow():
        await Setting.update({Setting.value: "0" * 64}).where(Setting.name == "schema")
    with pytest.raises(ConfigError) as refused:
        async with open_site(config, work=False):
            pass
    assert refused.value.code == "schema_other"
