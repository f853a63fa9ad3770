"""How fast the models of a library are on this machine, and what that costs, through the product's own code.

`workloads` makes contents, `plan` says what is measured with them, `timing` measures, `footprint` reads memory,
`report` puts it together. Nothing here says how good a model is.
"""
