#!/usr/bin/env python3
"""What stands in the loops of machine code: reads what 'cuobjdump -sass' printed and prints a line for each loop.

    sass-loops.py FILE...

A loop is what lies between a branch backwards and its target. It is innermost where it holds no other. MUFU are roots,
reciprocals and the like; a division of float64 or of whole numbers has one or more. CALL jumps to the slow part of one.
"""
import re
import sys

FUNCTION = re.compile(r"^\s*Function : (\S+)")
INSTRUCTION = re.compile(r"^\s*/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)\s*([^;]*);")
KINDS = ("FFMA", "HMMA", "DFMA", "DMUL", "DADD", "MUFU", "CALL", "LDS", "LDG", "STS", "STG", "LDL", "STL", "IMAD", "BAR")


def functions(lines):
    name, code = None, []
    for line in lines:
        if found := FUNCTION.match(line):
            if name:
                yield name, code
            name, code = found.group(1), []
        elif found := INSTRUCTION.match(line):
            code.append((int(found.group(1), 16), found.group(2), found.group(3)))
    if name:
        yield name, code


def loops(code):
    found = []
    for address, operation, operands in code:
        target = re.search(r"0x([0-9a-f]+)\s*$", operands.strip())
        if operation.split(".")[0] == "BRA" and target and int(target.group(1), 16) < address:
            found.append((int(target.group(1), 16), address))
    # A kernel ends in a branch to itself.
    return sorted(set(found))


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8", errors="replace") as file:
            for name, code in functions(file):
                print("%s: %d instructions" % (name, len(code)))
                all_loops = loops(code)
                for first, last in all_loops:
                    body = [operation.split(".")[0] for address, operation, _ in code if first <= address <= last]
                    inner = not any(f >= first and t <= last and (f, t) != (first, last) for f, t in all_loops)
                    counts = ", ".join("%s %d" % (kind, body.count(kind)) for kind in KINDS if kind in body)
                    print("  %04x-%04x%s: %d instructions, %s" % (first, last, " innermost" if inner else "", len(body), counts))


main()
