"""One proof from beginning to end: the files' facts, what the models find, and the authors' own call beside them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.bench import flops, footprint
from mcp_mmretrieval.bench.proof import comparing, facts
from mcp_mmretrieval.bench.proof.comparing import Agreement, MadeHere, ProofModel
from mcp_mmretrieval.bench.proof.facts import Fact
from mcp_mmretrieval.bench.proof.items import LANE_OF_KIND, ProofItem, ProofKind, proof_items, proof_questions
from mcp_mmretrieval.bench.proof.proof import Proof
from mcp_mmretrieval.bench.proof.published import PUBLISHED_FACTS, PublishedFacts
from mcp_mmretrieval.bench.proof.ranking import PairFigure, pair_figure, rank_of
from mcp_mmretrieval.bench.running import BenchRun, hub_device_name
from mcp_mmretrieval.config.profiles import PROFILES, Profile, model_display_name
from mcp_mmretrieval.config.resolve import ModelSpecT
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import RetrievalError, first_error_line
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.download import snapshots
from mcp_mmretrieval.models.hub_packages import missing_hub_packages
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL, MINILM_WHEEL
from mcp_mmretrieval.types import Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder, Reranker
    from mcp_mmretrieval.types import Content, VectorKind

_COMPARED_QUESTIONS = 3
"""Of each kind, whose scores are compared with those of the authors' reranker."""


def prove(
    profile: Profile,
    settings: Settings,
    folders: Mapping[str, Path],
    published: Mapping[str, PublishedFacts] = PUBLISHED_FACTS,
    on_step: Callable[[str], object] = id,
) -> Proof:
    """Compare all that can be compared. What goes wrong is part of the proof.

    `folders`: where the `embedder` or the `reranker` lies, instead of in the Hub's cache. `published`: what authors
    say, by repository. `on_step` is called before each step.
    """
    proof = Proof(profile=profile.name if profile.name in PROFILES else "a model of one's own")
    placed = replace(
        profile,
        embedder=_placed(profile.embedder, folders.get("embedder")),
        reranker=_placed(profile.reranker, folders.get("reranker")),
    )
    models = {
        role: ProofModel(
            model_display_name(record) if record.described else f"the {role}",
            there,
            published.get(record.model, PublishedFacts()),
        )
        for role, record, there in (
            ("embedder", profile.embedder, placed.embedder),
            ("reranker", profile.reranker, placed.reranker),
        )
        if record is not None and there is not None
    }
    on_step("Comparing the files")
    found = _compare_files(models, proof)
    if len(found) == len(models):
        things = proof_items()
        made = _ask(placed, settings, things, proof, on_step)
        memory.release_memory()
        if made is not None:
            on_step("Calling the models as their authors do")
            _compare_with_authors(models, found, settings, things, made, proof)
    return proof


def _placed(spec: ModelSpecT | None, folder: Path | None) -> ModelSpecT | None:
    return spec if spec is None or folder is None else replace(spec, model=str(folder), revision="")


def _compare_files(models: Mapping[str, ProofModel], proof: Proof) -> dict[str, Path]:
    """The folders of the models that are there."""
    found = {}
    for role, model in models.items():
        try:
            found[role], _ = snapshots.locate_model(model.spec)
        except RetrievalError as error:
            proof.problems.append((model.name, str(error)))
            continue
        proof.facts += facts.model_facts(model.name, model.spec, model.published, found[role])
    if "embedder" not in models:
        for wheel in (MINILM_WHEEL, EFFICIENTNET_WHEEL):
            try:
                proof.facts += facts.wheel_facts(wheel)
            except (RetrievalError, OSError) as error:
                proof.problems.append((wheel.distribution, str(error)))
    return found


# -- what the models find ---------------------------------------------------------------------------------------------


def _ask(
    profile: Profile, settings: Settings, things: Sequence[ProofItem], proof: Proof, on_step: Callable[[str], object]
) -> MadeHere | None:
    """None where the models do not load, or fail meanwhile."""
    device = hub_device_name(settings) if profile.models else "cpu"
    footprint.reset_peak_memory()
    flops.reset_peak_gpu_memory(device)
    try:
        on_step("Loading the models")
        run = BenchRun(settings, profile, ModelPool(settings))
        proof.loading_s, proof.machine = run.loading_s, run.machine()
        embedder, reranker = run.subjects.embedder, run.subjects.reranker
        proof.identity = {name: said for name, said in embedder.identity.items() if name != "model"}
        proof.reranker = reranker.name if reranker is not None and not _is_own(profile) else ""
        made = MadeHere(dtype=str(embedder.identity["dtype"]))
        on_step("Embedding the things to be found")
        able = [thing for thing in things if _takes(embedder, thing.kind)]
        _embed(embedder, able, made, proof)
        on_step("Asking")
        proof.found += _search(embedder, able, made, proof)
        if reranker is not None and reranker.by_default:
            on_step("Reranking")
            proof.found += _rerank(reranker, things, made)
    except RetrievalError as error:
        proof.problems.append(("the models", str(error)))
        return None
    finally:
        proof.memory_mb = footprint.peak_memory_bytes() / 1e6
        proof.gpu_mb = flops.peak_gpu_bytes(device) / 1e6
    return made


def _is_own(profile: Profile) -> bool:
    """Whether its reranker has no record, so that its name is that of a folder."""
    return profile.reranker is not None and not profile.reranker.described


def _takes(embedder: Embedder, kind: ProofKind) -> bool:
    if kind == "sound":
        return embedder.hears > 0
    return kind == "text" or ("documents" if kind in ("page", "chart") else "photos") in embedder.sees


def _embed(embedder: Embedder, things: Sequence[ProofItem], made: MadeHere, proof: Proof) -> None:
    for kind, some in groupby(things, key=lambda thing: thing.kind):
        alike = list(some)
        embedder.embed_documents([alike[0].content])  # a first pass takes up to ten times as long as the next
        began = time.perf_counter()
        rows = embedder.embed_documents([thing.content for thing in alike])
        proof.items_per_second[kind] = len(alike) / (time.perf_counter() - began)
        made.vectors |= {thing.name: row for thing, row in zip(alike, rows, strict=True)}
        made.whole |= {thing.name for thing in alike if _in_one_piece(embedder, thing.content)}


def _in_one_piece(embedder: Embedder, content: Content) -> bool:
    """Whether a vector is that of one input: of several it is their mean, which no plain call makes."""
    if isinstance(content, Sound):
        return len(content.samples) <= embedder.hears * content.rate
    if isinstance(content, Film):
        return len(content.pictures) <= embedder.films
    return not isinstance(content, str) or len(embedder.windows(content)) == 1


def _search(embedder: Embedder, things: Sequence[ProofItem], made: MadeHere, proof: Proof) -> Iterator[PairFigure]:
    by_name = {thing.name: thing for thing in things}
    ranks: dict[tuple[str, int], list[int]] = defaultdict(list)
    took = 0.0
    questions = [one for one in proof_questions() if one.answer in by_name and _takes(embedder, one.kind)]
    for question in questions:
        began = time.perf_counter()
        asked = embedder.embed_query(question.asked)
        took += time.perf_counter() - began
        if isinstance(question.asked, str):
            made.asked[question.asked] = asked["text"][0]
        right = by_name[question.answer]
        lane: VectorKind = LANE_OF_KIND[right.kind]
        beside = [thing for thing in things if LANE_OF_KIND[thing.kind] == lane]
        scores = [float(made.vectors[thing.name] @ asked[lane][0]) for thing in beside]
        ranks[f"{question.kind} → {right.kind}", len(beside)].append(rank_of(beside.index(right), scores))
    proof.items_per_second["question"] = len(questions) / took
    yield from (pair_figure(pair, found, candidates) for (pair, candidates), found in ranks.items())


def _rerank(reranker: Reranker, things: Sequence[ProofItem], made: MadeHere) -> Iterator[PairFigure]:
    """Each question in words beside all things of the kind that answers it, if that is reordered unasked."""
    for kind in ("text", "page"):
        beside = [thing for thing in things if thing.kind == kind]
        if kind not in reranker.by_default or not reranker.reads(beside[0].content):
            continue  # of texts alone, it looks at the words of pages, of which these have none
        names = [thing.name for thing in beside]
        ranks: list[int] = []
        for question in proof_questions():
            if question.answer in names and isinstance(question.asked, str):
                found = reranker.score(question.asked, [thing.content for thing in beside])
                scores = [-1.0 if score is None else score for score in found]
                ranks.append(rank_of(names.index(question.answer), scores))
                if len(ranks) <= _COMPARED_QUESTIONS:
                    made.scores.append((question.asked, beside, scores))
        yield pair_figure(f"text → {kind}, reranked", ranks, len(beside))


# -- beside the authors' call -----------------------------------------------------------------------------------------


def _compare_with_authors(
    models: Mapping[str, ProofModel],
    folders: Mapping[str, Path],
    settings: Settings,
    things: Sequence[ProofItem],
    made: MadeHere,
    proof: Proof,
) -> None:
    if missing_hub_packages():
        return  # so far only the built-in models come, whose weights were compared
    steps: dict[str, Iterator[Fact | Agreement]] = {}
    if embedder := models.get("embedder"):
        steps[embedder.name] = comparing.compare_embedder(embedder, folders["embedder"], settings, things, made)
    else:
        steps["MiniLM"] = comparing.compare_builtin_texts(things, made)
    if reranker := models.get("reranker"):
        steps[reranker.name] = comparing.compare_reranker(reranker, folders["reranker"], settings, made)
    for name, found in steps.items():
        try:
            for one in found:
                if isinstance(one, Fact):
                    proof.facts.append(one)
                else:
                    proof.agreement.append(one)
        except Exception as error:  # noqa: BLE001  other people's code fails in any way
            proof.problems.append((f"{name}, called as its authors do", first_error_line(error)))
        memory.release_memory()
