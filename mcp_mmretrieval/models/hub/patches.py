"""The patch embedding of vision towers as the product of two matrices, which it is: each patch is seen once.

Towers of Qwen's family cut a picture into patches beforehand, then give each of them to a convolution that covers it
whole. In bfloat16 some versions of cuDNN compute such a convolution 10 to 50,000 times slower than the product
(pytorch issue 174051, transformers issue 45750).
"""

from __future__ import annotations

import torch
from torch import nn


class PatchProduct(nn.Linear):
    """A convolution in three dimensions whose kernel is its stride. Takes over its weights."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__(1, 1, bias=False, device="meta")
        self.kernel = convolution.kernel_size
        self.in_features = convolution.weight[0].numel()
        self.out_features = convolution.out_channels
        self.weight = nn.Parameter(convolution.weight.detach().flatten(1), requires_grad=False)
        if convolution.bias is not None:
            self.bias = nn.Parameter(convolution.bias.detach(), requires_grad=False)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Of patches, shape (n, channels, *kernel): as the convolution, shape (n, out, 1, 1, 1); of others, too."""
        if tuple(patches.shape[2:]) == self.kernel:
            return super().forward(patches.flatten(1))[..., None, None, None]
        kernels = self.weight.view(self.out_features, -1, *self.kernel)
        return nn.functional.conv3d(patches, kernels, self.bias, stride=self.kernel)


def multiply_patches(model: nn.Module) -> int:
    """Have a model's convolutions over whole patches computed as products. How many there were."""
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Conv3d) and _covers_patches(child)
    ]
    for parent, name, convolution in found:
        setattr(parent, name, PatchProduct(convolution))
    return len(found)


def _covers_patches(convolution: nn.Conv3d) -> bool:
    plain = convolution.padding == (0, 0, 0) and convolution.dilation == (1, 1, 1) and convolution.groups == 1
    return plain and convolution.kernel_size == convolution.stride
