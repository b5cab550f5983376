"""Every error of the house is a sentence, a cause and a fix, in both languages, under a code of its own."""

import importlib
import pkgutil
import string

import pytest

import hutong
from hutong.cli import COMMANDS
from hutong.core.errors import ErrorText, HutongError


def everything() -> list[type[HutongError]]:
    """Every error class that the installed package defines."""
    for module in pkgutil.walk_packages(hutong.__path__, "hutong."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
    found: list[type[HutongError]] = []
    waiting = [HutongError]
    while waiting:
        cls = waiting.pop()
        found.append(cls)
        waiting.extend(cls.__subclasses__())
    return [cls for cls in found if cls.__module__.startswith("hutong.")]


@pytest.fixture(scope="module")
def errors() -> list[type[HutongError]]:
    """Every error class, once."""
    return everything()


def fields(text: ErrorText) -> set[str]:
    """The details that a text asks for."""
    parts = (text.sentence, text.cause, text.fix)
    return {name for part in parts for _, name, _, _ in string.Formatter().parse(part) if name}


def chinese(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return any("一" <= letter <= "鿿" for letter in text)


def test_codes_are_unique_and_well_formed(errors):
    by_code: dict[str, list[str]] = {}
    for cls in errors:
        if "code" in vars(cls):  # a finer kind of an error keeps its parent's code
            by_code.setdefault(cls.code, []).append(cls.__qualname__)
    assert {code: names for code, names in by_code.items() if len(names) > 1} == {}
    assert [code for code in by_code if not code.replace("_", "").islower()] == []


def test_texts_are_whole_and_of_their_language(errors):
    broken = []
    for cls in errors:
        parts = [cls.zh.sentence, cls.zh.cause, cls.zh.fix, cls.en.sentence, cls.en.cause, cls.en.fix]
        if not all(part.strip() for part in parts) or not chinese(cls.zh.sentence) or chinese(cls.en.sentence):
            broken.append(cls.__qualname__)
    assert broken == []


def test_both_languages_tell_the_same_details(errors):
    assert [cls.__qualname__ for cls in errors if fields(cls.zh) != fields(cls.en)] == []


def test_statuses_are_of_http(errors):
    assert [cls.__qualname__ for cls in errors if not 400 <= cls.status <= 599] == []


def test_no_way_out_is_a_command_that_is_not_built(errors):
    unbuilt = [name for name, (module, _) in COMMANDS.items() if module == "hutong.cli.unbuilt"]
    assert unbuilt
    named = {
        (cls.__qualname__, name)
        for cls in errors
        for text in (cls.zh, cls.en)
        for name in unbuilt
        if f"hutong {name}" in f"{text.sentence} {text.cause} {text.fix}"
    }
    assert named == set()
