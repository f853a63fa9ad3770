import re
from pathlib import Path

import pytest

from mcp_mmretrieval.config.profiles import EMBEDDERS, PROFILES, RERANKERS, model_of, profile_of, reranker_of
from mcp_mmretrieval.errors import BadArgument

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_name_is_a_profile() -> None:
    assert profile_of("builtin").embedder is None
    assert profile_of(" clip ") is PROFILES["clip"]


@pytest.mark.parametrize("name", [*EMBEDDERS, *RERANKERS])
def test_every_record_is_pinned_and_says_what_a_person_chooses_by(name: str) -> None:
    spec = {**EMBEDDERS, **RERANKERS}[name]
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", spec.model)
    assert re.fullmatch(r"[0-9a-f]{40}", spec.revision)
    assert spec.described
    assert spec.good_for.endswith(".")
    assert spec.memory_mb > spec.parameters > 0
    assert spec.pixels >= spec.frame_pixels
    assert not spec.own_code
    assert all(score.source.startswith("https://") for score in spec.published)


@pytest.mark.parametrize("name", EMBEDDERS)
def test_an_embedders_record_knows_its_vectors(name: str) -> None:
    spec = EMBEDDERS[name]
    assert spec.width > 0
    assert spec.dims == 0
    assert list(spec.truncations) == sorted(spec.truncations, reverse=True)
    assert all(length < spec.width for length in spec.truncations)
    assert bool(spec.rate) == bool(spec.hears)


def test_a_profile_has_the_name_it_is_found_by_and_takes_its_records() -> None:
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.embedder in (None, *EMBEDDERS.values())
        assert profile.reranker in (None, *RERANKERS.values())


def test_embeddinggemma_is_never_loaded_in_float16() -> None:
    spec = EMBEDDERS["omni"]
    assert not spec.half
    assert {spec.cpu, spec.cuda} == {"float32", "bfloat16"}


def test_the_reranker_is_the_profiles_own_none_or_one_by_name() -> None:
    omni = PROFILES["omni"]
    assert reranker_of("profile", omni) is RERANKERS["neomme"]
    assert reranker_of("profile", PROFILES["builtin"]) is None
    assert reranker_of("off", omni) is None
    assert reranker_of(" minilm ", omni) is RERANKERS["minilm"]


def test_a_reranker_of_ones_own_is_named_as_a_profile_is() -> None:
    spec = reranker_of(f"owner/name@{COMMIT}", PROFILES["builtin"])
    assert spec is not None
    assert spec.named == f"owner/name@{COMMIT}"
    with pytest.raises(BadArgument, match=r"minilmm: no such reranker. Did you mean minilm\? Set MMRETRIEVAL_RERANKER"):
        reranker_of("minilmm", PROFILES["builtin"])


def test_what_reads_pictures_and_speech_is_built_in_off_or_a_model() -> None:
    assert model_of("builtin", "ocr") is None
    assert model_of("off", "speech") is None
    spec = model_of("/models/whisper", "speech")
    assert spec is not None
    assert spec.in_folder
    with pytest.raises(BadArgument, match=r"tesseract: no such model. Set MMRETRIEVAL_OCR to one of: builtin, off"):
        model_of("tesseract", "ocr")
    with pytest.raises(BadArgument, match="set MMRETRIEVAL_SPEECH to openai/whisper-base@COMMIT"):
        model_of("openai/whisper-base", "speech")


def test_auto_is_not_a_profile_until_it_is_decided() -> None:
    with pytest.raises(BadArgument, match="auto: is decided when a library is made"):
        profile_of("auto")


def test_an_absolute_path_is_a_model_of_ones_own(tmp_path: Path) -> None:
    spec = profile_of(str(tmp_path)).embedder
    assert spec is not None
    assert (spec.model, spec.revision, spec.in_folder) == (str(tmp_path), "", True)
    home = profile_of("~/models/mine").embedder
    assert home is not None
    assert home.model == str(Path.home() / "models" / "mine")


def test_a_commit_on_the_hub_is_a_model_of_ones_own() -> None:
    spec = profile_of(f"owner/some.name-2@{COMMIT}").embedder
    assert spec is not None
    assert (spec.model, spec.revision, spec.in_folder) == ("owner/some.name-2", COMMIT, False)


@pytest.mark.parametrize("setting", ["owner/name", "owner/name@", "owner/name@main", f"owner/name@{COMMIT[:12]}"])
def test_a_hub_model_that_is_not_pinned_is_refused(setting: str) -> None:
    with pytest.raises(BadArgument, match=r"needs its commit.*owner/name/commits/main.*owner/name@COMMIT"):
        profile_of(setting)


@pytest.mark.parametrize(("setting", "meant"), [("clipp", "clip"), ("Builtin", "builtin"), ("buildin", "builtin")])
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(setting: str, meant: str) -> None:
    with pytest.raises(BadArgument, match=f"{setting}: no such profile. Did you mean {meant}"):
        profile_of(setting)


@pytest.mark.parametrize("setting", ["", "crystal-ball", "./model", "a/b/c", "https://huggingface.co/a/b", "é/b@x"])
def test_anything_else_is_refused_with_what_would_do(setting: str) -> None:
    with pytest.raises(BadArgument, match=r"one of: builtin, clip.*absolute path.*owner/name@commit"):
        profile_of(setting)


def test_a_folder_of_a_user_who_is_not_there_is_refused() -> None:
    with pytest.raises(BadArgument, match="absolute path"):
        profile_of("~nobody-of-this-name/model")
