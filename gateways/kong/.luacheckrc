std = "ngx_lua"
read_globals = { "kong" }
max_line_length = 100
unused_args = false
