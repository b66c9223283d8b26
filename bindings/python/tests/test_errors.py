"""One exception for each error code of the header."""

import re
from pathlib import Path

import regrow
from regrow import errors


def test_each_code_has_an_exception_of_its_name() -> None:
    header = Path(__file__).parents[3] / "include" / "regrow.h"
    codes = re.findall(r"^  REGROW_ERR_(\w+) = (\d+),", header.read_text(), re.M)
    assert len(codes) >= 25
    for name, code in codes:
        wanted = "".join(word.capitalize() for word in name.split("_")) + "Error"
        known = errors.BY_CODE[int(code)]
        assert known.__name__ == wanted and getattr(regrow, wanted) is known
        assert known.__doc__ and issubclass(known, errors.Error)
    assert len(errors.BY_CODE) == len(codes)


def test_killed_is_no_exception_that_code_would_hide() -> None:
    assert not issubclass(regrow.KilledError, Exception)


def test_an_error_is_also_what_python_calls_it() -> None:
    assert issubclass(regrow.TimeoutError, TimeoutError) and issubclass(regrow.NoProcessError, LookupError)
    assert issubclass(regrow.ArgumentError, ValueError) and issubclass(regrow.FileError, OSError)


def test_the_reason_is_otps_term(runtime: regrow.Runtime) -> None:
    agent = runtime.start_child(regrow.AgentSpec(0, id="one"))
    try:
        runtime.start_child(regrow.AgentSpec(0, id="one"))
        raise AssertionError
    except regrow.ExistsError as error:
        assert error.reason == (regrow.Atom("already_started"), agent) and error.code == 7 and error.text
    agent.stop()


def test_each_function_is_documented() -> None:
    import inspect

    for name in regrow.__all__:
        thing = getattr(regrow, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), name
            if inspect.isclass(thing):
                for method, function in vars(thing).items():
                    if inspect.isfunction(function) and not method.startswith("_"):
                        assert inspect.getdoc(function), f"{name}.{method}"
