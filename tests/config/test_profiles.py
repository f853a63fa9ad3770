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


QWEN_CODE = "https://huggingface.co/Qwen/Qwen3-VL-Embedding-2B/blob/main/scripts/qwen3_vl_embedding.py"
GEMMA_CARD = "https://huggingface.co/google/embeddinggemma-2"
NEOMME_BLOG = "https://huggingface.co/blog/Hcompany/neomme"
MTEB = "https://github.com/embeddings-benchmark/mteb/blob/main/mteb/models/model_implementations"
QWEN_INSTRUCTION = "Retrieve images or text relevant to the user's query."
QWEN_EMBEDDERS = [
    ("query_prompt", QWEN_INSTRUCTION, QWEN_CODE),
    ("document_prompt", "Represent the user's input.", QWEN_CODE),
    ("pixels", 1_843_200, QWEN_CODE),  # 1,800 tokens of 32 x 32
    ("frames", 64, QWEN_CODE),
    ("hears", 0.0, QWEN_CODE),
]
AUTHORS: dict[str, list[tuple[str, object, str]]] = {
    "clip": [
        ("width", 512, "https://huggingface.co/openai/clip-vit-base-patch32/blob/main/config.json"),
        ("query_prompt", None, "https://huggingface.co/sentence-transformers/clip-ViT-B-32"),
    ],
    "omni": [
        ("query_prompt", "task: search result | query: ", GEMMA_CARD),
        ("document_prompt", "title: {title} | text: ", GEMMA_CARD),
        ("rate", 16_000, GEMMA_CARD),
        ("hears", 30.0, GEMMA_CARD),  # the card allows 327 s; this is what a vector of one stretch is worth
        ("width", 768, GEMMA_CARD),
        ("truncations", (512, 256, 128), GEMMA_CARD),
        ("pixels", 645_120, GEMMA_CARD),  # 280 tokens of 48 x 48
        ("frame_pixels", 322_560, GEMMA_CARD),  # 140 of them
        ("frames", 32, GEMMA_CARD),
        ("half", False, GEMMA_CARD),
        ("parameters", 744, GEMMA_CARD),
    ],
    "vision-2b": [
        *QWEN_EMBEDDERS,
        ("width", 2_048, f"{MTEB}/qwen3_vl_embedding_models.py"),
        ("parameters", 2_127, f"{MTEB}/qwen3_vl_embedding_models.py"),
        ("memory_mb", 4_255, f"{MTEB}/qwen3_vl_embedding_models.py"),
    ],
    "vision-8b": [
        *QWEN_EMBEDDERS,
        ("width", 4_096, f"{MTEB}/qwen3_vl_embedding_models.py"),
        ("parameters", 8_145, f"{MTEB}/qwen3_vl_embedding_models.py"),
        ("memory_mb", 16_290, f"{MTEB}/qwen3_vl_embedding_models.py"),
    ],
    "neomme": [("kind", "late", NEOMME_BLOG), ("side", 2_048, NEOMME_BLOG), ("parameters", 263, NEOMME_BLOG)],
    "lighton-0.8b": [
        ("prompt", None, "https://huggingface.co/lightonai/LightOn-rerank-PW-0.8B"),
        ("parameters", 853, f"{MTEB}/lighton_rerank_models.py"),
    ],
    "qwen3-vl-2b": [
        ("prompt", QWEN_INSTRUCTION, "https://github.com/QwenLM/Qwen3-VL-Embedding"),
        ("frames", 64, f"{MTEB}/qwen3_vl_reranker.py"),
        ("pixels", 1_310_720, f"{MTEB}/qwen3_vl_reranker.py"),  # 1,280 tokens of 32 x 32
        ("parameters", 2_127, f"{MTEB}/qwen3_vl_reranker.py"),
    ],
    "qwen3-vl-8b": [
        ("prompt", QWEN_INSTRUCTION, "https://github.com/QwenLM/Qwen3-VL-Embedding"),
        ("frames", 64, f"{MTEB}/qwen3_vl_reranker.py"),
        ("pixels", 1_310_720, f"{MTEB}/qwen3_vl_reranker.py"),
        ("parameters", 8_767, f"{MTEB}/qwen3_vl_reranker.py"),
        ("memory_mb", 17_534, f"{MTEB}/qwen3_vl_reranker.py"),
    ],
    "minilm": [("window", 512, "https://huggingface.co/cross-encoder/ms-marco-MiniLM-L6-v2/blob/main/config.json")],
    "ettin-32m": [("parameters", 32, f"{MTEB}/ettin_models.py"), ("prompt", None, f"{MTEB}/ettin_models.py")],
}
"""What their authors use or publish, as it stood at the source."""


@pytest.mark.parametrize("name", [*EMBEDDERS, *RERANKERS])
def test_a_record_says_what_its_authors_do(name: str) -> None:
    spec = {**EMBEDDERS, **RERANKERS}[name]
    assert AUTHORS[name]
    for field, value, source in AUTHORS[name]:
        assert getattr(spec, field) == value, f"{field}: see {source}"


@pytest.mark.parametrize("name", [*EMBEDDERS, *RERANKERS])
def test_the_sizes_of_a_record_fit_each_other(name: str) -> None:
    """Two bytes a parameter, but for what rounding takes; a batch that costs nothing was forgotten."""
    spec = {**EMBEDDERS, **RERANKERS}[name]
    assert spec.memory_mb == pytest.approx(2 * spec.parameters, rel=0.02)
    assert spec.token_kb > 0
    assert spec.weights_mb("float32") == 2 * spec.memory_mb == 2 * spec.weights_mb("bfloat16")


def test_reckoned_batches_follow_from_the_widths() -> None:
    """Two bytes of 4 widths and 3 inner ones of the texts, or of as many patches as a token of a picture has."""

    def kilobytes(width: int, inner: int, *, gated: bool = True, patches: int = 1) -> float:
        return 2 * patches * (4 * width + (3 if gated else 2) * inner) / 1_000

    texts = {"vision-2b": kilobytes(2_048, 6_144), "vision-8b": kilobytes(4_096, 12_288), "omni": kilobytes(512, 2_048)}
    pictures = {
        "vision-2b": kilobytes(1_024, 4_096, gated=False, patches=4),
        "vision-8b": kilobytes(1_152, 4_304, gated=False, patches=4),
        "omni": kilobytes(768, 3_072, gated=False, patches=9),
    }
    for name, most in {name: max(texts[name], pictures[name]) for name in texts}.items():
        assert EMBEDDERS[name].token_kb == pytest.approx(most, rel=0.01), name
