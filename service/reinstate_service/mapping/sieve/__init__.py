"""Reading Sieve (RFC 5228) without losing a byte: tokens, calls, folder arguments.

`lexer` cuts a script into tokens whose texts join to the script again; `parser` says
whether the tokens are a script and which commands and tests it calls; `folders` knows
which of their arguments name a folder. None of them recurses, so that a hostile
script costs time in proportion to its length and nothing else.
"""
