"""Goldens of the target families: every layer's states and the logits, by Hugging Face transformers, rounded to float32.

    python make_targets.py [--check] [FAMILY ...]

A family is a folder of src/test/resources/golden/targets with a config.json as transformers writes it (and optionally
config.v4.json, the same model in the older form). This makes weights.json, which says how its weights are drawn, and
golden.safetensors. With --check it makes the figures again and compares.
"""

import json
import pathlib
import re
import tempfile

import safetensors.torch
import torch
import transformers
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

import drawn
import figures

FAMILIES = figures.GOLDEN / "targets"
SEED = 20250
"""Where bfloat16 would choose other experts in the first layer, so that a test of bfloat16 had nothing to compare with."""
OTHER_SEEDS = {"qwen3_next": 1}
"""Same weights as another family, in several files: that family's figures are its own."""
SHARDED = {"llama3-sharded": ("llama3", 4)}
LENGTHS = [37, 5, 61]
FP8_BLOCK = 32

"""The first pattern that a name matches tells how its values are spread."""
RULES = [
    (r"linear_attn\.A_log$", {"spread": 1.25, "centre": 1.5}),
    (r"linear_attn\.dt_bias$", {"spread": 0.17, "centre": 1.0}),
    (r"linear_attn\.norm\.weight$", {"spread": 0.17, "centre": 1.0}),
    (r"norm\.weight$", {"spread": 0.17, "centre": 1.0}),
    (r"e_score_correction_bias$", {"spread": 0.4}),
    (r"(bias|sinks)$", {"spread": 0.17}),
    (r"", {"spread": 0.104}),
]
"""Model types whose norms multiply by 1 + weight."""
NORMS_AROUND_ZERO = {"gemma2", "gemma3_text", "qwen3_next"}


def entry(config, name, shape):
    spread = next(dict(values) for pattern, values in RULES if re.search(pattern, name))
    if config["model_type"] in NORMS_AROUND_ZERO and name.endswith("norm.weight") and "linear_attn" not in name:
        del spread["centre"]
    return {"dtype": "BF16" if config["dtype"] == "bfloat16" else "F32", "shape": list(shape), **spread}


def plain_config(folder, file):
    """The configuration without what only says how the weights are stored."""
    config = json.loads((folder / file).read_text(encoding="utf-8"))
    config.pop("quantization_config", None)
    return config


def saved_names(folder):
    """Names and shapes of the tensors as transformers saves such a model."""
    with tempfile.TemporaryDirectory() as temporary:
        (pathlib.Path(temporary) / "config.json").write_text(json.dumps(plain_config(folder, "config.json")))
        config = transformers.AutoConfig.from_pretrained(temporary)
        model = transformers.AutoModelForCausalLM.from_config(config)
        model.save_pretrained(temporary)
        with safetensors.safe_open(pathlib.Path(temporary) / "model.safetensors", "pt") as file:
            return {name: file.get_slice(name).get_shape() for name in sorted(file.keys())}


def quantised(config, name, shape):
    """The entries that stand for a plain tensor in the storage form of the configuration."""
    method = config.get("quantization_config", {}).get("quant_method")
    if method == "fp8" and re.search(r"(_proj|_proj_with_mqa)\.weight$", name):
        blocks = [-(-shape[0] // FP8_BLOCK), -(-shape[1] // FP8_BLOCK)]
        return {name: {"dtype": "F8_E4M3", "shape": list(shape), "spread": 448.0},
                name + "_scale_inv": {"dtype": "F32", "shape": blocks, "spread": 5e-5, "centre": 2.3e-4}}
    if method == "mxfp4" and re.search(r"experts\.(down|gate_up)_proj$", name):
        experts, columns, rows = shape
        return {name + "_blocks": {"dtype": "U8", "shape": [experts, rows, columns // 32, 16], "low": 0, "count": 256},
                name + "_scales": {"dtype": "U8", "shape": [experts, rows, columns // 32], "low": 120, "count": 3}}
    return {name: entry(config, name, shape)}


def dequantised(tensors):
    """The plain tensors that transformers loads, float32."""
    plain = {}
    for name, tensor in tensors.items():
        if name.endswith(("_scale_inv", "_scales")):
            continue
        if name.endswith("_blocks"):
            stem = name.removesuffix("_blocks")
            plain[stem] = convert_moe_packed_tensors(tensor, tensors[stem + "_scales"], dtype=torch.float32).contiguous()
        elif tensor.dtype == torch.float8_e4m3fn:
            scales = tensors[name + "_scale_inv"].repeat_interleave(FP8_BLOCK, 0).repeat_interleave(FP8_BLOCK, 1)
            plain[name] = tensor.float() * scales[:tensor.shape[0], :tensor.shape[1]]
        else:
            plain[name] = tensor.float()
    return plain


def manifest(folder, seed):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    entries = {}
    for name, shape in saved_names(folder).items():
        entries.update(quantised(config, name, shape))
    figures_of, shards = SHARDED.get(folder.name, (folder.name, 1))
    names = list(entries)
    files = {}
    for shard in range(shards):
        file = "model.safetensors" if shards == 1 else f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        of_shard = names[len(names) * shard // shards:len(names) * (shard + 1) // shards]
        files[file] = {name: entries[name] for name in of_shard}
    return {"seed": seed, "figures": figures_of, "files": files}


def compute(folder, file, weights, dtype=torch.float64):
    """In float64 but for what transformers always computes in float32 (norms, rotations), so that every CPU makes the same."""
    with tempfile.TemporaryDirectory() as temporary:
        config = plain_config(folder, file)
        config["torch_dtype" if "torch_dtype" in config else "dtype"] = "float32"
        (pathlib.Path(temporary) / "config.json").write_text(json.dumps(config))
        safetensors.torch.save_file(weights, pathlib.Path(temporary) / "model.safetensors", {"format": "pt"})
        model, loading = transformers.AutoModelForCausalLM.from_pretrained(
            temporary, dtype=dtype, attn_implementation="eager", experts_implementation="eager",
            output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    model.eval()
    vocabulary = model.config.vocab_size
    ids = drawn.draw(SEED, "input_ids", {"dtype": "I64", "shape": [sum(LENGTHS)], "low": 3, "count": vocabulary - 3})
    made = {"input_ids": ids, "cu_seqlens": torch.tensor([0] + LENGTHS).cumsum(0)}
    parts = []
    prenorm = []
    model.model.norm.register_forward_pre_hook(lambda module, inputs: prenorm.append(inputs[0][0].clone()))
    with torch.no_grad():
        for sequence in ids.split(LENGTHS):
            out = model(sequence[None], output_hidden_states=True, use_cache=False)
            parts.append([state[0] for state in out.hidden_states] + [prenorm.pop(), out.logits[0]])
    layers = model.config.num_hidden_layers
    names = [f"hidden_states.{k}" for k in range(layers + 1)] + ["last_hidden_state.prenorm", "logits"]
    assert len(parts[0]) == len(names)
    for name, tensors in zip(names, zip(*parts)):
        made[name] = torch.cat(tensors).to(torch.float32)
    return made


def make(family, check):
    folder = FAMILIES / family
    weights_json = manifest(folder, OTHER_SEEDS.get(family, SEED))
    if check:
        assert weights_json == json.loads((folder / "weights.json").read_text()), f"{folder}: other weights"
    else:
        figures.dump(folder / "weights.json", weights_json)
    entries = {name: e for tensors in weights_json["files"].values() for name, e in tensors.items()}
    if weights_json["figures"] != family:
        other = json.loads((FAMILIES / weights_json["figures"] / "weights.json").read_text())
        assert other["files"]["model.safetensors"] == entries and other["seed"] == weights_json["seed"]
        return
    weights = dequantised(drawn.draw_all(weights_json["seed"], entries))
    made = compute(folder, "config.json", weights)
    figures.tensors(folder / "golden.safetensors", made, check)
    if (folder / "config.v4.json").exists():
        older = compute(folder, "config.v4.json", weights)
        print(f"  as config.v4.json: {max(figures.deviation(made[n], older[n]) for n in made):.1e}")
    single = compute(folder, "config.json", weights, torch.float32)
    print(f"  float32 is off by {max(figures.deviation(made[n], single[n]) for n in made):.1e}")


def silence():
    """transformers warns of a random model's missing files and draws bars."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def main():
    families, check = figures.arguments(__doc__, "families", sorted(f.name for f in FAMILIES.iterdir()))
    silence()
    for family in families:
        print(family, flush=True)
        make(family, check)


if __name__ == "__main__":
    main()
