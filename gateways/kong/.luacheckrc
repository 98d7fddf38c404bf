std = "ngx_lua"
read_globals = { "kong" }
max_line_length = 100
unused_args = false

-- The stubs make what is there in Kong, out of what the test has.
files["spec/stubs"] = { globals = { "host", "kong", "ngx" } }
