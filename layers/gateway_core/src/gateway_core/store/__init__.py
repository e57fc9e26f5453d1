"""What all instances share, and the rules by which it changes. Pure; `adapters/upstash` does the same in Lua."""
