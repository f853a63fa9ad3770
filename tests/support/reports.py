"""A measurement of a bench that never ran."""

from mcp_mmretrieval.bench.report import BenchReport, BenchRow, MachineInfo

CARD = MachineInfo(
    device="cuda", name="A card", memory_mb=80_000, cores=8, threads=8, dtype="bfloat16", matmul_tflops=700, versions={}
)
PICTURES = tuple(
    BenchRow(
        part="adding", what="picture", amount=share * 1e6, unit="pixels", cap="model_pixels", share=share, batch=8,
        items=80, per_second=50 / share, ms=20 * share, p95_ms=22 * share, memory_mb=900, gpu_mb=2_000,
    )
    for share in (0.25, 0.5, 1.0)
)  # fmt: skip
LEFT_OUT = BenchRow(
    part="adding", what="film", amount=8, unit="frames", cap="model_frames", share=1, left_out="too long"
)
REPORT = BenchReport(
    profile="omni", embedder={"model": "a/b"}, reranker="", random_weights=True, loading_s=1, seconds=1, caps={},
    machine=CARD, rows=(*PICTURES, LEFT_OUT), notes=(),
)  # fmt: skip
