"""The dashboard: what it shows is what the reports say, to whoever may see it, and on every screen."""

import pytest

from tests.browser.conftest import MARKUP

REFUSED = "401 (Unauthorized)"

_HEIGHTS = """canvas => {
    const {width, height} = canvas, found = [];
    const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
    for (let x = 0, most = 0; x < width; x++) {
        let filled = 0;
        for (let y = 0, at = x * 4; y < height; y++, at += width * 4) {
            filled += data[at] < 90 && data[at + 2] > 180 && data[at + 3] > 200;
        }
        if (filled) most = Math.max(most, filled);
        else if (most) { found.push(most); most = 0; }
    }
    return found;
}"""
"""How high the bars of a chart are, from left to right: what is filled with its blue, without a gap between."""


def test_each_figure_is_the_reports_own(visit, site):
    """Of the totals, each day of each chart, and each name of each ranking."""
    page = visit()
    page.enter(site.team.key)
    report = site.report(site.team.key)
    assert page.page.locator(".fact .value").first.get_attribute("title") == f"{report['totals']['cost_usd']} USD"
    assert page.page.locator(".fact .value").nth(1).inner_text() == str(report["totals"]["requests"])
    names = ["cost_usd", "estimated_usd", "requests", "errors", "cache_hits", "input_tokens", "output_tokens"]
    days = [
        [
            row["day"],
            *(str(row[name]) for name in names),
            *(str(row["latency_ms"][p] or "\u2013") for p in ("p50", "p95")),
        ]
        for row in report["rows"]
    ]
    assert len(days) > 20
    charts = page.page.locator("#overview figure")
    assert charts.count() == 4
    for number in range(4):
        assert page.rows(f"#overview figure:nth-child({number + 1}) table") == days
    for by, column in (
        ("Providers", "provider"),
        ("Agents", "agent_id"),
        ("Users", "user_id"),
        ("Keys", "key_id"),
        ("Models", "model"),
    ):
        page.page.click(f"#breakdown button:text-is('{by}')")
        page.page.wait_for_selector(f"#breakdown caption:text-is('Spend by {by[:-1].lower()}')")
        rows = site.report(site.team.key, group_by=by[:-1].lower())["rows"]
        script = "all => all.map(one => [one.closest('tr').cells[0].textContent, one.dataset.exact])"
        shown = page.page.locator("#breakdown [data-exact]").evaluate_all(script)
        assert sorted(shown) == sorted([row[column], row["cost_usd"]] for row in rows)
        assert [float(cost) for _, cost in shown] == sorted((float(cost) for _, cost in shown), reverse=True)


def test_budgets_are_those_of_the_project_its_keys_and_users(visit, site):
    """With what is held, and each attempt that it is held for."""
    page = visit()
    page.enter(site.team.key)
    with site.api(site.team.key) as api:
        lines = api.get("/v1/budgets", params={"scopes": "all"}).json()["budgets"]
        holds = api.get("/v1/holds").json()["holds"]
    shown = page.page.locator("#budgets [data-spent]").evaluate_all("all => all.map(one => one.dataset.spent)")
    own = [line for line in lines if line["scope"] in ("p", f"k:{site.team.key_id}")]
    assert shown == [str(line[name]) for line in own for name in ("spent_usd", "spent_tokens")]
    assert {row[0] for row in page.rows("#budgets table >> nth=0")} == {"User ada", "User grace", "User linus"}
    assert [row[0] for row in page.rows("#budgets table >> nth=1")] == [hold["request_id"] for hold in holds]
    assert len(holds) == 3


def test_a_chart_is_drawn_and_read_by_keyboard(visit, site):
    """Each day's height is in proportion, and the arrow keys tell its number."""
    page = visit()
    page.enter(site.team.key)
    report = site.report(site.team.key)
    plot = page.page.locator("#overview .plot").first
    plot.locator("canvas").wait_for()
    plot.focus()
    plot.press("ArrowLeft")
    last = report["rows"][-1]
    assert last["day"] in page.text("#overview .tip >> nth=0")
    heights = plot.locator("canvas").evaluate(_HEIGHTS)
    costs = [float(row["cost_usd"]) for row in report["rows"]]
    assert len(heights) >= len(costs) - 2
    assert heights.index(max(heights)) == pytest.approx(costs.index(max(costs)), abs=2)


def test_a_key_is_kept_in_its_tab_until_it_is_forgotten(visit, site):
    """It is in no address, and what is wrong is said."""
    page = visit()
    page.expected = REFUSED
    page.page.fill("#key", "gk_dev_wrong")
    page.page.press("#key", "Enter")
    page.page.wait_for_selector("#gate-error:visible")
    assert "refused this key" in page.text("#gate-error")
    assert page.page.evaluate("sessionStorage.length") == 0
    page.enter(site.team.key)
    assert site.team.key not in page.page.url
    assert site.team.key not in page.page.content()
    page.page.reload()
    page.shown()
    page.page.click("#forget")
    assert page.page.evaluate("sessionStorage.length") == 0
    assert page.page.locator("#gate").is_visible()
    assert not page.page.locator("#board").is_visible()
    assert page.page.locator(".slot table").count() == 0


def test_a_revoked_key_shows_nothing(visit, site):
    """From the beginning, and from the moment on in which it is refused."""
    page = visit()
    page.expected = REFUSED
    page.page.fill("#key", site.revoked.key)
    page.page.press("#key", "Enter")
    page.page.wait_for_selector("#gate-error:visible")
    page.enter(site.team.key)
    refusal = {"error": {"code": "unauthenticated", "message": "This key was revoked."}}
    page.page.route("**/v1/usage?*", lambda route: route.fulfill(status=401, json=refusal))
    page.page.click("#refresh")
    page.page.wait_for_selector("#gate-error:visible")
    assert page.page.evaluate("sessionStorage.length") == 0
    assert page.page.locator(".slot table").count() == 0


def test_a_project_without_requests_says_so(visit, site):
    """In each section; nothing is drawn of nothing."""
    page = visit()
    page.enter(site.empty.key)
    assert "No requests in this period" in page.text("#overview")
    assert "No models are named" in page.text("#breakdown")
    assert "Nothing is held" in page.text("#budgets")
    assert "Nothing has happened yet" in page.text("#live")
    assert page.page.locator("canvas").count() == 0
    assert page.text(".fact .value >> nth=0") == "0 USD"


def test_names_stay_text(visit, site):
    """Wherever they are shown: a caller chooses them."""
    page = visit()
    page.enter(site.odd.key)
    for by in ("Models", "Agents", "Users", "Providers"):
        page.page.click(f"#breakdown button:text-is('{by}')")
        page.page.wait_for_selector(f"#breakdown caption:text-is('Spend by {by[:-1].lower()}')")
        assert MARKUP in page.text("#breakdown")
    page.page.click("#requests form:last-of-type button")
    page.page.wait_for_selector("#requests table")
    page.page.click("#requests table button")
    assert page.text("dialog").count(MARKUP) >= 4
    assert page.page.locator("img").count() == 0
    assert page.page.title() == "LLM gateway"


UNFIT = """all => all.filter(one => {
    const range = document.createRange();
    range.selectNodeContents(one.firstChild);
    return range.getClientRects().length > 1 || one.scrollWidth > one.clientWidth;
}).map(one => one.textContent)"""
"""The amounts that are broken in the middle, or are wider than their place."""


def of_little(report):
    """The report with the smallest cost that has three digits: its longest text."""
    return report | {"totals": report["totals"] | {"cost_usd": "0.000000843"}}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)])
def test_it_is_for_everybody(visit, site, axe, scheme, width):
    """No barrier that axe knows of, nothing beside the screen; with the form, the report and a request open."""
    page = visit(scheme=scheme, width=width)
    page.page.wait_for_selector("#key")
    assert page.faults(axe) == []
    page.page.route("**/v1/usage?*", lambda route: route.fulfill(json=of_little(route.fetch().json())))
    page.enter(site.team.key)
    assert page.page.locator(".fact .value").evaluate_all(UNFIT) == []
    page.page.click("#overview summary >> nth=0")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.faults(axe) == []
    page.page.click("#live table button >> nth=0")
    page.page.wait_for_selector("dialog .request")
    assert page.faults(axe) == []


def test_an_administrator_sees_what_providers_bill(visit, site):
    """Beside what was booked, where anybody was asked, of days that are over; nobody else is shown anything of it."""
    amounts = {"billed_usd": "12.5", "booked_usd": "13", "difference_usd": "-0.5"}
    days = [
        {
            "provider": "openai",
            "day": f"2026-11-2{n}",
            "differs": n == 0,
            "partial": n == 2,
            "checked_at": f"2026-11-2{n + 1}T03:00:00.000Z",
        }
        for n in (2, 1, 0)
    ]
    body = {"totals": [{"provider": "openai", **amounts}], "days": days}
    page = visit()
    page.page.route("**/v1/invoices?*", lambda route: route.fulfill(json=body))
    page.enter(site.admin)
    shown = page.rows("#breakdown .bills table")
    assert shown == [["openai", "12.50", "13.00", "-0.50", "1 of 2", "2026-11-23 03:00:00"]]
    other = visit()
    other.enter(site.team.key)
    assert other.page.locator("#breakdown .bills table").count() == 0


def test_an_administrator_chooses_the_project(visit, site):
    """All of them are there to choose from, and who has no such key sees no choice."""
    page = visit()
    page.enter(site.admin)
    page.page.wait_for_selector("#project option[value=research]", state="attached")
    page.page.select_option("#project", "research")
    page.page.wait_for_selector("#status:has-text('shown: research')")
    report = site.report(site.admin, project_id="research")
    assert page.page.locator(".fact .value").first.get_attribute("title") == f"{report['totals']['cost_usd']} USD"
    page.page.click("#breakdown button:text-is('Projects')")
    page.page.wait_for_selector("#breakdown caption:text-is('Spend by project')")
    assert {"research", "odd"} <= {row[0] for row in page.rows("#breakdown table")}
    other = visit()
    other.enter(site.team.key)
    assert not other.page.locator("#project").is_visible()
    assert other.page.locator("#breakdown button:text-is('Projects')").count() == 0


def test_it_works_below_a_path(visit, site):
    """As below a stage of API Gateway, also with a slash at its end."""

    def prepare(page):
        def staged(route):
            if route.request.url.endswith("/events"):  # which would be whole only when it ends
                route.fulfill(body="", content_type="text/event-stream")
                return
            answer = route.fetch(url=route.request.url.replace("/live/", "/"), max_redirects=0)
            route.fulfill(response=answer)

        page.route("**/live/**", staged)

    page = visit(path="/live/dashboard", prepare=prepare)
    page.enter(site.team.key)
    assert page.page.locator("#overview figure").count() == 4
