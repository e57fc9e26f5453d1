"""What an operator does to keys and budgets, at each store: change, expiry, rotation, and several at once."""

from dataclasses import replace

import pytest

from gateway_core.access.administration import Administration
from gateway_core.access.known_names import KnownNames
from gateway_core.cli.streaming import gathered
from gateway_core.config.catalog_loader import load_catalog
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Conflict, InvalidRequest, UnknownKey, UnknownProject
from gateway_core.store.key_changes import FORGOTTEN_MS, KeyChange
from gateway_core.store.messages import Admitted, Refused, StaleCaller
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.administration.beaten import Beaten
from tests.contract.desk import NOON, Desk, candidate

CATALOG = load_catalog()


async def desk_of(store, key):
    """What does requests with a secret."""
    digest = digest_of(key)
    found = await store.find_key("alpha", digest)
    return _WithDigest(store, tag=found.rights_tag, key_id=found.id, digest=digest)


class _WithDigest(Desk):
    def __init__(self, *arguments, digest, **named):
        super().__init__(*arguments, **named)
        self.digest = digest

    def ticket(self, request_id="r1", **changes):
        return super().ticket(request_id, digest=self.digest, **changes)


async def test_a_key_is_refused_from_the_very_moment_of_its_end(office, store):
    """A millisecond before it still admits and finds answers; a fallback and a look-up need the key as well."""
    made = await office.create_key(
        KeyRecord("alpha", "", expires_ms=NOON + 5, name='"expires_ms":1', limits=Limits(rpm=9))
    )
    desk = await desk_of(store, made["key"])
    desk.at = 4
    assert isinstance(await desk.admit("r1"), Admitted)
    await desk.keep("entry", "answer")
    assert not isinstance(await desk.look_up("r2", "entry"), StaleCaller)
    desk.at = 5
    assert await desk.admit("r3") == StaleCaller()
    assert await desk.look_up("r4", "entry") == StaleCaller()


async def test_a_rotated_key_has_one_account_and_two_secrets_for_a_while(office, store):
    """Id, limits and what is held are those of the key; the older secret ends at the moment that was told."""
    made = await office.create_key(KeyRecord("alpha", "", limits=Limits(day_nano=250)))
    old = await desk_of(store, made["key"])
    await old.admitted("r1")
    rotated = await office.rotate_key(made["id"], overlap_s=2)
    assert (rotated["id"], rotated["old_secret_ends_at"]) == (made["id"], "2026-11-20T12:00:02.000Z")
    new, old = await desk_of(store, rotated["key"]), await desk_of(store, made["key"])
    await new.admitted("r2")
    assert isinstance(await new.admit("r3"), Refused)  # 100 + 100 of 250 are held, by both
    assert isinstance(await old.admit("r4", candidate(nano=50)), Admitted)
    old.at = new.at = 2000
    assert await old.admit("r5", candidate(nano=0)) == StaleCaller()
    assert isinstance(await new.admit("r6", candidate(nano=0)), Admitted)
    assert [line["id"] for line in await gathered(office.key_pages("alpha"))] == [made["id"]]


async def test_revoking_takes_every_secret(office, store):
    """Also the one that was replaced a moment ago. A second time changes nothing; nothing else may be done to it."""
    made = await office.create_key(KeyRecord("alpha", ""))
    rotated = await office.rotate_key(made["id"])
    for _ in range(2):
        assert await office.revoke_key(made["id"]) == {"id": made["id"], "revoked": True}
    for key in (made["key"], rotated["key"]):
        assert (await store.find_key("alpha", digest_of(key))).revoked_ms == NOON
    for refused in (office.rotate_key(made["id"]), office.update_key(made["id"], {"name": "late"}, {})):
        with pytest.raises(Conflict, match="is revoked"):
            await refused


async def test_only_what_is_named_is_changed_for_both_secrets(office, store, clock):
    """None lifts a limit or an end; the line shows what is now true."""
    made = await office.create_key(
        KeyRecord("alpha", "", name="ci", groups=("fast",), expires_ms=NOON + 9, limits=Limits(day_nano=5, rpm=6))
    )
    await office.rotate_key(made["id"])
    line = await office.update_key(made["id"], {"expires_ms": None, "user_id": "ada"}, {"day_nano": None, "tpm": 7})
    shown = {name: line[name] for name in ("name", "user", "groups", "day_usd", "rpm", "tpm", "expires_at", "revoked")}
    assert shown == {
        "name": "ci", "user": "ada", "groups": ["fast"], "day_usd": None, "rpm": 6, "tpm": 7, "expires_at": None,
        "revoked": None,
    }  # fmt: skip
    assert (line["rotated"], line["old_secret_ends_at"]) == ("2026-11-20T12:00:00.000Z", "2026-11-21T12:00:00.000Z")
    records = await store.list_keys("alpha")
    assert [(record.user_id, record.limits) for record in records] == [("ada", Limits(rpm=6, tpm=7))] * 2
    clock.advance(86_400)
    assert (await office.get_key(made["id"]))["old_secret_ends_at"] is None


async def test_an_older_secret_never_gains_time_and_is_forgotten_at_last(office, store, clock):
    """The next rotation may only bring its end nearer; the first secret stays, as the id is its digest's."""
    made = await office.create_key(KeyRecord("alpha", ""))
    second = await office.rotate_key(made["id"], overlap_s=10)
    await office.rotate_key(made["id"], overlap_s=5)
    ends = [record.replaced_ms for record in await store.list_keys("alpha")]
    assert sorted(end - NOON for end in ends if end is not None) == [5000, 5000]
    clock.advance(FORGOTTEN_MS / 1000 + 10)
    await office.rotate_key(made["id"])
    digests = {record.digest for record in await store.list_keys("alpha")}
    assert len(digests) == 3
    assert (digest_of(made["key"]) in digests, digest_of(second["key"]) in digests) == (True, False)


async def test_a_rotation_whose_answer_got_lost_is_made_once(office, store, clock):
    """The secret that it made is there: it is told, not made again, though somebody changed the key meanwhile."""

    class Lost(Beaten):
        async def change_keys(self, project_id, changes):
            done = await self._store.change_keys(project_id, changes)
            if self._meanwhile:
                await self._meanwhile.pop(0)()
                return False
            return done

    made = await office.create_key(KeyRecord("alpha", ""))
    lost = Lost(store, lambda: office.update_key(made["id"], {"name": "later"}, {}))
    rotated = await Administration(lost, clock).rotate_key(made["id"])
    assert len(await store.list_keys("alpha")) == 2
    assert (await store.find_key("alpha", digest_of(rotated["key"]))).name == "later"


async def test_lines_show_what_was_spent_and_the_last_day_of_use(office, store, clock):
    """From the accounts, months later too; None for a key that was never used."""
    made = await office.create_key(KeyRecord("alpha", ""))
    idle = await office.create_key(KeyRecord("alpha", "", name="idle"))
    desk = await desk_of(store, made["key"])
    await desk.call("r1", charge_nano=30, charge_tokens=4)
    used = await office.get_key(made["id"])
    assert used["spent"] == {"day_usd": "0.00000003", "month_usd": "0.00000003", "day_tokens": 4, "month_tokens": 4}
    clock.advance(70 * 86_400)
    lines = {
        line["id"]: (line["last_used"], line["spent"]["month_tokens"])
        for line in await gathered(office.key_pages("alpha"))
    }
    assert lines == {made["id"]: ("2026-11-20", 0), idle["id"]: (None, 0)}
    assert await gathered(office.key_pages("beta")) == []


async def test_keys_come_in_pages(office):
    """Each once, in order; a cursor of another project is refused."""
    ids = [(await office.create_key(KeyRecord("alpha", "", name=str(n))))["id"] for n in range(3)]
    first = await office.key_page("alpha", limit=2)
    rest = await office.key_page("alpha", after=first.next_cursor or "", limit=2)
    assert sorted(line["id"] for line in (*first.lines, *rest.lines)) == sorted(ids)
    assert (len(first.lines), rest.next_cursor) == (2, None)
    with pytest.raises(InvalidRequest, match="cursor"):
        await office.key_page("alpha", after="key_beta_0123456789abcdef", limit=2)


@pytest.mark.parametrize("key_id", ["key_alpha_0123456789abcdef", "key_", "nonsense"])
async def test_what_is_no_key_is_unknown(office, key_id):
    """Whatever is asked of it."""
    for asked in (office.get_key(key_id), office.update_key(key_id, {}, {}), office.revoke_key(key_id)):
        with pytest.raises(UnknownKey, match="gateway keys list"):
            await asked


async def test_rights_that_do_not_exist_are_refused(store, clock, office):
    """With the field, and what comes close. An end that is over is none; an expired key is not given a new secret."""
    known = Administration(store, clock, KnownNames(CATALOG))
    for rights, said in (
        ({"groups": ("fats",)}, "groups: there is no model group 'fats'. Did you mean fast?"),
        ({"groups": ("zzz",)}, "groups: there is no model group 'zzz'. There is: code, embedding, fast"),
        ({"tools": ("completed",)}, "tools: there is no tool 'completed'. Did you mean complete"),
        ({"models": ("claude-opus-4.6",)}, "models: there is no model 'claude-opus-4.6'. Did you mean claude-opus-4"),
        ({"models": ("nosuch*",)}, "models: there is no model"),
        ({"expires_ms": NOON}, "expires_at: this moment is over"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await known.create_key(replace(KeyRecord("alpha", ""), **rights))
        assert refused.value.message.startswith(said)
        assert refused.value.schema
    fine = {
        "groups": ("fast",),
        "tools": ("embed",),
        "models": ("claude-*", "groq/*", "*", "gpt-4o-mini"),
        "expires_ms": NOON + 1,
    }
    made = await known.create_key(replace(KeyRecord("alpha", ""), **fine))
    clock.advance(1)
    with pytest.raises(Conflict, match="has expired"):
        await office.rotate_key(made["id"])


async def test_budgets_are_for_projects_that_there_are(store, clock, office):
    """A limit of a project without keys would bind nobody. Of two changes at once both hold."""
    with pytest.raises(UnknownProject, match="gateway keys create --project alpha"):
        await office.set_budget("alpha", "", {"day_nano": 1})
    await office.create_key(KeyRecord("alpha", ""))
    beaten = Beaten(store, lambda: office.set_budget("alpha", "ada", {"day_tokens": 5}))
    changed = await Administration(beaten, clock).set_budget("alpha", "ada", {"day_nano": 10**9})
    assert (changed["day_usd"], changed["day_tokens"]) == ("1", 5)
    lifted = await office.set_budget("alpha", "ada", {"day_nano": None, "day_tokens": None})
    assert (lifted["day_usd"], lifted["day_tokens"]) == (None, None)
    assert (await office.set_budget("alpha", "ada", {"month_tokens": 3}))["month_tokens"] == 3


async def test_changes_are_made_whole_or_not_at_all(store):
    """One record that is not what was read, and none is changed; what is there already counts as done."""
    await store.put_key(KeyRecord("alpha", digest_of("a")))
    await store.put_key(KeyRecord("alpha", digest_of("b")))
    found = {record.digest: record for record in await store.list_keys("alpha")}
    one, two = found[digest_of("a")], found[digest_of("b")]
    stale = replace(two, name="never", rights_tag="0" * 40)
    assert not await store.change_keys("alpha", [KeyChange(one, None), KeyChange(stale, replace(two, name="x"))])
    assert not await store.change_keys("alpha", [KeyChange(replace(one, limits=Limits(rpm=1)), None)])
    assert len(await store.list_keys("alpha")) == 2
    for _ in range(2):
        assert await store.change_keys("alpha", [KeyChange(one, None), KeyChange(two, replace(two, name="x"))])
    assert [record.name for record in await store.list_keys("alpha")] == ["x"]
    with pytest.raises(ValueError, match="no record"):
        _ = KeyChange(None, None).record
