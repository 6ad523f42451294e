"""engine.toml as frozen dataclasses: what an operator sets before start, and nothing else.

A setting is a name, a default and a line of help; `ecoo check` prints all. `ECOO_SECTION__KEY` in the environment
overrides a value. Relative paths count from the file's folder. Secrets are references: `{ env = "NAME" }` or
`{ file = "path" }`, on a demonstration site also `{ made = "NAME" }`: made at random in its folder. An unknown key and a missing secret are errors that name the path to the key.
"""

from engine.config.reading import default_path, load, load_if_any, site_folder
from engine.config.sections import AccessSection, Config, DgftSection, DrawingSection, MailSection, Secret, Site, settings_help
from engine.config.settling import is_loopback, is_public, require_public

__all__ = [
    "AccessSection",
    "Config",
    "DgftSection",
    "DrawingSection",
    "MailSection",
    "Secret",
    "Site",
    "default_path",
    "is_loopback",
    "is_public",
    "load",
    "load_if_any",
    "require_public",
    "settings_help",
    "site_folder",
]
