"""Rerankers of real architectures with random weights, a megabyte at most, saved as sentence-transformers saves."""

import json
from pathlib import Path

import torch
import transformers
from sentence_transformers import CrossEncoder, MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tests.support.tiny import WORDS

MARKS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
JUDGE = """{%- macro shown(content) -%}
{%- if content is string -%}{{ content }}{%- else -%}
{%- for part in content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == 'video' -%}<|vision_start|><|video_pad|><|vision_end|>
{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endmacro -%}
<|im_start|>system
Judge whether the Document meets the requirements based on the Query and the Instruct provided.<|im_end|>
<|im_start|>user
{%- for message in messages -%}
{%- if message.role == 'system' -%}<Instruct>: {{ shown(message.content) }}
{%- elif message.role == 'query' -%}<Query>: {{ shown(message.content) }}
{%- elif message.role == 'document' -%}<Document>: {{ shown(message.content) }}{%- endif -%}
{%- endfor -%}<|im_end|>
<|im_start|>assistant
"""
"""As that of Qwen3-VL-Reranker: the roles of a pair, and nothing of a sound."""
ANSWER = "\n<|im_start|>assistant\n"
CHAT = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{%- if message.content is string -%}{{ message.content }}{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}<|im_end|>
{%- endfor -%}
"""
"""As that of Qwen3-VL for chats, which lies beside it and scores pairs as well, otherwise."""
PAGES = """{%- set ns = namespace(mark='<doc>') -%}
{%- if task == 'query' -%}{%- set ns.mark = '<query>' -%}{%- endif -%}
{{- ns.mark -}}
{%- for message in messages -%}
{%- if message.content is string -%}{{ message.content }}{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<img>{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- endfor -%}
"""


def bert(folder: Path, *, labels: int = 1, seed: int = 0) -> Path:
    """A text cross-encoder, as cross-encoder/ms-marco-MiniLM-L6-v2 is one. Takes 64 tokens."""
    hf = folder.with_name(f"{folder.name}-hf")
    letters = [chr(code) for code in range(33, 127)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocab = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=1.0,
    )
    config.num_labels = labels
    transformers.BertForSequenceClassification(config).save_pretrained(hf)
    transformers.BertTokenizer(vocab=vocab, model_max_length=64).save_pretrained(hf)
    CrossEncoder(str(hf), device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


def with_own_code(bert: Path) -> Path:
    """The same with code of its own beside its weights, which turns each score round."""
    code = (
        "from transformers import BertForSequenceClassification\n\n\n"
        "class Turned(BertForSequenceClassification):\n"
        "    def forward(self, *args, **kwargs):\n"
        "        found = super().forward(*args, **kwargs)\n"
        "        found.logits = -found.logits\n"
        "        return found\n"
    )
    (bert / "turned.py").write_text(code, encoding="utf-8")
    described = json.loads((bert / "config.json").read_text(encoding="utf-8"))
    described["auto_map"] = {"AutoModelForSequenceClassification": "turned.Turned"}
    (bert / "config.json").write_text(json.dumps(described), encoding="utf-8")
    return bert


def qwen3_vl(folder: Path, *, seed: int = 0) -> Path:
    """A reranker of texts, pictures and films whose score is the logit of `yes` less that of `no`."""
    hf = folder.with_name(f"{folder.name}-hf")
    tokenizer = _letters(("yes", "no"), MARKS)
    ids = tokenizer.get_vocab()
    torch.manual_seed(seed)
    config = transformers.Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "max_position_embeddings": 4_096,
            "initializer_range": 0.3,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 1, 1]},
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "patch_size": 4,
            "spatial_merge_size": 2,
            "out_hidden_size": 32,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
            "initializer_range": 0.3,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = transformers.Qwen3VLForConditionalGeneration(config)
    model.save_pretrained(hf)
    size = {"shortest_edge": 16 * 16, "longest_edge": 1_000_000}
    pictures = transformers.Qwen2VLImageProcessor(patch_size=4, merge_size=2, size=size)
    films = transformers.Qwen3VLVideoProcessor(patch_size=4, merge_size=2, temporal_patch_size=2, size=size)
    processor = transformers.Qwen3VLProcessor(pictures, tokenizer, films, chat_template=JUDGE)  # type: ignore[no-untyped-call]
    processor.save_pretrained(hf)
    head = LogitScore(true_token_id=ids["yes"], false_token_id=ids["no"])
    judge = CrossEncoder(modules=[Transformer(str(hf), transformer_task="any-to-any"), head], device="cpu")
    judge.save_pretrained(str(folder), create_model_card=False)
    return folder


def published_qwen3_vl(folder: Path, *, seed: int = 0) -> Path:
    """The same laid out as Qwen/Qwen3-VL-Reranker-2B is: its template beside one for chats, named in a file."""
    folder = qwen3_vl(folder, seed=seed)
    (folder / "chat_template.jinja").write_text(CHAT, encoding="utf-8")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "reranker.jinja").write_text(
        JUDGE.replace(ANSWER, "{%- if add_generation_prompt -%}" + ANSWER + "{%- endif -%}"), encoding="utf-8"
    )
    named = folder / "sentence_bert_config.json"
    said = json.loads(named.read_text(encoding="utf-8"))
    said["processing_kwargs"] = {"chat_template": {"chat_template": "reranker", "add_generation_prompt": True}}
    said["unpad_inputs"] = False
    named.write_text(json.dumps(said), encoding="utf-8")
    return folder


def with_wrong_head(published: Path) -> Path:
    """The same with a `modules.json` that names a folder for the head that is not there, as the 8B's does."""
    named = published / "modules.json"
    modules = json.loads(named.read_text(encoding="utf-8"))
    modules[1]["path"] = "1_CausalScoreHead"
    named.write_text(json.dumps(modules), encoding="utf-8")
    return published


def without_head(reranker: Path) -> Path:
    """The same without what says which words its score is made of."""
    with_wrong_head(reranker)
    (reranker / "1_LogitScore" / "config.json").unlink()
    return reranker


def as_published(neomme: Path) -> Path:
    """The same kind of model as transformers alone saves it, without anything of sentence-transformers."""
    hf, folder = neomme.with_name(f"{neomme.name}-hf"), neomme.with_name(f"{neomme.name}-published")
    torch.manual_seed(0)
    transformers.NeoMMEForRetrieval(transformers.AutoConfig.from_pretrained(hf)).save_pretrained(folder)
    processor = transformers.AutoProcessor.from_pretrained(hf)  # type: ignore[no-untyped-call]
    processor.save_pretrained(folder)
    return folder


def neomme(folder: Path, *, seed: int = 0) -> Path:
    """Late interaction over texts and pages, as NeoMME-260M-Retriever-ST-late."""
    hf = folder.with_name(f"{folder.name}-hf")
    marks = {
        "pad_token": "<pad>",
        "mask_token": "<mask>",
        "document_token": "<doc>",
        "query_token": "<query>",
        "image_token": "<img>",
        "row_token": "<row>",
    }
    tokenizer = _letters((), tuple(marks.values()), **marks)
    torch.manual_seed(seed)
    config = transformers.NeoMMEConfig(
        vocab_size=len(tokenizer),
        embedding_rank=16,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=4_096,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
        patch_size=8,
        embedding_dim=16,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id,
        document_token_id=tokenizer.get_vocab()["<doc>"],
        image_token_id=tokenizer.get_vocab()["<img>"],
    )
    transformers.NeoMMEModel(config).save_pretrained(hf)
    pictures = transformers.NeoMMEImageProcessor(patch_size=8)
    processor = transformers.NeoMMEProcessor(pictures, tokenizer, chat_template=PAGES)  # type: ignore[no-untyped-call]
    processor.save_pretrained(hf)
    output = {"method": "forward", "method_output_name": "last_hidden_state"}
    structured = {**output, "format": "structured"}
    tower = Transformer(
        str(hf),
        modality_config={"text": output, "image": output, "message": structured},
        module_output_name="token_embeddings",
    )
    dense = Dense(32, 16, bias=False, activation_function=torch.nn.Identity(), module_input_name="token_embeddings")
    parts = [tower, dense, MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
    model = MultiVectorEncoder(modules=parts, device="cpu", similarity_fn_name="meanmaxsim")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _letters(words: tuple[str, ...], marks: tuple[str, ...], **named: str) -> transformers.PreTrainedTokenizerFast:
    """A token a byte, and one for each word and mark: a learned vocabulary differs from run to run."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: number for number, token in enumerate([*marks, *letters, *words])}
    made = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(marks))
    given = {"pad_token": marks[0], "eos_token": marks[0], **named}
    extra = {name: given.pop(name) for name in list(given) if name not in ("pad_token", "eos_token", "mask_token")}
    return transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, model_max_length=2_048, extra_special_tokens=extra, **given
    )
