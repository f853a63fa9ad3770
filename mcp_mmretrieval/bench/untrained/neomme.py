"""NeoMME-260M: late interaction over texts and pages. The published configuration is transformers' own."""

from __future__ import annotations

import torch
from sentence_transformers.base.modules import Dense, Normalize
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from transformers import NeoMMEConfig, NeoMMEImageProcessor, NeoMMEModel, NeoMMEProcessor

from mcp_mmretrieval.bench.untrained import tokens
from mcp_mmretrieval.bench.untrained.design import Design

_MARKS = {"pad_token": "<pad>", "mask_token": "<mask>", "eos_token": "<eos>"}
_OWN = {"document_token": "<doc>", "query_token": "<query>", "image_token": "<img>", "row_token": "<row>"}
_STATES = "token_embeddings"
_TEMPLATE = """\
{%- set ns = namespace(mark='<doc>') -%}
{%- if task == 'query' -%}{%- set ns.mark = '<query>' -%}{%- endif -%}
{{- ns.mark -}}
{%- for message in messages -%}
{%- if message.content is string -%}{{ message.content }}{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<img>{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endfor -%}"""


def neomme_260m() -> Design:
    """Hcompany/NeoMME-260M-Retriever-ST-late."""
    tokenizer = tokens.fast_tokenizer(_MARKS, _OWN, model_max_length=16_384)
    config = NeoMMEConfig(
        pad_token_id=tokenizer.pad_token_id,
        document_token_id=tokens.token_id(tokenizer, _OWN["document_token"]),
        image_token_id=tokens.token_id(tokenizer, _OWN["image_token"]),
    )
    head = Dense(
        config.hidden_size,
        config.embedding_dim,
        bias=False,
        activation_function=torch.nn.Identity(),
        module_input_name=_STATES,
    )
    pictures = NeoMMEImageProcessor()
    processor = NeoMMEProcessor(pictures, tokenizer, chat_template=_TEMPLATE)  # type: ignore[no-untyped-call]
    return Design(
        network=NeoMMEModel,
        config=config,
        processor=processor,
        modalities=dict.fromkeys(("text", "image", "message"), "forward"),
        then=(head, MultiVectorMask(), Normalize(module_input_name=_STATES)),
        kind="MultiVectorEncoder",
        options={"prompts": {"query": "", "document": ""}, "similarity_fn_name": "meanmaxsim"},
    )
