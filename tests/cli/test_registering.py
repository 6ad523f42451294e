"""`ecoo register import`: what the README shows works, and a file that is wrong changes nothing."""

import re
from pathlib import Path
from typing import Any

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


def sample() -> str:
    [found] = [block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[[agencies]]" in block]
    return found


def test_the_readmes_register_is_loaded_once(shell: Any, tmp_path: Path) -> None:
    file = tmp_path / "agencies.toml"
    file.write_text(sample())
    first = shell.ecoo("register", "import", str(file))
    assert first.code == 0, first.err
    assert "KCCI: entered as Konkan Chamber of Commerce and Industry" in first.out
    rows = shell.rows()
    second = shell.ecoo("register", "import", str(file), "--json")
    assert (second.code, second.json) == (0, {"changed": []})
    assert shell.rows() == rows


def test_a_wrong_file_and_a_missing_one_are_refused_and_change_nothing(shell: Any, tmp_path: Path) -> None:
    file = tmp_path / "agencies.toml"
    file.write_text(sample() + '\n[[agencies]]\ncode = "ZZZ"\nname = "x"\ndomains = ["gmail.com"]\n')
    rows = shell.rows()
    ended = shell.ecoo("register", "import", str(file))
    assert (ended.code, "ZZZ: Anybody can have a mailbox at gmail.com" in ended.err) == (2, True)
    assert shell.ecoo("register", "import", str(tmp_path / "none.toml")).code == 2
    assert shell.rows() == rows
