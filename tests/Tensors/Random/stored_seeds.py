"""Second implementation of the key derivation, from the paper and the comments only.

It printed the numbers of RandomKeyTests.Stored_seeds_keep_their_numbers (Python 3, no packages).
"""

MASK = 0xFFFFFFFF


def block(c, k):
    c, k = list(c), list(k)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def draw(key, index, extra, domain):
    return block((index & MASK, index >> 32, extra, domain), (key & MASK, key >> 32))


def derive(key, index, extra, domain):
    x, y, _, _ = draw(key, index, extra, domain)
    return (y << 32) | x


def name(key, text):
    raw = text.encode()
    for at in range(0, len(raw), 8):
        key = derive(key, int.from_bytes(raw[at:at + 8], "little"), len(raw), 3)
    return key


def below(key, bound, i, domain):
    x, y, _, _ = draw(key, i, 0, domain)
    return (((x << 32) | y) * bound) >> 64


key = derive(derive(name(derive(0, 42, 0, 1), "augmentation"), 7, 0, 2), 3, 0, 2)
order = []
for k in range(8):
    j = below(key, k + 1, k, 8)
    order.append(k)
    order[k], order[j] = order[j], k
words = draw(key, 5 // 2, 0, 5)
print(hex(key), order, below(key, 1000, 5, 7), repr((((words[2] << 32) | words[3]) >> 11) / 2**53))
