"""What is decided before anything is drawn: slugs, layers, tasks and links."""

import re
from pathlib import Path

import pytest

from generator.core import limits, paths, plan
from generator.core.errors import LayerError
from generator.core.records import InputImage, LayerInfo

IMAGE = InputImage(name="Cat.jpg", slug="cat", path=Path("Cat.jpg"), digest="0" * 64)


def info(
    index: int, name: str = "conv", kind: str = "Conv2D", family: str = "convolution", **others
) -> LayerInfo:
    facts = {"shape": (8, 8, 4), "parameters": 0} | others
    return LayerInfo(index=index, name=name, kind=kind, family=family, **facts)


def pool(index: int, **others) -> LayerInfo:
    return info(index, "pool", "MaxPooling2D", "pooling", **others)


def planned(*infos: LayerInfo, singles=("convolution",), per_layer: int = 32, most: int = 480) -> plan.Plan:
    return plan.Plan(
        images=(IMAGE,),
        layers=plan.plan_layers(infos, (), False),
        singles=singles,
        gif_channels_per_layer=per_layer,
        gif_channels=most,
    )


def reasons(infos, patterns=(), draw_identity: bool = False) -> list:
    return [layer.reason for layer in plan.plan_layers(infos, patterns, draw_identity)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cat Photo (1)", "cat-photo-1"),
        ("block1/conv@2", "block1-conv-2"),
        ("__x__", "x"),
        ("Crème Brûlée", "creme-brulee"),
        ("../../etc/passwd", "etc-passwd"),
        ("猫", ""),
        ("😀", ""),
        ("", ""),
        ("a" * 70, "a" * 60),
        ("a" * 59 + " b", "a" * 59),
    ],
)
def test_slugs_hold_only_plain_characters(text, expected):
    assert plan.slugify(text) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cat.jpg", "dog.png"], ("cat", "dog")),
        (["cat.jpg", "cat.png"], ("cat", "cat-png")),
        (["Cat.jpg", "cat.jpg", "CAT.jpg"], ("cat", "cat-jpg", "cat-2")),
        (["a b.png", "a-b.png", "a_b.png", "a+b.png"], ("a-b", "a-b-png", "a-b-2", "a-b-3")),
        (["猫.png", "😀.png", "犬.png"], ("image", "image-png", "image-2")),
        (["index.png", "index.jpg"], ("index-png", "index-jpg")),
        (["cat-png.jpg", "cat.jpg", "cat.png"], ("cat-png", "cat", "cat-2")),
        (["cat-2.jpg", "cat.jpg", "cat.JPG", "Cat.JPG"], ("cat-2", "cat", "cat-jpg", "cat-3")),
        (["photo.final.v2.tiff"], ("photo-final-v2",)),
    ],
)
def test_image_slugs(names, expected):
    assert plan.image_slugs(names) == expected


def test_image_slugs_of_long_names_are_short_and_unique():
    names = [f"{'very long ' * 25}{number}.{ending}" for number in range(12) for ending in ("jpeg", "webp")]
    slugs = plan.image_slugs(names)
    assert len(set(slugs)) == 24
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", slug) for slug in slugs)


def test_layer_slugs_are_numbered_and_unique():
    infos = [info(index, "conv") for index in range(1, 11)] + [info(11, "Büro/Ω:3"), info(12, "层")]
    slugs = [layer.slug for layer in plan.plan_layers(infos, (), False)]
    assert slugs == [*(f"{index:02d}-conv" for index in range(1, 11)), "11-buro-3", "12"]


def test_layer_slugs_of_long_names_stay_short():
    infos = [info(index, f"{'block_' * 30}{index}") for index in range(1, 1201)]
    slugs = [layer.slug for layer in plan.plan_layers(infos, (), False)]
    assert slugs[0].startswith("0001-block-block")
    assert len(set(slugs)) == 1200
    assert all(re.fullmatch(r"[a-z0-9-]{1,60}", slug) and not slug.endswith("-") for slug in slugs)
    assert slugs == sorted(slugs)


@pytest.mark.parametrize(
    ("patterns", "drawn"),
    [
        ((), [1, 2, 3]),
        (("conv2d",), [1, 3]),
        (("STEM*",), [1]),
        (("*pool*",), [2]),
        (("stem_conv", "maxpooling2d"), [1, 2]),
        (("[sh]*",), [1, 3]),
        (("*",), [1, 2, 3]),
    ],
)
def test_patterns_choose_layers_by_name_or_kind(patterns, drawn):
    infos = [info(1, "Stem_conv"), pool(2), info(3, "head")]
    layers = plan.plan_layers(infos, patterns, False)
    assert [layer.index for layer in layers if layer.reason is None] == drawn
    assert {layer.reason for layer in layers} <= {None, "not chosen by --layers"}


def test_a_pattern_that_matches_nothing_is_an_error():
    with pytest.raises(LayerError, match="received 'dense'") as caught:
        plan.plan_layers([info(1), pool(2)], ("conv*", "dense"), False)
    assert "Conv2D, MaxPooling2D" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "text"),
    [((5000,), "(5000) is no stack of feature maps"), ((), "(a single number) is no stack of feature maps"),
     ((2, 2, 4, 6, 3), "2×2×4×6×3"), ((0, 8, 4), "(0×8×4) is empty")],
)  # fmt: skip
def test_outputs_that_are_no_maps_are_not_drawn(shape, text):
    first, second = reasons([info(1), info(2, "dense", shape=shape)])
    assert first is None
    assert text in second


def test_rows_of_numbers_are_drawn_but_are_no_maps():
    whole = planned(info(1), info(2, "dense", shape=(10,)), info(3, "sequence", shape=(7, 5)))
    assert [layer.name for layer in whole.drawn] == ["conv", "dense", "sequence"]
    assert [layer.name for layer in whole.mapped] == ["conv", "sequence"]
    assert whole.mapped[1].map_shape == (5, 7, 1)
    assert whole.tasks(IMAGE)[1].grid == "gallery/images/cat/2-dense.png"


def test_what_is_missing_says_why_and_comes_first():
    missing = info(2, "lambda", shape=(), missing="its code is not run")
    assert reasons([info(1), missing]) == [None, "its code is not run"]


def test_layers_that_do_nothing_are_not_drawn_unless_wanted():
    infos = [info(1, "drop", family="other", repeats=0), info(2), pool(3, repeats=2)]
    first, second, third = plan.plan_layers(infos, (), False)
    assert "does nothing at inference" in first.reason
    assert "the input" in first.reason
    assert "does nothing at inference" in third.reason
    assert (first.same_as, second.same_as, third.same_as) == (None, None, "2-conv")
    assert second.reason is None
    assert reasons(infos, draw_identity=True) == [None, None, None]
    assert plan.plan_layers(infos, (), True)[2].same_as == "2-conv"


@pytest.mark.parametrize(
    ("infos", "patterns"),
    [
        ([info(1, "dense", shape=(10,))], ()),
        ([info(1, repeats=0)], ()),
        ([info(1), info(2, "dense", "Dense", shape=(10,))], ("dense",)),
        ([], ()),
    ],
)
def test_nothing_to_draw_is_an_error(infos, patterns):
    with pytest.raises(LayerError, match="inspect"):
        plan.check_drawn(plan.plan_layers(infos, patterns, False))


def test_sides_and_numbers_that_are_not_known_leave_a_layer_out():
    """As of a flattened picture of any size, and of one whose channels were moved to the front."""
    infos = [info(1), info(2, shape=(None,)), info(3, shape=(8, None, None)), info(4, shape=(None, 8))]
    layers = plan.plan_layers(infos, (), False)
    assert [layer.is_map for layer in layers] == [True, False, False, True]
    assert not any(layer.is_vector for layer in layers)
    assert "is no stack of feature maps" in layers[1].reason and "is no stack" in layers[2].reason


def test_tasks_name_every_picture():
    whole = planned(info(1, shape=(8, 8, 11)), pool(2, shape=(4, 4, 2)), info(3, "out", shape=()))
    first, second = whole.tasks(IMAGE)
    assert (first.image, first.layer.index, second.layer.index) == ("cat", 1, 2)
    assert first.grid == "gallery/images/cat/1-conv/grid.png"
    assert len(first.singles) == 11
    assert first.singles[0] == "gallery/images/cat/1-conv/channel-00.png"
    assert first.singles[10] == "gallery/images/cat/1-conv/channel-10.png"
    assert first.frames == tuple(range(11))
    assert second.grid == "gallery/images/cat/2-pool/grid.png"
    assert (second.singles, second.frames) == ({}, ())


@pytest.mark.parametrize(
    ("singles", "counts"),
    [((), [0, 0]), (("pooling",), [0, 4]), (("convolution", "pooling"), [4, 4]), (("all",), [4, 4])],
)
def test_single_channels_are_drawn_for_the_chosen_families(singles, counts):
    whole = planned(info(1), pool(2), singles=singles)
    assert [len(task.singles) for task in whole.tasks(IMAGE)] == counts


def test_names_of_ten_channels_need_one_digit():
    task = planned(info(1, shape=(8, 8, 10))).tasks(IMAGE)[0]
    assert task.singles[9] == "gallery/images/cat/1-conv/channel-9.png"


def test_frames_are_evenly_spaced_channels():
    whole = planned(info(1, shape=(8, 8, 16)), info(2, shape=(8, 8, 3)), per_layer=4)
    assert [task.frames for task in whole.tasks(IMAGE)] == [(0, 4, 8, 12), (0, 1, 2)]


def animated(whole: plan.Plan) -> list[tuple[int, int]]:
    return [(layer.index, channel) for layer, channel in whole.animated]


def test_animated_channels_are_spread_over_the_layers():
    layers = info(1, shape=(8, 8, 4)), pool(2), info(3, shape=(8, 8, 16)), info(4, shape=(8, 8, 32))
    assert animated(planned(*layers, most=6)) == [(1, 0), (1, 2), (3, 0), (3, 8), (4, 0), (4, 16)]
    assert animated(planned(*layers, most=3)) == [(1, 0), (3, 0), (4, 0)]
    assert animated(planned(*layers, most=2)) == [(1, 0), (3, 0)]
    assert animated(planned(*layers, most=1)) == [(1, 0)]
    assert len(animated(planned(*layers, most=1000))) == 4 + 16 + 32


@pytest.mark.parametrize("most", range(1, 60))
def test_animated_channels_are_never_too_many_and_leave_no_layer_out(most):
    counts = (3, 64, 8, 1, 20)
    whole = planned(*(info(index, shape=(8, 8, count)) for index, count in enumerate(counts, 1)), most=most)
    pairs = animated(whole)
    assert len(pairs) == len(set(pairs)) <= most
    assert pairs == sorted(pairs)
    assert len({index for index, _ in pairs}) == min(most, 5)
    assert all(0 <= channel < counts[index - 1] for index, channel in pairs)


def test_large_maps_leave_room_for_fewer_channels_but_for_each_layer():
    whole = planned(*(info(index, shape=(128, 128, 64)) for index in range(1, 4)))
    assert sum(plan.channel_frame_bytes(layer) for layer, _ in whole.animated) <= limits.PLANNED_GIF_BYTES
    assert 3 * 8 < len(whole.animated) < 3 * 32
    many = planned(*(info(index, shape=(256, 256, 64)) for index in range(1, 90)))
    assert [layer.index for layer, _ in many.animated] == list(range(1, 90))


def test_the_canvas_depends_on_the_number_of_layers_alone():
    sides = [planned(*map(info, range(1, count + 1))).canvas for count in (1, 30, 60, 200)]
    assert sides == sorted(sides, reverse=True)
    assert (sides[0], sides[-1]) == (plan.CANVASES[0], plan.CANVASES[-1])


@pytest.mark.parametrize(
    ("page", "target", "expected"),
    [
        ("index", "gallery/model.html", "gallery/model.html"),
        ("index", "index.html", "index.html"),
        ("gallery/model", "index.html", "../index.html"),
        ("gallery/images/cat", "gallery/images/cat/1-conv/grid.png", "cat/1-conv/grid.png"),
        ("gallery/images/cat/1-conv", "gallery/images/cat/1-conv/grid.png", "1-conv/grid.png"),
        ("gallery/images/cat/1-conv", "css/gallery.css", "../../../css/gallery.css"),
        ("gallery/images/cat/1-conv", "gallery/layers/1-conv.html", "../../layers/1-conv.html"),
    ],
)
def test_links_are_relative_to_the_folder_of_their_page(page, target, expected):
    assert paths.link(page, target) == expected


def test_pages_have_their_places():
    assert paths.image_page("cat") == "gallery/images/cat"
    assert paths.layer_page("1-conv") == "gallery/layers/1-conv"
    assert paths.image_layer_page("cat", "1-conv") == "gallery/images/cat/1-conv"
