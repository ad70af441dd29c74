#!/usr/bin/env python3
"""Writes tests/Golden/protocols.json: numbers of PyTorch that the tests of preprocessing and protocols are held to.

Run once, with PyTorch 2.6.0 and Python 3.13 of Debian 13 (python3-torch):
    python3 eng/golden-protocols.py > tests/Golden/protocols.json
"""
import json
import sys

import torch

torch.manual_seed(0)
F64 = torch.float64


def numbers(t):
    return t.detach().flatten().tolist()


def adamw():
    """Ten epochs of one step of AdamW under MultiStepLR, gradients given; the third is zero."""
    steps, size = 10, 7
    theta = torch.nn.Parameter(torch.randn(size, dtype=F64))
    gradients = torch.randn(steps, size, dtype=F64)
    gradients[2] = 0
    start, path, rates = numbers(theta), [], []
    optimiser = torch.optim.AdamW([theta], lr=0.05)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [2, 4, 6, 8], gamma=0.5)
    for gradient in gradients:
        rates.append(optimiser.param_groups[0]["lr"])
        theta.grad = gradient.clone()
        optimiser.step()
        schedule.step()
        path.append(numbers(theta))
    return {"start": start, "gradients": numbers(gradients), "rates": rates, "path": path}


def zca():
    """Whitening by its definition, as kornia's zca_mean: unbiased covariance, T = U diag(1/sqrt(S + eps)) U'."""
    base = torch.randint(0, 256, (20, 3))
    pixels = torch.cat([base, (base * 3 + torch.randint(0, 64, (20, 3))) % 256], 1)
    test = torch.randint(0, 256, (3, 6))

    def standardised(p):
        return ((p.float() / 255 - 0.5) / 0.25).to(F64)

    x = standardised(pixels)
    mean = x.mean(0)
    u, s, _ = torch.linalg.svd((x - mean).T @ (x - mean) / (len(x) - 1))
    matrix = u @ torch.diag(torch.rsqrt(s + 0.1)) @ u.T
    inverse = u @ torch.diag(torch.sqrt(s + 0.1)) @ u.T
    return {
        "train": numbers(pixels), "test": numbers(test), "mean": numbers(mean), "matrix": numbers(matrix),
        "inverse": numbers(inverse), "whitened": numbers((standardised(test) - mean) @ matrix),
    }


def decode(shape, factor):
    """Tiles enlarged by torch.nn.Upsample(mode="bilinear"), image by image, tiles row by row."""
    x = torch.randn(*shape, dtype=F64)
    enlarge = torch.nn.Upsample(size=shape[2:], mode="bilinear")
    rows, columns = shape[2] // factor, shape[3] // factor
    tiles = [
        enlarge(x[:, :, i * rows:(i + 1) * rows, j * columns:(j + 1) * columns])
        for i in range(factor) for j in range(factor)
    ]
    return {
        "shape": list(shape), "factor": factor, "images": numbers(x),
        "decoded": numbers(torch.stack(tiles, 1)),
    }


json.dump(
    {
        "torch": torch.__version__, "adamw": adamw(), "zca": zca(),
        "decode": [decode((2, 2, 6, 4), 2), decode((1, 1, 6, 9), 3)],
    },
    sys.stdout, separators=(",", ":"))
print()
