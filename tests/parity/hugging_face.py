"""Models of the package transformers, unmodified, on PyTorch or on this library: what they compute, line by line.

    python tests/parity/hugging_face.py torch
    python tests/parity/hugging_face.py course_lib gpt2 bert      only these

Every model is tiny and has random weights. A line is JSON: the name, the loss, the sum of the gradients' sizes, the sum
of the weights' sizes and, where the model writes text, the tokens of a greedy and of a random continuation.
"""

import json
import sys
import warnings

if sys.argv[1] == "course_lib":
    import course_lib.as_torch

    course_lib.as_torch.install()  # from here on `import torch` gives course_lib

import torch
import transformers as T

TEXT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 99,
        "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
IMAGE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
         "image_size": 32, "patch_size": 8}  # fmt: skip
TWO_SIDES = {"vocab_size": 99, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
             "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}  # fmt: skip
HEADS, GROUPED = {"num_key_value_heads": 2}, {"num_key_value_heads": 2, "head_dim": 8}
STAGES = {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}
LOOKING = {**STAGES, "num_attention_heads": [1, 2, 2, 2], "sr_ratios": [4, 2, 1, 1]}

tokens = torch.arange(3, 27).view(2, 12)
text = {"input_ids": tokens, "labels": tokens}


def pictures() -> dict:
    return {"pixel_values": torch.randn(2, 3, 32, 32), "labels": torch.tensor([0, 1])}


# name -> (model class, config class, settings, input)
MODELS = {
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {**TEXT, "n_embd": 32, "n_layer": 2, "n_head": 4}, text),
    "bert": ("BertForMaskedLM", "BertConfig", TEXT, text),
    "deberta": ("DebertaV2ForMaskedLM", "DebertaV2Config",
                {**TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}, text),
    "t5": ("T5ForConditionalGeneration", "T5Config", {"vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 64,
           "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}, text),
    "bart": ("BartForConditionalGeneration", "BartConfig", TWO_SIDES, text),
    "llama": ("LlamaForCausalLM", "LlamaConfig", {**TEXT, **HEADS}, text),
    "mistral": ("MistralForCausalLM", "MistralConfig", {**TEXT, **HEADS, "sliding_window": 5}, text),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", {**TEXT, **GROUPED}, text),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", {**TEXT, **GROUPED, "sliding_window": 6}, text),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", {**TEXT, **HEADS}, text),
    "bloom": ("BloomForCausalLM", "BloomConfig", {**TEXT, "n_layer": 2, "n_head": 4}, text),
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", {**TEXT, **HEADS, "num_local_experts": 4}, text),
    "mamba": ("MambaForCausalLM", "MambaConfig", {**TEXT, "state_size": 8}, text),
    "vit": ("ViTForImageClassification", "ViTConfig", IMAGE, pictures),
    "swin": ("SwinForImageClassification", "SwinConfig", {"image_size": 32, "patch_size": 2, "embed_dim": 16,
             "depths": [1, 1], "num_heads": [2, 4], "window_size": 4}, pictures),
    "convnext": ("ConvNextForImageClassification", "ConvNextConfig", STAGES, pictures),
    "resnet": ("ResNetForImageClassification", "ResNetConfig", {"embedding_size": 8, "hidden_sizes": [8, 16],
               "depths": [1, 1], "layer_type": "basic"}, pictures),
    "mobilenet": ("MobileNetV2ForImageClassification", "MobileNetV2Config", {"depth_multiplier": 0.25}, pictures),
    "segformer": ("SegformerForSemanticSegmentation", "SegformerConfig",
                  {**LOOKING, "decoder_hidden_size": 16, "num_labels": 3},
                  lambda: {"pixel_values": torch.randn(2, 3, 32, 32), "labels": torch.randint(0, 3, (2, 32, 32))}),
    "clip": ("CLIPModel", "CLIPConfig", {"text_config": TEXT, "vision_config": IMAGE, "projection_dim": 16},
             lambda: {"input_ids": tokens, "pixel_values": torch.randn(2, 3, 32, 32), "return_loss": True}),
    "whisper": ("WhisperForConditionalGeneration", "WhisperConfig",
                {**TWO_SIDES, "num_mel_bins": 8, "max_source_positions": 20, "max_target_positions": 40,
                 "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1},
                lambda: {"input_features": torch.randn(2, 8, 40), "labels": tokens}),
    "wav2vec2": ("Wav2Vec2ForCTC", "Wav2Vec2Config",
                 {"vocab_size": 12, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                  "intermediate_size": 64, "conv_dim": (8, 8), "conv_kernel": (10, 3), "conv_stride": (5, 2),
                  "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2},
                 lambda: {"input_values": torch.randn(2, 600), "labels": torch.tensor([[1, 2, 3], [4, 5, 6]])}),
    "videomae": ("VideoMAEForVideoClassification", "VideoMAEConfig", {**IMAGE, "num_frames": 4, "tubelet_size": 2},
                 lambda: {"pixel_values": torch.randn(1, 4, 3, 32, 32), "labels": torch.tensor([1])}),
}  # fmt: skip


def made(name: str):
    """The model and its input."""
    model, config, settings, given = MODELS[name]
    torch.manual_seed(0)
    return getattr(T, model)(getattr(T, config)(**settings)).eval(), given() if callable(given) else given


def sizes(tensors) -> float:
    return sum(t.detach().abs().sum().item() for t in tensors if t is not None)


def computed(name: str) -> list:
    """Loss, gradients, weights, and the continuations of a text."""
    model, given = made(name)
    loss = model(**given).loss
    loss.backward()
    found = [name, loss.item(), sizes(p.grad for p in model.parameters()), sizes(model.parameters())]
    if given is text and model.can_generate():
        for sampled in (False, True):
            torch.manual_seed(1)
            found.append(model.generate(tokens[:1], max_new_tokens=4, do_sample=sampled)[0, -4:].tolist())
    return found


def trained() -> list:
    """The losses of a GPT-2 while it learns by heart, and those of the same model after a round trip through files."""
    import tempfile

    model, given = made("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = T.get_linear_schedule_with_warmup(optimizer, 2, 8)
    losses = []
    model.train()
    for _ in range(8):
        optimizer.zero_grad()
        loss = model(**given).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        again = T.GPT2LMHeadModel.from_pretrained(folder).eval()
    return ["training", *losses, again(**given).loss.item()]


if __name__ == "__main__":
    T.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    for name in sys.argv[2:] or MODELS:
        print(json.dumps(computed(name)), flush=True)
    if not sys.argv[2:]:
        print(json.dumps(trained()), flush=True)
