"""Builds that do not come to their end: killed, crowded out, without space or rights."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import ROOT, TESTS, restore_signals
from fakes import FakeExtractor, fake_models, make_project

from generator.build import build
from generator.core.errors import GalleryError, OutputError
from generator.storage import website_folder, writing


def environment() -> dict[str, str]:
    """Let a process find the package and the tests from anywhere."""
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(TESTS)))}


def test_killed_at_any_moment_there_is_a_whole_website_and_the_next_build_is_clean(tmp_path):
    command = [sys.executable, TESTS / "crash.py", tmp_path, "50", "1"]
    result = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(re.match(r"killed (\d+) of 50", result.stdout)[1]) >= 25


def test_a_swap_that_was_cut_off_between_its_renames_is_repaired(tmp_path):
    (tmp_path / ".site.old").mkdir()
    (tmp_path / ".site.old/index.html").write_text("old")
    website_folder.sign_website(tmp_path / ".site.old")
    website_folder.recover(tmp_path / "site")
    assert (tmp_path / "site/index.html").read_text() == "old"
    assert not (tmp_path / ".site.old").exists()


def test_a_build_beside_another_leaves_its_swap_alone(tmp_path):
    settings = make_project(tmp_path, 0)
    (tmp_path / ".site.old").mkdir()
    with writing.locked(settings.output), pytest.raises(OutputError, match="at a time"):
        build(settings, models=fake_models())
    assert (tmp_path / ".site.old").exists() and not settings.output.exists()


def test_only_one_build_at_a_time_and_a_dead_one_does_not_count(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from generator.storage import writing\n"
        "with writing.locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "site"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(OutputError, match="at a time, received a second: wait"),
        writing.locked(tmp_path / "other", tmp_path / "site"),
    ):
        pass
    with writing.locked(tmp_path / "other"):  # was given back when the second failed
        pass
    holder.kill()
    holder.communicate()
    with writing.locked(tmp_path / "site"):
        pass


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of 900 kB that can be made read-only, where the system lets us."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=900k", "tmpfs", folder]).returncode:
        pytest.skip("optional: only some systems let tests mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_in_one_line_and_leaves_the_old_website(small_disk, tmp_path):
    settings = make_project(tmp_path / "in", 0)
    settings = replace(settings, output=small_disk / "site", site=False)
    (small_disk / "site").mkdir()
    (small_disk / "filling").write_bytes(bytes(700_000))
    with pytest.raises(OutputError, match="No space left on device: check space and rights"):
        build(settings, models=fake_models())
    assert list((small_disk / "site").iterdir()) == []
    (small_disk / "filling").unlink()
    assert build(settings, models=fake_models()).images == 2


def test_a_full_disk_while_the_website_is_built(small_disk, tmp_path):
    settings = make_project(tmp_path / "in", 0)
    settings = replace(settings, output=small_disk / "site")
    with pytest.raises(GalleryError, match="No space left on device"):
        build(settings, models=fake_models())
    assert not settings.output.exists()
    assert not website_folder.staging_folder(settings.output).exists()


def test_a_folder_that_cannot_be_written_is_said(small_disk, tmp_path):
    settings = replace(make_project(tmp_path / "in", 0), output=small_disk / "site")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OutputError, match="Read-only file system: check space and rights"):
        build(settings, models=fake_models())


def test_an_image_that_vanishes_meanwhile_is_left_out_until_it_is_back(tmp_path):
    class Vanishing(FakeExtractor):
        def extract(self, values, others):
            (tmp_path / "in/b.png").unlink(missing_ok=True)
            return super().extract(values, others)

    settings = replace(make_project(tmp_path, 0), site=False)
    report = build(settings, models=fake_models(Vanishing))
    assert [failed.image.name for failed in report.failed] == ["b.png"]
    assert report.images == 1
    make_project(tmp_path, 0)
    report = build(settings, models=fake_models())
    assert (report.images, report.kept, report.failed) == (2, 1, ())


def test_ctrl_c_ends_in_one_line_and_leaves_the_old_website(small_model, pictures, tmp_path):
    (tmp_path / "site").mkdir()
    command = [sys.executable, "-m", "generator", "build", "--no-progress", "--model", small_model]
    command += ["--images", pictures, "--output", tmp_path / "site"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=restore_signals,
    ) as process:
        said = next(line for line in process.stderr if line.startswith("pictures"))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert "Traceback" not in rest
    last = "activation-gallery: stopped; a website that was there before is still whole"
    assert (process.returncode, rest.splitlines()[-1]) == (130, last), said + rest
    assert list((tmp_path / "site").iterdir()) == []
