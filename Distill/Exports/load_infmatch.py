"""Loads the distilled set in this folder and trains on it: needs numpy and torch (Pillow for PNG, pyarrow for parquet).

    from load_infmatch import load, decode, preprocess_test
    images, soft_labels, recipe = load()            # as stored; recipe has lr, epochs, network, ...
    images, soft_labels = decode(images, soft_labels, recipe)
    x = preprocess_test(pixels, recipe)             # uint8 [N, C, H, W] -> what the network sees

    python load_infmatch.py --data DIR              # trains as claimed and prints the test accuracy

DIR holds the test data: test.npz with the arrays images (uint8 [N, C, H, W]) and labels, as 'export --test-images'
writes it here (then --data can be left out), MNIST's or Fashion-MNIST's t10k-*-ubyte[.gz], or CIFAR-10's test_batch.bin.

Training knows protocols A and B and the ConvNet with instance norm and average pooling; anything else is refused.
"""
import argparse, csv, gzip, hashlib, io, json, re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent


def shown(text):
    """Text from a file or a path as one line in which nothing is hidden or moves the cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))


def read_safetensors(path):
    types = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}
    raw = Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
    header.pop("__metadata__", None)
    arrays = {name: np.frombuffer(data[e["data_offsets"][0]:e["data_offsets"][1]], types[e["dtype"]]).reshape(e["shape"])
              for name, e in header.items()}
    # bfloat16 is the upper half of a float32, and numpy has no type for it
    return {name: (a.astype("<u4") << 16).view("<f4") if header[name]["dtype"] == "BF16" else a for name, a in arrays.items()}


def read_png(folder):
    try:
        from PIL import Image
    except ImportError:
        raise SystemExit("load_infmatch.py: reading pictures takes Pillow: pip install pillow. Or export to npz.") from None
    with open(folder / "soft_labels.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))[1:]
    return stack((Image.open(folder / row[0]) for row in rows), ([float(v) for v in row[1:]] for row in rows))


def read_parquet(file):
    try:
        import pyarrow.parquet
        from PIL import Image
    except ImportError:
        raise SystemExit("load_infmatch.py: reading parquet takes pyarrow and Pillow: pip install pyarrow pillow. Or export "
                         "to npz.") from None
    rows = pyarrow.parquet.read_table(file).to_pylist()
    return stack((Image.open(io.BytesIO(row["image"]["bytes"])) for row in rows), (row["soft_label"] for row in rows))


def stack(images, soft_labels):
    pixels = [np.asarray(image) for image in images]
    pixels = np.stack([p[None] if p.ndim == 2 else p.transpose(2, 0, 1) for p in pixels])
    return {"images_u8": pixels, "soft_labels": np.array(list(soft_labels), np.float32)}


def load(folder=HERE):
    """Images float32 [n, C, H, W] and soft labels [n, M] as stored, and the recipe."""
    folder = Path(folder)
    recipe = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    if (folder / "set.npz").exists():
        arrays = dict(np.load(folder / "set.npz", allow_pickle=False))
    elif (folder / "set.safetensors").exists():
        arrays = read_safetensors(folder / "set.safetensors")
        arrays.update({name: arrays[name].astype(np.float32) for name in ("images", "label_logits")})
    else:
        parquet = folder / "data" / "train-00000-of-00001.parquet"
        arrays = read_parquet(parquet) if parquet.exists() else read_png(folder)
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
    tiles, classes = factor * factor, len(json.loads(recipe["classes"]))
    if soft_labels[0].numel() == tiles * classes:  # each tile has its own label
        return images, soft_labels.reshape(-1, classes)
    return images, soft_labels.repeat_interleave(tiles, 0)


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


SETS = {"Photographs": "Color Crop Cutout Flip Scale Rotate", "Digits": "Color Crop Cutout Scale Rotate",
        "Geometric": "Crop Scale Rotate", "None": ""}
MOVES = ("Crop", "Scale", "Rotate")


class Draws:
    """The random numbers of one operation on a batch: `place` says which of its numbers is wanted."""

    def chosen(self, names):
        return names[int(torch.randint(len(names), ()))]

    def uniform(self, place, n, low, high):
        return torch.empty(n).uniform_(low, high)

    def whole(self, place, n, bound):
        return torch.randint(bound, (n,))


def color(x, draws):
    n = len(x)
    x = x + draws.uniform(0, n, -.5, .5).view(n, 1, 1, 1)
    if x.shape[1] > 1:
        grey = x.mean(1, keepdim=True)
        x = (x - grey) * draws.uniform(1, n, 0, 2).view(n, 1, 1, 1) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * draws.uniform(2, n, .5, 1.5).view(n, 1, 1, 1) + mean


def cutout(x, draws):
    inside = True
    for place, size in enumerate(x.shape[2:]):
        side = int(size / 2 + .5)
        start = draws.whole(place, len(x), size + 1 - side % 2).view(-1, 1) - side // 2
        at = torch.arange(size).view(1, size)
        hit = (at >= start) & (at < start + side)
        inside = inside & (hit.view(len(x), 1, size, 1) if place == 0 else hit.view(len(x), 1, 1, size))
    return x * ~inside


def moved(x, names, draws, degrees):
    """Each image by the operation that names has for it."""
    n, sizes = len(x), (x.shape[3], x.shape[2])
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    for name in set(names):
        of = torch.tensor([other == name for other in names])
        if name == "Flip":
            theta[of, 0, 0] = torch.where(draws.uniform(0, n, 0, 1) < .5, -1., 1.)[of]
        elif name == "Crop":
            for axis, size in enumerate(sizes):
                most = int(size / 8 + .5)
                theta[of, axis, 2] = ((draws.whole(axis, n, 2 * most + 1) - most) * 2 / size)[of]
        elif name == "Scale":
            for axis in (0, 1):
                theta[of, axis, axis] = draws.uniform(axis, n, 1 / 1.2, 1.2)[of]
        else:
            a = torch.deg2rad(draws.uniform(0, n, -degrees, degrees))[of]
            wide = sizes[0] / sizes[1]  # the grid has both sides as 2, but images turn as they are seen
            theta[of, 0, 0], theta[of, 0, 1], theta[of, 1, 0], theta[of, 1, 1] = (
                a.cos(), -a.sin() / wide, a.sin() * wide, a.cos())
    return F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)


def augment(x, ops, draws=Draws()):
    """Differentiable siamese augmentation (Zhao and Bilen, 2021) by the recipe's augmentation_ops: one of the operations
    for the batch, or one for each image, or all in turn."""
    names, turn, each, degrees = [], False, False, 15.
    for part in ops.split(", "):
        if part == "in turn":
            turn = True
        elif part == "one for each image":
            each = True
        elif found := re.fullmatch(r"turns to (\d+)°", part):
            degrees = float(found.group(1))
        elif part in SETS or part in SETS["Photographs"].split():
            names += SETS.get(part, part).split()
        else:
            raise ValueError(f"this file knows no augmentation \"{shown(part)}\"")
    steps = ([n for n in names if n == "Flip"], [n for n in names if n == "Color"],
             [n for n in names if n in MOVES], [n for n in names if n == "Cutout"]) if turn else (names,)
    for choices in steps:
        if not choices:
            continue
        if each:
            x = moved(x, [draws.chosen(choices) for _ in x], draws, degrees)
            continue
        name = draws.chosen(choices)
        x = (color(x, draws) if name == "Color" else cutout(x, draws) if name == "Cutout"
             else moved(x, [name] * len(x), draws, degrees))
    return x


def cutmix(x, y, probability):
    """One box of the batch from other images of it, labels mixed by its area (Yun et al., 2019)."""
    if not torch.rand(()) < probability:
        return x, y
    (h, w), side = x.shape[2:], float(torch.rand(())) ** .5
    half_h, half_w = int(h * side) // 2, int(w * side) // 2
    row, column = int(torch.randint(h, ())), int(torch.randint(w, ()))
    top, bottom = max(0, row - half_h), min(h, row + half_h)
    left, right = max(0, column - half_w), min(w, column + half_w)
    partners, share = torch.randperm(len(x)), (bottom - top) * (right - left) / (h * w)
    x = x.clone()
    x[:, :, top:bottom, left:right] = x[partners, :, top:bottom, left:right]
    return x, y * (1 - share) + y[partners] * share


def train(images, soft_labels, recipe, epochs=None, width=None, net=None):
    """By the recipe's protocol, the last epoch counts. A: SGD with momentum, a tenth of the rate from half on. B, release: AdamW,
    half of the rate at each fifth, CutMix. Soft cross-entropy."""
    known = re.fullmatch(r"convnet-d(\d+)-w(\d+)", recipe["network"])
    if not known:
        raise ValueError(f"this file trains convnet-d*-w* only, not {shown(recipe['network'])}: train a network of your own")
    protocol = recipe.get("protocol_name", "A")  # the first format knew A only
    if protocol not in ("A", "B", "release"):
        raise ValueError(f"this file trains by protocols A, B and release only, not {shown(protocol)}")
    net = net or ConvNet(images.shape[1:], soft_labels.shape[1], width or int(known.group(2)), int(known.group(1)))
    batch, epochs, rate = int(recipe.get("batch", 256)), epochs or int(recipe["epochs"]), recipe["lr"]
    decay, mixed = float(recipe.get("weight_decay", 5e-4)), float(recipe.get("cutmix", 0))
    ops = recipe.get("augmentation_ops") or ("None" if recipe["augmentation"] == "none" else None)
    if ops is None:
        raise ValueError(f"the first format does not say what its augmentation {shown(recipe['augmentation'])} does: set "
                         "recipe['augmentation_ops'] yourself")
    if protocol != "A":
        optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
    else:
        momentum = float(recipe.get("momentum", .9))
        optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum, weight_decay=decay)
    per_epoch, step = -(-len(images) // batch), 0
    steps = epochs * per_epoch
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(batch):
            factor = .5 ** min(4, 5 * step // steps) if protocol != "A" else 1 if step < steps // 2 else .1
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            x, y = cutmix(augment(images[rows], ops), soft_labels[rows], mixed)
            loss = -(y * F.log_softmax(net(x), 1)).sum(1).mean()
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


def test_hash(pixels, labels, classes):
    """What the recipe has as test_sha256."""
    sizes = np.array([*pixels.shape, classes], "<i4").tobytes()
    return hashlib.sha256(sizes + labels.numpy().astype(np.uint8).tobytes() + pixels.tobytes()).hexdigest()


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
            raise SystemExit(f"{shown(folder)} has neither test.npz ('export --test-images' makes it), nor test_batch.bin, "
                             f"nor {name}[.gz]")
        idx[name[5:11]] = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    h, w = (int.from_bytes(idx["images"][at:at + 4], "big") for at in (8, 12))
    pixels = np.frombuffer(idx["images"], np.uint8, offset=16).reshape(-1, 1, h, w)
    return pixels, torch.tensor(np.frombuffer(idx["labels"], np.uint8, offset=8).astype(np.int64))


def main():
    parser = argparse.ArgumentParser(description="Trains on the set in this folder by the protocol of its claim.")
    parser.add_argument("--data", default=HERE, help="folder of the test data; default: this folder, for its test.npz")
    for name, what in (("epochs", "as claimed"), ("repeats", "as claimed"), ("width", "as claimed"), ("seed", "0")):
        parser.add_argument("--" + name, type=int, help=f"default: {what}")
    given = parser.parse_args()
    torch.manual_seed(given.seed or 0)
    images, soft_labels, recipe = load()
    images, soft_labels = decode(images, soft_labels, recipe)
    pixels, labels = test_data(given.data)
    if tuple(pixels.shape[1:]) != tuple(images.shape[1:]) or labels.max() >= soft_labels.shape[1]:
        raise SystemExit(f"the set has images {list(images.shape[1:])} of {soft_labels.shape[1]} classes, but {shown(given.data)} "
                         f"has {list(pixels.shape[1:])} of {int(labels.max()) + 1}: these are the test data of another set")
    if "test_sha256" in recipe and test_hash(pixels, labels, soft_labels.shape[1]) != recipe["test_sha256"]:
        print("Note: these are not the test images of the claim, so the numbers do not compare.")
    x = preprocess_test(pixels, recipe)
    runs = []
    for k in range(given.repeats or int(recipe.get("claimed_n", 1))):
        runs.append(accuracy(train(images, soft_labels, recipe, given.epochs, given.width), x, labels))
        print(f"network {k + 1}: {runs[-1]:.2f} %", flush=True)
    spread = np.std(runs, ddof=1) if len(runs) > 1 else 0.
    print(f"test accuracy {np.mean(runs):.2f} +- {spread:.2f} % over {len(runs)} networks (torch {torch.__version__}); "
          f"claimed: {shown(recipe['claimed_accuracy'])} %, {shown(recipe['protocol'])}")


if __name__ == "__main__":
    main()
