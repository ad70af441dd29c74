"""Numbers of the exported sets in tests/Golden/artifact as numpy and PyTorch see them, by the loader that is exported.

Once, with PyTorch 2.6: python3 eng/golden-artifact.py > tests/Golden/artifact.json
"""
import json, sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Distill" / "Exports"))
import load_infmatch as loader



class Recorded(loader.Draws):
    """The program's random numbers of each operation that it draws (tests/Golden/artifact/draws.json)."""

    def __init__(self, steps):
        self.steps, self.images = iter(steps), 0

    def chosen(self, names):
        if self.images == 0:
            self.step = next(self.steps)
        name = self.step["chosen"][self.images]
        self.images = (self.images + 1) % (3 if self.each else 1)
        return name

    def uniform(self, place, n, low, high):
        return torch.tensor(self.step["uniform"][place]) * (high - low) + low

    def whole(self, place, n, bound):
        return torch.tensor([int(v) for v in self.step["whole"][f"{place},{bound}"]])


numbers = {"torch": torch.__version__, "numpy": np.__version__}
for name in ("zca", "factor", "adamw"):
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
images, numbers["augmented"] = torch.sin(torch.arange(3. * 3 * 10 * 14)).view(3, 3, 10, 14), []
for case in json.loads((ROOT / "tests" / "Golden" / "artifact" / "draws.json").read_text(encoding="utf-8")):
    draws = Recorded(case["steps"])
    draws.each = "one for each image" in case["ops"]
    pixels = loader.augment(images, case["ops"], draws)
    numbers["augmented"].append({"ops": case["ops"], "pixels": [round(float(v), 7) for v in pixels.flatten()]})
print(json.dumps(numbers))
