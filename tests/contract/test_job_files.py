"""Questions and answers of jobs, wherever they are kept: in memory, in the store, in S3; S3's own follows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from gateway_core.adapters import s3_job_files
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.s3_job_files import S3JobFiles
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.ports import JobFiles
from gateway_core.store.jobs import JobName

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "the-jobs"
JOB, OTHER = JobName("alpha", "0" * 32), JobName("beta", "0" * 32)
TEXT = '[{"a": "é ; | \\n 漢 \U0001f600"}]'
PRIVATE = "arn:aws:iam::123456789012:role/the-role is not allowed"
ONCE = Config(region_name="eu-central-1", retries={"total_max_attempts": 1})
LOG = f"alpha/{'0' * 32}/log/"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Client]:
    """The product's own client, in an AWS account of this module: each client takes a tenth of a second."""
    with mock_aws(), pytest.MonkeyPatch.context() as environ:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environ.setenv(name, "testing")
        environ.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield s3_job_files.connect()


@pytest.fixture
def bucket(s3: S3Client) -> S3Client:
    """The client, for an empty bucket."""
    get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].reset()
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return s3


@pytest.fixture(scope="module")
def impatient(s3: S3Client) -> S3Client:
    """One that tries once."""
    return boto3.client("s3", config=ONCE)


@pytest.fixture(params=["memory", "upstash", "s3"])
def files(request: pytest.FixtureRequest) -> JobFiles:
    """Each of those that implement the port."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "upstash":
        store: JobFiles = request.getfixturevalue("upstash")
        return store
    client = request.getfixturevalue("bucket")
    return S3JobFiles(BUCKET, lambda: client)


def lines(first: int, count: int) -> list[str]:
    """Lines that tell their places."""
    return [f"line {place}" for place in range(first, first + count)]


async def test_questions_are_found_as_they_were_put(files):
    """Any text; a copy of the request puts them once more."""
    for _ in range(2):
        await files.put_input(JOB, TEXT)
    assert await files.read_input(JOB) == TEXT


async def test_questions_that_were_dropped_are_missing(files):
    """Dropping them twice is dropping them; the answers stay."""
    await files.put_input(JOB, TEXT)
    await files.append(JOB, 0, lines(0, 1))
    for _ in range(2):
        await files.drop_input(JOB)
    assert await files.read_input(JOB) is None
    assert await files.read(JOB, 0, 10) == lines(0, 1)


async def test_what_was_never_put_is_missing(files):
    """And no error: whoever asks can tell it from a store that is away."""
    assert await files.read_input(JOB) is None
    assert await files.read(JOB, 0, 10) == []


async def test_a_job_has_its_own(files):
    """Two projects' jobs share nothing, though their tokens be the same."""
    await files.put_input(JOB, TEXT)
    await files.append(JOB, 0, lines(0, 2))
    assert await files.read_input(OTHER) is None
    assert await files.read(OTHER, 0, 10) == []


async def test_any_page_goes_over_groups(files):
    """Lines were written in groups of different sizes; who reads does not see that."""
    for first, count in ((0, 1), (1, 3), (4, 2), (6, 1)):
        await files.append(JOB, first, lines(first, count))
    for start, limit in itertools.product(range(8), (1, 2, 3, 100)):
        assert await files.read(JOB, start, limit) == lines(start, max(0, min(limit, 7 - start))), (start, limit)


async def test_pages_one_after_another_are_all_of_it(files):
    """As a worker and a caller go on from where they were."""
    for first in range(0, 32, 4):
        await files.append(JOB, first, lines(first, 4))
    found: list[str] = []
    while page := await files.read(JOB, len(found), 7):
        found += page
    assert found == lines(0, 32)


async def test_lines_stay_in_order_where_numbers_get_longer(files):
    """Place 10 is behind place 9, and 1,000 behind 999."""
    for first, count in ((0, 9), (9, 1), (10, 89), (99, 900), (999, 1), (1000, 2)):
        await files.append(JOB, first, lines(first, count))
    assert await files.read(JOB, 0, 5000) == lines(0, 1002)
    assert await files.read(JOB, 998, 3) == lines(998, 3)


async def test_writing_again_changes_nothing(files):
    """The answer to a write got lost: it is sent once more, as it was or with what came meanwhile."""
    await files.append(JOB, 0, lines(0, 2))
    await files.append(JOB, 0, lines(0, 2))
    await files.append(JOB, 0, lines(0, 5))
    await files.append(JOB, 5, lines(5, 1))
    assert await files.read(JOB, 0, 10) == lines(0, 6)
    assert await files.read(JOB, 3, 2) == lines(3, 2)


async def test_lines_hold_any_text(files):
    """Answers are texts of models."""
    await files.append(JOB, 0, [TEXT, "", "[]"])
    assert await files.read(JOB, 0, 10) == [TEXT, "", "[]"]


async def test_nothing_is_read_beyond_a_gap(files):
    """Two workers could leave one; what is behind it comes with what fills it."""
    await files.append(JOB, 0, lines(0, 2))
    await files.append(JOB, 3, lines(3, 1))
    assert await files.read(JOB, 0, 10) == lines(0, 2)
    assert await files.read(JOB, 2, 10) == []
    await files.append(JOB, 2, lines(2, 1))
    assert await files.read(JOB, 0, 10) == lines(0, 4)


async def test_s3_has_an_object_for_each_group(bucket):
    """With the places in its name; the policies of the functions are about these names."""
    files = S3JobFiles(BUCKET)
    await files.put_input(JOB, TEXT)
    await files.append(JOB, 0, lines(0, 16))
    await files.append(JOB, 16, lines(16, 1))
    found = {item["Key"] for item in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert found == {f"alpha/{'0' * 32}/input", f"{LOG}000000-0016", f"{LOG}000016-0001"}
    assert json.loads(bucket.get_object(Bucket=BUCKET, Key=f"{LOG}000016-0001")["Body"].read()) == ["line 16"]


async def test_s3_lists_more_than_a_page_of_groups(bucket, monkeypatch):
    """Which is 1,000 objects there, and ten here."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    files = S3JobFiles(BUCKET)
    for place in range(23):
        await files.append(JOB, place, lines(place, 1))
    assert bucket.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 10
    assert await files.read(JOB, 18, 10) == lines(18, 5)


class Counted:
    """A client of S3 that counts its reads."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self.reads: list[str] = []

    def get_object(self, **arguments: Any) -> Any:
        self.reads.append(arguments["Key"].removeprefix(LOG))
        return self._client.get_object(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


async def test_s3_reads_only_the_groups_of_a_page(bucket):
    """A look at the end of a long job does not fetch its beginning."""
    counted: Any = Counted(bucket)
    files = S3JobFiles(BUCKET, lambda: counted)
    for first in range(0, 50, 10):
        await files.append(JOB, first, lines(first, 10))
    assert await files.read(JOB, 25, 10) == lines(25, 10)
    assert counted.reads == ["000020-0010", "000030-0010"]


CALLS = {
    "put_object": lambda files: files.put_input(JOB, TEXT),
    "get_object": lambda files: files.read_input(JOB),
    "delete_object": lambda files: files.drop_input(JOB),
    "list_objects_v2": lambda files: files.read(JOB, 0, 1),
}


@pytest.mark.parametrize("error", ["SlowDown", "AccessDenied", "NoSuchBucket", "InternalError"])
@pytest.mark.parametrize("operation", CALLS)
async def test_s3s_errors_are_the_stores(impatient, operation, error):
    """The caller may try again; AWS's text is nowhere, it names roles and accounts."""
    with Stubber(impatient) as stubber:
        stubber.add_client_error(operation, error, PRIVATE, 503)
        with pytest.raises(StoreUnavailable) as refused:
            await CALLS[operation](S3JobFiles(BUCKET, lambda: impatient))
    assert (refused.value.detail, refused.value.retryable) == (error, True)
    assert refused.value.retry_after_s
    assert PRIVATE not in f"{refused.value} {refused.value.detail}"


async def test_s3_out_of_reach_is_the_same():
    """No answer at all."""

    class Away:
        def put_object(self, **arguments: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://the-jobs.s3.eu-central-1.amazonaws.com")

    away: Any = Away()
    with pytest.raises(StoreUnavailable) as refused:
        await S3JobFiles(BUCKET, lambda: away).append(JOB, 0, ["line"])
    assert refused.value.detail == "EndpointConnectionError"


async def test_the_client_is_made_once_and_has_patience_with_s3_alone(bucket):
    """Three tries, some seconds each: a step has to end before its invocation does."""
    made: list[S3Client] = []

    def connect() -> S3Client:
        made.append(s3_job_files.connect())
        return made[-1]

    files = S3JobFiles(BUCKET, connect)
    assert made == []
    for _ in range(2):
        await files.put_input(JOB, TEXT)
    (client,) = made
    config = client.meta.config
    assert (config.retries["total_max_attempts"], config.retries["mode"]) == (3, "standard")
    assert (config.connect_timeout, config.read_timeout) == (2, 10)
