#!/usr/bin/env python3
"""The work of 'benchmarks convnet' in PyTorch, for eng/gpu-check: written as a user of PyTorch would, no tricks.

    torch-steps.py --out FOLDER [--device cuda:0] [--case 128x256x100 ...] [--mode eager ...] [--size 32] [--window 20]
                   [--sgemm 4096 8192] [--seconds 0.5] [--limit 80]

A ConvNet of three blocks (convolution 3x3, instance norm with scale and shift, ReLU, mean pool) and a linear layer.
Width, images of a batch and images of S make a case. Each mode and case gives FOLDER/torch-MODE-CASE.json as soon as it
is done, and FOLDER/torch.json holds the machine's ceilings. What a mode needs and the machine lacks is in its file.

    forward    logits of a batch
    train      forward and the gradient in all parameters
    mixed      d/dS <v, gradient of L(theta; S)> for images and label logits, by double backward
    mixed_fd   the same by central differences of two backward passes
    iteration  one update of S: J on two checkpoints, its gradient by mixed_fd, the step
    update     one update of S by training on it for --window steps and going back through them, the step

    eager          as installed: TF32 in convolutions, none in matrix products
    float32        TF32 off everywhere
    channels-last  as installed, with channels last
    graph          as installed; forward, train, mixed_fd and iteration each captured as a CUDA graph and replayed
"""
import argparse
import json
import os
import statistics
import time

import torch
import torch.nn.functional as F

BLOCKS, CLASSES, COLOURS, REPEATS = 3, 10, 3, 5


class Work:
    """The work of one case in one mode; every entry is a function without arguments."""

    def __init__(self, case, size, window, device, channels_last):
        self.width, self.batch, self.syn = case
        self.window, self.channels_last = window, channels_last
        torch.manual_seed(0)
        shapes, channels, side = [], COLOURS, size
        for _ in range(BLOCKS):
            shapes += [(self.width, channels, 3, 3), (self.width,), (self.width,), (self.width,)]
            channels, side = self.width, side // 2
        shapes += [(CLASSES, self.width * side * side), (CLASSES,)]
        self.theta = [torch.randn(s, device=device) * 0.05 for s in shapes]
        for block in range(BLOCKS):
            self.theta[4 * block + 2].fill_(1.0)
        for t in self.theta:
            t.requires_grad_()
        # Two checkpoints of an expert, and where it went from there.
        self.checkpoints = [self.theta, [(t + 0.001 * torch.randn_like(t)).detach().requires_grad_() for t in self.theta]]
        self.real = [0.01 * torch.randn_like(t) for t in self.theta]
        self.v = [torch.randn_like(t) for t in self.theta]
        self.x = self.images(self.batch, size, device)
        self.y = torch.randint(CLASSES, (self.batch,), device=device)
        self.s = self.images(self.syn, size, device).requires_grad_()
        self.q = torch.randn(self.syn, CLASSES, device=device).requires_grad_()

    def images(self, count, size, device):
        x = torch.randn(count, COLOURS, size, size, device=device)
        return x.to(memory_format=torch.channels_last) if self.channels_last else x

    def logits(self, theta, x):
        for b in range(BLOCKS):
            w, bias, scale, shift = theta[4 * b:4 * b + 4]
            if self.channels_last:
                w = w.to(memory_format=torch.channels_last)
            x = F.instance_norm(F.conv2d(x, w, bias, padding=1), weight=scale, bias=shift)
            x = F.avg_pool2d(F.relu(x), 2)
        return F.linear(x.flatten(1), theta[-2], theta[-1])

    def loss_of_s(self, theta):
        return -(F.softmax(self.q, 1) * F.log_softmax(self.logits(theta, self.s), 1)).sum(1).mean()

    def forward(self):
        with torch.no_grad():
            return self.logits(self.theta, self.x)

    def train(self):
        return torch.autograd.grad(F.cross_entropy(self.logits(self.theta, self.x), self.y), self.theta)

    def mixed(self):
        g = torch.autograd.grad(self.loss_of_s(self.theta), self.theta, create_graph=True)
        return torch.autograd.grad(dot(g, self.v), [self.s, self.q])

    def mixed_fd(self):
        return self.difference(self.theta, self.v)

    def difference(self, theta, v):
        step = 1e-2 / torch.sqrt(dot(v, v))
        ends = []
        for sign in (step, -step):
            moved = [(t + sign * d).detach() for t, d in zip(theta, v)]
            ends.append(torch.autograd.grad(self.loss_of_s(moved), [self.s, self.q]))
        return [(a - b) / (2 * step) for a, b in zip(*ends)]

    def iteration(self):
        moved = None
        for theta in self.checkpoints:
            g = torch.autograd.grad(self.loss_of_s(theta), theta)
            moved = [-0.01 * d for d in g] if moved is None else [m - 0.01 * d for m, d in zip(moved, g)]
        u = self.residual(moved)
        total = None
        for theta in self.checkpoints:
            part = self.difference(theta, u)
            total = part if total is None else [a + b for a, b in zip(total, part)]
        self.step([-0.01 * t for t in total])

    def update(self):
        theta = self.theta
        for _ in range(self.window):
            g = torch.autograd.grad(self.loss_of_s(theta), theta, create_graph=True)
            theta = [t - 0.02 * d for t, d in zip(theta, g)]
        moved = [a - b.detach() for a, b in zip(theta, self.theta)]
        u = self.residual([m.detach() for m in moved])
        self.step(torch.autograd.grad(dot(moved, u), [self.s, self.q]))

    def residual(self, moved):
        """dJ/d(moved) of J = |a moved - real|^2 / |real|^2 at the best a."""
        weight, length = dot(moved, self.real) / dot(moved, moved), dot(self.real, self.real)
        return [(2 * weight / length) * (weight * m - r) for m, r in zip(moved, self.real)]

    def step(self, gradient):
        # So small that repeated updates measure the same work.
        with torch.no_grad():
            self.s -= 1e-6 * gradient[0]
            self.q -= 1e-6 * gradient[1]


def dot(a, b):
    return sum((x * y).sum() for x, y in zip(a, b))


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work, device, seconds):
    """The median of repeats, each of as many calls as the time allows, after a warm-up."""
    def many(calls):
        wait(device)
        start = time.perf_counter()
        for _ in range(calls):
            work()
        wait(device)
        return (time.perf_counter() - start) / calls
    many(2)
    calls = max(1, int(seconds / REPEATS / max(many(1), 1e-6)))
    return statistics.median(many(calls) for _ in range(REPEATS))


def captured(work, device):
    """A replay of what one call queues."""
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = work()
    # The results live in the graph's own memory: they are kept as long as it.
    return lambda: (graph.replay(), results)[0]


def measure(mode, case, o, device):
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = mode != "float32"
    torch.backends.cuda.matmul.allow_tf32 = False
    found = {"torch": torch.__version__, "mode": mode, "width": case[0], "batch": case[1], "syn": case[2], "window": o.window}
    if mode == "graph" and device.type != "cuda":
        found["left_out"] = "a CUDA graph needs a CUDA device"
        return found
    work = Work(case, o.size, o.window, device, mode == "channels-last")
    for name in ("forward", "train", "mixed", "mixed_fd", "iteration", "update"):
        if mode == "graph" and name in ("mixed", "update"):
            continue
        try:
            run = getattr(work, name)
            if mode == "graph":
                run = captured(run, device)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            t = seconds_of(run, device, o.seconds)
            images = work.batch if name in ("forward", "train") else work.syn
            found[name] = {"ms": round(t * 1e3, 4), "images_per_s": round(images / t, 1)}
            if device.type == "cuda":
                found[name]["peak_mib"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
                found[name]["reserved_mib"] = round(torch.cuda.max_memory_reserved(device) / 2**20, 1)
        except RuntimeError as e:
            found[name + "_error"] = str(e).strip().splitlines()[-1][:200]
    return found


def ceilings(o, device):
    found = {"torch": torch.__version__, "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"}
    a = torch.randn(o.copy_mib << 18, device=device)
    b = torch.empty_like(a)
    found["copy_gb_s"] = round(2 * 4 * a.numel() / seconds_of(lambda: b.copy_(a), device, o.seconds) / 1e9, 1)
    del a, b
    for tf32 in (False, True):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for n in o.sgemm:
            x, y = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
            t = seconds_of(lambda: x @ y, device, o.seconds)
            found["%s_%d_gflops" % ("tf32" if tf32 else "sgemm", n)] = round(2 * n**3 / t / 1e9, 1)
    return found


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--out", required=True)
    a.add_argument("--device", default="cuda:0")
    a.add_argument("--case", nargs="+", default=["128x256x100", "128x100x100", "32x10x10"])
    a.add_argument("--mode", nargs="+", default=["eager", "float32", "channels-last", "graph"])
    a.add_argument("--size", type=int, default=32)
    a.add_argument("--window", type=int, default=20)
    a.add_argument("--sgemm", nargs="+", type=int, default=[4096, 8192])
    a.add_argument("--copy-mib", type=int, default=1024)
    a.add_argument("--seconds", type=float, default=0.5)
    a.add_argument("--limit", type=float, default=1e9, help="no case begins after so many seconds")
    o = a.parse_args()
    start, device = time.monotonic(), torch.device(o.device)
    os.makedirs(o.out, exist_ok=True)

    def save(name, found):
        with open(os.path.join(o.out, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(found, file)
            file.write("\n")
        print("%s: %s" % (name, ", ".join("%s %s" % pair for pair in found.items() if not isinstance(pair[1], dict))), flush=True)

    save("torch", ceilings(o, device))
    for text in o.case:
        for mode in o.mode:
            name = "torch-%s-%s" % (mode, text)
            if time.monotonic() - start > o.limit:
                save(name, {"mode": mode, "left_out": "no time was left"})
            else:
                save(name, measure(mode, tuple(int(n) for n in text.split("x")), o, device))
    print("%d modes of %d cases," % (len(o.mode), len(o.case)))


main()
