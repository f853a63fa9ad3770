import dataclasses
from typing import Any, Literal

import pytest

from mcp_mmretrieval.config.profiles import EMBEDDERS, PROFILES, RERANKERS, EmbedderSpec, RerankerSpec
from mcp_mmretrieval.config.resolve import DeviceMemory, choose_profile, tuned_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("kind", "total_mb", "bfloat16", "name"),
    [
        ("cpu", 256_000, True, "builtin"),
        ("cuda", 4_000, True, "builtin"),
        ("cuda", 8_500, True, "omni"),
        ("cuda", 12_800, True, "omni"),
        ("cuda", 16_500, True, "vision-2b"),
        ("cuda", 25_000, True, "vision-2b"),
        ("cuda", 50_000, True, "vision-8b"),
        ("cuda", 8_500, False, "builtin"),
        ("cuda", 15_800, False, "omni"),  # a T4, where vision-2b would take 17 GB of weights alone
        ("cuda", 34_000, False, "vision-2b"),
        ("cuda", 50_000, False, "vision-2b"),
        ("mps", 8_000, True, "builtin"),
        ("mps", 16_000, True, "omni"),
        ("mps", 16_000, False, "builtin"),
        ("mps", 128_000, True, "vision-8b"),
    ],
)
def test_auto_decides_by_the_whole_memory_of_the_gpu_and_by_what_it_computes_in(
    kind: Literal["cuda", "mps", "cpu"], total_mb: int, bfloat16: bool, name: str
) -> None:
    found, why = choose_profile(DeviceMemory(kind=kind, total_mb=total_mb, bfloat16=bfloat16))
    assert found == name
    assert why.startswith(f"auto chose {name}, because")
    assert PROFILES[found].needed_mb(bfloat16=bfloat16) <= total_mb


@pytest.mark.parametrize(
    ("name", "weights_mb", "old_weights_mb"),
    [("clip", 303, 303), ("omni", 2_014, 4_028), ("vision-2b", 8_510, 17_020), ("vision-8b", 33_824, 67_648)],
)
def test_a_profile_needs_its_weights_as_they_are_loaded_and_room_for_loading_them_and_for_a_batch(
    name: str, weights_mb: int, old_weights_mb: int
) -> None:
    """CLIP was tried in float16, which every card has; all others are loaded in float32 where bfloat16 is missing."""
    for bfloat16, weights in ((True, weights_mb), (False, old_weights_mb)):
        beside = PROFILES[name].needed_mb(bfloat16=bfloat16) - weights
        assert 0.25 * weights + 1_000 < beside < 0.25 * weights + 7_000


def test_auto_says_what_there_is_what_is_needed_and_what_is_given_up() -> None:
    _, small = choose_profile(DeviceMemory(kind="cuda", total_mb=4_000))
    assert small == "auto chose builtin, because the GPU has only 4.0 GB; omni needs 6.0 GB."
    _, middle = choose_profile(DeviceMemory(kind="cuda", total_mb=16_500))
    assert "the GPU has 16.5 GB and it needs 13.0 GB; vision-8b would need 44.8 GB" in middle
    assert "does not hear" in middle
    _, none = choose_profile(DeviceMemory(kind="cpu", total_mb=64_000))
    assert "there is no GPU" in none
    unused = choose_profile(DeviceMemory(kind="cpu", total_mb=64_000, lacks="torch is not installed. Run: this."))
    assert unused == ("builtin", "auto chose builtin, because torch is not installed. Run: this.")


def test_without_settings_a_record_stays_as_it_is() -> None:
    for spec in (*EMBEDDERS.values(), *RERANKERS.values()):
        assert tuned_spec(spec, Settings()) == spec


def test_settings_reach_every_limit_of_a_record() -> None:
    settings = Settings(
        dtype="float32",
        attention="eager",
        model_pixels=200_000,
        model_frames=8,
        vector_dims=256,
        model_kwargs={"device_map": "auto"},
        processor_kwargs={"use_fast": False},
    )
    spec = tuned_spec(EMBEDDERS["omni"], settings)
    assert (spec.cpu, spec.cuda) == ("float32", "float32")
    assert (spec.pixels, spec.frame_pixels, spec.frames, spec.dims) == (200_000, 200_000, 8, 256)
    assert spec.model_options == {"attn_implementation": "eager", "device_map": "auto"}
    assert spec.processor_options == {"use_fast": False}


def test_keyword_arguments_of_the_embedder_stay_away_from_the_reranker() -> None:
    settings = Settings(model_kwargs={"device_map": "auto"}, processor_kwargs={"use_fast": False}, vector_dims=256)
    assert tuned_spec(RERANKERS["minilm"], settings) == RERANKERS["minilm"]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("omni", {"vector_dims": 300}, "cannot be cut to 300 numbers.*one of: 768, 512, 256, 128; or to 0"),
        ("clip", {"vector_dims": 256}, "cannot be cut to 256 numbers.*one of: 512; or to 0"),
        ("omni", {"dtype": "float16"}, "float16 is not known to work.*MMRETRIEVAL_DTYPE"),
        ("omni", {"attention": "flash_attention_2"}, "cannot use FlashAttention 2.*MMRETRIEVAL_ATTENTION"),
    ],
)
def test_what_a_model_cannot_do_is_refused_with_what_would_do(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        tuned_spec(EMBEDDERS[name], Settings(**given))


def test_the_whole_length_is_no_truncation() -> None:
    assert tuned_spec(EMBEDDERS["omni"], Settings(vector_dims=768)) == EMBEDDERS["omni"]


def test_a_record_that_looks_at_films_frame_by_frame_goes_on_doing_so() -> None:
    assert tuned_spec(EMBEDDERS["clip"], Settings(model_frames=8)).frames == 0


def test_a_model_that_nobody_described_takes_what_it_is_given() -> None:
    spec = tuned_spec(EmbedderSpec(model="/models/mine"), Settings(vector_dims=100, model_frames=8))
    assert (spec.dims, spec.frames) == (100, 8)


def test_a_models_own_code_is_trusted_for_exactly_the_named_commit() -> None:
    spec = EmbedderSpec(model="owner/name", revision=COMMIT)
    assert tuned_spec(spec, Settings(trust_remote_code=f"owner/name@{COMMIT}")).own_code
    for other in ("", f"owner/other@{COMMIT}", f"owner/name@{COMMIT[::-1]}"):
        assert not tuned_spec(spec, Settings(trust_remote_code=other)).own_code
    reranker = RerankerSpec(model="owner/name", revision=COMMIT)
    assert tuned_spec(reranker, Settings(trust_remote_code=f"owner/name@{COMMIT}")).own_code
    assert not tuned_spec(reranker, Settings(trust_remote_code=f"owner/other@{COMMIT}")).own_code
    in_folder = dataclasses.replace(spec, model="/models/name", revision="")
    assert not tuned_spec(in_folder, Settings(trust_remote_code=f"owner/name@{COMMIT}")).own_code
