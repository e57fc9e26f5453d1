"""Requests on the dashboard: one by its id, those of a day, and each as it ends."""

import json

import pytest

MISSING = "404 (Not Found)"
MESSAGE = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast", "agent_id": "live"}


def test_a_request_is_found_by_its_id(visit, site):
    """With its attempts; Escape closes it. An id that leads nowhere is told."""
    with site.api(site.team.key) as api:
        records = api.get("/v1/usage/records", params={"after": "latest", "limit": 50}).json()["records"]
    wanted = records[0]
    page = visit()
    page.expected = MISSING
    page.enter(site.team.key)
    page.page.fill("input[name=request_id]", wanted["request_id"])
    page.page.press("input[name=request_id]", "Enter")
    page.page.wait_for_selector("dialog .request")
    shown = page.text("dialog")
    assert wanted["request_id"] in shown
    assert page.rows("dialog table")[0][1:3] == [wanted["tried"][0]["model"], wanted["tried"][0]["provider"]]
    page.page.keyboard.press("Escape")
    page.page.wait_for_selector("dialog", state="detached")
    page.page.fill("input[name=request_id]", "req_nowhere")
    page.page.press("input[name=request_id]", "Enter")
    page.page.wait_for_selector("dialog [role=alert]")
    assert "No record is where this id leads" in page.text("dialog")


def test_a_day_is_looked_through(visit, site):
    """By what a record says; how far it has looked is told, also before the end."""
    page = visit()
    page.enter(site.team.key)
    day = site.report(site.team.key, end_date=page.page.input_value("input[name=date]"))["rows"][-2]
    cut = {"answer": None}

    def first_page(route):
        body = route.fetch().json()
        cut["answer"] = cut["answer"] or body
        route.fulfill(json={**body, "next_cursor": "1-1"})

    page.page.fill("input[name=date]", day["day"])
    page.page.click("#requests form:last-of-type button")
    page.page.wait_for_selector("#requests [role=status]:has-text('found')")
    assert f"{day['requests']} found. Looked at all {day['requests']} records" in page.text("#requests .found")
    page.page.fill("input[name=error]", "any")
    page.page.route(
        "**/v1/usage/records?*cursor*",
        lambda route: route.fulfill(json={"records": [], "looked_at": 0, "looked_up_to": None, "next_cursor": "1-1"}),
    )
    page.page.route("**/v1/usage/records?*date*", first_page)
    page.page.click("#requests form:last-of-type button")
    page.page.wait_for_selector("#requests button:text-is('Go on')")
    errors = sum(bool(record["error_code"]) for record in cut["answer"]["records"])
    assert (errors, f"{errors} found. Looked at" in page.text("#requests .found")) == (day["errors"], True)
    assert ", up to " in page.text("#requests .found")


@pytest.mark.parametrize("live", ["events", "records"])
def test_what_happens_is_shown_as_it_happens(visit, site, live):
    """By events, or where none are told by asking for new records; each once."""
    settings = json.dumps({"version": "0", "live": live})

    def prepare(page):
        page.route(
            "**/dashboard/settings.json", lambda route: route.fulfill(body=settings, content_type="application/json")
        )

    page = visit(prepare=prepare)
    page.enter(site.odd.key)
    page.page.wait_for_selector("#live .pill:text-is('live')")
    with site.api(site.odd.key) as api:
        request_id = api.post("/v1/complete", json=MESSAGE).json()["id"]
    page.page.wait_for_selector(f"#live button:text-is('{request_id}')")
    assert page.page.locator(f"#live button:text-is('{request_id}')").count() == 1


def test_what_ends_while_the_page_connects_is_shown(visit, site):
    """Before the events have begun nothing was told: what is there is read once they have."""
    told = []

    def late(route):
        if not told:
            with site.api(site.odd.key) as api:
                told.append(api.post("/v1/complete", json=MESSAGE).json()["id"])
        route.continue_()

    page = visit(prepare=lambda page: page.route("**/v1/events", late))
    page.enter(site.odd.key)
    page.page.wait_for_selector("#live .pill:text-is('live')")
    page.page.wait_for_selector(f"#live button:text-is('{told[0]}')")
