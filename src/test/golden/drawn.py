"""Tensors drawn from a seed, by their name: the weights of the goldens, which the repository does not carry.

Element i of a tensor is a function of (seed, name, i) alone. dev.aerie.testing.Drawn computes the same bits in Java. In 64-bit
unsigned arithmetic:

    hash = 0xcbf29ce484222325; for each byte of the name in UTF-8: hash = (hash ^ byte) * 0x100000001b3        (FNV-1a)
    x = hash ^ (seed * 0x9e3779b97f4a7c15), then x = x + (i + 1) * 0x9e3779b97f4a7c15
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9; x = (x ^ x >> 27) * 0x94d049bb133111eb; x = x ^ x >> 31        (splitmix64)
    bits = x >> 40                                                                          (24 bits)

A tensor is described by an object of a manifest:

    {"dtype": "F32", "shape": [64, 96], "spread": s}                    (bits - 2^23) * 2^-23 * s
    {"dtype": "F32", "shape": [64], "spread": s, "centre": c}           the same, plus c
    {"dtype": "BF16" | "F8_E4M3", ...}                                  the same, rounded to the nearest, ties to even
    {"dtype": "U8" | "I64", "shape": [..], "low": l, "count": n}        l + (bits * n >> 24)

Both float operations are float32, rounded once each; no function of a mathematics library takes part.
"""

import numpy as np
import torch

GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)


def bits(seed, name, count):
    """24 random bits for each element, uint64."""
    hash = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        hash = (hash ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    start = np.uint64(hash ^ (seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF))
    with np.errstate(over="ignore"):
        x = start + np.arange(1, count + 1, dtype=np.uint64) * GOLDEN_RATIO
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        x = x ^ x >> np.uint64(31)
    return x >> np.uint64(40)


def draw(seed, name, entry):
    """The tensor that an entry of a manifest describes."""
    shape = entry["shape"]
    drawn = bits(seed, name, int(np.prod(shape)))
    if "count" in entry:
        integers = entry["low"] + (drawn * np.uint64(entry["count"]) >> np.uint64(24)).astype(np.int64)
        return torch.from_numpy(integers).reshape(shape).to(torch.uint8 if entry["dtype"] == "U8" else torch.int64)
    unit = (drawn.astype(np.int64) - (1 << 23)).astype(np.float32) * np.float32(2.0**-23)
    values = unit * np.float32(entry["spread"])
    if "centre" in entry:
        values = values + np.float32(entry["centre"])
    tensor = torch.from_numpy(values).reshape(shape)
    return {"F32": tensor, "BF16": tensor.bfloat16(), "F8_E4M3": tensor.to(torch.float8_e4m3fn)}[entry["dtype"]]


def draw_all(seed, tensors):
    return {name: draw(seed, name, entry) for name, entry in tensors.items()}
