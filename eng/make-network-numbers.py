#!/usr/bin/env python3
"""Writes tests/Golden/networks.json: what PyTorch says of the networks in Nn/Models, in float64.

    python3 eng/make-network-numbers.py tests/Golden/networks.json

For each network: logits, loss, the gradient in every parameter and in the images, the products of second order
H v and d/dx <v, gradient>; the embedding and the outputs of all blocks, each with the gradient, in the parameters and in the
images, of their products with patterns. Of each vector its length, its product with a pattern and its first element are kept. Weights,
images, labels and patterns follow from whole numbers (see draw), so that none is stored. Needs torch and numpy only.
"""
import json
import math
import sys

import numpy as np
import torch
from torch import nn

BATCH, CLASSES = 2, 10
IMAGES, LABELS, DIRECTION, PATTERN, FEATURES = 1000, 2000, 3000, 4000, 5000


def draw(stream, count):
    """Numbers in [-1, 1) from their place and the number of a stream, by arithmetic modulo 2^32."""
    mask = np.uint64(0xFFFFFFFF)
    h = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(stream * 40503 + 12345)) & mask
    for _ in range(2):
        h ^= h >> np.uint64(16)
        h = (h * np.uint64(0x45D9F3B)) & mask
    h ^= h >> np.uint64(16)
    return torch.from_numpy(h.astype(np.float64) / 2147483648.0 - 1)


def border(image):
    return 2 if image == (1, 28, 28) else 0


class Stack(nn.Module):
    """Features, flattened, then linear layers under the given names with ReLU between them. A block of the features ends
    where the next convolution begins; each hidden linear layer is one, too."""

    def __init__(self, features, linear):
        super().__init__()
        if features:
            self.features = nn.Sequential(*features)
        self.names = [name for name, _, _ in linear]
        for name, inputs, outputs in linear:
            self.add_module(name, nn.Linear(inputs, outputs))

    def forward(self, x):
        """Logits, embedding and the outputs of the blocks."""
        blocks = []
        for layer in getattr(self, "features", []):
            if isinstance(layer, nn.Conv2d) and layer is not self.features[0]:
                blocks.append(x)
            x = layer(x)
        if hasattr(self, "features"):
            blocks.append(x)
        x = x.flatten(1)
        for name in self.names[:-1]:
            x = torch.relu(getattr(self, name)(x))
            blocks.append(x)
        return getattr(self, self.names[-1])(x), x, blocks


def convnet(image, width, depth, norm="instance", pooling="avg", activation="relu"):
    channels, height, columns = image
    height, columns = height + 2 * border(image), columns + 2 * border(image)
    features = []
    for block in range(depth):
        features.append(nn.Conv2d(channels, width, 3, padding=1 + (border(image) if block == 0 else 0)))
        channels = width
        if norm == "instance":
            features.append(nn.GroupNorm(width, width))
        elif norm == "group":
            features.append(nn.GroupNorm(4, width))
        elif norm == "layer":
            features.append(nn.LayerNorm([width, height, columns]))
        features.append({"relu": nn.ReLU(), "sigmoid": nn.Sigmoid(), "leakyrelu": nn.LeakyReLU(0.01)}[activation])
        if pooling != "none":
            features.append(nn.AvgPool2d(2) if pooling == "avg" else nn.MaxPool2d(2))
            height, columns = height // 2, columns // 2
    return Stack(features, [("classifier", width * height * columns, CLASSES)])


def lenet(image):
    features = [
        nn.Conv2d(image[0], 6, 5, padding=border(image)), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    ]
    return Stack(features, [("fc_1", 400, 120), ("fc_2", 120, 84), ("fc_3", 84, CLASSES)])


def alexnet(image):
    features, inputs = [], image[0]
    for outputs, kernel, pools in [(128, 5, 1), (192, 5, 1), (256, 3, 0), (192, 3, 0), (192, 3, 1)]:
        features += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 + (0 if features else border(image))), nn.ReLU()]
        features += [nn.MaxPool2d(2)] * pools
        inputs = outputs
    return Stack(features, [("fc", 192 * 16, CLASSES)])


def vgg11(image):
    features, inputs = [], image[0]
    for outputs, pools in [(64, 1), (128, 1), (256, 0), (256, 1), (512, 0), (512, 1), (512, 0), (512, 1)]:
        features.append(nn.Conv2d(inputs, outputs, 3, padding=1 + (0 if features else border(image))))
        features += [nn.GroupNorm(outputs, outputs), nn.ReLU()] + [nn.MaxPool2d(2)] * pools
        inputs = outputs
    return Stack(features, [("classifier", 512, CLASSES)])


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.GroupNorm(outputs, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.GroupNorm(outputs, outputs)
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.GroupNorm(outputs, outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.shortcut(x))


class ResNet18(nn.Module):
    def __init__(self, image):
        super().__init__()
        self.conv1 = nn.Conv2d(image[0], 64, 3, 1, 1, bias=False)
        self.bn1 = nn.GroupNorm(64, 64)
        inputs = 64
        for stage in range(1, 5):
            outputs = 64 << (stage - 1)
            self.add_module(
                f"layer{stage}", nn.Sequential(Block(inputs, outputs, min(stage, 2)), Block(outputs, outputs, 1)))
            inputs = outputs
        self.classifier = nn.Linear(512, CLASSES)

    def forward(self, x):
        """Logits, embedding and the outputs of the eight blocks."""
        x = torch.relu(self.bn1(self.conv1(x)))
        blocks = []
        for layer in [*self.layer1, *self.layer2, *self.layer3, *self.layer4]:
            x = layer(x)
            blocks.append(x)
        x = nn.functional.avg_pool2d(x, 4).flatten(1)
        return self.classifier(x), x, blocks


def mlp(image):
    return Stack([], [("fc_1", math.prod(image), 128), ("fc_2", 128, 128), ("fc_3", 128, CLASSES)])


def initial(net):
    """Weights of layers by He's bound, scales around 1, all biases around 0."""
    for stream, (name, parameter) in enumerate(net.named_parameters()):
        values = draw(stream, parameter.numel()).reshape(parameter.shape)
        owner = net.get_submodule(name.rpartition(".")[0])
        if isinstance(owner, (nn.GroupNorm, nn.LayerNorm)) and name.endswith("weight"):
            values = 1 + 0.2 * values
        elif name.endswith("bias"):
            values = 0.2 * values
        else:
            values = values * math.sqrt(6 / parameter[0].numel())
        parameter.data = values.clone()


def summary(vector):
    flat = vector.detach().reshape(-1)
    return [float(flat.norm()), float(flat @ draw(PATTERN, flat.numel())), float(flat[0])]


def features(values, parameters, x):
    """Shapes and summaries of features, and the first derivatives of the sum of their products with patterns; parameters
    behind them have zeros."""
    along = sum(value.reshape(-1) @ draw(FEATURES + i, value.numel()) for i, value in enumerate(values))
    found = torch.autograd.grad(along, [*parameters, x], retain_graph=True, allow_unused=True)
    flat = [torch.zeros_like(p).reshape(-1) if g is None else g.reshape(-1) for p, g in zip([*parameters, x], found)]
    return {
        "shapes": [list(value.shape) for value in values], "values": [summary(value) for value in values],
        "gradient": summary(torch.cat(flat[:-1])), "imageGradient": summary(flat[-1]),
    }


def numbers(name, image, net, **options):
    net = net.double()
    initial(net)
    x = (2 * draw(IMAGES, BATCH * math.prod(image)).reshape(BATCH, *image)).requires_grad_()
    labels = 1.25 + draw(LABELS, BATCH * CLASSES).reshape(BATCH, CLASSES)
    labels = labels / labels.sum(1, keepdim=True)
    names, parameters = zip(*net.named_parameters())
    logits, embedding, blocks = net(x)
    loss = -(labels * torch.log_softmax(logits, 1)).sum(1).mean()
    *gradients, of_images = torch.autograd.grad(loss, [*parameters, x], create_graph=True)
    v = draw(DIRECTION, sum(p.numel() for p in parameters))
    along = torch.cat([g.reshape(-1) for g in gradients]) @ v
    *hessian, mixed = torch.autograd.grad(along, [*parameters, x], retain_graph=True)
    return {
        "name": name, "image": image, **options, "count": v.numel(),
        "logits": logits.detach().reshape(-1).tolist(), "loss": float(loss.detach()),
        "parameters": list(names), "gradients": [summary(g) for g in gradients], "imageGradient": summary(of_images),
        "hvp": summary(torch.cat([h.reshape(-1) for h in hessian])), "mixed": summary(mixed),
        "embedding": features([embedding], parameters, x), "blocks": features(blocks, parameters, x),
    }


def main():
    torch.set_num_threads(2)
    digits, photographs, small = (1, 28, 28), (3, 32, 32), (3, 16, 16)
    cases = []
    for image, depth in [(digits, 3), (photographs, 3), ((3, 64, 64), 4)]:
        cases.append(numbers("convnet", image, convnet(image, 8, depth), width=8, depth=depth))
    for norm, pooling, activation in [
        ("none", "avg", "relu"), ("layer", "avg", "relu"), ("group", "avg", "relu"), ("instance", "max", "relu"),
        ("instance", "none", "relu"), ("layer", "max", "relu"), ("group", "none", "relu"),
        ("instance", "avg", "sigmoid"), ("group", "max", "leakyrelu"),
    ]:
        net = convnet(small, 8, 2, norm, pooling, activation)
        cases.append(numbers(
            "convnet", small, net, width=8, depth=2, norm=norm, pooling=pooling, activation=activation))
    for name, make in [("lenet", lenet), ("alexnet", alexnet), ("vgg11", vgg11), ("resnet18", ResNet18), ("mlp", mlp)]:
        cases += [numbers(name, image, make(image)) for image in (digits, photographs)]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    print(f"torch {torch.__version__}: {len(cases)} networks")


if __name__ == "__main__":
    main()
