"""The demonstration pays in rehearsal from its first start: parameters tested and in use, terms, a fee, and the wallet on."""

from pathlib import Path

import pytest

from engine import config as configuration
from engine import people
from engine.cli.rehearsing_gateway import gateway_port
from engine.clock import ist_day
from engine.demo import AGENCY, OFFICE
from engine.demo_payments import MERCHANT, rehearsal_checksum
from engine.money.fees import fee_of
from engine.money.gateways import in_use
from engine.money.gateways.parameters import open_secrets
from engine.money.terms import terms_of
from engine.scope import PLATFORM
from engine.site import open_site


async def test_the_demonstrations_office_takes_payments_from_the_first_start(sites, tmp_path):  # type: ignore[no-untyped-def]
    path = sites.make(tmp_path / "site")
    config = configuration.load(path if path.is_file() else path / "engine.toml", {})
    async with open_site(config, work=False) as site:
        office = await people.find_office(PLATFORM, AGENCY, OFFICE, on=ist_day(site.clock.now()))
        parameters = await in_use(PLATFORM, office.id)
        assert parameters is not None
        assert parameters.active
        assert parameters.passed
        assert (parameters.gateway, parameters.values) == ("sandbox", {"merchant_id": MERCHANT})
        assert open_secrets(parameters, site.secrets)["checksum"].value == rehearsal_checksum(config)
        terms = await terms_of(PLATFORM, office.id)
        assert terms is not None
        assert terms.receipt_code == "MUM"
        assert await fee_of(PLATFORM, office, "AIFTA", "original", ist_day(site.clock.now())) is not None


@pytest.mark.parametrize(("environ", "port"), [({}, 8002), ({"PORT": "8000"}, 8002), ({"PORT": "9100"}, 9102), ({"PORT": "65535"}, 65533)])
def test_the_rehearsal_gateway_moves_with_the_sites_port(tmp_path: Path, environ: dict[str, str], port: int) -> None:
    text = '[site]\ndemo = true\nrehearsal = true\n[gateways.sandbox]\nurl = "http://127.0.0.1:8002"\n'
    (tmp_path / "engine.toml").write_text(text)
    config = configuration.load(tmp_path / "engine.toml", environ)
    assert gateway_port(config) == port
    assert config.gateways["sandbox"]["url"] == f"http://127.0.0.1:{port}"


def test_another_address_stays_where_the_operator_put_it(tmp_path: Path) -> None:
    text = '[site]\ndemo = true\nrehearsal = true\n[gateways.sandbox]\nurl = "http://127.0.0.1:80021"\n'
    (tmp_path / "engine.toml").write_text(text.replace("80021", "8020"))
    assert configuration.load(tmp_path / "engine.toml", {"PORT": "9100"}).gateways["sandbox"]["url"] == "http://127.0.0.1:8020"


def test_there_is_no_gateway_to_start_without_a_rehearsal(tmp_path: Path) -> None:
    for text in ("[site]\ndemo = true\n[gateways.sandbox]\n", "[site]\ndemo = true\nrehearsal = true\n"):
        (tmp_path / "engine.toml").write_text(text)
        assert gateway_port(configuration.load(tmp_path / "engine.toml", {})) is None
