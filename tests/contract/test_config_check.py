"""`gateway config check`: whether a document is valid, before anybody serves by it."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from gateway_core.cli.main import main

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


@pytest.fixture
def check(capsys):
    """Exit code and what is printed, as JSON if it is good news."""

    def run(*arguments, **environ):
        code = main(["config", "check", *map(str, arguments)], environ)
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if code == 0 else printed.err

    return run


def test_a_valid_document(check):
    """It tells what the document describes, and by which version logs will name it; no store is needed."""
    code, told = check(EXAMPLE)
    assert (code, told["valid"], told["sources"], told["reload_s"]) == (0, True, [str(EXAMPLE)], 30)
    assert told["groups"]["fast"] == ["claude-haiku-3.5", "gpt-5.1-mini", "gemini-flash"]
    assert len(told["version"]) == 16


def test_an_invalid_document(check, tmp_path):
    """The field, the remedy, and exit code 2."""
    path = tmp_path / "config.yaml"
    path.write_text("groups: {mine: [gpt-6]}")
    assert check(path) == (2, f"gateway: {path}: groups.mine: there is no model 'gpt-6'. Correct or remove it.\n")


def test_an_empty_document(check, tmp_path):
    """A running gateway would not take it either."""
    path = tmp_path / "config.yaml"
    path.write_text(" \n")
    text = f"gateway: {path}: the document is empty. To use the defaults, leave a comment in it.\n"
    assert check(path) == (2, text)
    path.write_text("# defaults")
    assert check(path)[0] == 0


def test_several_documents(check, tmp_path):
    """Together, as GATEWAY_CONFIG has them; that is the default."""
    path = tmp_path / "prices.yaml"
    path.write_text("pricing: {book: spec-2026-01}")
    assert check(GATEWAY_CONFIG=f"{EXAMPLE},{path}")[1]["sources"] == [str(EXAMPLE), str(path)]
    assert check() == (2, "gateway: Name a document to check, or set GATEWAY_CONFIG.\n")


def test_a_document_in_s3(check, monkeypatch):
    """Where the gateway will read it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="the-config")
        client.put_object(Bucket="the-config", Key="config.yaml", Body=b"groups: {mine: [gpt-5.1]}")
        code, told = check("s3://the-config/config.yaml")
        assert (code, told["groups"]["mine"]) == (0, ["gpt-5.1"])
        code, told = check("s3://the-config/other.yaml")
        assert code == 2
        assert told.startswith("gateway: cannot read s3://the-config/other.yaml (NoSuchKey)")
