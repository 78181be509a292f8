"""The settings of a run: one object for every way in."""

import dataclasses
import inspect
import json
import pickle

import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.command.parser import operation_parser
from SpatialDeconvLib.command.request import settings_from_options
from SpatialDeconvLib.errors import InputError, NotEnoughMemory
from SpatialDeconvLib.methods import choices
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.mrml.recipe import plain
from SpatialDeconvLib.run import pipeline
from SpatialDeconvLib.run.settings import SETTINGS, ConvolveSettings, DeconvolveSettings, settings_of

CHOSEN = [
    DeconvolveSettings(method="landweber", iterations=7, regularization=0.5, noise=2, engine="fft"),
    DeconvolveSettings(strategy="joint", method="tv", boundary="extended", offset=-1.5, memory_limit=2),
    DeconvolveSettings(noise="poisson"),
    DeconvolveSettings(noise=sd.NoiseLaw(constant=4, slope=0.5, origin=-3)),
    ConvolveSettings(model="source", boundary="periodic", exclude=True, cascade="auto", normalize=True),
]


@pytest.mark.parametrize("settings", [DeconvolveSettings(), ConvolveSettings(), *CHOSEN])
def test_a_recipe_becomes_the_same_settings_again(settings):
    stored = json.loads(json.dumps(plain(settings.parameters())))
    assert settings_of(settings.operation, stored) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert dataclasses.replace(settings) == settings


@pytest.mark.parametrize("operation", SETTINGS)
def test_every_way_in_has_the_same_settings_and_defaults(operation):
    settings = SETTINGS[operation]()
    keywords = inspect.signature(getattr(sd, operation)).parameters
    given = {name: keywords[name].default for name in settings.names()}
    assert SETTINGS[operation].of(given) == settings
    options = operation_parser().parse_args([operation, "in.nrrd", "out.nrrd", "--kernels", "set.json"])
    assert settings_from_options(options) == settings


def test_what_is_not_named_is_chosen_by_the_run():
    assert (DeconvolveSettings().strategy, DeconvolveSettings().method) == ("auto", "auto")
    for strategy in choices.STRATEGIES:
        assert DeconvolveSettings(strategy=strategy).method == "auto"
    for method in methods.METHODS:
        settings = DeconvolveSettings(method=method.name)
        assert (settings.strategy, settings.method) == (methods.strategy_of(method.name), method.name)
    assert ConvolveSettings(cascade=0).cascade is False


@pytest.mark.parametrize("strategy", choices.STRATEGIES)
@pytest.mark.parametrize(("option", "word"), [("iterations", "iterations"), ("regularization", "constant")])
def test_an_automatic_method_takes_nothing_that_it_is_to_find(strategy, option, word):
    with pytest.raises(InputError, match=f"finds its {word} itself; name a method for"):
        DeconvolveSettings(strategy=strategy, **{option: 3})


@pytest.mark.parametrize(
    ("operation", "parameters", "option"),
    [
        ("deconvolve", {"iteration": 3}, "iteration"),
        ("deconvolve", {"method": "wiener", "iterations": 3}, "iterations"),
        ("deconvolve", {"method": "landweber", "iterations": 2.5}, "iterations"),
        ("deconvolve", {"method": "landweber", "iterations": True}, "iterations"),
        ("deconvolve", {"method": "wiener", "regularization": 0.1}, "regularization"),
        ("deconvolve", {"method": "tikhonov", "regularization": "much"}, "regularization"),
        ("deconvolve", {"strategy": "both"}, "strategy"),
        ("deconvolve", {"method": "magic"}, "method"),
        ("deconvolve", {"strategy": "blend", "method": "tv"}, "method"),
        ("deconvolve", {"strategy": "blend", "boundary": "extended"}, "boundary"),
        ("deconvolve", {"noise": -1}, "noise"),
        ("deconvolve", {"noise": "gauss"}, "noise"),
        ("deconvolve", {"noise": {"gain": 2}}, "noise"),
        ("deconvolve", {"noise": sd.NoiseLaw.of_image([1.0, 2.0])}, "noise"),
        ("deconvolve", {"noise": [1.0, 2.0]}, "noise"),
        ("deconvolve", {"offset": float("nan")}, "offset"),
        ("deconvolve", {"memory_limit": 0}, "memory_limit"),
        ("deconvolve", {"model": "both"}, "model"),
        ("deconvolve", {"engine": "gpu"}, "engine"),
        ("convolve", {"cascade": "on"}, "cascade"),
        ("convolve", {"nonfinite": "ignore"}, "nonfinite"),
        ("blur", {}, "operation"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_name_of_its_argument(operation, parameters, option):
    with pytest.raises(InputError) as caught:
        settings_of(operation, parameters)
    assert caught.value.option == option
    assert option in str(caught.value)


def test_settings_that_need_a_mask_or_no_guide_say_so():
    pipeline.check_together(ConvolveSettings(exclude=True), masked=True, guided=False)
    with pytest.raises(InputError, match="exclude needs a mask"):
        pipeline.check_together(ConvolveSettings(exclude=True), masked=False, guided=False)
    own = DeconvolveSettings(strategy="joint", method="self-keyed")
    with pytest.raises(InputError, match="leave the guide out"):
        pipeline.check_together(own, masked=False, guided=True)


def test_boundaries_are_those_of_the_strategy():
    assert set(DeconvolveSettings(strategy="joint").boundaries) == set(choices.BOUNDARIES)
    assert set(ConvolveSettings().boundaries) == set(choices.FIXED_BOUNDARIES)
    with pytest.raises(InputError, match=r"boundary 'extended' is for joint methods.* choose one of edge, zero"):
        DeconvolveSettings(strategy="blend", boundary="extended")
    for unknown in ("mirror", ["edge"]):
        with pytest.raises(InputError, match=r"boundary .* is unknown"):
            ConvolveSettings(boundary=unknown)


# -- errors that know their cure


def test_each_way_in_says_a_cure_in_its_own_words():
    error = InputError("the image holds 3 NaN", nonfinite="fill")
    assert str(error) == "the image holds 3 NaN (set nonfinite='fill')"
    assert error.option == "nonfinite"
    assert error.said(lambda name, value: f"--{name} {value}") == "the image holds 3 NaN (--nonfinite fill)"
    assert error.said(lambda name, value: "") == "the image holds 3 NaN"
    assert str(error.within("frame 2")) == "frame 2: the image holds 3 NaN (set nonfinite='fill')"


@pytest.mark.parametrize("kind", [InputError, NotEnoughMemory])
def test_errors_go_to_other_processes_whole(kind):
    error = pickle.loads(pickle.dumps(kind("too large", engine="fft", slicewise=True)))
    assert type(error) is kind
    assert (error.text, error.option, error.cure) == ("too large", "engine", {"engine": "fft", "slicewise": True})
    assert str(error) == "too large (set engine='fft' or slicewise=True)"
