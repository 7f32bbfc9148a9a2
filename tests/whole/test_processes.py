"""Builds with several processes, and the function that runs in them."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest
from conftest import save_picture
from fakes import FakeExtractor, fake_models, snapshot, sources
from PIL import Image

from generator.build import build
from generator.core.errors import ImageError, ModelError, WorkerError
from generator.core.records import FailedImage, ProcessedImage, Progress
from generator.core.settings import Settings
from generator.executors import Processes, ThisThread, Threads
from generator.process_image import Context, process_image


def published(settings: Settings) -> dict[str, bytes]:
    """Return what a build made, what is remembered of the images included."""
    own = ("gallery/.cache/-build.json", "gallery/.written.json")
    return {path: content for path, content in snapshot(sources(settings)).items() if path not in own}


@pytest.fixture
def three(project) -> Settings:
    """A project with a picture that is none between two others, and everything that can be made of it."""
    (project.images / "ab.png").write_bytes(b"no picture")
    save_picture(project.images / "c.png", seed=5)
    return replace(project, arrays="float32", channels=("all",))


def test_every_executor_makes_the_same_gallery(three, tmp_path):
    made = []
    for number, executor in enumerate((Threads(), ThisThread(), Processes(processes=2))):
        settings = replace(three, output=tmp_path / str(number) / "out")
        report = build(settings, models=fake_models(FakeExtractor), executor=executor)
        assert (report.images, report.kept) == (3, 0)
        assert [failed.image.name for failed in report.failed] == ["ab.png"]
        made.append(published(settings))
    assert made[0] == made[1] == made[2]
    assert "gallery/.cache/a.json" in made[0]


def test_two_processes_with_a_real_model_make_the_same_gallery(small_model, pictures, tmp_path):
    settings = Settings(small_model, pictures, tmp_path / "one/out", site=False)
    other = replace(settings, output=tmp_path / "two/out")
    build(settings)
    build(other, executor=Processes(processes=2))
    assert published(settings) == published(other)


def test_processes_draw_what_is_not_kept_and_progress_names_the_images(three):
    steps: list[Progress] = []
    build(three, models=fake_models(FakeExtractor))
    save_picture(three.images / "aa.png", seed=7)
    save_picture(three.images / "c.png", seed=8)
    report = build(three, steps.append, fake_models(), Processes(processes=2))
    assert (report.images, report.kept) == (4, 2)
    drawing = [step for step in steps if step.stage == "pictures"]
    assert {step.text for step in drawing} == {"aa.png", "ab.png", "c.png"}
    done = [step.done for step in drawing]
    assert done == sorted(done) and done[0] == 4 and done[-1] <= 10
    assert {step.total for step in drawing} == {10}
    fresh = replace(three, output=three.output.parent / "fresh/out")
    build(fresh, models=fake_models(FakeExtractor))
    assert published(three) == published(fresh)


class Crashing(FakeExtractor):
    """Takes its process with it, once it has seen the picture that is white."""

    def extract(self, values, others):
        if values.min() == values.max():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().extract(values, others)


def test_the_end_of_a_process_ends_the_build_and_names_the_image(three):
    Image.new("RGB", (20, 20), "white").save(three.images / "white.png")
    with pytest.raises(WorkerError, match=r"expected white\.png to be finished"):
        build(three, models=fake_models(Crashing), executor=Processes(processes=2))
    assert not multiprocessing.active_children()
    (three.images / "white.png").unlink()
    assert build(three, models=fake_models(FakeExtractor)).images == 3


class Meddling(FakeExtractor):
    """Finds its file changed once it is open in another process."""

    def __init__(self, recipe):
        super().__init__()
        if multiprocessing.parent_process():
            recipe.path.write_bytes(recipe.path.read_bytes() + b"more")


def test_a_model_that_changes_before_a_process_opens_it_ends_the_build(three):
    with pytest.raises(ModelError, match=r"expected fake\.h5 to stay as it is during a build"):
        build(three, models=fake_models(Meddling), executor=Processes(processes=1))


class Seen:
    """An executor that keeps the context, and draws nothing."""

    context: Context

    def run(self, _work, context, items, listener):
        Seen.context = context
        for item in items:
            listener.begin(item)
            listener.finish(item, FailedImage(image=item, error="not drawn"))


def test_an_image_follows_from_arguments_that_can_be_pickled_alone(three):
    with pytest.raises(ImageError, match="not drawn"):
        build(three, models=fake_models(FakeExtractor), executor=Seen())
    context = pickle.loads(pickle.dumps(Seen.context))
    found: dict[str, bytes] = {}

    def emit(files: Mapping[str, bytes]) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert not found.keys() & files.keys()
        found.update(files)

    before = snapshot(three.images.parent)
    drawn = process_image(context, context.plan.images[0], emit)
    assert isinstance(drawn, ProcessedImage) and drawn.result.image.name == "a.png"
    assert drawn.files == {path: len(content) for path, content in sorted(found.items())}
    assert snapshot(three.images.parent) == before
    failed = process_image(context, context.plan.images[1], emit)
    assert isinstance(failed, FailedImage) and "received a file that is none" in failed.error
    build(three, models=fake_models(FakeExtractor))
    written = snapshot(sources(three))
    assert found == {path: written[path] for path in found}
    others = {path for path in written if path.startswith("gallery/images/a/")} - found.keys()
    assert others and all(path.endswith((".md", "/decides.csv")) for path in others)  # made of the result
