"""What `import lrfact` offers: all that is public, and nothing else."""

import ast
import inspect
import subprocess
import sys

import numpy as np
import pytest

import lrfact

SUBPACKAGES = {"datasets", "metrics", "rank_rules"}


def in_new_process(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return ast.literal_eval(done.stdout)


def test_completion_shows_public_names_only():
    shown = {name for name in dir(lrfact) if not name.startswith("_")}
    assert shown == {*lrfact.__all__, *SUBPACKAGES}
    for name in shown:
        assert hasattr(lrfact, name)


def test_subpackages_are_imported_at_first_use():
    code = "import lrfact, sys; print([lrfact.datasets.make_ratings.__name__, dir(lrfact)])"
    name, shown = in_new_process(code)
    assert name == "make_ratings"
    assert not {"kernels", "linalg", "solvers", "checks", "estimators"} & set(shown)
    assert in_new_process("import lrfact, sys; print('lrfact.datasets' in sys.modules)") is False


def test_other_attributes_do_not_exist():
    with pytest.raises(AttributeError, match="module 'lrfact' has no attribute 'factorize'"):
        lrfact.factorize  # noqa: B018


def public_methods():
    for name in lrfact.__all__:
        cls = getattr(lrfact, name)
        if not inspect.isclass(cls) or not hasattr(cls, "fit"):
            continue
        for method in dir(cls):
            function = inspect.getattr_static(cls, method)
            function = getattr(function, "fn", function)
            if not method.startswith("_") and inspect.isfunction(function):
                kinds = {each.kind for each in inspect.signature(function).parameters.values()}
                takes_any = inspect.Parameter.VAR_KEYWORD in kinds
                if function.__module__.startswith("lrfact.") and not takes_any:
                    yield pytest.param(cls, function, id=f"{name}.{method}")


@pytest.mark.parametrize(("cls", "function"), list(public_methods()))
def test_no_message_of_python_names_a_private_base(cls, function):
    with pytest.raises(TypeError) as raised:
        function(cls(), np.zeros((2, 2)), no_such_argument=1)
    message = str(raised.value)
    assert message.startswith((f"{cls.__name__}.", f"{function.__name__}()"))
    assert "no_such_argument" in message
