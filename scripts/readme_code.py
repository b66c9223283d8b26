#!/usr/bin/env python3
"""Takes the programs of a language out of a Markdown file.

usage: readme_code.py FILE.md FOLDER [c | cpp]

Writes each ```c block (```cpp, to .cpp) that has a main() to FOLDER/N.c, and the ```text block that follows it to FOLDER/N.txt: what
the program prints. Prints how many there were.
"""
import re
import sys

markdown, folder = open(sys.argv[1]).read(), sys.argv[2]
wanted = sys.argv[3] if len(sys.argv) > 3 else "c"
blocks = re.findall(r"^```(\w*)\n(.*?)^```$", markdown, re.M | re.S)
count = 0
for (language, code), (next_language, output) in zip(blocks, blocks[1:] + [("", "")]):
    if language == wanted and "int main(" in code:
        count += 1
        open(f"{folder}/{count}.{wanted}", "w").write(code)
        open(f"{folder}/{count}.txt", "w").write(output if next_language == "text" else "")
print(count)
