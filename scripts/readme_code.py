#!/usr/bin/env python3
"""Takes the programs of one language out of a Markdown file.

usage: readme_code.py FILE.md FOLDER [LANGUAGE]

Writes each block of LANGUAGE (c, cpp, python, elixir, gleam) that is a whole program to FOLDER, as 1.c, 2.c and so on,
and the ```text block that follows it to FOLDER/N.txt: what the program prints. Prints how many there were.
"""
import re
import sys

# What a block has that is a whole program, and how its file is called.
PROGRAMS = {
    "c": ("int main(", "c"),
    "cpp": ("int main(", "cpp"),
    "python": ("import regrow", "py"),
    "elixir": ("defmodule ", "exs"),
    "gleam": ("pub fn main(", "gleam"),
}

markdown, folder = open(sys.argv[1]).read(), sys.argv[2]
wanted = sys.argv[3] if len(sys.argv) > 3 else "c"
mark, suffix = PROGRAMS[wanted]
blocks = re.findall(r"^```(\w*)\n(.*?)^```$", markdown, re.M | re.S)
count = 0
for (language, code), (next_language, output) in zip(blocks, blocks[1:] + [("", "")]):
    if language == wanted and mark in code:
        count += 1
        open(f"{folder}/{count}.{suffix}", "w").write(code)
        open(f"{folder}/{count}.txt", "w").write(output if next_language == "text" else "")
print(count)
