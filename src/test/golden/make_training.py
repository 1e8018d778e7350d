"""Goldens of EAGLE-3 training: losses, metrics, gradients and trajectories, by SpecForge's own model code.

    SPECFORGE=/path/to/SpecForge python make_training.py [--check] [CASE ...]

SPECFORGE is a checkout of https://github.com/sgl-project/SpecForge at the commit that README.md names. The parameters, the
states of the samples and the target's head are drawn (drawn.json); golden.json and golden.safetensors hold the figures.
"""

import json
import os
import pathlib
import sys
import types

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import torch  # noqa: E402
from transformers import LlamaConfig  # noqa: E402

import drawn  # noqa: E402
import figures  # noqa: E402

CASES_FOLDER = figures.GOLDEN / "training"
SEED = 31
TTT_LENGTH = 7
DECAY = 0.8
RATE = 0.002
CLIP = 0.5
TRAJECTORY = 20
LATE = 400
"""Fewer where strict gradients are kept: a draft that has converged has gradients that no float32 gives to 1e-4."""
LATE_STRICT = 100
"""Tokens of each sample, and where its supervised tokens begin and end; SpecForge never supervises the last one."""
SAMPLES = [(48, [(12, 24), (32, 47)]), (33, [(8, 16), (22, 32)])]

CONFIG = {
    "architectures": ["LlamaForCausalLMEagle3"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 64,
    "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "vocab_size": 320, "draft_vocab_size": 96, "max_position_embeddings": 256, "rms_norm_eps": 1e-05,
    "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": False, "initializer_range": 0.02,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
}
LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 64}
"""What differs from the configuration above, the loss, and whether Aerie's strict mode is computed too."""
CASES = {
    "eagle3": ({}, None, False),
    "eagle3-llama3rope": ({"rope_parameters": LLAMA3_ROPE}, None, True),
    "eagle3-lk-alpha": ({}, "alpha", False),
    "eagle3-lk-lambda": ({}, "lambda", False),
    "eagle3-fcnorm-wide-target": ({"fc_norm": True, "target_hidden_size": 80}, None, False),
}


def import_specforge():
    """SpecForge's model, computing in float64 wherever its code says float32: figures that every CPU makes alike."""
    sys.path.insert(0, os.environ["SPECFORGE"])
    # Packages whose __init__ would import servers and trainers that the model does not need.
    for package in ["specforge", "specforge.core", "specforge.algorithms", "specforge.algorithms.eagle3", "specforge.modeling"]:
        module = types.ModuleType(package)
        module.__path__ = [str(pathlib.Path(os.environ["SPECFORGE"], *package.split(".")))]
        sys.modules[package] = module
    torch.float32 = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    from specforge.algorithms.eagle3 import model
    from specforge.core import loss
    # The Triton kernel runs on a GPU only; this is SpecForge's own reference of it.
    model.LogSoftmaxLoss = types.SimpleNamespace(apply=loss._compute_loss)
    return model


def entry(name, shape):
    if name.endswith("norm.weight") or "fc_norm" in name:
        return {"dtype": "F32", "shape": shape, "spread": 0.17, "centre": 1.0}
    if name.startswith("sample"):
        return {"dtype": "F32", "shape": shape, "spread": 1.75}
    if name == "target_lm_head.weight":
        return {"dtype": "F32", "shape": shape, "spread": 0.6}
    return {"dtype": "F32", "shape": shape, "spread": round((3 / shape[1]) ** 0.5, 3)}


def manifest(config, model):
    wide = config.get("target_hidden_size", config["hidden_size"])
    shapes = {"init." + name: list(p.shape) for name, p in model.named_parameters()}
    shapes["target_lm_head.weight"] = [config["vocab_size"], wide]
    entries = {}
    for k, (length, _) in enumerate(SAMPLES):
        shapes[f"sample{k}.aux"] = [length, 3 * wide]
        shapes[f"sample{k}.last"] = [length, wide]
        entries[f"sample{k}.input_ids"] = {"dtype": "I64", "shape": [length], "low": 3, "count": config["vocab_size"] - 3}
    entries.update({name: entry(name, shape) for name, shape in shapes.items()})
    return {"seed": SEED, "tensors": entries}


def vocabulary(config):
    """The ids of the draft vocabulary, rising."""
    bits = drawn.bits(SEED, "draft vocabulary", config["vocab_size"])
    return torch.tensor(sorted(bits.argsort()[:config["draft_vocab_size"]].tolist()))


def shifted(tensor):
    """To the left by one, as SpecForge's TargetHead.preprocess does."""
    return torch.cat([tensor[1:], torch.zeros_like(tensor[:1])])


class Case:

    def __init__(self, specforge, name):
        changes, self.lk, self.has_strict = CASES[name]
        self.config = CONFIG | changes
        self.online = specforge.OnlineEagle3Model
        from specforge.modeling.draft.llama3_eagle import LlamaForCausalLMEagle3
        self.draft = LlamaForCausalLMEagle3(LlamaConfig(**self.config), attention_backend="sdpa")
        self.manifest = manifest(self.config, self.draft)
        self.tensors = drawn.draw_all(SEED, self.manifest["tensors"])
        ids = vocabulary(self.config)
        self.kept = {"d2t": ids - torch.arange(len(ids)), "t2d": torch.zeros(self.config["vocab_size"], dtype=torch.bool)}
        self.kept["t2d"][ids] = True
        for k, (length, spans) in enumerate(SAMPLES):
            mask = torch.zeros(length, dtype=torch.int64)
            for start, end in spans:
                mask[start:end] = 1
            self.kept[f"sample{k}.loss_mask"] = mask
        self.draft.d2t.copy_(self.kept["d2t"])
        self.draft.t2d.copy_(self.kept["t2d"])
        self.load({n.removeprefix("init."): t for n, t in self.tensors.items() if n.startswith("init.")})
        self.draft.embed_tokens.weight.requires_grad_(False)

    def load(self, parameters):
        with torch.no_grad():
            for name, parameter in self.draft.named_parameters():
                if name in parameters:
                    parameter.copy_(parameters[name])

    def parameters(self):
        return {n: p for n, p in self.draft.named_parameters() if p.requires_grad}

    def forward(self, k, online):
        """Lists over TTT steps: loss, acceptance rate, accuracy, correct, denominator."""
        last = shifted(self.tensors[f"sample{k}.last"].double())
        out = online(
            input_ids=shifted(self.tensors[f"sample{k}.input_ids"])[None], attention_mask=None,
            target=(last @ self.tensors["target_lm_head.weight"].double().T)[None],
            loss_mask=self.kept[f"sample{k}.loss_mask"][None, :, None],
            hidden_states=self.tensors[f"sample{k}.aux"].double()[None])
        return [list(part) for part in out[:5]]

    def metrics(self, k):
        online = self.online(self.draft, length=TTT_LENGTH, lk_loss_type=self.lk)
        losses, rates, accuracies, correct, denominators = self.forward(k, online)
        total = sum(DECAY**i * loss for i, loss in enumerate(losses))
        numbers = {"loss": losses, "acc": accuracies, "acceptance_rate": rates, "total": [total], "correct": correct,
                   "denom": denominators}
        numbers = {name: [float(x) for x in values] for name, values in numbers.items()}
        return total, numbers | {"total": numbers["total"][0]}

    def strict(self, k):
        """
        Not SpecForge's: the rows and the mean of Aerie's strict mode over the logits of SpecForge's model. Row t carries loss at
        step i when tokens t+1 to t+2+i are all supervised and the teacher's arg-max is in the draft vocabulary.
        """
        supervised = self.kept[f"sample{k}.loss_mask"].bool()
        steps = []

        class Strict(self.online):
            def _acc_and_loss(self, *, logits, target_p, target_token_ids, **others):
                i = len(steps)
                length = len(supervised)
                rows = torch.tensor([t + 2 + i < length and bool(supervised[t + 1:t + 3 + i].all()) for t in range(length)])
                carries = rows & self.draft_model.t2d[target_token_ids[0]]
                rowwise = -(target_p[0] * torch.log_softmax(logits[0], -1)).sum(-1)
                loss = rowwise[carries].sum() / max(int(carries.sum()), 1)
                predicted = logits[0].argmax(-1)
                predicted = predicted + self.draft_model.d2t[predicted]
                steps.append({"loss": loss, "rows": int(carries.sum()),
                              "correct": int((predicted == target_token_ids[0])[rows].sum()), "supervised": int(rows.sum())})
                return (loss,) * 7

        self.forward(k, Strict(self.draft, length=TTT_LENGTH))
        total = sum(DECAY**i * step["loss"] for i, step in enumerate(steps))
        numbers = {name: [float(step[name]) if name == "loss" else step[name] for step in steps] for name in steps[0]}
        return total, numbers | {"total": float(total)}

    def gradients(self, total, prefix):
        self.draft.zero_grad()
        total.backward()
        return {prefix + n: p.grad.clone() for n, p in self.parameters().items()}

    def train(self, optimizer, steps):
        pairs = []
        for step in range(steps):
            total, _ = self.metrics(step % len(SAMPLES))
            optimizer.zero_grad()
            total.backward()
            norm = torch.nn.utils.clip_grad_norm_(list(self.parameters().values()), CLIP)
            optimizer.step()
            pairs.append([float(total), float(norm)])
        return pairs

    def rounded(self, stage):
        """The parameters as float32 values, which they now are."""
        rounded = {n: p.detach().to(SINGLE).clone() for n, p in self.parameters().items()}
        self.load(rounded)
        return {f"{stage}.{n}": p for n, p in rounded.items()}

    def compute(self):
        made = dict(self.kept)
        numbers = {"config": self.config, "ttt_length": TTT_LENGTH, "step_weight_decay": DECAY, "lk": self.lk, "samples": []}
        for k in range(len(SAMPLES)):
            total, sample = self.metrics(k)
            numbers["samples"].append(sample)
            made.update(self.gradients(total, f"sample{k}.grad."))
        optimizer = torch.optim.AdamW(list(self.parameters().values()), lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
        numbers["trajectory"] = {"optimizer": f"AdamW betas 0.9,0.999 eps 1e-8 wd 0, lr const {RATE}, clip {CLIP} global",
                                 "total_loss_and_grad_norm": self.train(optimizer, TRAJECTORY)}
        made.update({f"final.{n}": p.detach().clone() for n, p in self.parameters().items()})
        self.train(optimizer, LATE_STRICT if self.has_strict else LATE)
        made.update(self.rounded("late"))
        numbers["late"] = [self.metrics(k)[1] for k in range(len(SAMPLES))]
        if self.has_strict:
            numbers["strict"] = []
            for k in range(len(SAMPLES)):
                total, sample = self.strict(k)
                numbers["strict"].append(sample)
                made.update(self.gradients(total, f"strict.sample{k}.grad."))
        return numbers, {n: t.to(SINGLE) if t.is_floating_point() else t for n, t in made.items()}


SINGLE = torch.float32


def main():
    cases, check = figures.arguments(__doc__, "cases", CASES)
    specforge = import_specforge()
    for name in cases:
        print(name, flush=True)
        folder = CASES_FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        case = Case(specforge, name)
        if check:
            assert case.manifest == json.loads((folder / "drawn.json").read_text()), f"{folder}: other weights"
        else:
            figures.dump(folder / "drawn.json", case.manifest)
        numbers, made = case.compute()
        figures.numbers(folder / "golden.json", numbers, check)
        figures.tensors(folder / "golden.safetensors", made, check)


if __name__ == "__main__":
    main()
