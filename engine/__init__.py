"""The engine: knows certificates; knows no web page and no plugin by name.

One way through: application -> origin -> payment -> scrutiny -> draw -> sign -> issue -> verify.
Each word is a door; every door asks for the proof that the one before it gave.
"""

import os

# piccolo looks its engine up by this name; nothing else may choose a database.
os.environ.setdefault("PICCOLO_CONF", "engine.store.piccolo_conf")
