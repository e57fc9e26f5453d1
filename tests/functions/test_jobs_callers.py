"""The routes of jobs: whose a job is, who may look, and what becomes of it when its key changes."""

from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.functions.job_desk import QUESTIONS, error_of


async def test_a_job_is_its_projects(desk):
    """Others learn nothing of it; an admin may look at any."""
    job_id = await desk.accepted()
    stranger, admin = await desk.world.key("beta"), await desk.world.key("ops", admin=True)
    assert error_of(await desk.look(job_id, stranger)) == (403, "forbidden", None)
    forbidden = await desk.http.delete(f"/ask/{job_id}", headers={"authorization": f"Bearer {stranger}"})
    assert error_of(forbidden) == (403, "forbidden", None)
    assert (await desk.look(job_id, admin)).status_code == 200
    assert (await desk.look(job_id, await desk.world.key())).status_code == 200


async def test_who_is_admin_no_more_spends_no_other_projects_money(desk):
    """Not by a job of before either."""
    admin = await desk.world.key("ops", admin=True)
    job_id = await desk.accepted({**QUESTIONS, "project_id": "beta"}, admin)
    await desk.world.store.put_key(KeyRecord(project_id="ops", digest=digest_of(admin)))
    await desk.work(job_id)
    (result,) = (await desk.look(job_id, await desk.world.key("beta"))).json()["results"]
    assert result["error_code"] == "forbidden"
    assert await desk.world.spent("beta") == (0, 0)


async def test_an_admin_brings_jobs_for_other_projects(desk):
    """They are of that project."""
    admin = await desk.world.key("ops", admin=True)
    job_id = await desk.accepted({**QUESTIONS, "project_id": "beta"}, admin)
    assert job_id.startswith("job_beta_")
    assert (await desk.work(job_id)).state == "succeeded"
    assert [record.project_id for record in await desk.world.records("beta")] == ["beta"]
    stranger = await desk.accept({**QUESTIONS, "project_id": "beta"})
    assert error_of(stranger) == (403, "forbidden", "project_id")


async def test_a_key_that_is_bound_to_a_user_sees_that_users_jobs(desk):
    """As if there were no others."""
    ada, bob = await desk.world.key(user_id="ada"), await desk.world.key(user_id="bob")
    job_id = await desk.accepted(key=ada)
    assert (await desk.look(job_id, ada)).status_code == 200
    assert error_of(await desk.look(job_id, bob)) == (404, "unknown_job", "id")
    assert (await desk.look(job_id)).status_code == 200


async def test_a_key_needs_the_right(desk):
    """That of the tool."""
    narrow = await desk.world.key(tools=("complete",))
    job_id = await desk.accepted()
    assert error_of(await desk.accept(key=narrow))[:2] == (403, "forbidden")
    assert error_of(await desk.look(job_id, narrow))[:2] == (403, "forbidden")


async def test_a_key_that_loses_the_tool_ends_its_job(desk):
    """Looked up anew, as a key that is revoked."""
    key = await desk.world.key()
    job_id = await desk.accepted(key=key)
    await desk.world.store.put_key(KeyRecord("alpha", digest_of(key), tools=("complete",)))
    desk.world.clock.advance(31)  # for as long a key is remembered
    stay = await desk.work(job_id)
    assert (stay.state, stay.error_code) == ("failed", "forbidden")
    told = (await desk.look(job_id)).json()
    assert [result["error_code"] for result in told["results"]] == ["forbidden"]
    assert desk.world.provider.calls == []


async def test_a_key_that_was_bound_to_a_user_meanwhile_spends_in_that_users_name(desk):
    """As a batch would, that it brings now."""
    key = await desk.world.key()
    job_id = await desk.accepted(key=key)
    await desk.world.store.put_key(KeyRecord("alpha", digest_of(key), user_id="ada"))
    assert (await desk.work(job_id)).state == "succeeded"
    assert [record.user_id for record in await desk.world.records()] == ["ada"]


async def test_a_key_is_needed(desk):
    """As everywhere."""
    assert (await desk.look("x", "gk_alpha_unknown")).status_code == 401
