"""`.env`, which `make run` reads as Docker Compose does."""

import pytest

from local.__main__ import main
from local.env_file import read_env_file
from local.environment import StackError


def test_lines_are_variables(tmp_path):
    """Comments, quotes and `export` are no part of a value; a hash in the middle of one is."""
    file = tmp_path / ".env"
    file.write_text(
        "# keys\n\nOPENAI_API_KEY=sk-1#2 # mine\nexport LOG_LEVEL='DEBUG'\n"
        'GATEWAY_CONFIG="a file.yaml"  # quoted\nEMPTY=\nALSO_EMPTY= # nothing\nURL=https://a.example/?b=c\n'
    )
    assert read_env_file(file) == {
        "OPENAI_API_KEY": "sk-1#2",
        "LOG_LEVEL": "DEBUG",
        "GATEWAY_CONFIG": "a file.yaml",
        "EMPTY": "",
        "ALSO_EMPTY": "",
        "URL": "https://a.example/?b=c",
    }


@pytest.mark.parametrize("content", [b"sk-secret\n", b"1A=2\n", b"\xff=1\n"])
def test_what_sets_nothing_is_refused(tmp_path, content):
    """With the line's number, and without what stands there."""
    file = tmp_path / ".env"
    file.write_bytes(content)
    with pytest.raises(StackError, match=r"\.env") as refused:
        read_env_file(file)
    assert "secret" not in str(refused.value)


def test_it_ends_the_start(tmp_path, monkeypatch, capsys):
    """As any wrong setting does; a variable of the environment wins over the file's."""
    file = tmp_path / ".env"
    file.write_text("PORT=none\nLOG_LEVEL=nothing\n")
    monkeypatch.setattr("sys.argv", ["local", "--env-file", str(file)])
    assert main() == 2
    assert "PORT must be a number" in capsys.readouterr().err
    monkeypatch.setenv("PORT", "70000")
    assert main() == 2
    assert "'70000'" in capsys.readouterr().err
    assert read_env_file(file)["PORT"] == "none"
