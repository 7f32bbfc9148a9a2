"""The workflows ask for no more rights than they need, and put no foreign text into a shell."""

import re

import pytest
import yaml
from conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request) -> dict:
    return yaml.safe_load(request.param.read_text(encoding="utf-8"))


def steps_of(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_only_deploying_may_write(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        writing = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        assert writing == ({"pages", "id-token"} if name == "deploy" else set())
        assert job["timeout-minutes"] <= 40


def test_only_main_is_deployed():
    deploy = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text(encoding="utf-8"))["jobs"][
        "deploy"
    ]
    assert "github.ref == 'refs/heads/main'" in deploy["if"] and "!= 'pull_request'" in deploy["if"]


def test_actions_are_github_s_own_and_have_a_major_version(workflow):
    used = [step["uses"] for step in steps_of(workflow) if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", each) for each in used)
    for step in steps_of(workflow):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


def test_nothing_is_put_into_a_shell_but_by_its_environment(workflow):
    assert not [step["run"] for step in steps_of(workflow) if "${{" in step.get("run", "")]


def test_the_oldest_and_the_newest_python_are_tested():
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    low, above = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text).groups()
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"] == [f"3.{low}", f"3.{int(above) - 1}"]
