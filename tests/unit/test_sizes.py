"""No file above 450 lines, no function above 80; and that the check finds what it is for."""

from __future__ import annotations

from tools import sizes

CPP = """namespace barista {

// Adds.
void Op::add(const Buffer& a,
             const Buffer& b) {
  for (int i = 0; i < 3; i++) {
    b[i] = a[i];
  }
  if (a) {
    b();
  } else {
    a();
  }
}

class Op {
 public:
  int one() const {
    return 1;
  }
};

}  // namespace barista
"""


def test_files_and_functions_are_within_their_length() -> None:
    assert sizes.complaints() == []


def test_a_function_of_cpp_is_counted_from_its_first_line() -> None:
    found = {what: length for _, length, what in sizes.c_functions(CPP)}
    assert found["void Op::add(const Buffer& a,"] == 11
    assert found["int one() const {"] == 3
    assert max(found.values()) == 11


def test_a_function_of_python_is_counted_without_its_decorators() -> None:
    assert list(sizes.python_functions("@one\ndef f(\n    a\n):\n    return a\n")) == [(2, 4, "f")]
