"""The memory that models take: told when there is none left, and given back when one has gone."""

from __future__ import annotations

import gc
import sys


def lacking(error: BaseException | None) -> bool:
    """Whether something failed for want of memory, of the machine or of its GPU."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
            return True
        error = error.__cause__ or error.__context__
    return False


def freed() -> None:
    """Give back what a model held that nobody refers to any more. What the engine froze is looked at, too."""
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    gc.collect()
    if frozen:
        gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
