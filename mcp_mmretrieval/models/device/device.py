"""The device that models run on, and the order in which it is used: one of a name in a process, see `shared_device`.

Threads of callers take turns on it, a batch at a time, those first for whom somebody waits; there is no queue of work.
torch is imported for a GPU and for a model's precision alone (`accelerator`): the built-in text model does without it.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.concurrency.priority_lock import PriorityLock, current_stop
from mcp_mmretrieval.config.profiles import Dtype, ModelSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Cancelled, DeviceLost, ModelUnavailable, first_error_line
from mcp_mmretrieval.models.device import failures, memory
from mcp_mmretrieval.models.device.batches import PendingRows
from mcp_mmretrieval.models.device.cost import TokenBudget
from mcp_mmretrieval.models.device.failures import RowFailures

logger = logging.getLogger(__name__)

PreparedT = TypeVar("PreparedT")
BatchResultT = TypeVar("BatchResultT")

_TOKENS_CPU = 2_048
"""Tokens of a batch on a CPU, at first and at most: more gain nothing there. 0.45 s of MiniLM on two cores."""
_TOKENS = 8_192
"""Tokens of a batch on a GPU, at first."""
_MOST_TOKENS = 32_768
"""Tokens of a batch on a GPU, at most: it is busy by then, and what a batch needs beside the weights grows with it."""
_EVEN_CPU, _EVEN = 0.8, 0.5
"""Shortest to longest content of one batch. A GPU would rather pad than run many small batches."""
_SHORT = 1 / 8
"""Share of a batch's time while searches come in."""
_RESERVE = 1.25
"""Memory to weights: what the smallest batch needs beside them."""


class Device:
    """A CPU or a GPU with the models on it. Safe to call from several threads; they take turns, a batch at a time."""

    def __init__(self, name: str = "cpu", *, batch_s: float = 0.45, memory_share: float = 0.9) -> None:
        """`name`: as torch names it. `batch_s`, `memory_share`: as in the settings."""
        self.name = name
        self.kind = name.partition(":")[0]
        """`cpu`, `cuda` or `mps`."""
        self.turns = PriorityLock()
        """For whoever needs the device for something else than a batch."""
        self._guard = threading.Lock()
        self._costs: dict[str, TokenBudget] = {}
        self._lost = ""
        self._on_lost: Callable[[str], None] = lambda reason: None
        self.limit(batch_s, memory_share)

    def tell_loss_to(self, callback: Callable[[str], None]) -> None:
        """Have `callback` called with the reason, once, by the thread that loses the device.

        A method, since one device serves all pools of a process and outlives each: the last one told is the only one.
        """
        self._on_lost = callback

    @property
    def lost(self) -> str:
        """Why no model runs on it any more in this process; empty while they do."""
        return self._lost

    def limit(self, batch_s: float, memory_share: float) -> None:
        """Seconds of one batch, and the share of its memory that models and their batches may take, from now on."""
        self._batch_s = batch_s
        self._share = memory_share
        if self.kind == "cuda":
            from mcp_mmretrieval.models.device import accelerator

            accelerator.limit_memory(self.name, memory_share)

    def each(
        self, model: str, sizes: Sequence[float], run: Callable[[list[int]], BatchResultT], *, least: float = 0.0
    ) -> Iterator[tuple[list[int], BatchResultT]]:
        """Run contents of a call through a model in batches that fit, and give each batch's rows with what came of it.

        `model`: what a token costs is measured by this name, so a model whose pictures cost otherwise than its texts
        has two. `sizes`: what each content costs, in tokens as the model's transformer sees them. `run` gets the rows
        of one batch, while nobody else uses the device. A batch that does not fit into memory is halved; one that
        fails otherwise goes again row by row. `least`: tokens that a batch may have even where the device is slow,
        since so many take hardly longer than a few.

        Raises Unfit for rows that fail alone, once all others have run; but where nothing ran and all failed in one
        way, that failure, which is hardly the contents' own. What `run` raises as ModelUnavailable or Cancelled ends
        the call at once. Raises DeviceLost, and Cancelled as `PriorityLock` does.
        """
        rows, failed = PendingRows(sizes), RowFailures(model, self.name)
        # One turn is one batch, not one call: a search that comes in waits for the batch that runs, at most, and goes
        # before those that this call has left. The turn ends before the results are handed out, since what a caller
        # does between two of them must not hold up the device, nor keep it for ever where the caller stops iterating.
        # A batch that failed hands out nothing: its rows stand in `rows` again, halved by the smaller budget or each
        # alone, or in `failed`, once they are alone. So each round makes a batch smaller or a row done, and this ends.
        while rows:
            with self.turns:
                batch = self._take(model, rows, least)
                ran = self._ran(model, batch, rows, failed, partial(run, batch))
            if ran is not None:
                yield batch, ran[0]
        failed.tell()

    def each_prepared(
        self,
        model: str,
        sizes: Sequence[float],
        prepare: Callable[[list[int]], PreparedT],
        run: Callable[[PreparedT], BatchResultT],
    ) -> Iterator[tuple[list[int], BatchResultT]]:
        """As `each`, but `prepare` makes what `run` gets of the rows of a batch, before the turn.

        So one thread prepares while another one's batch runs, and only `run` counts as the model's time. A batch is
        chosen before it is prepared: where a search comes in meanwhile, it waits for one whole batch at most.
        """
        rows, failed = PendingRows(sizes), RowFailures(model, self.name)
        while rows:
            if current_stop() is None:
                foreground.yield_to_foreground()
            batch = self._take(model, rows)
            made = self._tried(model, batch, rows, failed, partial(prepare, batch))
            if made is None:
                continue
            with self.turns:
                ran = self._ran(model, batch, rows, failed, partial(run, made[0]))
            del made  # before the caller goes on: it is much memory
            if ran is not None:
                yield batch, ran[0]
        failed.tell()

    def forget(self, *models: str) -> None:
        """Let what was measured under these names not count: what a model is tried with while it is loaded."""
        with self.turns:
            for model in models:
                self._costs.pop(model, None)

    def dtype(self, spec: ModelSpec, settings: Settings) -> Dtype:
        """The precision that a model is loaded in. Raises ModelUnavailable for one asked for that it cannot have."""
        from mcp_mmretrieval.models.device import accelerator

        asked = settings.dtype
        if asked == "float16" and not spec.half and spec.cuda != "float16":
            raise ModelUnavailable(
                f"{spec.model}: not known to work in float16, in which some models give rubbish without an error. Set "
                "MMRETRIEVAL_DTYPE to auto, bfloat16 or float32."
            )
        if asked == "bfloat16" and not accelerator.has_bfloat16(self.name):
            raise ModelUnavailable(
                f"{self.name} does not compute in bfloat16. Set MMRETRIEVAL_DTYPE to auto or float32."
            )
        if asked != "auto":
            return asked
        if self.kind == "cpu":
            slow = spec.cpu != "float32" and not accelerator.has_amx()
            return "float32" if slow else spec.cpu
        return spec.dtype_on_gpu(bfloat16=accelerator.has_bfloat16(self.name))

    def attention(self, dtype: Dtype, settings: Settings) -> str | None:
        """How attention is computed, as transformers names it; None leaves it to the model.

        Raises ModelUnavailable for FlashAttention where that cannot run.
        """
        if settings.attention == "auto":
            return None
        needs = {
            "a CUDA device": self.kind == "cuda",
            "bfloat16 or float16": dtype != "float32",
            "the package flash-attn": importlib.util.find_spec("flash_attn") is not None,
        }
        lacks = [what for what, there in needs.items() if not there]
        if settings.attention == "flash_attention_2" and lacks:
            raise ModelUnavailable(
                f"FlashAttention needs {' and '.join(lacks)}. Set MMRETRIEVAL_ATTENTION to auto or sdpa."
            )
        return settings.attention

    def memory(self) -> tuple[int, int]:
        """Bytes of its memory that are free, and all of them. What torch keeps in reserve is free."""
        if self.kind == "cpu":
            return memory.machine_memory()
        from mcp_mmretrieval.models.device import accelerator

        return accelerator.accelerator_memory(self.name)

    def admit(self, model: str, weights: int) -> None:
        """Before a model is loaded whose weights take so many bytes. Raises ModelUnavailable where they do not fit."""
        free, total = self.memory()
        room = max(0.0, free - (1.0 - self._share) * total)
        if (needed := _RESERVE * weights) <= room:
            return
        elsewhere = "" if self.kind == "cpu" else "MMRETRIEVAL_DEVICE to cpu, "
        raise ModelUnavailable(
            f"{model}: needs {_gigabytes(needed)} on {self.name}, where models may still take {_gigabytes(room)}: "
            f"{_gigabytes(free)} of {_gigabytes(total)} are free. End what else uses the memory, or set "
            f"{elsewhere}MMRETRIEVAL_PROFILE to a smaller model, or MMRETRIEVAL_MEMORY_SHARE above {self._share:g}."
        )

    def _take(self, model: str, rows: PendingRows, least: float = 0.0) -> list[int]:
        """The next batch: by what its model has cost, and short while searches come in. Raises DeviceLost."""
        if self._lost:
            raise DeviceLost(self._lost)
        seconds = self._batch_s * (_SHORT if foreground.foreground_is_busy() else 1.0)
        return rows.take(self._cost(model).budget(seconds, least), _EVEN_CPU if self.kind == "cpu" else _EVEN)

    def _ran(
        self, model: str, batch: list[int], rows: PendingRows, failed: RowFailures, run: Callable[[], BatchResultT]
    ) -> tuple[BatchResultT] | None:
        """What came of a batch, whose time is learnt; as `_tried`. By the thread whose turn it is."""
        if self._lost:
            raise DeviceLost(self._lost)
        began = time.perf_counter()
        found = self._tried(model, batch, rows, failed, run)
        if found is not None:
            self._cost(model).took(rows.tokens(batch), time.perf_counter() - began)
            failed.all = False
        return found

    def _tried(
        self, model: str, batch: list[int], rows: PendingRows, failed: RowFailures, work: Callable[[], BatchResultT]
    ) -> tuple[BatchResultT] | None:
        """What `work` made of a batch; None where it failed. Its rows then wait again, or have failed."""
        try:
            return (work(),)
        except (Cancelled, ModelUnavailable):
            raise
        except Exception as error:  # whatever a model trips over
            if failures.is_device_lost(error):
                self._lost = f"{self.name} was lost: {first_error_line(error)}. Ask again in a few seconds."
                self._on_lost(f"{self.name} was lost: {first_error_line(error)}.")
                raise DeviceLost(self._lost) from error
            full = failures.is_out_of_memory(error)
            if len(batch) > 1:
                rows.again(batch, alone=not full)
            else:
                failed.add(batch[0], error)
        if full:
            if len(batch) > 1:
                tokens = rows.tokens(batch)
                self._cost(model).too_much(tokens)
                logger.warning("%s: %d tokens do not fit on %s: half of it from now on", model, tokens, self.name)
            if self.kind != "cpu":
                from mcp_mmretrieval.models.device import accelerator

                accelerator.free_reserve(self.name)  # not before: the error held on to what the batch had taken
        return None

    def _cost(self, model: str) -> TokenBudget:
        """What a model costs here, as far as it is known."""
        with self._guard:
            if model not in self._costs:
                first, most = (_TOKENS_CPU, _TOKENS_CPU) if self.kind == "cpu" else (_TOKENS, _MOST_TOKENS)
                self._costs[model] = TokenBudget(rate=first / self._batch_s, most=most)
            return self._costs[model]


def shared_device(settings: Settings, name: str = "") -> Device:
    """The one device of its name in this process, with the settings' limits. `name`: the settings' own when empty.

    Raises ModelUnavailable for one that is not there.
    """
    if not name:
        from mcp_mmretrieval.models.device import accelerator

        name = accelerator.resolve_device_name(settings.device)
    with _guard:
        if name not in _devices:
            _devices[name] = Device(name, batch_s=settings.batch_s, memory_share=settings.memory_share)
        else:
            _devices[name].limit(settings.batch_s, settings.memory_share)
        return _devices[name]


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


_devices: dict[str, Device] = {}
_guard = threading.Lock()
