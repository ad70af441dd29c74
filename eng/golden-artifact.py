"""Numbers of the exported sets in tests/Golden/artifact as numpy and PyTorch see them, by the loader that is exported.

Once, with PyTorch 2.6: python3 eng/golden-artifact.py > tests/Golden/artifact.json
"""
import json, sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Distill" / "Artifact"))
import load_infmatch as loader

numbers = {"torch": torch.__version__, "numpy": np.__version__}
for name in ("zca", "factor"):
    folder = ROOT / "tests" / "Golden" / "artifact" / name
    arrays = dict(np.load(folder / "set.npz", allow_pickle=False))
    images, soft_labels, recipe = loader.load(folder)
    pixels = (np.arange(128) * 37 % 256).astype(np.uint8).reshape(2, 1, 8, 8)
    x = loader.preprocess_test(pixels, recipe)
    decoded, labels = loader.decode(images, soft_labels, recipe)
    net = loader.ConvNet(images.shape[1:], soft_labels.shape[1], 4, 2)
    count = sum(p.numel() for p in net.parameters())
    theta = torch.tensor([.3 * np.sin(i + 1) for i in range(count)], dtype=torch.float32)
    torch.nn.utils.vector_to_parameters(theta, net.parameters())
    net = loader.train(decoded, labels, recipe, epochs=20, net=net)
    with torch.no_grad():
        logits = net(x)
    flat = lambda t: [float(v) for v in t.flatten()]
    numbers[name] = {
        "arrays": {k: {"dtype": str(a.dtype), "shape": list(a.shape), "sum": float(a.sum(dtype=np.float64))}
                   for k, a in sorted(arrays.items()) if k != "metadata"},
        "preprocessed": flat(x), "decoded": flat(decoded), "labels": flat(labels), "parameters": count,
        "logits": flat(logits),
    }
print(json.dumps(numbers))
