"""How much a build would write, and what is left out to stay below a limit."""

import math
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from conftest import save_picture
from fakes import fake_models, make_plan

from generator import build as story
from generator import estimate
from generator.core.formatting import size
from generator.core.records import LayerInfo
from generator.core.settings import Settings


def test_pictures_and_pages_are_counted():
    found = estimate.estimate(make_plan())
    # an image has its grids, its single channels, itself, as seen, two animations with their stills, and its
    # card; the gallery has one too
    assert found.pictures == 3 * (10 + 10 * 40 + 7) + 1
    assert found.pages == 5 + 3 + 10 + 3 * 10
    assert found.layers.keys() == {layer.slug for layer in make_plan().drawn}


def test_more_of_anything_is_more():
    one = estimate.estimate(make_plan())
    for more in (make_plan(layers=11), make_plan(images=4), make_plan(side=65), make_plan(channels=41)):
        assert estimate.estimate(more).bytes > one.bytes
    assert estimate.estimate(make_plan(side=None)).bytes > one.bytes  # taken for 128


def test_what_fits_is_left_alone():
    whole = make_plan()
    assert estimate.fit(whole, math.ceil(estimate.estimate(whole).bytes * estimate.SAFETY)) is whole


def test_single_channels_go_first_and_evenly():
    whole = make_plan()
    fitted = estimate.fit(whole, round(estimate.estimate(whole).bytes * estimate.SAFETY * 4 / 5))
    assert fitted.drawn == whole.drawn
    assert 1 < fitted.most_singles < 40
    [task, *_] = fitted.tasks(whole.images[0])
    steps = {b - a for a, b in pairwise(task.singles)}
    assert max(steps) - min(steps) <= 1
    assert fitted.left_out[0].startswith("to stay below ")
    assert f"at most {fitted.most_singles} channels" in fitted.left_out[0]


def test_then_layers_go_evenly_over_the_depth_and_one_stays():
    whole = make_plan()
    fitted = estimate.fit(whole, 14_000_000)
    kept = [layer.index for layer in fitted.drawn]
    assert 1 < len(kept) < 10
    assert estimate.estimate(fitted).bytes <= 14_000_000
    assert max(b - a for a, b in pairwise(kept)) <= -(-10 // len(kept))
    assert f"{10 - len(kept)} of 10 layers" in fitted.left_out[1]
    reasons = {layer.reason for layer in fitted.layers if layer not in fitted.drawn}
    assert reasons == {"left out to stay below 14.0 MB"}
    least = estimate.fit(whole, 1)
    assert len(least.drawn) == 1
    weight = size(estimate.estimate(least).bytes)
    assert least.left_out == (
        "to stay below 1 KB, at most 1 channel of a layer is drawn singly, evenly spaced",
        "to stay below 1 KB, 9 of 10 layers are left out, evenly spaced",
        f"even so it is about {weight} instead of 1 KB, since one layer always stays",
    )


def test_too_much_for_github_says_what_costs_most_and_what_to_do():
    large = make_plan(layers=30, images=40, side=224, channels=64)
    large = replace(large, layers=(*large.layers[:-1], replace(large.layers[-1], shape=(300, 300, 64))))
    lines = estimate.in_words(large)
    assert "conv30" in lines[3].split(":")[1].split(",")[0]
    assert re.search(
        r"--fit 1\.0GB: to stay below 1\.0 GB, at most 1 channel of a layer is .* layers are", lines[4]
    )
    assert len(estimate.in_words(make_plan())) == 3


def test_how_long_a_deployment_takes_is_guessed():
    small, large = (estimate.in_words(make_plan(images=images))[1] for images in (3, 60))
    assert small.endswith("to deploy about 1,330 files takes 2 of the 10 minutes allowed (a guess)")
    assert 2 < int(re.search(r"takes (\d+) of", large)[1]) < 10


def test_fitting_deep_models_looks_at_each_layer_a_few_times_a_plan(monkeypatch):
    layers, looked = 120, Counter()
    is_map = LayerInfo.is_map.fget

    def counted(layer: LayerInfo) -> bool:
        looked["all"] += 1
        return is_map(layer)

    monkeypatch.setattr(LayerInfo, "is_map", property(counted))
    fitted = estimate.fit(make_plan(layers=layers, images=1), 12_000_000)
    assert 1 <= len(fitted.mapped) < layers / 3
    assert looked["all"] < 10 * layers**2  # a plan for each layer that goes
    steps = np.diff([layer.index for layer in fitted.mapped])
    assert steps.max() - steps.min() <= 1


def test_numbers_to_take_along_and_explanations_count():
    plain, values = estimate.estimate(make_plan()).bytes, 3 * 10 * 64 * 64 * 40
    assert estimate.estimate(make_plan(), "float32").bytes == plain + 3 * values
    assert estimate.estimate(make_plan(), "float16").bytes == pytest.approx(plain + 1.55 * values)
    assert estimate.estimate(make_plan(), explain=False).bytes == plain - 3 * 10 * estimate.OVERLAY_BYTES
    fitted = [estimate.fit(make_plan(), 15_000_000, arrays).mapped for arrays in ("none", "float32")]
    assert len(fitted[0]) > len(fitted[1])


@pytest.fixture
def project(tmp_path) -> Settings:
    (tmp_path / "fake.h5").write_bytes(b"fake")
    (tmp_path / "in").mkdir()
    save_picture(tmp_path / "in/a.png")
    return Settings(tmp_path / "fake.h5", tmp_path / "in", tmp_path / "out", site=False)


def test_sizing_up_writes_nothing(project, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    lines = story.size_up(project, models=fake_models())
    assert "1 image, 2 layers" in lines[0] and "a guess" in lines[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_left_out_is_said_and_stands_on_the_pages(project):
    told = []
    report = story.build(replace(project, fit=3_100_000), told.append, models=fake_models())
    front, model = ((report.sources / name).read_text() for name in ("index.md", "gallery/model.md"))
    left_out = [step.text for step in told if step.text.startswith("to stay below 3.1 MB")]
    assert left_out
    assert "To stay below 3.1 MB" in front
    assert "to stay below 3.1 MB" in model
    assert not (report.sources / "gallery/images/a/1-conv/channel-1.png").exists()
