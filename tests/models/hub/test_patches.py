"""The patch embedding as a product of matrices: the same numbers as the convolution's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from mcp_mmretrieval.config.profiles import RerankerSpec
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.cross_encoder import CrossEncoderReranker
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.hub.patches import PatchProduct, multiply_patches
from tests.models.hub.test_qwen import DOCUMENT, spec
from tests.support.contents import picture, plain
from tests.support.tiny import qwen, rerankers

pytestmark = pytest.mark.filterwarnings(  # transformers opens a template of several and does not close it
    "ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
KERNEL = (2, 4, 4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "apart"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_patches_get_what_the_convolution_gives_them(bias: bool, dtype: torch.dtype, apart: float) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv3d(3, 8, KERNEL, stride=KERNEL, bias=bias).to(dtype)
    product = PatchProduct(convolution)
    with torch.inference_mode():
        for shape in ((7, 3, *KERNEL), (2, 3, 4, 8, 12)):  # whole patches, and films that are not cut yet
            given = torch.randn(shape).to(dtype)
            torch.testing.assert_close(product(given), convolution(given), atol=apart, rtol=apart)
    assert product.weight.data_ptr() == convolution.weight.data_ptr()  # no second copy


def test_only_convolutions_over_whole_patches_are_replaced() -> None:
    others = [
        nn.Conv3d(3, 4, KERNEL),
        nn.Conv3d(3, 4, KERNEL, stride=KERNEL, padding=1),
        nn.Conv3d(3, 6, KERNEL, stride=KERNEL, groups=3),
        nn.Conv2d(3, 4, 4, stride=4),
    ]
    model = nn.Sequential(nn.Sequential(nn.Conv3d(3, 4, KERNEL, stride=KERNEL)), *others)
    assert multiply_patches(model) == 1
    assert [type(layer) for layer in list(model)[1:]] == [type(layer) for layer in others]
    assert multiply_patches(model) == 0


def test_pictures_have_the_vectors_that_they_have_with_the_convolution(tmp_path: Path) -> None:
    folder = qwen.embedder(tmp_path / "tiny-qwen")
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    embedder = HubEmbedder(spec(folder), Device())
    assert [type(layer) for layer in embedder._model.modules() if isinstance(layer, nn.Conv3d | PatchProduct)] == [
        PatchProduct
    ]
    assert any(isinstance(layer, nn.Conv3d) for layer in model.modules())
    pictures = [picture(seed, 96, 128) for seed in range(3)]
    wanted = plain(model, [{"image": one} for one in pictures], prompt=DOCUMENT)
    np.testing.assert_allclose(embedder.embed_documents(pictures), wanted, atol=1e-5)


def test_a_reranker_of_the_same_family_has_none_of_the_convolutions_left(tmp_path: Path) -> None:
    folder = rerankers.published_qwen3_vl(tmp_path / "tiny")
    judge = CrossEncoderReranker(RerankerSpec(model=str(folder)), Device(), "float32")
    layers = [layer for layer in judge._model.modules() if isinstance(layer, nn.Conv3d | PatchProduct)]
    assert [type(layer) for layer in layers] == [PatchProduct]
