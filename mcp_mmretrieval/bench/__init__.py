"""How fast the models of a library are on this machine, and what that costs, through the product's own code.

`workloads` makes contents, `plan` says what is measured with them, `timing` measures, `footprint` reads memory,
`report` puts it together. `proof` alone says whether a model is what its record says, `evaluation` how well all answer.
"""
