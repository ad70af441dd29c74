"""Loads the distilled set in this folder and trains on it: needs numpy and torch (and Pillow for PNG files).

    from load_infmatch import load, decode, preprocess_test
    images, soft_labels, recipe = load()            # as stored; recipe has lr, epochs, network, ...
    images, soft_labels = decode(images, soft_labels, recipe)
    x = preprocess_test(pixels, recipe)             # uint8 [N, C, H, W] -> what the network sees

    python load_infmatch.py --data DIR              # trains by protocol A and prints the test accuracy

DIR holds the test data: MNIST's or Fashion-MNIST's t10k-*-ubyte[.gz], CIFAR-10's test_batch.bin, or a test.npz with
the arrays images (uint8 [N, C, H, W]) and labels.
"""
import argparse, csv, gzip, hashlib, json, re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent


def read_safetensors(path):
    types = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}
    raw = Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[e["data_offsets"][0]:e["data_offsets"][1]], types[e["dtype"]]).reshape(e["shape"])
            for name, e in header.items()}


def read_png(folder):
    from PIL import Image
    with open(folder / "soft_labels.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))[1:]
    pixels = [np.asarray(Image.open(folder / row[0])) for row in rows]
    pixels = np.stack([p[None] if p.ndim == 2 else p.transpose(2, 0, 1) for p in pixels])
    return {"images_u8": pixels, "soft_labels": np.array([[float(v) for v in row[1:]] for row in rows], np.float32)}


def load(folder=HERE):
    """Images float32 [n, C, H, W] and soft labels [n, M] as stored, and the recipe."""
    folder = Path(folder)
    recipe = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    if (folder / "set.npz").exists():
        arrays = dict(np.load(folder / "set.npz", allow_pickle=False))
    elif (folder / "set.safetensors").exists():
        arrays = read_safetensors(folder / "set.safetensors")
    else:
        arrays = read_png(folder)
        if (folder / "zca.npz").exists():
            arrays.update(np.load(folder / "zca.npz", allow_pickle=False))
    recipe["zca_arrays"] = (arrays["zca_mean"], arrays["zca_matrix"]) if "zca_mean" in arrays else None
    if "images" not in arrays:  # pictures: what is left of the images are their pixels
        return preprocess_test(arrays["images_u8"], recipe), torch.tensor(arrays["soft_labels"]), recipe
    found = hashlib.sha256(arrays["images"].tobytes() + arrays["label_logits"].tobytes()).hexdigest()
    if found != recipe["set_sha256"]:
        raise ValueError("the set does not have the hash that its metadata state: fetch it again")
    return torch.tensor(arrays["images"]), torch.tensor(arrays["soft_labels"]), recipe


def preprocess_test(pixels, recipe):
    """uint8 [N, C, H, W] as the network is to see them: standardised, and whitened if the set is."""
    mean, std = (torch.tensor([float(v) for v in recipe[k].split()]).view(1, -1, 1, 1) for k in ("mean", "std"))
    x = (torch.tensor(np.asarray(pixels), dtype=torch.float32) / 255 - mean) / std
    if recipe.get("zca_arrays") is not None:
        m, w = (torch.tensor(a) for a in recipe["zca_arrays"])
        x = ((x.flatten(1) - m) @ w).view_as(x)
    return x


def decode(images, soft_labels, recipe):
    """factor * factor images from each stored one, enlarged to the full size; unchanged with factor 1."""
    factor = int(recipe.get("factor", 1))
    if factor == 1:
        return images, soft_labels
    h, w = images.shape[2] // factor, images.shape[3] // factor
    parts = [images[:, :, i * h:(i + 1) * h, j * w:(j + 1) * w] for i in range(factor) for j in range(factor)]
    size = tuple(images.shape[2:])
    images = F.interpolate(torch.stack(parts, 1).flatten(0, 1), size=size, mode="bilinear", align_corners=False)
    return images, soft_labels.repeat_interleave(factor * factor, 0)


class ConvNet(torch.nn.Module):
    """depth x [3x3 convolution, instance norm, ReLU, 2x2 mean], then a linear layer."""

    def __init__(self, image, classes, width, depth):
        super().__init__()
        (channels, h, w), layers = image, []
        for block in range(depth):
            padding = 3 if block == 0 and tuple(image) == (1, 28, 28) else 1
            layers += [torch.nn.Conv2d(channels, width, 3, padding=padding), torch.nn.GroupNorm(width, width),
                       torch.nn.ReLU(), torch.nn.AvgPool2d(2)]
            h, w, channels = (h + 2 * padding - 2) // 2, (w + 2 * padding - 2) // 2, width
        self.features, self.classifier = torch.nn.Sequential(*layers), torch.nn.Linear(width * h * w, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def augment(x, ops):
    """Differentiable siamese augmentation (Zhao and Bilen, 2021): one of the operations for the batch."""
    if "one for each image" in ops and len(x) > 1:
        return torch.cat([augment(x[i:i + 1], ops) for i in range(len(x))])
    names = [n for n in ("Color", "Crop", "Cutout", "Flip", "Scale", "Rotate") if n in ops]
    if not names:
        return x
    op, n, (h, w) = names[torch.randint(len(names), ())], len(x), x.shape[2:]
    u = lambda low, high: torch.empty(n).uniform_(low, high)
    if op == "Color":
        x = x + u(-.5, .5).view(n, 1, 1, 1)
        grey = x.mean(1, keepdim=True)
        x = (x - grey) * u(0, 2).view(n, 1, 1, 1) + grey if x.shape[1] > 1 else x
        mean = x.mean((1, 2, 3), keepdim=True)
        return (x - mean) * u(.5, 1.5).view(n, 1, 1, 1) + mean
    if op == "Cutout":
        y, left = torch.randint(h + 1, (n, 1, 1)) - h // 4, torch.randint(w + 1, (n, 1, 1)) - w // 4
        rows, columns = torch.arange(h).view(1, h, 1), torch.arange(w).view(1, 1, w)
        hole = (rows >= y) & (rows < y + h // 2) & (columns >= left) & (columns < left + w // 2)
        return x * (~hole).unsqueeze(1)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    if op == "Flip":
        theta[:, 0, 0] = torch.where(u(0, 1) < .5, -1., 1.)
    elif op == "Crop":
        for axis, size in ((0, w), (1, h)):
            most = int(size / 8 + .5)
            theta[:, axis, 2] = torch.randint(-most, most + 1, (n,)) * 2 / size
    elif op == "Scale":
        theta[:, 0, 0], theta[:, 1, 1] = u(1 / 1.2, 1.2), u(1 / 1.2, 1.2)
    else:
        found = re.search(r"turns to (\d+)", ops)
        degrees = float(found.group(1)) if found else 15.
        a = torch.deg2rad(u(-degrees, degrees))
        theta[:, 0, 0], theta[:, 0, 1], theta[:, 1, 0], theta[:, 1, 1] = a.cos(), -a.sin(), a.sin(), a.cos()
    return F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)


def train(images, soft_labels, recipe, epochs=None, width=None, net=None):
    """Protocol A: SGD with momentum, the rate divided by ten at half, soft cross-entropy, the last epoch counts."""
    known = re.fullmatch(r"convnet-d(\d+)-w(\d+)", recipe["network"])
    if not known:
        raise ValueError(f"this file knows the ConvNet only, not {recipe['network']}: train a network of your own")
    net = net or ConvNet(images.shape[1:], soft_labels.shape[1], width or int(known.group(2)), int(known.group(1)))
    batch, epochs = int(recipe.get("batch", 256)), epochs or int(recipe["epochs"])
    optimizer = torch.optim.SGD(net.parameters(), lr=recipe["lr"], momentum=float(recipe.get("momentum", .9)),
                                weight_decay=float(recipe.get("weight_decay", 5e-4)))
    per_epoch, step = -(-len(images) // batch), 0
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(batch):
            for group in optimizer.param_groups:
                group["lr"] = recipe["lr"] * (1 if step < epochs * per_epoch // 2 else .1)
            x = augment(images[rows], recipe.get("augmentation_ops", "None"))
            loss = -(soft_labels[rows] * F.log_softmax(net(x), 1)).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    return net


def accuracy(net, x, labels):
    """Percent of the images that are classified correctly."""
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(part).argmax(1) for part in x.split(1000)])
    return 100 * (found == labels).float().mean().item()


def test_data(folder):
    """Pixels uint8 [N, C, H, W] and labels [N] of the test set in a folder."""
    folder = Path(folder)
    if (folder / "test.npz").exists():
        arrays = np.load(folder / "test.npz", allow_pickle=False)
        return arrays["images"], torch.tensor(arrays["labels"].astype(np.int64))
    cifar = next(iter(sorted(folder.rglob("test_batch.bin"))), None)
    if cifar:
        rows = np.frombuffer(cifar.read_bytes(), np.uint8).reshape(-1, 3073)
        return rows[:, 1:].reshape(-1, 3, 32, 32), torch.tensor(rows[:, 0].astype(np.int64))
    idx = {}
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        path = next((p for p in (folder / name, folder / (name + ".gz")) if p.exists()), None)
        if path is None:
            raise SystemExit(f"{folder} has neither test.npz, nor test_batch.bin, nor {name}[.gz]")
        idx[name[5:11]] = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    h, w = (int.from_bytes(idx["images"][at:at + 4], "big") for at in (8, 12))
    pixels = np.frombuffer(idx["images"], np.uint8, offset=16).reshape(-1, 1, h, w)
    return pixels, torch.tensor(np.frombuffer(idx["labels"], np.uint8, offset=8).astype(np.int64))


def main():
    parser = argparse.ArgumentParser(description="Trains on the distilled set in this folder by protocol A.")
    parser.add_argument("--data", required=True, help="folder of the test data")
    for name, what in (("epochs", "as claimed"), ("repeats", "as claimed"), ("width", "as claimed"), ("seed", "0")):
        parser.add_argument("--" + name, type=int, help=f"default: {what}")
    given = parser.parse_args()
    torch.manual_seed(given.seed or 0)
    images, soft_labels, recipe = load()
    if recipe.get("protocol_name", "A") != "A":
        print(f"The claim is by protocol {recipe['protocol_name']}; this trains by protocol A, so the numbers differ.")
    images, soft_labels = decode(images, soft_labels, recipe)
    pixels, labels = test_data(given.data)
    x = preprocess_test(pixels, recipe)
    runs = []
    for k in range(given.repeats or int(recipe.get("claimed_n", 1))):
        runs.append(accuracy(train(images, soft_labels, recipe, given.epochs, given.width), x, labels))
        print(f"network {k + 1}: {runs[-1]:.2f} %", flush=True)
    spread = np.std(runs, ddof=1) if len(runs) > 1 else 0.
    print(f"test accuracy {np.mean(runs):.2f} +- {spread:.2f} % over {len(runs)} networks (torch {torch.__version__}); "
          f"claimed: {recipe['claimed_accuracy']} %, {recipe['protocol']}")


if __name__ == "__main__":
    main()
