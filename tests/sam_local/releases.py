"""CodeDeploy and the physical names of functions, of which `sam local` knows neither."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.patience import patience

NUMBER = "7"
TIMEOUT_S = 100


@dataclass
class Releases:
    """Stands in for both services, as boto3 calls them: https://docs.aws.amazon.com/codedeploy/latest/APIReference/.

    Every deployment is one of `function`, by its logical id; calls of it go to `sam local start-lambda` at `url`. What
    was asked and reported is in `asked` and `reported`.
    """

    function: str
    url: str
    asked: list[str] = field(default_factory=list)
    reported: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        invocations = "/2015-03-31/functions/{name}/invocations"
        return Starlette(
            routes=[
                Route("/", self._codedeploy, methods=["POST"]),
                Route(invocations, self._invoke, methods=["POST"]),
            ]
        )

    @property
    def _physical(self) -> str:
        return f"sam-local-{self.function}-a1B2c3"

    async def _codedeploy(self, request: Request) -> Response:
        action = request.headers["x-amz-target"].rpartition(".")[2]
        told = json.loads(await request.body())
        if action == "GetDeployment":
            return JSONResponse({"deploymentInfo": {"revision": self._revision()}})
        assert action == "PutLifecycleEventHookExecutionStatus"
        self.reported.append(told)
        return JSONResponse({"lifecycleEventHookExecutionId": told["lifecycleEventHookExecutionId"]})

    def _revision(self) -> dict[str, Any]:
        properties = {"Name": self._physical, "Alias": "live", "CurrentVersion": "6", "TargetVersion": NUMBER}
        resources = [{self._physical: {"Type": "AWS::Lambda::Function", "Properties": properties}}]
        content = json.dumps({"version": 0.0, "Resources": resources})
        return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}

    async def _invoke(self, request: Request) -> Response:
        assert request.path_params["name"] == self._physical
        self.asked.append(request.query_params["Qualifier"])
        async with httpx.AsyncClient(timeout=patience(TIMEOUT_S)) as http:
            url = f"{self.url}/2015-03-31/functions/{self.function}/invocations"
            answer = await http.post(url, content=await request.body())
        return Response(answer.content, answer.status_code)
