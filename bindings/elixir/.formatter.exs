[inputs: ["mix.exs", "{lib,test,examples}/**/*.{ex,exs}"], line_length: 120]
