"""Building and checking the course: nothing here is needed to read it."""

import sys

# Where this module is, jsonschema, which nbformat and Jupyter Book import, checks a kind of address with it that occurs
# in none of our files; and compiles 38 grammars for that whenever a program begins, which takes two seconds.
sys.modules.setdefault("rfc3987_syntax", None)
