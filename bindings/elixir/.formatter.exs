[inputs: ["mix.exs", "{conformance,lib,test,examples}/**/*.{ex,exs}"], line_length: 120]
