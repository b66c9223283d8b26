#!/usr/bin/env python3
"""Reads the prototypes of a C header.

usage: header.py names HEADER   the functions it declares, sorted
       header.py stub HEADER    a C program with a body for each: something whose ABI can be looked at
"""
import re
import sys


def declarations(text):
    """The declarations outside braces, without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.M)
    text = text.replace('extern "C" {', " ")
    depth, start, found = 0, 0, []
    for at, sign in enumerate(text):
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth = max(0, depth - 1)  # the brace that closes extern "C" has no partner here
        elif sign == ";" and depth == 0:
            found.append(" ".join(text[start:at].split()).lstrip("} "))
            start = at + 1
    return found


def prototypes(text):
    """(name, prototype) of each function, in order."""
    for declaration in declarations(text):
        if declaration.startswith(("typedef", "struct", "enum", "union")) and "(" not in declaration.split("{")[0]:
            continue
        if declaration.startswith("typedef"):
            continue
        match = re.match(r"[\w\s*]*?\b(regrow_\w+)\s*\(", declaration)
        if match:
            yield match.group(1), declaration


def main():
    what, path = sys.argv[1:]
    found = list(prototypes(open(path).read()))
    if what == "names":
        print("\n".join(sorted(name for name, _ in found)))
    elif what == "stub":
        print(f'#include "{path}"')
        for _, prototype in found:
            print(prototype, "{ __builtin_trap(); }")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
