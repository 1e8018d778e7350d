"""Writing figures, or comparing them with those that the repository carries."""

import argparse
import json
import pathlib
import sys

import safetensors.numpy
import safetensors.torch
import torch

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "resources" / "golden"
TOLERANCE = 1e-6


def arguments(document, what, everything):
    """What a script makes and whether it only compares: the names given on its command line, else all there are.

    Sums on one thread, whose order of rounding is the same on every machine.
    """
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the figures kept instead of writing them")
    parser.add_argument(what, nargs="*")
    given = vars(parser.parse_args())
    torch.set_num_threads(1)
    return given[what] or everything, given["check"]


def dump(path, value):
    """JSON with a line for each entry of the innermost objects but one, so that a change reads well."""
    def text(v, indent):
        if isinstance(v, dict) and v and indent < 4:
            inner = ",\n".join(" " * (indent + 1) + json.dumps(k) + ": " + text(x, indent + 1) for k, x in v.items())
            return "{\n" + inner + "\n" + " " * indent + "}"
        return json.dumps(v)
    path.write_text(text(value, 0) + "\n", encoding="utf-8")


def deviation(expected, actual):
    """Largest difference, as a share of the largest magnitude."""
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return float("inf")
    if not expected.is_floating_point():
        return 0.0 if torch.equal(expected, actual) else float("inf")
    largest = expected.double().abs().max().item()
    difference = (expected.double() - actual.double()).abs().max().item()
    return difference / largest if largest else difference


def tensors(path, made, check):
    """Writes a safetensors file; with check, compares with it instead and returns the largest deviation."""
    made = {name: tensor.contiguous() for name, tensor in made.items()}
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(made, path)
        return 0.0
    # Not safetensors.torch: make_training.py gives torch.float32 another meaning.
    kept = {name: torch.from_numpy(array) for name, array in safetensors.numpy.load_file(path).items()}
    if kept.keys() != made.keys():
        sys.exit(f"{path}: other tensors: {sorted(kept.keys() ^ made.keys())}")
    return report(path, max((deviation(kept[name], made[name]), name) for name in kept))


def numbers(path, made, check):
    """The same for a JSON document of numbers."""
    if not check:
        path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        return 0.0
    worst = (0.0, "")

    def compare(a, b, where):
        nonlocal worst
        if isinstance(a, dict):
            if a.keys() != b.keys():
                sys.exit(f"{path}: other keys at {where}")
            for key in a:
                compare(a[key], b[key], f"{where}.{key}")
        elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            for i, (x, y) in enumerate(zip(a, b)):
                compare(x, y, f"{where}[{i}]")
        elif isinstance(a, float) and isinstance(b, float):
            worst = max(worst, (abs(a - b) / max(abs(a), 1.0), where))
        elif a != b:
            worst = max(worst, (float("inf"), where))
    compare(json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(made)), "")
    return report(path, worst)


def report(path, worst):
    print(f"{path.relative_to(GOLDEN)}: largest deviation {worst[0]:.1e} ({worst[1]})")
    if worst[0] > TOLERANCE:
        sys.exit(f"{path}: {worst[1]} deviates by {worst[0]:.1e} (at most {TOLERANCE:.0e})")
    return worst[0]
