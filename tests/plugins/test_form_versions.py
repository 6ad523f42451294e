"""Two versions of one form side by side: each from its day to its last, the newest unless another is named."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from engine import config as configuration
from engine.errors import PluginError, Refused
from engine.registry import Registry, load

PACKS = Path(__file__).parent / "guest" / "acme_ecoo" / "packs"


@pytest.fixture
def versions(tmp_path: Path) -> Callable[..., Registry]:
    """The guest's pack with these versions: name, first and last day."""

    def made(**dates: tuple[str | None, str | None]) -> Registry:
        pack = tmp_path / "ours" / "acme"
        shutil.copytree(PACKS / "acme", pack)
        text = (pack / "form.toml").read_text()
        (pack / "form.toml").unlink()
        for number, (name, (first, last)) in enumerate(dates.items()):
            days = [f"{key} = {day}\n" for key, day in (("effective_from", first), ("effective_until", last)) if day]
            version = text.replace('version = "2026.1"\n', f'version = "{name}"\n' + "".join(days))
            assert version != text
            (pack / ("form.toml" if number == 0 else f"form-{name}.toml")).write_text(version)
        (tmp_path / "engine.toml").write_text('[templates]\nfolders = ["ours"]\n')
        return load(configuration.load(tmp_path / "engine.toml", {}))

    return made


def test_in_a_transition_the_newest_version_is_used_and_the_older_may_be_named(versions: Callable[..., Registry]) -> None:
    registry = versions(old=(None, "2027-03-31"), new=("2027-01-01", None))
    scheme = "ACME"
    assert registry.form(scheme, date(2026, 12, 31)).version == "old"
    both = date(2027, 2, 1)
    assert registry.form(scheme, both).version == registry.form(scheme, both, "new").version == "new"
    assert registry.form(scheme, both, "old").version == "old"
    assert registry.form(scheme, date(2027, 4, 1)).version == "new"


@pytest.mark.parametrize("day", [None, "2027-01-01"])
def test_two_versions_that_begin_on_one_day_stop_the_start(versions: Callable[..., Registry], day: str | None) -> None:
    with pytest.raises(PluginError, match=r"version two of ACME in the pack acme .* and so is version one: which of them is the newer\?"):
        versions(one=(day, "2027-03-31"), two=(day, None))


@pytest.mark.parametrize(("day", "version"), [(date(2026, 12, 31), "new"), (date(2027, 4, 1), "old"), (date(2027, 2, 1), "draft")])
def test_a_version_that_is_not_in_force_is_refused_with_those_that_are(versions: Callable[..., Registry], day: date, version: str) -> None:
    registry = versions(old=(None, "2027-03-31"), new=("2027-01-01", None))
    with pytest.raises(Refused, match=f"Version {version} of the form of ACME is not in force on {day}; in force: ") as refused:
        registry.form("ACME", day, version)
    assert refused.value.box == "form_version"
