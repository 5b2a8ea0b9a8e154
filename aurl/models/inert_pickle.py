"""Read a pickle as data, without running it.

A pickle is a small program, and the ones that come with published weights hold more than tensors
(`argparse.Namespace`, numpy scalars). No unpickler runs here: the standard library's parser lists the
operations, and this module carries out those that build plain values. What a pickle would import stays a
`Name`, what it would call becomes whatever `construct` makes of that name and `OPAQUE` otherwise, and
what it would set on an object is dropped.
"""

import io
import pickletools  # nosec B403
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Construct = Callable[[str, tuple[Any, ...]], Any]
Persistent = Callable[[Any], Any]


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names, as `module.name`; never imported."""

    path: str


class Opaque:
    """What stands for an object that is not built."""


OPAQUE = Opaque()

LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "EMPTY_SET": OPAQUE}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(stream: io.BytesIO, persistent: Persistent, construct: Construct) -> Any:
    """The value of the pickle that begins at the stream's position, which is left behind its end.

    Args:
        persistent: gives the value of a persistent id (torch's storages).
        construct: gives the value of a call of `module.name` with arguments, `OPAQUE` where it knows none.
    Raises:
        ValueError: the pickle is malformed, or uses an operation that no checkpoint needs.
    """
    machine = _Machine(persistent, construct)
    try:
        for operation, argument, _ in pickletools.genops(stream):
            if operation.name == "STOP":
                return machine.stack.pop()
            machine.step(operation.name, argument)
    except (IndexError, KeyError, TypeError) as error:  # an operation on what is not there
        raise ValueError(f"its pickle is malformed ({type(error).__name__})") from None
    raise ValueError("its pickle has no end")


class _Machine:
    """The pickle machine's stack, marks and memo, with the operations that build values."""

    def __init__(self, persistent: Persistent, construct: Construct) -> None:
        self.persistent, self.construct = persistent, construct
        self.stack: list[Any] = []
        self.below_marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Carry out one operation. Raises: IndexError, KeyError, TypeError, ValueError."""
        match name:
            case _ if name in LITERALS:
                self.stack.append(argument)
            case _ if name in CONSTANTS:
                self.stack.append(CONSTANTS[name])
            case "PROTO" | "FRAME":
                pass
            case "EMPTY_LIST":
                self.stack.append([])
            case "EMPTY_DICT":
                self.stack.append({})
            case _ if name in TUPLES:
                self.stack.append(tuple(self._pop(TUPLES[name])))
            case "TUPLE" | "LIST":
                items = self._pop_mark()  # first: it gives back the stack below
                self.stack.append(tuple(items) if name == "TUPLE" else items)
            case "DICT":
                items = self._pop_mark()
                self.stack.append({})
                self._set_items(items)
            case "FROZENSET" | "INST" | "OBJ":
                self._pop_mark()
                self.stack.append(OPAQUE)
            case "APPEND":
                self._extend(self._pop(1))
            case "APPENDS" | "ADDITEMS":
                self._extend(self._pop_mark())
            case "SETITEM":
                self._set_items(self._pop(2))
            case "SETITEMS":
                self._set_items(self._pop_mark())
            case "MARK":
                self.below_marks.append(self.stack)
                self.stack = []
            case "POP" | "BUILD":  # BUILD sets an object's state
                self._pop(1)
            case "POP_MARK":
                self._pop_mark()
            case "DUP":
                self.stack.append(self.stack[-1])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case "PERSID":
                self.stack.append(self.persistent(argument))
            case "BINPERSID":
                self.stack.append(self.persistent(*self._pop(1)))
            case "GLOBAL":
                self.stack.append(Name(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                self.stack.append(Name(".".join(self._pop(2))))
            case "REDUCE" | "NEWOBJ":
                called, arguments = self._pop(2)
                known = isinstance(called, Name) and isinstance(arguments, tuple)
                self.stack.append(self.construct(called.path, arguments) if known else OPAQUE)
            case "NEWOBJ_EX":
                self._pop(3)
                self.stack.append(OPAQUE)
            case _:
                raise ValueError(f"its pickle uses {name}, which no checkpoint needs")

    def _pop(self, number: int) -> list[Any]:
        if len(self.stack) < number:
            raise IndexError
        items = self.stack[-number:]
        del self.stack[-number:]
        return items

    def _pop_mark(self) -> list[Any]:
        """Everything above the last mark; both are removed."""
        items, self.stack = self.stack, self.below_marks.pop()
        return items

    def _extend(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)
        elif self.stack[-1] is not OPAQUE:
            raise TypeError

    def _set_items(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], dict):
            # hashing a deeply nested tuple would overflow the stack of C
            keys = [key if isinstance(key, str | int | float) else OPAQUE for key in items[::2]]
            self.stack[-1].update(zip(keys, items[1::2], strict=True))
        elif self.stack[-1] is not OPAQUE:
            raise TypeError
