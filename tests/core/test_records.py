"""Records are found by the cache wherever they are defined, and are made with the names of their fields."""

import dataclasses
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from generator import core
from generator.core import facts, records
from generator.storage import cache

MODULES = sorted(path.stem for path in Path(core.__file__).parent.glob("*_records.py"))
DEFINED = {
    name: value
    for module in MODULES
    for name, value in vars(importlib.import_module(f"generator.core.{module}")).items()
    if dataclasses.is_dataclass(value) and value.__module__ == f"generator.core.{module}"
}


def test_the_cache_knows_the_records_of_all_modules():
    assert len(MODULES) == 4 and len(DEFINED) > 20
    told = {name: each for name, each in vars(facts).items() if dataclasses.is_dataclass(each)}
    assert DEFINED | told == cache.RECORDS
    assert set(DEFINED) <= set(records.__all__)


@pytest.mark.parametrize("name", DEFINED)
def test_a_record_takes_few_arguments_by_position_and_stays_as_it_is(name):
    parameters = inspect.signature(DEFINED[name]).parameters.values()
    assert sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters) <= 3
    assert DEFINED[name].__dataclass_params__.frozen


def test_an_image_comes_back_as_the_type_that_it_was():
    image = records.InputImage(name="ä.png", slug="a", path=Path("x/ä.png"), digest="00")
    failed = records.FailedImage(image=image, error="</script>")
    assert cache.load(cache.dump(failed)) == failed
    picture = records.Picture("a.png", 3, 4)
    ones, shape = np.ones(2, np.float32), (5, 6, 2)
    statistics = records.MapStatistics(
        minimum=ones, maximum=ones, mean=ones, variance=ones, active=ones, flawed=ones.astype(np.int32)
    )
    partial = records.PartialStatistics(
        zeros=np.zeros(2, np.int32), low=np.nan, high=np.nan, bins=np.zeros(256, np.int32), alike=ones[:0]
    )
    layer = records.LayerResult(
        numbers=records.LayerNumbers(shape=shape, statistics=statistics, partial=partial),
        grid=picture,
        small=picture,
        columns=2,
        singles=records.Singles("folder", 2, (0, 1)),
        single_size=(6, 5),
        enlarged=1,
        ranges=np.zeros((2, 2)),
    )
    shown = records.ShownImage(
        image=image,
        size=(3, 4),
        original=picture,
        seen=picture,
        fed=(4, 3, 3),
        prediction=records.Prediction("cat 50 %", label="cat", score=0.5),
        layers={"1-conv": layer},
        layers_gif=records.Animation(gif=picture, still=picture, bytes=9, frames=1, left_out=None),
    )
    again = cache.load(cache.dump(shown))
    assert cache.dump(again) == cache.dump(shown)
    assert type(again) is records.ShownImage and again.prediction == shown.prediction
    numbers = again.layers["1-conv"].numbers
    assert type(numbers) is records.LayerNumbers and numbers.shape == shape
    assert numbers.partial.zeros.dtype == np.int32 and numbers.statistics.minimum.dtype == np.float32
    assert again.layers["1-conv"].single(1) == records.Picture("folder/channel-1.png", 6, 5)
