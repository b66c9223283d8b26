"""Builds regrow._native: the C face of regrow for cffi, and the C files of native/.

What cffi is told comes from the headers themselves, so nothing is declared twice. The module is not linked with
libregrow: regrow/_library.py loads that first, so that REGROW_LIBRARY can name another.
"""

import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / "include"
NATIVE = HERE / "native"

CALLBACKS = """
extern "Python" {
  int32_t rp_py_init(regrow_context *, uint64_t, rp_value *, uint64_t *);
  int32_t rp_py_handle(regrow_context *, uint64_t, int32_t, rp_value *);
  void rp_py_terminate(regrow_context *, uint64_t, rp_value *);
  int32_t rp_py_get_state(uint64_t, regrow_term *);
  int32_t rp_py_replace_state(uint64_t, rp_value *);
  int32_t rp_py_supervisor_init(regrow_context *, uint64_t, rp_value *, regrow_children *);
  int32_t rp_py_body(regrow_context *, uint64_t);
  int32_t rp_py_task(regrow_context *, uint64_t, rp_value *, regrow_term *);
  int32_t rp_py_agent(regrow_context *, uint64_t, int32_t, rp_value *, regrow_term *, regrow_term *);
  bool rp_py_match(uint64_t, rp_value *);
  void rp_py_each(uint64_t, uint64_t, rp_value *);
  void rp_py_run(uint64_t);
  bool rp_py_source(uint64_t, regrow_term *);
  bool rp_py_result(uint64_t, rp_value *);
  void rp_py_deliver(uint64_t, uint64_t, rp_value *, regrow_caller *);
  void rp_py_host_exit(uint64_t, uint64_t, rp_value *);
  void rp_py_drop(uint64_t);
  void rp_py_object_drop(uint64_t);
}
"""


def declarations(header: Path) -> str:
    """A header as cffi reads it: without comments and directives, numbers left to the compiler."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    constants = re.findall(r"^#define (REGROW_\w+) (?:UINT32_MAX|0x[0-9A-F]+|\d+)$", text, flags=re.M)
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif.*?$", "", text, flags=re.S | re.M)
    text = text[: text.find("#if defined(__cplusplus)")] if "#if defined(__cplusplus)" in text else text
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return "".join(f"#define {name} ...\n" for name in constants) + text


ffi = FFI()
ffi.cdef(declarations(INCLUDE / "regrow.h"))
for name in ("value", "queue", "callbacks", "calls"):
    ffi.cdef(declarations(NATIVE / f"{name}.h"))
ffi.cdef(CALLBACKS)
ffi.set_source(
    "regrow._native",
    "\n".join(f'#include "{name}"' for name in ("value.c", "queue.c", "callbacks.c", "guards.h", "calls.c")),
    include_dirs=[str(INCLUDE), str(NATIVE)],
    # -fexceptions: see stay() in callbacks.c.
    extra_compile_args=["-std=gnu11", "-O2", "-fexceptions", "-fvisibility=hidden", "-Wall", "-Wno-unused-function"],
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
