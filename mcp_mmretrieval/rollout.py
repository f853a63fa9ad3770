"""Which embedder answers, and which is wanted: the wanted one's space is built beside the one that serves, and then
takes its place. Vectors of two spaces are never in one answer.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from mcp_mmretrieval.answers import ProfileInfo
from mcp_mmretrieval.config.profiles import AUTO_PROFILE, profile_of
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import LibraryUnavailable, ModelUnavailable
from mcp_mmretrieval.models import Embedder, ModelState, RolloutModels, recipe
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.headed_text import space_identity, without_headings
from mcp_mmretrieval.store import Catalog, Space
from mcp_mmretrieval.store.spaces import canonical_identity
from mcp_mmretrieval.types import Identity

logger = logging.getLogger(__name__)

RETRY_LOADING_SECONDS = 30.0
"""Seconds until a wanted model that could not be loaded is tried again, while another one serves."""

REASON_GIVEN = "given by --profile or MMRETRIEVAL_PROFILE"
REASON_DEFAULT = "the default"
REASON_COMMANDED = "chosen by command"


@dataclass(frozen=True, slots=True)
class EmbeddingTarget:
    """A space that documents are to have vectors in, and what makes them."""

    embedder: Embedder
    space: int


class AnsweringSpace:
    """What answers one question of meaning from its beginning to its end: an embedder, and the space of its vectors."""

    def __init__(self, models: RolloutModels, space: Space | None) -> None:
        self._models = models
        self._space = space
        self._maker = space.made_by if space else models.maker

    @property
    def space(self) -> int | None:
        """None while no document has vectors."""
        return self._space.id if self._space else None

    @property
    def state(self) -> ModelState:
        """Whether the embedder is loaded."""
        return self._models.embedders.state_of(self._maker)

    @property
    def message(self) -> str:
        """What a person should know of the models that answer."""
        return self._models.message_of(self._maker)

    @property
    def measured(self) -> bool:
        """Whether the vectors are the built-in models', with which the scales of ranking were measured."""
        return self._models.measured if self._maker == self._models.maker else self._maker == recipe.BUILTIN_RECIPE

    def embedder(self, timeout: float | None = None) -> Embedder:
        """Raises ModelUnavailable: not loaded in time, or not at all, or it makes other vectors than those held."""
        embedder = self._models.embedders.made(self._maker, timeout)
        if self._space and not _answers_in(self._space, embedder):
            raise ModelUnavailable("The library's vectors are another model's, and are being made anew.")
        return embedder


class Rollout:
    """Decides for one library, by what it holds and by what is wanted. Thread-safe; `targets` is one thread's."""

    def __init__(
        self, catalog: Catalog, models: RolloutModels, settings: Settings, on_change: Callable[[], None] = lambda: None
    ) -> None:
        """`on_change` is called when `targets` may answer otherwise than before, by any thread."""
        self._catalog = catalog
        self._models = models
        self._half = settings.vector_dtype == "float16"
        named = "profile" in settings.model_fields_set
        self._given = settings.profile if named and settings.profile != AUTO_PROFILE else ""
        """What was asked for outright, which goes before what the library keeps to."""
        self._on_change = on_change
        self.problem = ""
        """Why the wanted model does not serve, and what to do."""
        self._guard = threading.Lock()
        self._using: Counter[int] = Counter()
        """Searches that go on, by the space that they look in."""
        self._loading = ""
        """The maker that is being loaded beside the one that serves."""
        self._not_before = 0.0
        self._alone: set[str] = set()
        """Makers for which the one that serves had to make room."""
        self._keep()

    # -- what is wanted -------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Want what was asked for outright, or what the library keeps to: for a new one, what it begins with."""
        kept = self._catalog.chosen()
        if kept is None:
            profile, reason = self._models.profile, REASON_GIVEN if self._given else REASON_DEFAULT
            if profile == AUTO_PROFILE:
                profile, reason = self._models.auto()
            try:
                self._catalog.choose(profile, reason)
            except LibraryUnavailable as error:  # a full disk keeps nobody from searching
                logger.warning("the profile is not recorded: %s", error)
        else:
            profile = self._given or kept.profile
        if profile != self._models.profile:
            self._models.want(profile)

    def choose(self, profile: str) -> None:
        """Keep to another profile from now on. Raises BadArgument for an unknown one, LibraryUnavailable.

        `auto` is decided again.
        """
        name, reason = (
            self._models.auto() if profile == AUTO_PROFILE else (self._models.known(profile), REASON_COMMANDED)
        )
        self._catalog.choose(name, reason)
        if not self._given:
            self._models.want(name)
            self._not_before = 0.0
            self._on_change()

    def told(self) -> ProfileInfo:
        """What is kept to, wanted and serving, for a person."""
        kept = self._catalog.chosen()
        return ProfileInfo(
            kept=kept.profile if kept else "",
            kept_because=kept.reason if kept else "",
            wanted=self._models.profile,
            wanted_because=REASON_GIVEN if self._given else "the library keeps to it",
            spaces=self.lines(),
            problem=self.problem,
        )

    def lines(self) -> dict[str, str]:
        """Each space, by what it is good for: one line for a person."""
        found: dict[str, str] = {}
        for space in self._catalog.spaces():
            if space.retired:
                continue
            wanted = space.made_by == self._models.maker
            what = "serving" if space.active else "building" if wanted else "kept"
            volume = self._catalog.volume(space.id)
            sizes = [f"{1000 * each / 1e6:.2f} MB per 1,000 {kind} vectors" for kind, each in volume.each.items()]
            done = f"{volume.embedded} of {volume.documents} documents"
            line = "; ".join([f"{_name(space)}: {done}", *sizes])
            found[what] = f"{found[what]} | {line}" if what in found else line
        return found

    # -- what answers ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load in the background what answers."""
        active = self._catalog.active_space()
        if active is None or active.made_by == self._models.maker:
            self._models.start()
        else:
            self._models.embedders.begin(active.made_by, self._on_change)

    @contextmanager
    def answering(self) -> Iterator[AnsweringSpace]:
        """For one search, from its beginning to its end: until then what it looks in is not dropped."""
        with self._guard:
            active = self._catalog.active_space()
            if active:
                self._using[active.id] += 1
        try:
            yield AnsweringSpace(self._models, active)
        finally:
            if active:
                with self._guard:
                    self._using[active.id] -= 1
                    last = not self._using[active.id]
                    if last:
                        del self._using[active.id]
                if last and not self._serves(active.id):
                    self._on_change()

    @property
    def state(self) -> ModelState:
        """Whether questions of meaning can be answered."""
        return self._now().state

    @property
    def message(self) -> str:
        """What a person should know of the models that answer."""
        return self._now().message

    def embedder(self, timeout: float | None = None) -> Embedder:
        """The one that answers, for what is compared with nothing that is held. Raises ModelUnavailable."""
        return self._now().embedder(timeout)

    def _now(self) -> AnsweringSpace:
        return AnsweringSpace(self._models, self._catalog.active_space())

    def _serves(self, space: int) -> bool:
        active = self._catalog.active_space()
        return active is not None and active.id == space

    # -- what is built, in the thread that embeds -------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether the wanted model is being loaded beside the one that serves; `on_change` is called when it is."""
        return bool(self._loading)

    def targets(self, failed: Mapping[int, Collection[str]] = MappingProxyType({})) -> list[EmbeddingTarget]:
        """The spaces that each document should stand in, the one that serves first.

        New documents get vectors in it too while another one is built, so that they are found by meaning at once.
        `failed`: documents, by space, that its model cannot take in. Raises ModelUnavailable where none can be loaded.

        The catalog says which space serves ("old") and what stands in each, so that a process that was killed goes on
        where it was; what loads and what failed is known to this process alone, and tried anew. A call takes one step:

            no old, or old's model cannot be asked any more -> wanted serves at once, and words answer until it is full
            (`_foremost`)                                      wanted does not load: the spare model serves instead
            old's space is the wanted one's                 -> [old]
            wanted is not loaded                            -> [old]; it loads in the background, and `on_change` calls
            (`_beside`)                                        again; after a failure in RETRY_LOADING_SECONDS
            wanted failed because both do not fit in memory -> once: let go of old, load wanted alone, which then serves
            (`_cramped`, `_made_room`)                         with what it has; where that fails too, [old] again
            wanted is loaded, and lacks documents           -> [old, wanted]
            wanted is loaded, and has all that old has      -> [wanted]; old is retired, and `tidy` drops it once no
                                                               search that began with it is left
        """
        self.tidy()
        wanted, active = self._models.maker, self._catalog.active_space()
        if active and self._cramped(wanted, active):
            active = self._made_room(wanted, active)
        old = self._of(active, wanted) if active else None
        if active is None or old is None:
            return [self._foremost(wanted)]
        new = old if active.made_by == wanted else self._beside(wanted, active)
        if new is None:
            return [EmbeddingTarget(old, active.id)]
        self.problem, self._loading = "", ""
        if canonical_identity(space_identity(new), half=self._half) == active.identity:
            return [EmbeddingTarget(new, self._space(new, wanted))]
        space = self._space(new, wanted)
        if self._catalog.embedded(space) + len(failed.get(space, ())) < self._catalog.embedded(active.id):
            return [EmbeddingTarget(old, active.id), EmbeddingTarget(new, space)]
        self._catalog.activate(space, retire=True)
        logger.info("%s serves from now on", self._models.profile)
        return [EmbeddingTarget(new, space)]

    def tidy(self) -> None:
        """Drop what was replaced, once nobody looks in it any more, and let go of models that are not needed now."""
        active = self._catalog.active_space()
        self._models.embedders.keep({self._models.maker, active.made_by if active else ""})
        for space in self._catalog.spaces():
            with self._guard:
                used = self._using[space.id] > 0
            if space.retired and not used:
                self._catalog.drop_space(space.id)

    def _of(self, active: Space, wanted: str) -> Embedder | None:
        """The embedder of the space that serves; None where it cannot be loaded, or makes other vectors by now."""
        try:
            embedder = self._models.embedders.made(active.made_by)
        except ModelUnavailable as error:
            logger.warning("the space that serves cannot be asked any more: %s", error)
            return None
        return embedder if _answers_in(active, embedder) else None

    def _foremost(self, wanted: str) -> EmbeddingTarget:
        """What serves from now on with what it has: the wanted model, or the spare one where that cannot be loaded."""
        maker, self._loading = wanted, ""
        try:
            embedder = self._models.embedders.made(wanted)
            self.problem = ""
        except ModelUnavailable as error:
            maker = self._models.spare
            if maker in ("", wanted):
                raise
            embedder = self._models.embedders.made(maker)
            self._failed(error, recipe.profile_in_recipe(maker))
        space = self._space(embedder, maker, active=True)
        if maker == wanted:  # what served before cannot be asked any more, and is not wanted
            self._catalog.activate(space, retire=True)
        return EmbeddingTarget(embedder, space)

    def _beside(self, wanted: str, active: Space) -> Embedder | None:
        """The wanted embedder; None while it is not there: it is loaded in the background, and tried again at times."""
        if self._models.embedders.loaded(wanted):
            return self._models.embedders.made(wanted)
        failure = self._models.embedders.failure(wanted)
        if failure is not None and self._loading == wanted:
            self._loading = ""
            self._failed(failure, _name(active))
        if self._loading != wanted and time.monotonic() >= self._not_before:
            self._loading = wanted
            self._models.embedders.begin(wanted, self._on_change)
        return None

    def _cramped(self, wanted: str, active: Space) -> bool:
        """Whether the wanted model failed for want of memory beside the one that serves."""
        return (
            active.made_by != wanted
            and wanted not in self._alone
            and memory.is_memory_shortage(self._models.embedders.failure(wanted))
        )

    def _made_room(self, wanted: str, active: Space) -> Space:
        """What serves once the wanted model was tried, one time, without the other in memory.

        Where that helps, words and what the wanted model has made so far answer.
        """
        self._alone.add(wanted)
        self._models.embedders.release(active.made_by)
        try:
            embedder = self._models.embedders.made(wanted)
        except ModelUnavailable as error:
            self._failed(error, _name(active))
            return active
        self._space(embedder, wanted, active=True)
        return self._catalog.active_space() or active

    def _space(self, embedder: Embedder, maker: str, *, active: bool = False) -> int:
        """The embedder's space, made where it is new; `active`: it serves from now on."""
        name = canonical_identity(space_identity(embedder), half=self._half)
        for space in self._catalog.spaces():
            if (space.identity, space.made_by, space.retired) == (name, maker, False) and (space.active or not active):
                return space.id
        dim = embedder.dims.get("text", 0)
        return self._catalog.space(space_identity(embedder), dim=dim, half=self._half, made_by=maker, active=active)

    def _failed(self, error: BaseException, instead: str) -> None:
        """Say why the wanted model does not serve, what does, and what to do."""
        self._not_before = time.monotonic() + RETRY_LOADING_SECONDS
        reason = str(error).rstrip()
        told = f"{self._models.profile} does not serve, and {instead} answers meanwhile: {reason}"
        if "mcp-mmretrieval download" not in reason and self._fetchable():
            told += f" Run: mcp-mmretrieval download {self._models.profile}."
        self.problem = told

    def _fetchable(self) -> bool:
        try:
            spec = profile_of(self._models.profile).embedder
        except Exception:  # noqa: BLE001 - whatever it is, there is nothing to fetch
            return False
        return spec is not None and not spec.in_folder


def _name(space: Space) -> str:
    return recipe.profile_in_recipe(space.made_by)


def _answers_in(space: Space, embedder: Embedder) -> bool:
    """Whether an embedder's queries can be compared with what stands in a space."""
    asked: Identity = json.loads(canonical_identity(embedder.identity, half=space.half))
    return without_headings(json.loads(space.identity)) == asked
