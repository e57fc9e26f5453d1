"""What AWS's own services start, and no caller: comparing bills, and asking new versions."""

import pytest

from local.serving import serve
from tests.lambda_runtime.deployment import BILLED, RELEASED
from tests.sam_local.releases import NUMBER, Releases

pytestmark = pytest.mark.xdist_group("start-lambda")


@pytest.mark.parametrize("name", sorted(BILLED))
def test_bills_are_compared(call, name):
    """Five days of each provider that bills; the simulator bills what it was asked, and nobody has asked it then."""
    told = call("Invoices", BILLED[name])
    assert told.keys() == {"days"}, told
    days = told["days"]
    assert [provider for provider, _day, _usd in days] == [*["anthropic"] * 5, *["openai"] * 5]
    assert {usd for _provider, _day, usd in days[:4]} == {"0"}


@pytest.mark.parametrize("name", sorted(RELEASED))
@pytest.mark.parametrize("function", ["Models", "Replay"])
def test_a_new_version_is_asked_before_it_serves(call, lambda_api, bridge, aws_port, function, name):
    """Found by what CodeDeploy tells of the deployment, asked by its number, and let through by what it answers."""
    releases = Releases(function, lambda_api)
    with serve(releases.app(), aws_port, bridge):
        told = call("Preflight", RELEASED[name])
    assert told == {"passed": True, "fault": ""}
    assert releases.asked == [NUMBER]
    (report,) = releases.reported
    event = RELEASED[name]
    assert report == {
        "deploymentId": event["DeploymentId"],
        "lifecycleEventHookExecutionId": event["LifecycleEventHookExecutionId"],
        "status": "Succeeded",
    }
