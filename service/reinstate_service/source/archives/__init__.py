"""Account archives: what `zmmailbox getRestURL` makes, and the directory beside them.

docs/archives.md describes the folder, how it is made and what an export leaves out.
"""
