"""What `make run` shows: one certificate issued from a pack's example, and everything a newcomer needs to go on."""

import os
import shlex
from importlib.resources import files
from pathlib import Path

from engine import demo
from engine.cli.issuing import issue_in
from engine.cli.options import run_async
from engine.cli.output import say
from engine.config import Config
from engine.filing import read

__all__ = ["issue_and_tell"]

_FIRST = "demo-certificate.pdf"
_REFERENCE = "demo-reference"
_USUAL_PORT = 8000


def issue_and_tell(config: Config) -> Path:
    """Issues the demonstration certificate if this site has none yet, and prints path, number, link, keys and lines to try."""
    path = config.folder / _FIRST
    example = files("plugins") / "templates" / "aifta" / "example.json"
    known = config.folder / _REFERENCE
    subject = known.read_text(encoding="ascii").strip() if known.exists() else read(example.read_bytes())
    done = run_async(config, lambda: issue_in(config, subject, demo.OFFICER, demo.SIGNATORY))
    known.write_text(done.reference + "\n", encoding="ascii")
    if done.pdf is not None:
        path.write_bytes(done.pdf)
    base = f"http://{config.serve.host}:{config.serve.port}"
    key = demo.demo_key(config)
    # The port is part of the address in the QR, so every command of this site must be told it.
    ecoo = ".venv/bin/ecoo" if config.serve.port == _USUAL_PORT else f"PORT={config.serve.port} .venv/bin/ecoo"
    site = (
        "" if config.path == Path("engine.toml").absolute() or "ECOO_CONFIG" in os.environ else f" --config {shlex.quote(str(config.path))}"
    )
    say(
        f"""
  certificate   {path}
  number        {done.number}
  verify        {done.url}
                {base}/verify

  sign in       {base}/sign-in
  officer       {demo.OFFICER} (signs with a demonstration key)
  administrator {demo.ADMINISTRATOR}
  desk          {demo.DESK} (of the platform)
  exporter      {demo.SIGNATORY} (by password, or with DGFT: a rehearsal, where anybody in it can be chosen)
  password      {demo.demo_password(config)} (of all four; each sets up a second factor at the first sign-in)
  letters       {base}/dev/outbox

  API key       {key}

  file by machine, issue, download:
    cp {example} application.json
    curl -sS -X POST {base}/api/v1/applications -H "Authorization: Bearer {key}" -H "Content-Type: application/json" --data-binary @application.json
    curl -sS -X POST {base}/api/v1/applications/REFERENCE/file -H "Authorization: Bearer {key}"
    {ecoo} issue REFERENCE{site}
    curl -sS -o downloaded.pdf {base}/api/v1/applications/REFERENCE/certificate -H "Authorization: Bearer {key}"
    curl -sS -o original.pdf {base}/api/v1/applications/REFERENCE/leaves/original -H "Authorization: Bearer {key}"

  verify a file:
    {ecoo} verify {path}{site}
"""
    )
    return path
