"""The workflows ask for no more rights than they need, and put no foreign text into a shell."""

import os
import re
import subprocess

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


@pytest.mark.parametrize("path", [".github/workflows/pages.yml", "templates/project/pages.yml"])
@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_summary_has_errors_no_path_of_the_runner_and_an_end(tmp_path, path, status):
    workflow = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    script = next(step["run"] for step in steps_of(workflow) if step.get("name") == "Build")
    project, programs = tmp_path / "runner/work", tmp_path / "programs"
    project.mkdir(parents=True)
    programs.mkdir()
    says = (
        "#!/bin/sh\n"
        "case $* in *install*) exit 0;; esac\n"
        "echo 'pictures: a.png' >&2; echo '1 image, 2 layers'; echo $PWD/site/index.html\n"
        "echo open it in a browser: file://$PWD/site/index.html\n"
        f"[ {status} = 0 ] || echo activation-gallery: nothing at $PWD/models/a.h5 >&2\n"
        f"exit {status}\n"
    )
    for name in ("pip", "make", "activation-gallery"):
        (programs / name).write_text(says)
        (programs / name).chmod(0o755)
    summary = tmp_path / "summary"
    env = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(summary),
        "PWD": str(project),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=project, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status
    error = ["activation-gallery: nothing at models/a.h5"] if status else []
    assert summary.read_text().splitlines() == ["```", "1 image, 2 layers", *error, "```"]
    assert "a.png" in done.stdout + done.stderr, "the log has all of it"


def test_a_project_s_gallery_is_kept_only_as_long_as_its_model_is():
    for path in (".github/workflows/pages.yml", "templates/project/pages.yml"):
        steps = steps_of(yaml.safe_load((ROOT / path).read_text(encoding="utf-8")))
        key = next(step["with"]["key"] for step in steps if step.get("uses", "").startswith("actions/cache@"))
        for pattern in ("*.keras", "*.h5", "*.hdf5", "*.txt", "models/**"):
            assert f"'{pattern}'" in key
