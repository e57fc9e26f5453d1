"""`gateway apply --prune`: users of tokens come by themselves, so that no file has to name them."""

from gateway_core.cli.keys_file import WantedProject
from gateway_core.cli.planning import steps


def line(key_id, **more):
    return {"id": key_id, "name": "", "revoked": None, **more}


def test_what_no_file_names_is_revoked_but_users_of_tokens():
    """A key that nobody wants goes; a user would only be back as one who is shut out."""
    keys = [line("key_alpha_1"), line("key_alpha_2", issuer="https://issuer.example/")]
    found = list(steps(WantedProject("alpha", {}, {}), keys, [], prune=True))
    assert [(step.action, step.key_id) for step in found] == [("revoke", "key_alpha_1")]
