"""Goldens of decoding: greedy continuations and the gap of the two best logits at every token, by transformers.

    python make_decode.py [--check] [FAMILY ...]

The model of each is that of golden/targets. Computed in float64 (see make_targets.py). A prompt is taken only if no gap is
under a thousandth, so that another order of rounding cannot choose another token.
"""

import json
import pathlib
import tempfile

import safetensors.torch
import torch
import transformers

import drawn
import figures
import make_targets

FOLDER = figures.GOLDEN / "decode"
FAMILIES = ["deepseek_v2", "deepseek_v3", "gemma2", "gemma3_text", "glm4_moe", "gpt_oss", "kimi_k2", "llama-yarn", "llama3",
            "llama3-8layer", "llama4_text", "mistral", "mixtral", "phi3", "qwen2", "qwen3", "qwen3_moe", "qwen3_next"]
PROMPT_LENGTHS = [3, 17, 40]
NEW_TOKENS = 64
SMALLEST_GAP = 1e-3
ATTEMPTS = 40


def load(family):
    folder = make_targets.FAMILIES / family
    manifest = json.loads((folder / "weights.json").read_text())
    entries = {name: e for tensors in manifest["files"].values() for name, e in tensors.items()}
    weights = make_targets.dequantised(drawn.draw_all(manifest["seed"], entries))
    with tempfile.TemporaryDirectory() as temporary:
        config = make_targets.plain_config(folder, "config.json")
        (pathlib.Path(temporary) / "config.json").write_text(json.dumps(config))
        safetensors.torch.save_file(weights, pathlib.Path(temporary) / "model.safetensors", {"format": "pt"})
        return transformers.AutoModelForCausalLM.from_pretrained(
            temporary, dtype=torch.float64, attn_implementation="eager", experts_implementation="eager").eval()


def continuation(model, prompt):
    """None where two logits come too near to each other."""
    out = model.generate(prompt[None], do_sample=False, max_new_tokens=NEW_TOKENS, return_dict_in_generate=True,
                         output_logits=True)
    best = [logits[0].topk(2).values for logits in out.logits]
    gaps = [round(float(values[0] - values[1]), 6) for values in best]
    return None if min(gaps) < SMALLEST_GAP else (out.sequences[0, len(prompt):].tolist(), gaps)


def cases(model):
    for number, length in enumerate(PROMPT_LENGTHS):
        for attempt in range(ATTEMPTS):
            entry = {"dtype": "I64", "shape": [length], "low": 3, "count": model.config.vocab_size - 3}
            prompt = drawn.draw(make_targets.SEED, f"prompt {number}.{attempt}", entry)
            made = continuation(model, prompt)
            if made:
                yield {"prompt_ids": prompt.tolist(), "continuation": made[0], "top2_gap": made[1]}
                break
        else:
            raise ValueError(f"no prompt of {length} tokens without a near tie")


def main():
    families, check = figures.arguments(__doc__, "families", FAMILIES)
    make_targets.silence()
    FOLDER.mkdir(exist_ok=True)
    for family in families:
        with torch.no_grad():
            made = {"max_new_tokens": NEW_TOKENS, "cases": list(cases(load(family)))}
        path = FOLDER / f"{family}.json"
        if check:
            figures.numbers(path, made, True)
        else:
            figures.dump(path, made)
        print(family, [(len(c["continuation"]), min(c["top2_gap"])) for c in made["cases"]], flush=True)


if __name__ == "__main__":
    main()
