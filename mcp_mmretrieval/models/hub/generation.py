"""For models that write what they see or hear, token by token."""

from __future__ import annotations

from typing import Any

import torch
from transformers import StoppingCriteria

from mcp_mmretrieval.concurrency.priority_lock import PriorityLock


class YieldBetweenTokens(StoppingCriteria):
    """Stops nothing: between two tokens, as a page takes seconds, those for whom somebody waits get the device."""

    def __init__(self, turns: PriorityLock) -> None:
        self._turns = turns

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Lets urgent threads pass. Returns False for each row, shape (rows,): no row ends here."""
        self._turns.yield_to_urgent()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def to_model_device(given: Any, model: Any) -> dict[str, Any]:
    """What a processor gave, on the model's device, and what is not whole numbers in its precision."""
    return {
        name: tensor.to(model.device, model.dtype if tensor.is_floating_point() else tensor.dtype)
        for name, tensor in given.items()
    }
