"""What the backlog takes of AWS: who may put into it, who takes out of it, and how long it keeps what waits."""

from gateway_core.store.unsettled import REPLAY_WINDOW_MS
from tests.lambda_runtime.deployment import QUEUED
from tests.template.test_template import CALL_MODELS, TEMPLATE
from tests.template.transformed import RESOURCES, of_type, statements

DAY_S = 86_400
QUEUE = {"Fn::GetAtt": ["Backlog", "Arn"]}
LETTERS = {"Fn::GetAtt": ["BacklogDeadLetters", "Arn"]}


def test_who_settles_may_put_and_nobody_else():
    """Each function that calls models knows the queue and may send to it; no other does either."""
    settles = CALL_MODELS - {"Tokens"}
    for name in of_type("AWS::Lambda::Function"):
        environ = RESOURCES[name]["Properties"]["Environment"]["Variables"]
        may_send = {"Ref": "BacklogSender"} in RESOURCES[f"{name}Role"]["Properties"]["ManagedPolicyArns"]
        assert environ.get("GATEWAY_BACKLOG") == ({"Ref": "Backlog"} if name in settles else None), name
        assert may_send == (name in settles), name


def test_rights_are_those_of_its_own_queue():
    """Sending for those, receiving for the one that replays: SAM's own role would do with any queue."""
    of_queue = {name: s["Action"] for name, s in statements() if s["Resource"] == QUEUE}
    assert of_queue == {
        "AdminRole": ["sqs:GetQueueAttributes", "sqs:SendMessage"],
        "BacklogSender": "sqs:SendMessage",
        "ReplayRole": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    }
    (of_letters,) = [(name, s["Action"]) for name, s in statements() if s["Resource"] == LETTERS]
    assert of_letters[0] == "AdminRole"
    assert "sqs:SendMessage" not in of_letters[1]
    assert "SQS" not in str(RESOURCES["ReplayRole"]["Properties"]["ManagedPolicyArns"])


def test_what_replays_holds_no_provider_key_and_has_no_route():
    """It settles, and calls nobody."""
    replay = TEMPLATE["Resources"]["Replay"]["Properties"]
    assert "Events" not in replay
    assert "Layers" not in replay
    assert "GATEWAY_SECRETS_PROVIDERS" not in str(replay)
    assert "ProviderSecrets" not in str(replay["Policies"])


def test_the_messages_come_one_by_one_undone():
    """What is settled of a batch is gone, the rest comes again; few at a time, by the alias."""
    (mapping,) = of_type("AWS::Lambda::EventSourceMapping").values()
    assert mapping == {
        "EventSourceArn": QUEUE,
        "FunctionName": {"Ref": "ReplayAliaslive"},
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    }


def test_both_queues_keep_for_a_fortnight_and_the_store_can_tell_for_longer():
    """A letter that is sent back from the dead ones at the last moment is two fortnights old at most."""
    queues = of_type("AWS::SQS::Queue")
    for name in ("Backlog", "BacklogDeadLetters"):
        assert queues[name]["SqsManagedSseEnabled"] is True
        assert queues[name]["MessageRetentionPeriod"] == 14 * DAY_S
    assert 2 * 14 * DAY_S * 1000 < REPLAY_WINDOW_MS
    assert queues["Backlog"]["RedrivePolicy"]["deadLetterTargetArn"] == LETTERS


def test_a_message_rests_longer_than_a_batch_can_take():
    """Six times the function's timeout, as AWS recommends, and tries go on for hours."""
    queue = of_type("AWS::SQS::Queue")["Backlog"]
    assert queue["VisibilityTimeout"] >= 6 * RESOURCES["Replay"]["Properties"]["Timeout"]
    assert queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"] >= 5 * 3600


def test_the_alarms_look_at_the_queues():
    """At the age of what waits, and at what is given up."""
    alarms = of_type("AWS::CloudWatch::Alarm")
    looked = {
        name: (alarms[name]["MetricName"], alarms[name]["Dimensions"][0]["Value"]["Fn::GetAtt"])
        for name in ("BacklogAlarm", "BacklogDeadLettersAlarm")
    }
    assert looked == {
        "BacklogAlarm": ("ApproximateAgeOfOldestMessage", ["Backlog", "QueueName"]),
        "BacklogDeadLettersAlarm": ("ApproximateNumberOfMessagesVisible", ["BacklogDeadLetters", "QueueName"]),
    }


def test_there_is_an_event_for_it():
    """As Lambda hands over a batch of the queue."""
    (record,) = QUEUED["replay"]["Records"]
    assert record["eventSource"] == "aws:sqs"
