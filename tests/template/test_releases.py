"""Which changes make new versions of the functions, as CloudFormation gets them, and how traffic moves to these."""

import re
from typing import Any

import pytest

from scripts.transform_template import transform
from tests.template.test_template import FUNCTIONS, TEMPLATE
from tests.template.transformed import RESOURCES, of_type, parameters_in

# Changing them publishes no version, as they do not touch the function itself.
NOT_OF_THE_VERSION = {"StreamConcurrency"}


def versions() -> dict[str, Any]:
    """Each function's version, by the function's logical id."""
    return {version["FunctionName"]["Ref"]: version for version in of_type("AWS::Lambda::Version").values()}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_changed_parameter_is_released(name):
    """SAM publishes no version when only a parameter's value changes; a changed description of the version does it."""
    description = versions()[name]["Description"]
    changing = parameters_in(RESOURCES[name]["Properties"]) - NOT_OF_THE_VERSION
    assert changing - {"Stage"} <= parameters_in(description)
    # Layers are built for it, although the function names it nowhere else.
    assert "Architecture" in parameters_in(description)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_makes_a_new_version_changes_the_function(name):
    """Lambda publishes no version of a function that is what it was, and CloudFormation fails then.

    Secrets are read when an environment starts: a new version starts new ones, which SecretsVersion is for.
    """
    described = parameters_in(versions()[name]["Description"])
    assert described <= parameters_in(RESOURCES[name]["Properties"])
    assert "SecretsVersion" in described


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_description_of_a_version_fits(name):
    """Lambda takes 256 characters."""
    text = versions()[name]["Description"]["Fn::Sub"]
    longest = 0
    for parameter in re.findall(r"\$\{(\w+)\}", text):
        definition = TEMPLATE["Parameters"][parameter]
        choices = [len(str(value)) for value in definition.get("AllowedValues", [])]
        longest += max(choices) if choices else definition["MaxLength"]
    assert longest + len(re.sub(r"\$\{\w+\}", "", text)) <= 256


def test_changed_code_is_released():
    """All code is in the layers, so a new layer must make a new version of each function, and the same code none."""
    again, changed = (of_type("AWS::Lambda::Version", transform({}, code)["Resources"]) for code in ("code", "other"))
    assert set(again) == set(of_type("AWS::Lambda::Version"))
    assert set(changed) & set(again) == set()


def test_old_versions_stay_and_old_layers_go():
    """What runs on a version ends there, and it is the way back; Lambda keeps what it needs of a layer by itself."""
    for kind, wanted in (("AWS::Lambda::Version", "Retain"), ("AWS::Lambda::LayerVersion", "Delete")):
        said = {r["DeletionPolicy"] for r in RESOURCES.values() if r["Type"] == kind}
        assert said == {wanted}


def test_only_production_shifts_traffic_slowly():
    """A canary, taken back when an alarm goes off."""
    groups = of_type("AWS::CodeDeploy::DeploymentGroup").values()
    for group in groups:
        condition, canary, at_once = group["DeploymentConfigName"]["Fn::If"]
        assert condition == "IsProd"
        assert "Canary10Percent5Minutes" in str(canary)
        assert "AllAtOnce" in str(at_once)
        assert group["AutoRollbackConfiguration"]["Enabled"]
